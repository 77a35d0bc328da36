import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { FetchNeed } from '../../client/core/fetch-needs.js';
import { type SyncOptions, syncWithNeeds } from '../../client/core/sync.js';
import type { ChangeInput } from '../../shared/protocol/selected.js';
import { propertyOptions } from '../support/property.js';
import { schema } from '../unit/client/blog.js';
import { frozen } from '../unit/client/changes.js';
import { EMPTY, graphChanges, plainChanges, run, type Selected, statements } from './reducer-history.js';
import { type Database, load, loadOne, type Query } from './reducer-oracle.js';
import { type QueryOptions, queries } from './reducer-queries.js';

const TABLES = ['persons', 'posts', 'labels', 'comments'] as const;
type Root = (typeof TABLES)[number];

interface History {
  readonly table: Root;
  readonly query: Query;
  readonly database: Database;
  readonly transactions: readonly Database[];
  readonly selected: Selected;
}

const DROPPABLE = [
  'authorId',
  'reviewerId',
  'postId',
  'labelId',
  'fromId',
  'bossId',
  'rank',
  'name',
  'pinned',
];

/** A query, a filled database, and what it was after each of a few transactions. */
function histories(options: QueryOptions, depth = 2): fc.Arbitrary<History> {
  return fc
    .record({
      table: fc.constantFrom(...TABLES),
      seed: fc.array(statements, { minLength: 30, maxLength: 50 }),
      transactions: fc.array(fc.array(statements, { minLength: 1, maxLength: 5 }), {
        minLength: 1,
        maxLength: 4,
      }),
      selected: fc.record({
        previous: fc.boolean(),
        changedColumns: fc.boolean(),
        dropped: options.allColumns ? fc.constant([]) : fc.subarray(DROPPABLE, { maxLength: 3 }),
      }),
    })
    .chain(({ table, seed, transactions, selected }) =>
      queries(table, depth, options).map((query) => {
        const database = run(EMPTY, seed);
        const states: Database[] = [];
        for (const each of transactions) states.push(run(states.at(-1) ?? database, each));
        return { table, query, database, transactions: states, selected };
      }),
    );
}

/** Applies a transaction as every law wants it: to a frozen value, twice, with what did not change the same. */
function apply(value: unknown, changes: ChangeInput, options: SyncOptions) {
  const result = syncWithNeeds(frozen(value), frozen(changes), options);
  const again = syncWithNeeds(frozen(result.value), changes, options);
  const { table, needs } = { table: options.table!, needs: [...result.needs, ...again.needs] };
  // What has to be fetched is in suspense until it was.
  expect(without(again.value, table, needs)).toEqual(without(result.value, table, needs));
  if (needs.length === 0) expect(again.value === result.value, 'a second time changes nothing').toBe(true);
  expectShared(value, result.value);
  return result;
}

/** What is equal to what stood at the same place is the very same object. */
function expectShared(before: unknown, after: unknown): void {
  if (before === after || typeof before !== 'object' || typeof after !== 'object' || !before || !after)
    return;
  if ((before as { id?: string }).id !== (after as { id?: string }).id) return;
  expect(JSON.stringify(after) === JSON.stringify(before), 'an equal branch is the same object').toBe(false);
  if (Array.isArray(before) && Array.isArray(after)) {
    const old = new Map(before.map((row: { id: string }) => [row.id, row]));
    for (const row of after as { id: string }[]) expectShared(old.get(row.id), row);
    return;
  }
  for (const [name, value] of Object.entries(after))
    expectShared((before as Record<string, unknown>)[name], value);
}

/** The value without what the needs name, so that the rest can be compared. */
function without(value: unknown, table: string, needs: readonly FetchNeed[]): unknown {
  const missing = new Set<string>();
  for (const need of needs) {
    if (need.kind === 'row') missing.add(`${need.entity.table} ${need.entity.key}`);
    else if (need.kind !== 'reset') {
      const { parent, relation } = need.field;
      missing.add(parent ? `${parent.table} ${parent.key} ${relation}` : 'root');
    }
  }
  if (missing.has('root')) return null;
  const prune = (item: unknown, of: string): unknown => {
    if (Array.isArray(item)) return item.map((row) => prune(row, of));
    if (typeof item !== 'object' || item === null) return item;
    const row = item as Record<string, unknown>;
    const name = `${of} ${String(row.id)}`;
    if (missing.has(name)) return { id: row.id };
    const relations = schema.model.table(of).relations;
    return Object.fromEntries(
      Object.entries(row).flatMap(([key, inner]) => {
        const relation = relations.find((each) => each.name === key);
        if (!relation) return [[key, inner]];
        return missing.has(`${name} ${key}`) ? [] : [[key, prune(inner, relation.target)]];
      }),
    );
  };
  return prune(value, table);
}

/** How often something changed in what the query shows, and how often that was decided without asking the server. */
interface Counts {
  changed: number;
  decided: number;
}

/** What a stream brings for a step of a history, and how it follows the value. */
interface Stream {
  readonly follows: 'value' | 'table';
  changes(history: History, before: Database, after: Database): ChangeInput;
}

const plain: Stream = {
  follows: 'table',
  changes: ({ selected }, before, after) => plainChanges(before, after, selected),
};

const graph = (sendsAll: boolean): Stream => ({
  follows: 'value',
  changes: ({ table, query }, before, after) => graphChanges(before, after, table, query, sendsAll),
});

