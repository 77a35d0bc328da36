import { defineRelations, sql } from 'drizzle-orm';
import {
  type AnyPgColumn,
  check,
  foreignKey,
  integer,
  pgSchema,
  primaryKey,
  text,
  unique,
} from 'drizzle-orm/pg-core';
import fc from 'fast-check';
import type { Model } from '../../shared/model/types.js';
import { readModel } from '../../src/model/read.js';

/** A random schema, as data: what Rivulet gets of it as Drizzle tables, and its oracle as SQL. */
export interface World {
  readonly tables: readonly WorldTable[];
}

export interface WorldTable {
  readonly name: string;
  readonly key: readonly string[];
  readonly columns: readonly WorldColumn[];
  readonly references: readonly Reference[];
  readonly relations: readonly WorldRelation[];
  readonly isUnique: boolean;
  readonly isChecked: boolean;
  /** A BEFORE trigger replaces `n` by 1 where `s` is `c`. */
  readonly hasTrigger: boolean;
}

export interface WorldColumn {
  readonly name: string;
  readonly type: 'integer' | 'text';
  readonly kind: 'key' | 'reference' | 'plain' | 'default' | 'generated';
}

export interface Reference {
  readonly column: string;
  readonly target: string;
  readonly constraint: 'none' | 'no action' | 'cascade' | 'set null';
  /** Its column's rule is `references: 'any'`. */
  readonly isFree: boolean;
}

export interface WorldRelation {
  readonly name: string;
  readonly target: string;
  readonly kind: 'one' | 'many';
  readonly from: string;
  readonly to: string;
  readonly through?: { readonly table: string; readonly from: string; readonly to: string };
}

export type Draw = <T>(arbitrary: fc.Arbitrary<T>) => T;

const KEYS = ['id'];

/** Two or three tables that refer to each other and to themselves, and a junction between two of them. */
export function drawWorld(draw: Draw): World {
  const names = draw(fc.constantFrom(['alpha', 'beta'], ['alpha', 'beta', 'gamma']));
  const plain = names.map((name) => drawTable(draw, name, names));
  const ends = [draw(fc.constantFrom(...names)), draw(fc.constantFrom(...names))] as const;
  const tables = [...plain, junction(draw, ends)];
  return { tables: tables.map((table) => ({ ...table, relations: relationsOf(table, tables, ends) })) };
}

function drawTable(draw: Draw, name: string, names: readonly string[]): WorldTable {
  const references = ['r', 'q'].slice(0, draw(fc.integer({ min: 1, max: 2 }))).map((column) => ({
    column,
    target: draw(fc.constantFrom(...names)),
    constraint: draw(fc.constantFrom('none', 'no action', 'cascade', 'set null' as const)),
    isFree: draw(fc.boolean()),
  }));
  const columns: WorldColumn[] = [
    { name: 'id', type: 'integer', kind: 'key' },
    { name: 'n', type: 'integer', kind: 'plain' },
    { name: 's', type: 'text', kind: 'plain' },
    { name: 'd', type: 'integer', kind: 'default' },
    ...references.map(({ column }): WorldColumn => ({ name: column, type: 'integer', kind: 'reference' })),
  ];
  if (draw(fc.integer({ min: 0, max: 3 })) === 0)
    columns.push({ name: 'g', type: 'integer', kind: 'generated' });
  return {
    name,
    key: KEYS,
    columns,
    references,
    relations: [],
    isUnique: draw(fc.boolean()),
    isChecked: draw(fc.boolean()),
    hasTrigger: draw(fc.integer({ min: 0, max: 3 })) === 0,
  };
}

function junction(draw: Draw, [left, right]: readonly [string, string]): WorldTable {
  const end = (column: string, target: string): Reference => ({
    column,
    target,
    constraint: draw(fc.constantFrom('none', 'cascade')),
    isFree: draw(fc.boolean()),
  });
  return {
    name: 'pairings',
    key: ['a', 'b'],
    columns: [
      { name: 'a', type: 'integer', kind: 'key' },
      { name: 'b', type: 'integer', kind: 'key' },
      { name: 'n', type: 'integer', kind: 'plain' },
      { name: 's', type: 'text', kind: 'plain' },
    ],
    references: [end('a', left), end('b', right)],
    relations: [],
    isUnique: false,
    isChecked: false,
    hasTrigger: false,
  };
}

/** Both ways of every reference, and through the junction in both directions. */
function relationsOf(
  table: WorldTable,
  tables: readonly WorldTable[],
  [left, right]: readonly [string, string],
): readonly WorldRelation[] {
  const found: WorldRelation[] = table.references.map(({ column, target }) => ({
    name: `${column}One`,
    target,
    kind: 'one',
    from: column,
    to: 'id',
  }));
  for (const other of tables) {
    for (const { column, target } of other.references) {
      if (target !== table.name) continue;
      found.push({
        name: `${other.name}By${column}`,
        target: other.name,
        kind: 'many',
        from: 'id',
        to: column,
      });
    }
  }
  const through = (name: string, from: string, to: string, target: string) =>
    found.push({
      name,
      target,
      kind: 'many',
      from: 'id',
      to: 'id',
      through: { table: 'pairings', from, to },
    });
  if (table.name === left) through('rights', 'a', 'b', right);
  if (table.name === right) through('lefts', 'b', 'a', left);
  return found;
}

