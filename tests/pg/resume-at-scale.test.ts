import { setImmediate as nextTurn } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { parseSnapshot } from '../../src/log/snapshot.js';
import type { ChangeSpec, ScopeMessage } from '../../src/scope/messages/types.js';
import { createDatabase } from '../support/database.js';
import { startEngine } from '../support/engine.js';
import { exampleTables, exampleModel as model } from '../support/example.js';
import { observed } from '../support/observed.js';
import { specOf } from '../support/specs.js';
import { waitFor } from '../support/wait-for.js';
import { watchAll } from '../support/watch-all.js';

/** What a client that was away for long is told, and what that costs. */
const ROWS = 50;
const database = await createDatabase({ setup: exampleTables() });
await watchAll(database, model);
await database.script(`
  insert into users (name, email) values ('u', 'u@example.com');
  insert into projects (name, owner_id) values ('p', 1);
  insert into members (project_id, user_id, role) values (1, 1, 'owner');
  insert into tasks (project_id, title, position) select 1, 't' || n, 0 from generate_series(1, ${ROWS}) n;
`);

/** Statements that read the log, and the most rows that one of them answered with. */
const seen = { statements: 0, mostRows: 0 };

const db = observed(database.db, ({ text, rows }) => {
  if (!text.includes('rivulet.change')) return;
  seen.statements++;
  seen.mostRows = Math.max(seen.mostRows, rows);
});

const { feed, scopes, failures } = await startEngine(
  database,
  model,
  // What came last is not remembered: everything is read from the log.
  { maxRecentChanges: 1, maxQueuedChanges: 200 },
  db,
);
const [[epoch]] = (await database.query('select epoch::text from rivulet.log')) as [[string]];

async function cursorNow() {
  await feed.catchUp();
  const [[snapshot]] = (await database.query('select pg_current_snapshot()::text')) as [[string]];
  return { epoch, snapshot: parseSnapshot(snapshot) };
}

let version = 0;

/** So many transactions, each of which raises every row's position to its own number. */
async function write(transactions: number): Promise<void> {
  await database.script(`do $$ begin
    for n in ${version + 1}..${version + transactions} loop
      update tasks set position = n where project_id = 1;
      commit;
    end loop;
  end $$`);
  version += transactions;
}

const POSITION = model.table('tasks').column('position').index;

/** Reads until a transaction's number has come, and says what came. */
class Reader {
  readonly positions: number[] = [];
  readonly resets: string[] = [];
  readonly stream: AsyncIterableIterator<ScopeMessage>;

  constructor(spec: ChangeSpec, after: Awaited<ReturnType<typeof cursorNow>>) {
    this.stream = scopes.changes(spec, { after });
  }

  async readTo(last: number): Promise<this> {
    for await (const message of { [Symbol.asyncIterator]: () => ({ next: () => this.stream.next() }) }) {
      if (message.reset !== null) this.resets.push(message.reset);
      expect(new Set(message.changes.map(({ node }) => node?.cells[POSITION])).size).toBeLessThanOrEqual(1);
      if (message.changes.length > 0) {
        expect(message.changes).toHaveLength(ROWS);
        this.positions.push(Number(message.changes[0]!.node!.cells[POSITION]));
      }
      // Slower than it is replayed.
      await nextTurn();
      if (this.positions.at(-1) === last || this.resets.length > 0) break;
    }
    return this;
  }
}

const range = (from: number, to: number) => Array.from({ length: to - from + 1 }, (_, n) => from + n);

/** Its filter is decided in memory. */
const local = specOf('tasks', null, { priority: { gte: 0 } });
/** Its filter passes through relations. */
const owned = specOf('tasks', 1, {});

