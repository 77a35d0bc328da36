import type { DocumentNode } from 'graphql';
import type { ModelTable } from '../../../src/manifest/model.js';
import type { Fields } from '../cache.js';
import { readOperation, type Variables } from '../live/document.js';
import type { ChangeOp } from '../messages.js';
import type { ReadChange } from '../read-message.js';
import { checkKey, type ReadRow, readImage, readRow } from '../read-row.js';
import { isObject, keyOfRow } from '../row.js';
import type { ClientSchema } from '../schema.js';
import type { At } from '../untrusted.js';
import { columnNames, renamed } from './read-told.js';
import type { Told, ToldMessage } from './told.js';

/** A mutation field of the schema. */
export interface MutationField {
  readonly table: ModelTable;
  readonly does: 'create' | 'update' | 'delete';
}

/** By name: `createTask`, `updateTasks`, … */
export function mutationFields(schema: ClientSchema): ReadonlyMap<string, MutationField> {
  const fields = new Map<string, MutationField>();
  for (const { name, fields: names } of schema.manifest.tables) {
    const table = schema.model.table(name);
    for (const does of ['create', 'update', 'delete'] as const) {
      for (const each of [names.one, names.many]) fields.set(`${does}${upperFirst(each)}`, { table, does });
    }
  }
  return fields;
}

/**
 * What the answer of a mutation says; `undefined` where it says nothing of the schema's tables.
 *
 * Of an update, the columns in `set` count as changed and no others: what else a trigger changed is known only where a stream tells it.
 */
export function readMutation(
  schema: ClientSchema,
  fields: ReadonlyMap<string, MutationField>,
  document: DocumentNode,
  variables: Variables,
  data: unknown,
  mutationId: string | null,
): Told | undefined {
  const operation = readOperation(document, variables, 'mutation');
  if (!operation || !isObject(data)) return undefined;
  const messages: ToldMessage[] = [];
  const unknown = new Set<string>();
  for (const [responseKey, nodes] of operation.fields('Mutation', [operation.node.selectionSet])) {
    const field = fields.get(nodes[0]!.name.value);
    if (!field) continue;
    const names = columnNames(operation, field.table, nodes);
    const value = data[responseKey];
    const rows = (Array.isArray(value) ? value : [value]).filter(isObject).map((row) => renamed(row, names));
    const message = messageOf(schema, field, operation.arguments(nodes[0]!), rows);
    if (message) messages.push(message);
    else unknown.add(field.table.name);
  }
  if (messages.length === 0 && unknown.size === 0) return undefined;
  return { xid: null, cursor: null, mutationId, messages, unknown };
}

/** `undefined` where it cannot be told which rows these are. */
export function messageOf(
  schema: ClientSchema,
  { table, does }: MutationField,
  args: Variables,
  rows: readonly Fields[],
): ToldMessage | undefined {
  const at: At = { path: 'answer', depth: 0, maxDepth: 8 };
  const id = typeof args.id === 'string' || typeof args.id === 'number' ? String(args.id) : undefined;
  const set: Fields = does === 'update' && isObject(args.set) ? args.set : {};
  const movesKeys = table.key.some(({ name }) => Object.hasOwn(set, name));
  if (movesKeys && id === undefined) return undefined;
  const changes: ReadChange[] = [];
  for (const row of rows) {
    const key = keyOfRow(schema, table, row) ?? (movesKeys ? undefined : id);
    if (key === undefined) return undefined;
    checkKey(table, key, at);
    if (movesKeys && id !== key) {
      changes.push(gone(checkKey(table, id, at), null), came(readRow(schema, table, row, at, key), 'UPDATE'));
    } else if (does === 'delete') changes.push(gone(key, readImage(table, row, at)));
    else {
      const node = readRow(schema, table, row, at, key);
      changes.push(does === 'create' ? came(node, 'INSERT') : changed(node, new Set(Object.keys(set))));
    }
  }
  return { reset: null, root: { table, relation: null, args: {}, changes, links: null, related: [] } };
}

function came(node: ReadRow, op: ChangeOp): ReadChange {
  return { kind: 'ENTER', op, key: node.key, node, previous: null, changed: null };
}

function changed(node: ReadRow, columns: ReadonlySet<string>): ReadChange {
  return { kind: 'UPDATE', op: 'UPDATE', key: node.key, node, previous: null, changed: columns };
}

function gone(key: string, previous: Fields | null): ReadChange {
  return { kind: 'LEAVE', op: 'DELETE', key, node: null, previous, changed: null };
}

function upperFirst(name: string): string {
  return name.charAt(0).toUpperCase() + name.slice(1);
}
