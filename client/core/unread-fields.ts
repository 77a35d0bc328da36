import type { ModelTable } from '../../shared/model/types.js';
import type { FetchNeed } from './fetch-needs.js';
import type { ReadMessage, ReadScope } from './read-message.js';
import type { ReadRow } from './read-row.js';
import { isObject } from './row.js';
import type { ClientSchema } from './schema.js';
import type { TreeField } from './tree-place.js';

/**
 * The needs of fields that cannot be followed because they contain something that is no row of
 * their table: each field that shows an object has to be fetched again, once a transaction concerns
 * a table that it shows or depends on.
 */
export function needsOfUnread(
  schema: ClientSchema,
  fields: readonly TreeField[],
  messages: readonly ReadMessage[],
): readonly FetchNeed[] {
  if (fields.length === 0) return [];
  const changed = new Set<string>();
  let isReset = false;
  for (const { reset, root } of messages) {
    isReset ||= reset !== null;
    addScope(changed, root);
  }
  return fields
    .filter((field) => isReset || [...tablesOf(schema, field)].some((table) => changed.has(table)))
    .map(({ parent, relation }) => ({
      kind: 'refetch',
      field: { parent, relation: relation?.name ?? null },
    }));
}

function addScope(tables: Set<string>, scope: ReadScope): void {
  const { relation, table, changes, links, related } = scope;
  if (changes.length > 0) tables.add(table.name);
  for (const { node } of changes) if (node) addRow(tables, node);
  if (relation && links && links.length > 0) {
    tables.add(table.name);
    if (relation.through) tables.add(relation.through.table);
  }
  for (const inner of related) addScope(tables, inner);
}

function addRow(tables: Set<string>, row: ReadRow): void {
  tables.add(row.table.name);
  for (const rows of row.related.values()) for (const each of rows) addRow(tables, each);
}

/** The tables that decide what the field shows; none for a field that shows nothing but scalars. */
function tablesOf(schema: ClientSchema, field: TreeField): ReadonlySet<string> {
  const tables = new Set<string>();
  const isShown = addShown(schema, schema.model.table(field.table), field.source, tables);
  if (!isShown) return new Set();
  const { relation } = field;
  if (relation) tables.add(relation.source);
  if (relation?.through) tables.add(relation.through.table);
  return tables;
}

/** Adds the tables of what is shown, as deep as relations go; false where nothing is an object. */
function addShown(schema: ClientSchema, table: ModelTable, value: unknown, tables: Set<string>): boolean {
  if (Array.isArray(value)) {
    return value.map((item) => addShown(schema, table, item, tables)).includes(true);
  }
  if (!isObject(value)) return false;
  tables.add(table.name);
  for (const relation of table.relations) {
    if (!Object.hasOwn(value, relation.name)) continue;
    if (relation.through) tables.add(relation.through.table);
    addShown(schema, schema.model.table(relation.target), value[relation.name], tables);
  }
  return true;
}
