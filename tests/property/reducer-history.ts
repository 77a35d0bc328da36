import fc from 'fast-check';
import type { Link } from '../../shared/protocol/messages.js';
import type { SelectedChange, SelectedMessage, SelectedRelated } from '../../shared/protocol/selected.js';
import { model } from '../unit/client/blog.js';
import { type Database, keyOf, matches, type Query, type Row, related, TABLES } from './reducer-oracle.js';

type Cell = Row[string];

/** One statement: which table, which row, and numbers from which its values are taken. */
export interface Statement {
  readonly kind: 'insert' | 'update' | 'delete';
  readonly table: string;
  readonly pick: number;
  readonly column: number;
  readonly values: readonly number[];
}

export const statements: fc.Arbitrary<Statement> = fc.record({
  kind: fc.constantFrom('insert', 'insert', 'update', 'update', 'update', 'delete'),
  table: fc.constantFrom(
    'persons',
    'profiles',
    'posts',
    'posts',
    'posts',
    'comments',
    'tags',
    'labels',
    'postLabels',
    'postLabels',
    'follows',
  ),
  pick: fc.nat(20),
  column: fc.nat(20),
  values: fc.array(fc.nat(20), { minLength: 8, maxLength: 8 }),
});

export const EMPTY: Database = new Map(TABLES.map((table) => [table, new Map<string, Row>()]));

/** Foreign keys, with what the database does to rows that point at a row that goes. */
const REFERENCES: Readonly<Record<string, Readonly<Record<string, readonly [string, 'cascade' | 'null']>>>> =
  {
    persons: { bossId: ['persons', 'null'] },
    profiles: { personId: ['persons', 'cascade'] },
    posts: { authorId: ['persons', 'cascade'], reviewerId: ['persons', 'null'] },
    comments: { postId: ['posts', 'cascade'] },
    tags: { postId: ['posts', 'cascade'] },
    labels: {},
    postLabels: { postId: ['posts', 'cascade'], labelId: ['labels', 'cascade'] },
    follows: { fromId: ['persons', 'cascade'], toId: ['persons', 'cascade'] },
  };

const NAMES = ['test', 'draft', 'LOUD', 'good', 'aloud', 'b'];

/** The database after the statements, as one transaction; a statement that a constraint refuses does nothing. */
export function run(database: Database, transaction: readonly Statement[]): Database {
  const tables = new Map([...database].map(([name, rows]) => [name, new Map(rows)]));
  for (const statement of transaction) runOne(tables, statement);
  return tables;
}

type Tables = Map<string, Map<string, Row>>;

function runOne(tables: Tables, { kind, table, pick, column, values }: Statement): void {
  const rows = tables.get(table)!;
  const keys = [...rows.keys()];
  if (kind === 'insert') {
    const row = makeRow(tables, table, values);
    if (row && isAllowed(tables, table, row, null)) rows.set(keyOf(table, row), row);
    return;
  }
  const key = keys[pick % Math.max(1, keys.length)];
  if (key === undefined) return;
  if (kind === 'delete') {
    remove(tables, table, key);
    return;
  }
  const changeable = model.table(table).columns.filter(({ isKey }) => !isKey);
  const chosen = changeable[column % Math.max(1, changeable.length)];
  if (!chosen) return;
  const row = { ...rows.get(key)!, [chosen.name]: cellOf(tables, table, chosen.name, values[0]!) };
  if (isAllowed(tables, table, row, key)) rows.set(key, row);
}

function makeRow(tables: Tables, table: string, values: readonly number[]): Row | undefined {
  const row: Record<string, Cell> = {};
  for (const [at, { name, isKey }] of model.table(table).columns.entries()) {
    if (name === 'id') row.id = nextId(tables, table, values[7]!);
    else row[name] = cellOf(tables, table, name, values[at]!);
    if (isKey && row[name] === null) return undefined;
  }
  return tables.get(table)!.has(keyOf(table, row)) ? undefined : row;
}

/** Ids are never given twice, and need not be in order. */
function nextId(tables: Tables, table: string, value: number): string {
  const used = tables.get(table)!;
  let id = 1 + value * 3;
  while (used.has(String(id))) id += 7;
  return String(id);
}

function cellOf(tables: Tables, table: string, name: string, value: number): Cell {
  const reference = REFERENCES[table]![name];
  if (reference) {
    const keys = [...tables.get(reference[0])!.keys()];
    return value % 5 === 0 ? null : (keys[value % Math.max(1, keys.length)] ?? null);
  }
  switch (name) {
    case 'rank':
      return value % 4 === 0 ? null : value % 6;
    case 'mood':
      return value % 3 === 0 ? null : value % 3 === 1 ? 'in_doubt' : 'glad';
    case 'pinned':
      return value % 2 === 0;
    case 'writtenAt':
      return `2026-01-0${1 + (value % 5)}T00:00:00Z`;
    default:
      return value % 7 === 0 ? null : NAMES[value % NAMES.length]!;
  }
}

/** A profile is one person's only one. */
function isAllowed(tables: Tables, table: string, row: Row, key: string | null): boolean {
  if (table !== 'profiles' || row.personId === null) return true;
  return [...tables.get(table)!.values()].every(
    (other) => other.personId !== row.personId || other.id === key,
  );
}

function remove(tables: Tables, table: string, key: string): void {
  tables.get(table)!.delete(key);
  for (const [from, columns] of Object.entries(REFERENCES)) {
    for (const [name, [target, action]] of Object.entries(columns)) {
      if (target !== table) continue;
      for (const [other, row] of tables.get(from)!) {
        if (row[name] !== key) continue;
        if (action === 'cascade') remove(tables, from, other);
        else tables.get(from)!.set(other, { ...row, [name]: null });
      }
    }
  }
}