test('100,000 missed changes are replayed to a reader slower than the log, without being held', {
  timeout: 120_000,
}, async () => {
  const after = await cursorNow();
  const transactions = 100_000 / ROWS;
  await write(transactions);
  await feed.catchUp();
  seen.mostRows = 0;
  const before = process.memoryUsage().rss;
  let peak = before;
  const sampling = setInterval(() => {
    peak = Math.max(peak, process.memoryUsage().rss);
  }, 50);
  const began = performance.now();
  const reader = await new Reader(local, after).readTo(version);
  clearInterval(sampling);
  expect(reader.resets).toEqual([]);
  expect(reader.positions).toEqual(range(version - transactions + 1, version));
  // No answer of the database had more than a page.
  expect(seen.mostRows).toBeLessThanOrEqual(501);
  const grown = Math.round((peak - before) / 1024 ** 2);
  expect(grown).toBeLessThan(200);
  console.log(`100,000 changes in ${Math.round(performance.now() - began)} ms, ${grown} MB more at the most`);
  await reader.stream.return?.();
});

test('through relations as well, as long as what they pass through stands still', async () => {
  const after = await cursorNow();
  await write(60);
  const reader = await new Reader(owned, after).readTo(version);
  expect(reader.resets).toEqual([]);
  expect(reader.positions).toEqual(range(version - 59, version));
  // It then knows what is in it.
  await write(1);
  await reader.readTo(version);
  await database.script('delete from members');
  expect((await reader.stream.next()).value.changes.map(({ kind }: { kind: string }) => kind)).toEqual(
    Array(ROWS).fill('LEAVE'),
  );
  await database.script("insert into members (project_id, user_id, role) values (1, 1, 'owner')");
  expect((await reader.stream.next()).value.changes).toHaveLength(ROWS);
  await reader.stream.return?.();
});

test('where that moved too, several transactions are told as one, and what is too much is a reset', async () => {
  const after = await cursorNow();
  await database.script('update members set role = role; update members set role = $$editor$$');
  await write(20);
  const few = await new Reader(owned, after).readTo(version);
  expect(few.resets).toEqual([]);
  expect(few.positions.at(-1)).toBe(version);
  await write(390);
  const many = await new Reader(owned, after).readTo(version);
  expect(many.resets).toEqual(['TOO_OLD']);
  await Promise.all([few.stream.return?.(), many.stream.return?.()]);
});

test('fifty clients with one cursor and one scope read the log as one, and those who are away long join who was there', async () => {
  const there = scopes.changes(local);
  const after = await cursorNow();
  await write(40);
  await feed.catchUp();
  const read = async (clients: number) => {
    seen.statements = 0;
    const readers = Array.from({ length: clients }, () => new Reader(local, after));
    await Promise.all(readers.map((reader) => reader.readTo(version)));
    for (const reader of readers) expect(reader.positions).toEqual(range(version - 39, version));
    await waitFor('they are one', () => scopes.status().scopes === 1);
    expect(scopes.status().subscribers).toBe(clients + 1);
    const { statements } = seen;
    await Promise.all(readers.map((reader) => reader.stream.return?.()));
    return statements;
  };
  // The feed reads by the clock, too.
  const one = await read(1);
  const fifty = await read(50);
  expect(one).toBeGreaterThan(0);
  expect(fifty).toBeLessThan(one + 25);
  console.log(`statements on the log: ${one} for one client, ${fifty} for fifty`);
  await there.return?.();
});

test('one who stops reading does not hold up who resumed with it, and is told the rest when it reads on', async () => {
  const after = await cursorNow();
  await write(60);
  const [stalled, quick] = [new Reader(local, after), new Reader(local, after)];
  await quick.readTo(version);
  expect(quick).toMatchObject({ resets: [], positions: range(version - 59, version) });
  await stalled.readTo(version);
  expect(stalled).toMatchObject({ resets: [], positions: range(version - 59, version) });
  await waitFor('they are one', () => scopes.status().scopes === 1);
  // And together from here on.
  const both = [stalled.stream.next(), quick.stream.next()];
  await write(1);
  const [one, other] = await Promise.all(both);
  expect(one?.value).toBe(other?.value);
  await Promise.all([stalled.stream.return?.(), quick.stream.return?.()]);
  expect(failures).toEqual([]);
});
