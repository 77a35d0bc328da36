import type { ModelColumn, ModelTable } from '../../../shared/model/types.js';
import type { Link } from '../../../shared/protocol/messages.js';
import type {
  ChangeSpec,
  RelatedMessage,
  RelatedMessages,
  RelatedSpec,
  ScopeChange,
  ScopeMessage,
} from './types.js';
import { NOTHING_RELATED } from './types.js';

type Level = Pick<ChangeSpec | RelatedSpec, 'hidden' | 'graph'>;

/**
 * Messages of one scope, one after the other, as one: each row has at most one change, the net
 * effect, and each link at most one. Whoever applies it has what it would have after applying them
 * all. Cursor and transaction are those of the last; what came before a reset is gone. `null` where
 * nothing is left to tell.
 */
export function coalesce(spec: Level, messages: readonly ScopeMessage[]): ScopeMessage | null {
  const last = messages.at(-1);
  if (!last) return null;
  const from = Math.max(
    0,
    messages.findLastIndex(({ reset }) => reset !== null),
  );
  const told = messages.slice(from);
  const changes = mergeChanges(
    spec,
    told.map((message) => message.changes),
  );
  const related = mergeRelated(
    spec,
    told.map((message) => message.related),
  );
  const reset = told[0]!.reset;
  if (reset === null && changes.length === 0 && related.size === 0) return null;
  return { cursor: last.cursor, reset, transaction: last.transaction, changes, related };
}

function mergeChanges({ hidden }: Level, messages: readonly (readonly ScopeChange[])[]) {
  const merged = new Map<string, ScopeChange>();
  for (const changes of messages) {
    for (const next of changes) {
      const before = merged.get(next.key);
      // The newest change comes last in the message, in case the order matters to the client.
      if (before) merged.delete(next.key);
      const change = before ? mergeChange(before, next, hidden) : next;
      if (change) merged.set(next.key, change);
    }
  }
  return [...merged.values()];
}

/**
 * Merges by whether the subscriber had the row before the first change, and has it after the last.
 */
function mergeChange(
  first: ScopeChange,
  next: ScopeChange,
  hidden: ReadonlySet<ModelColumn>,
): ScopeChange | null {
  const hadIt = first.kind !== 'ENTER';
  const { node } = next;
  if (node === null)
    return hadIt ? { ...next, previous: next.op === 'DELETE' ? first.previous : null } : null;
  if (!hadIt) return { ...first, node };
  const changedColumns = changedIn(first, next, node.table, hidden);
  const { previous } = first;
  if (
    previous !== null &&
    changedColumns.length === 0 &&
    previous.every((cell, at) => cell === node.cells[at])
  ) {
    return null;
  }
  return { kind: 'UPDATE', op: 'UPDATE', key: next.key, node, previous, changedColumns };
}

function changedIn(
  first: ScopeChange,
  next: ScopeChange,
  table: ModelTable,
  hidden: ReadonlySet<ModelColumn>,
): readonly ModelColumn[] {
  const { previous } = first;
  if (previous !== null) {
    return table.columns.filter(
      (column) => !hidden.has(column) && previous[column.index] !== next.node!.cells[column.index],
    );
  }
  // It left without a word of what it was: any column may have changed.
  if (first.kind === 'LEAVE') return table.columns.filter((column) => !hidden.has(column));
  const both = new Set([...first.changedColumns, ...next.changedColumns]);
  return table.columns.filter((column) => both.has(column));
}

function mergeRelated({ graph }: Level, messages: readonly RelatedMessages[]): RelatedMessages {
  let merged: Map<string, RelatedMessage> | null = null;
  for (const spec of graph) {
    const told = messages.flatMap((message) => message.get(spec.responseKey) ?? []);
    if (told.length === 0) continue;
    const changes = mergeChanges(
      spec,
      told.map((message) => message.changes),
    );
    const links = mergeLinks(told.map((message) => message.links));
    const related = mergeRelated(
      spec,
      told.map((message) => message.related),
    );
    if (changes.length + links.length + related.size === 0) continue;
    merged ??= new Map();
    merged.set(spec.responseKey, { changes, links, related });
  }
  return merged ?? NOTHING_RELATED;
}

function mergeLinks(messages: readonly (readonly Link[])[]): readonly Link[] {
  const merged = new Map<string, Link>();
  for (const links of messages) {
    for (const link of links) {
      const id = JSON.stringify([link.parent, link.child]);
      const before = merged.get(id);
      // A link that began and ended, or ended and began again, is as it was.
      if (before && before.kind !== link.kind) merged.delete(id);
      else merged.set(id, link);
    }
  }
  const all = [...merged.values()];
  return [...all.filter(({ kind }) => kind === 'LEAVE'), ...all.filter(({ kind }) => kind === 'ENTER')];
}
