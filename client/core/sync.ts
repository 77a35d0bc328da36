import { RivuletError } from '../../shared/errors.js';
import type { Manifest } from '../../shared/manifest/types.js';
import type { ModelTable } from '../../shared/model/types.js';
import type { ChangeInput } from '../../shared/protocol/selected.js';
import type { ListArgs } from './cache.js';
import type { FetchNeed } from './fetch-needs.js';
import { NestedRelationIndex } from './nested-relations.js';
import { readMessages } from './read-message.js';
import { reduce } from './reduce.js';
import { isObject } from './row.js';
import { type ClientSchema, isClientSchema, readManifest } from './schema.js';
import { checkShape, checkSyncOptions } from './sync-options.js';
import { TreeCache } from './tree-cache.js';
import type { ListShape } from './tree-shape.js';
import { needsOfUnread } from './unread-fields.js';

/**
 * The query of the value. `where`, `orderBy`, `limit`, `offset` are those of the value, if it is a
 * list; `with` has those of the lists below, by relation. A change stream with `related` scopes is
 * taken to have been asked for with the same `where`s.
 */
export interface SyncOptions extends ListShape {
  /** Or what `readManifest` made of it, which is quicker where it is used again. */
  readonly manifest: Manifest | ClientSchema;
  /**
   * Drizzle's key of the table of the value's rows. Default: by their `__typename`; for `null` and
   * `[]` the table of the changes.
   */
  readonly table?: string;
  /**
   * The `id` for which a value of one row was asked: where it is `null`, only this row fills it.
   */
  readonly id?: string;
  /**
   * The rows that a stream of the value's own table follows: the `value`, with its `where` (the
   * default), or the whole `table`, so that `where` decides. Streams of other tables are taken to
   * bring every change of them that may be seen.
   */
  readonly follows?: 'value' | 'table';
}

export interface SyncResult<Value> {
  readonly value: Value;
  readonly needs: readonly FetchNeed[];
}

/**
 * The value as it is after the changes: in every place where it shows a row, through every relation
 * that it has loaded.
 *
 * `value` is a row, a list of rows, or `null`, as a GraphQL answer has it (relations and columns
 * under their own names); scalars are returned as they are. The input is never written to. What did
 * not change is the same object, and without any change so is the whole. The same changes again
 * change nothing but where a need was reported. Relations that are not loaded stay so. What cannot
 * be decided here is not guessed: `syncWithNeeds` reports it.
 *
 * Every message names its table: pass the `data` of a subscription, a message with its
 * `__typename`, or a message of the server API.
 *
 * Throws, before anything is applied: `OPTIONS_INVALID` with all that is wrong with the options;
 * `MESSAGE_INVALID` on changes that no server of this schema sends; `TABLE_UNKNOWN` where a message
 * or the value names no table, or one that the manifest lacks; and the errors of filters and orders
 * where the options have such.
 */
export function sync<Value>(value: Value, changes: ChangeInput, options: SyncOptions): Value {
  return syncWithNeeds(value, changes, options).value;
}

/** As `sync`; and what has to be fetched from the server. */
export function syncWithNeeds<Value>(
  value: Value,
  changes: ChangeInput,
  options: SyncOptions,
): SyncResult<Value> {
  checkSyncOptions(options);
  if (typeof value !== 'object') return { value, needs: [] };
  const schema = isClientSchema(options.manifest) ? options.manifest : readManifest(options.manifest);
  const ownTable = tableOfValue(schema, value, options.table);
  const transactions = readMessages(schema, changes);
  let current: unknown = value;
  const needs: FetchNeed[] = [];
  for (const messages of transactions) {
    if (messages.length === 0) continue;
    const table = ownTable ?? (isEmpty(current) ? messages[0]!.root.table : undefined);
    if (!table) {
      if (!hasObject(current)) break;
      throw new RivuletError(
        'TABLE_UNKNOWN',
        'The rows of the value have no `__typename` of this schema: set `table`.',
      );
    }
    checkShape(schema, table, options);
    const cache = new TreeCache(schema, table, current, options, new NestedRelationIndex(messages));
    needs.push(...needsOfUnread(schema, cache.unread, messages));
    if (!cache.isReadable) continue;
    const found = reduce(schema, cache, messages, {
      follows: options.follows ?? 'value',
      argsAt: (root, path) => (root === table.name ? argsAt(options, path) : NO_ARGS),
      id: options.id,
    });
    needs.push(...found);
    current = cache.value();
  }
  return { value: current as Value, needs: distinct(needs) };
}

function tableOfValue(
  schema: ClientSchema,
  value: unknown,
  name: string | undefined,
): ModelTable | undefined {
  if (name !== undefined) {
    const table = schema.model.find(name);
    if (!table) throw new RivuletError('TABLE_UNKNOWN', `The manifest has no table ${name}.`);
    return table;
  }
  const rows: readonly unknown[] = Array.isArray(value) ? value : [value];
  const typeName = rows.filter(isObject).find((row) => Object.hasOwn(row, '__typename'))?.__typename;
  return typeof typeName === 'string' ? schema.byTypeName(typeName) : undefined;
}

function isEmpty(value: unknown): boolean {
  return value === null || (Array.isArray(value) && value.length === 0);
}

function hasObject(value: unknown): boolean {
  return (Array.isArray(value) ? value : [value]).some(isObject);
}

const NO_ARGS: ListArgs = Object.freeze({});

function argsAt(shape: ListShape, path: readonly string[]): ListArgs {
  let current: ListShape | undefined = shape;
  for (const name of path) {
    current = current?.with && Object.hasOwn(current.with, name) ? current.with[name] : undefined;
  }
  return current ?? NO_ARGS;
}

function distinct(needs: readonly FetchNeed[]): readonly FetchNeed[] {
  return [...new Map(needs.map((need) => [JSON.stringify(need), need])).values()];
}
