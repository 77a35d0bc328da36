import type { DocumentNode } from 'graphql';
import type { ModelTable } from '../../../shared/model/types.js';
import type { ChangeOp } from '../../../shared/protocol/messages.js';
import type { RowFields } from '../cache.js';
import { type DocumentVariables, readOperation } from '../live/document.js';
import type { ReadChange } from '../read-message.js';
import { checkKey, type ReadRow, readImage, readRow } from '../read-row.js';
import { isObject, keyOfRow } from '../row.js';
import type { ClientSchema } from '../schema.js';
import type { MessagePlace } from '../untrusted-input.js';
import type { ChangeReport, ReportedMessage } from './change-reports.js';
import { columnNames, renamed } from './read-change-reports.js';

/** A mutation field of the schema. */
export interface MutationEffect {
  readonly table: ModelTable;
  readonly does: 'create' | 'update' | 'delete';
}

/** By name: `createTask`, `updateTasks`, … */
export function mutationFields(schema: ClientSchema): ReadonlyMap<string, MutationEffect> {
  const fields = new Map<string, MutationEffect>();
  for (const { name, fields: names } of schema.manifest.tables) {
    const table = schema.model.table(name);
    for (const does of ['create', 'update', 'delete'] as const) {
      for (const each of [names.one, names.many]) fields.set(`${does}${upperFirst(each)}`, { table, does });
    }
  }
  return fields;
}

/**
 * Reads the result of a mutation; `undefined` if it contains nothing of the schema's tables.
 *
 * Only the columns in `set` of an update count as changed. Columns that a trigger changed are known
 * only if a stream reports them.
 */
export function readMutation(
  schema: ClientSchema,
  fields: ReadonlyMap<string, MutationEffect>,
  document: DocumentNode,
  variables: DocumentVariables,
  data: unknown,
  mutationId: string | null,
): ChangeReport | undefined {
  const operation = readOperation(document, variables, 'mutation');
  if (!operation || !isObject(data)) return undefined;
  const messages: ReportedMessage[] = [];
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
  { table, does }: MutationEffect,
  args: DocumentVariables,
  rows: readonly RowFields[],
): ReportedMessage | undefined {
  const at: MessagePlace = { path: 'answer', depth: 0, maxDepth: 8 };
  const id = typeof args.id === 'string' || typeof args.id === 'number' ? String(args.id) : undefined;
  const set: RowFields = does === 'update' && isObject(args.set) ? args.set : {};
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

function gone(key: string, previous: RowFields | null): ReadChange {
  return { kind: 'LEAVE', op: 'DELETE', key, node: null, previous, changed: null };
}

function upperFirst(name: string): string {
  return name.charAt(0).toUpperCase() + name.slice(1);
}