/** How much of a change the subscription selected. */
export interface Selected {
  readonly previous: boolean;
  readonly changedColumns: boolean;
  /** Columns that were left out of the rows. */
  readonly dropped: readonly string[];
}

/** The net change of every row, as streams of all tables send it. */
export function plainChanges(
  before: Database,
  after: Database,
  selected: Selected,
): Readonly<Record<string, SelectedMessage>> {
  const data: Record<string, SelectedMessage> = {};
  for (const table of TABLES) {
    const old = before.get(table)!;
    const now = after.get(table)!;
    const keys = new Set([...old.keys(), ...now.keys()]);
    const changes = [...keys].flatMap((key) => {
      const change = changeOf(table, key, old.get(key), now.get(key), selected);
      return change ? [change] : [];
    });
    if (changes.length > 0) data[`${model.table(table).fields.one}Changes`] = { changes };
  }
  return data;
}

function changeOf(
  table: string,
  key: string,
  old: Row | undefined,
  now: Row | undefined,
  selected: Selected,
): SelectedChange | undefined {
  const previous = selected.previous && old ? { previous: without(imageOf(old), selected.dropped) } : {};
  if (!now) return old && { kind: 'LEAVE', op: 'DELETE', key, node: null, ...previous };
  const node = { ...without(now, selected.dropped), id: keyOf(table, now) };
  if (!old) return { kind: 'ENTER', op: 'INSERT', key, node };
  const changed = Object.keys(now).filter((name) => now[name] !== old[name]);
  if (changed.length === 0) return undefined;
  const columns = selected.changedColumns ? { changedColumns: changed } : {};
  return { kind: 'UPDATE', op: 'UPDATE', key, node, ...previous, ...columns };
}

function without(row: Row, names: readonly string[]): Row {
  return Object.fromEntries(Object.entries(row).filter(([name]) => !names.includes(name)));
}

function imageOf({ id: _, ...columns }: Row): Readonly<Record<string, Cell>> {
  return columns;
}

/** What a stream with related scopes sends, for a query whose lists have no windows: computed by looking at both databases. */
export function graphChanges(
  before: Database,
  after: Database,
  table: string,
  query: Query,
  sendsAll: boolean,
): SelectedMessage {
  const inScope = (database: Database) =>
    new Set(
      [...database.get(table)!].filter(([, row]) => matches(row, query.where ?? {})).map(([key]) => key),
    );
  const sets = { before: inScope(before), after: inScope(after) };
  return {
    table,
    changes: scopeChanges(before, after, table, sets, query),
    related: relatedScopes(before, after, table, sets, query, sendsAll),
  };
}

interface Sets {
  readonly before: ReadonlySet<string>;
  readonly after: ReadonlySet<string>;
}

function scopeChanges(
  before: Database,
  after: Database,
  table: string,
  sets: Sets,
  query: Query,
): readonly SelectedChange[] {
  const changes: SelectedChange[] = [];
  for (const key of new Set([...sets.before, ...sets.after])) {
    const old = before.get(table)!.get(key);
    const now = after.get(table)!.get(key);
    if (!sets.after.has(key)) {
      changes.push({ kind: 'LEAVE', op: now ? null : 'DELETE', key, node: null });
      continue;
    }
    const node: Record<string, unknown> = {};
    for (const name of query.columns) node[name] = name === 'id' ? key : now![name];
    const same = old && Object.keys(now!).every((name) => now![name] === old[name]);
    const op = !old ? 'INSERT' : same ? null : 'UPDATE';
    if (!sets.before.has(key)) changes.push({ kind: 'ENTER', op, key, node });
    else if (!same) changes.push({ kind: 'UPDATE', op, key, node });
  }
  return changes;
}

function relatedScopes(
  before: Database,
  after: Database,
  table: string,
  parents: Sets,
  query: Query,
  sendsAll: boolean,
): Readonly<Record<string, SelectedRelated>> {
  const scopes: Record<string, SelectedRelated> = {};
  for (const [name, inner] of Object.entries(query.with)) {
    const { target } = model.table(table).findRelation(name)!;
    const pairsBefore = pairsOf(before, table, name, parents.before, inner);
    const pairsAfter = pairsOf(after, table, name, parents.after, inner);
    const links: Link[] = [];
    for (const [id, [parent, child]] of pairsAfter) {
      if (!pairsBefore.has(id)) links.push({ kind: 'ENTER', parent, child });
    }
    for (const [id, [parent, child]] of pairsBefore) {
      // Of a parent that left, the pairs may be sent or not.
      if (!pairsAfter.has(id) && (sendsAll || parents.after.has(parent))) {
        links.push({ kind: 'LEAVE', parent, child });
      }
    }
    const sets = { before: childrenOf(pairsBefore), after: childrenOf(pairsAfter) };
    scopes[name] = {
      changes: scopeChanges(before, after, target, sets, inner),
      links,
      related: relatedScopes(before, after, target, sets, inner, sendsAll),
    };
  }
  return scopes;
}

type Pairs = ReadonlyMap<string, readonly [string, string]>;

function pairsOf(
  database: Database,
  table: string,
  name: string,
  parents: ReadonlySet<string>,
  query: Query,
): Pairs {
  const relation = model.table(table).findRelation(name)!;
  const pairs = new Map<string, readonly [string, string]>();
  for (const parent of parents) {
    for (const row of related(database, relation, database.get(table)!.get(parent)!)) {
      if (!matches(row, query.where ?? {})) continue;
      const child = keyOf(relation.target, row);
      pairs.set(`${parent} ${child}`, [parent, child]);
    }
  }
  return pairs;
}

function childrenOf(pairs: Pairs): ReadonlySet<string> {
  return new Set([...pairs.values()].map(([, child]) => child));
}