/** The world as Rivulet reads it: Drizzle tables in `schema`, and relations. */
export function modelOf(world: World, schema: string): Model {
  const made: Record<string, Record<string, AnyPgColumn> & { _: unknown }> = {};
  const place = pgSchema(schema);
  for (const table of world.tables) {
    const columns = Object.fromEntries(table.columns.map((column) => [column.name, drizzleColumn(column)]));
    made[table.name] = place.table(table.name, columns as never, (own) => {
      const self = own as unknown as Record<string, AnyPgColumn>;
      return [
        primaryKey({ columns: table.key.map((name) => self[name]!) as never }),
        ...(table.isUnique ? [unique(`${table.name}_hidden_unique`).on(self.s!)] : []),
        ...(table.isChecked ? [check('hidden_check_name', sql`n < 4`)] : []),
        ...table.references
          .filter(({ constraint }) => constraint !== 'none')
          .map(({ column, target }) =>
            foreignKey({ columns: [self[column]!], foreignColumns: [(made[target] ?? self).id!] as never }),
          ),
      ];
    }) as never;
  }
  const relations = defineRelations(
    made as never,
    ((r: Json) =>
      Object.fromEntries(
        world.tables.map((table) => [
          table.name,
          Object.fromEntries(
            table.relations.map((each) => [each.name, drizzleRelation(r, table.name, each)]),
          ),
        ]),
      )) as never,
  );
  return readModel(relations as never);
}

// Drizzle's builders are typed by the schema, which is random here.
type Json = ReturnType<typeof JSON.parse>;

function drizzleColumn({ name, type, kind }: WorldColumn): unknown {
  if (kind === 'key') return integer(name).notNull();
  if (kind === 'default') return integer(name).default(2);
  if (kind === 'generated') return integer(name).generatedAlwaysAs(sql`n * 2`);
  return type === 'integer' ? integer(name) : text(name);
}

function drizzleRelation(
  r: Json,
  source: string,
  { target, kind, through, ...ends }: WorldRelation,
): unknown {
  const from = r[source][ends.from];
  const to = r[target][ends.to];
  if (!through) return r[kind][target]({ from, to });
  const junction = r[through.table];
  return r.many[target]({
    from: from.through(junction[through.from]),
    to: to.through(junction[through.to]),
  });
}

/** CREATE statements of the tables in `schema`, without rows. */
export function tablesSql(world: World, schema: string): string {
  const parts = world.tables.map((table) => {
    const columns = table.columns.map((column) => {
      const extra = {
        key: ' not null',
        default: ' default 2',
        generated: ' generated always as (n * 2) stored',
      };
      return `${column.name} ${column.type}${extra[column.kind as 'key'] ?? ''}`;
    });
    columns.push(`primary key (${table.key.join(', ')})`);
    if (table.isUnique) columns.push(`constraint ${table.name}_hidden_unique unique (s)`);
    if (table.isChecked) columns.push('constraint hidden_check_name check (n < 4)');
    return `create table ${schema}.${table.name} (${columns.join(', ')});`;
  });
  for (const table of world.tables) {
    for (const { column, target, constraint } of table.references) {
      if (constraint === 'none') continue;
      parts.push(
        `alter table ${schema}.${table.name} add foreign key (${column}) references ${schema}.${target} on delete ${constraint};`,
      );
    }
    if (!table.hasTrigger) continue;
    parts.push(
      `create trigger t before insert or update on ${schema}.${table.name} for each row execute function public.rewrite();`,
    );
  }
  return parts.join('\n');
}

/** Three rows of each table, without rows that refer to missing ones, as SQL. */
export function drawRowsSql(draw: Draw, world: World, schema: string): string {
  const rows = world.tables.map((table) => drawRows(draw, table));
  const inserts = world.tables.map(({ name }, at) =>
    rows[at]!.map((row) => {
      const values = Object.values(row).map((value) =>
        typeof value === 'string' ? `'${value}'` : String(value),
      );
      return `insert into ${schema}.${name} (${Object.keys(row).join(', ')}) values (${values.join(', ')});`;
    }).join(' '),
  );
  return `set session_replication_role = replica; ${inserts.join(' ')} set session_replication_role = origin;`;
}

function drawRows(draw: Draw, table: WorldTable): readonly Record<string, unknown>[] {
  const texts = table.isUnique
    ? ['a', 'b', null]
    : [0, 1, 2].map(() => draw(fc.constantFrom('a', 'b', null)));
  const isJunction = table.key.length > 1;
  return [1, 2, 3].map((id, index) => {
    const row: Record<string, unknown> = isJunction
      ? { a: id, b: draw(fc.integer({ min: 1, max: 3 })) }
      : { id };
    row.n = draw(fc.option(fc.integer({ min: 0, max: 3 })));
    row.s = texts[index];
    if (isJunction) return row;
    row.d = draw(fc.option(fc.integer({ min: 1, max: 3 })));
    for (const { column } of table.references) row[column] = draw(fc.option(fc.integer({ min: 1, max: 3 })));
    return row;
  });
}
