import { type AnyRelations, getColumns, is, Many, One } from 'drizzle-orm';
import { getTableConfig, type PgTable } from 'drizzle-orm/pg-core';
import type { ModelColumn, ModelRelation, ModelTable } from '../../shared/model/types.js';
import type { SchemaProblems } from './schema-problems.js';

type Mutable<T> = { -readonly [K in keyof T]: T[K] };

/** One end of a column pair, in Drizzle's builder form. */
interface End {
  readonly _: { readonly tableName: string; readonly key: string };
}

/**
 * Turns Drizzle's relations into the model's and hangs them on their tables; what cannot be served
 * becomes a problem.
 */
export function readRelations(
  relations: AnyRelations,
  tables: ReadonlyMap<string, ModelTable>,
  problems: SchemaProblems,
): void {
  for (const [name, config] of Object.entries(relations)) {
    const source = tables.get(name);
    if (!source) continue;
    const read: ModelRelation[] = [];
    for (const [field, relation] of Object.entries(config.relations)) {
      const place = `${name}.${field}`;
      if (!is(relation, One) && !is(relation, Many)) {
        problems.add('SCHEMA_UNSUPPORTED', place, 'only `one` and `many` relations can be served');
        continue;
      }
      const target = tables.get(relation.targetTableName);
      const throughName = relation.through?.source[0]?._.tableName;
      const through = throughName === undefined ? undefined : tables.get(throughName);
      if (!target || (throughName !== undefined && !through)) {
        problems.add(
          'SCHEMA_UNSUPPORTED',
          place,
          'the relation leads to something that is no table (a view?)',
        );
        continue;
      }
      const where = readWhere(relation);
      if (where !== undefined && hasRaw(where)) {
        problems.add(
          'SCHEMA_UNSUPPORTED',
          place,
          'RAW in the `where` of a relation cannot be evaluated on changes',
        );
        continue;
      }
      read.push(
        Object.freeze({
          name: field,
          kind: relation.relationType,
          source: source.name,
          target: target.name,
          from: columnsOf(source, relation.sourceColumns),
          to: columnsOf(target, relation.targetColumns),
          ...(through && relation.through
            ? {
                through: Object.freeze({
                  table: through.name,
                  from: columnsOf(through, relation.through.source),
                  to: columnsOf(through, relation.through.target),
                }),
              }
            : {}),
          ...(where
            ? {
                where: Object.freeze({
                  on: relation.isFilterReversed ? 'source' : 'target',
                  filter: where,
                } as const),
              }
            : {}),
        }),
      );
    }
    (source as Mutable<ModelTable>).relations = Object.freeze(read);
  }
}

/**
 * By table: the properties of columns that point at a key, through a foreign key or an end of a
 * relation.
 */
export function keyPairs(
  relations: AnyRelations,
  tables: ReadonlyMap<string, PgTable>,
): ReadonlyMap<string, ReadonlySet<string>> {
  const found = new Map<string, Set<string>>();
  const note = (table: string, property: string) => {
    const set = found.get(table) ?? new Set();
    found.set(table, set.add(property));
  };
  for (const [name, table] of tables) {
    const propertyOf = new Map(Object.entries(getColumns(table)).map(([key, { name }]) => [name, key]));
    for (const foreignKey of getTableConfig(table).foreignKeys) {
      const { columns, foreignColumns, foreignTable } = foreignKey.reference();
      const keys = keyNames(foreignTable);
      columns.forEach((column, at) => {
        const property = propertyOf.get(column.name);
        if (property && keys.has(foreignColumns[at]!.name)) note(name, property);
      });
    }
  }
  const isKeyEnd = (end: End) => {
    const table = tables.get(end._.tableName);
    const column = table && getColumns(table)[end._.key];
    return table !== undefined && column !== undefined && keyNames(table).has(column.name);
  };
  const pair = (one: End | undefined, other: End | undefined) => {
    if (!one || !other) return;
    if (isKeyEnd(other)) note(one._.tableName, one._.key);
    if (isKeyEnd(one)) note(other._.tableName, other._.key);
  };
  for (const config of Object.values(relations)) {
    for (const relation of Object.values(config.relations)) {
      if (!is(relation, One) && !is(relation, Many)) continue;
      const { sourceColumns: from, targetColumns: to, through } = relation;
      from.forEach((end, at) => {
        pair(end, through ? through.source[at] : to[at]);
      });
      if (through) {
        to.forEach((end, at) => {
          pair(end, through.target[at]);
        });
      }
    }
  }
  return found;
}

function keyNames(table: PgTable): Set<string> {
  const config = getTableConfig(table);
  const names = new Set(config.columns.filter((column) => column.primary).map((column) => column.name));
  for (const key of config.primaryKeys) for (const column of key.columns) names.add(column.name);
  return names;
}

function columnsOf(table: ModelTable, ends: readonly End[]): readonly ModelColumn[] {
  return Object.freeze(ends.map((end) => table.column(end._.key)));
}

function readWhere(relation: One<string> | Many<string>): Readonly<Record<string, unknown>> | undefined {
  const { where } = relation;
  return typeof where === 'object' && where !== null ? (where as Record<string, unknown>) : undefined;
}

function hasRaw(value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return false;
  if (Array.isArray(value)) return value.some(hasRaw);
  const proto = Object.getPrototypeOf(value);
  if (proto !== Object.prototype && proto !== null) return false;
  return Object.entries(value).some(([key, part]) => key === 'RAW' || hasRaw(part));
}
