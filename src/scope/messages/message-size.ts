import type { RowCells } from '../../../shared/filter/types.js';
import type { Link } from '../../../shared/protocol/messages.js';
import type { RowNode } from '../../query/types.js';
import type { RelatedMessages, ScopeChange, ScopeMessage } from './types.js';

interface Content {
  readonly changes: readonly ScopeChange[];
  readonly links?: readonly Link[];
  readonly related: RelatedMessages;
}

/** A message counts for as many units as it has changes and links, and at least for one. */
export function weightOf(message: ScopeMessage): number {
  return Math.max(1, countOf(message));
}

function countOf({ changes, links, related }: Content): number {
  let count = changes.length + (links?.length ?? 0);
  for (const below of related.values()) count += countOf(below);
  return count;
}

/** Estimated bytes of an object with its fields. */
const OBJECT_BYTES = 100;
const CELL_BYTES = 24;

/**
 * About how much memory a message takes; counted once for each message, however many it waits for.
 */
export class MessageSizes {
  readonly #known = new WeakMap<object, number>();

  readonly bytesOf = (message: ScopeMessage): number => {
    let bytes = this.#known.get(message);
    if (bytes === undefined) {
      bytes = 2 * OBJECT_BYTES + contentBytes(message);
      this.#known.set(message, bytes);
    }
    return bytes;
  };
}

function contentBytes({ changes, links = [], related }: Content): number {
  let bytes = links.length * OBJECT_BYTES;
  for (const { node, previous } of changes) {
    bytes += OBJECT_BYTES + (node ? nodeBytes(node) : 0) + (previous ? cellBytes(previous) : 0);
  }
  for (const below of related.values()) bytes += OBJECT_BYTES + contentBytes(below);
  return bytes;
}

function nodeBytes({ cells, related }: RowNode): number {
  let bytes = OBJECT_BYTES + cellBytes(cells);
  for (const below of related.values()) {
    if (below === null) continue;
    if ('key' in below) bytes += nodeBytes(below);
    else for (const each of below) bytes += nodeBytes(each);
  }
  return bytes;
}

function cellBytes(cells: RowCells): number {
  let bytes = 0;
  for (const cell of cells) bytes += CELL_BYTES + (cell?.length ?? 0);
  return bytes;
}