/** Follows a history; where something is needed, the rest must still be right. */
function follow(history: History, stream: Stream, counts: Counts): void {
  const { table, query, database, transactions } = history;
  const options: SyncOptions = { ...query, manifest: schema, table, follows: stream.follows };
  let state = database;
  let value: unknown = load(database, table, query);
  for (const next of transactions) {
    const { value: synced, needs } = apply(value, stream.changes(history, state, next), options);
    const fresh = load(next, table, query);
    expect(without(synced, table, needs)).toEqual(without(fresh, table, needs));
    if (JSON.stringify(value) !== JSON.stringify(fresh)) {
      counts.changed += 1;
      if (needs.length === 0) counts.decided += 1;
    }
    value = needs.length === 0 ? synced : fresh;
    state = next;
  }
}

const LONG = { timeout: 120_000 };
const SIMPLE: QueryOptions = { windows: false, undecidable: false, allColumns: true };
const HARD: QueryOptions = { windows: true, undecidable: true, allColumns: false };

describe('sync by plain streams of every table', () => {
  test('gives what a fresh load gives, or says what it needs', LONG, () => {
    const counts: Counts = { changed: 0, decided: 0 };
    fc.assert(
      fc.property(histories(SIMPLE), (history) => follow(history, plain, counts)),
      propertyOptions(1500),
    );
    expect(counts.decided / counts.changed).toBeGreaterThan(0.6);
  });

  test('keeps windows, orders by text and open filters right, or says what it needs', LONG, () => {
    const counts: Counts = { changed: 0, decided: 0 };
    fc.assert(
      fc.property(histories(HARD), (history) => follow(history, plain, counts)),
      propertyOptions(1500),
    );
    expect(counts.decided / counts.changed).toBeGreaterThan(0.2);
  });

  test('keeps one row and what hangs from it right', LONG, () => {
    fc.assert(
      fc.property(histories(SIMPLE), fc.nat(20), (history, pick) => followOne(history, pick)),
      propertyOptions(1000),
    );
  });

  test('does not depend on the order in which a transaction tells its changes', LONG, () => {
    fc.assert(
      fc.property(histories(SIMPLE), ({ table, query, database, transactions, selected }) => {
        const options: SyncOptions = { ...query, manifest: schema, table, follows: 'table' };
        const value = load(database, table, query);
        const data = plainChanges(database, transactions[0]!, selected);
        const reversed = Object.fromEntries(
          Object.entries(data)
            .reverse()
            .map(([name, { changes }]) => [name, { changes: [...changes].reverse() }]),
        );
        expect(syncWithNeeds(value, reversed, options).value).toEqual(
          syncWithNeeds(value, data, options).value,
        );
      }),
      propertyOptions(1000),
    );
  });

  test('does not depend on the order of independent transactions', LONG, () => {
    fc.assert(
      fc.property(histories(SIMPLE), ({ table, query, database, transactions, selected }) => {
        const options: SyncOptions = { ...query, manifest: schema, table, follows: 'table' };
        const value = load(database, table, query);
        const data = plainChanges(database, transactions.at(-1)!, selected);
        // Rows that nothing points at here: each change can have been a transaction of its own.
        const each = ['commentChanges', 'tagChanges'].flatMap((name) =>
          (data[name]?.changes ?? []).map((change) => ({ [name]: { changes: [change] } })),
        );
        const forth = syncWithNeeds(value, each, options);
        const back = syncWithNeeds(value, [...each].reverse(), options);
        const needs = [...forth.needs, ...back.needs];
        expect(without(back.value, table, needs)).toEqual(without(forth.value, table, needs));
      }),
      propertyOptions(1000),
    );
  });
});

/** A root of one row stays when its row goes; everything below it is as in a fresh load. */
function followOne({ table, query, database, transactions, selected }: History, pick: number): void {
  const keys = [...database.get(table)!.keys()];
  const key = keys[pick % Math.max(1, keys.length)];
  if (key === undefined) return;
  const options: SyncOptions = { ...query, manifest: schema, table, id: key };
  let state = database;
  let value = loadOne(database, table, key, query);
  for (const next of transactions) {
    const { value: synced, needs } = apply(value, plainChanges(state, next, selected), options);
    const fresh = loadOne(next, table, key, query);
    if (fresh === null) return;
    expect(without(synced, table, needs)).toEqual(without(fresh, table, needs));
    value = needs.length === 0 ? synced : fresh;
    state = next;
  }
}

describe('sync by a stream with related scopes', () => {
  test('gives what a fresh load gives, with nothing needed', LONG, () => {
    const counts: Counts = { changed: 0, decided: 0 };
    fc.assert(
      fc.property(histories(SIMPLE, 3), fc.boolean(), (history, sendsAll) =>
        follow(history, graph(sendsAll), counts),
      ),
      propertyOptions(1500),
    );
    expect(counts.decided).toBe(counts.changed);
  });

  test('keeps windows, orders by text and open filters right, or says what it needs', LONG, () => {
    const counts: Counts = { changed: 0, decided: 0 };
    fc.assert(
      fc.property(histories(HARD, 3), fc.boolean(), (history, sendsAll) =>
        follow(history, graph(sendsAll), counts),
      ),
      propertyOptions(1500),
    );
    expect(counts.decided / counts.changed).toBeGreaterThan(0.2);
  });
});
