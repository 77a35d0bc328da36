import { afterAll, beforeAll, expect, test } from 'vitest';
import { install } from '../../src/watch/install.js';
import { watchSql } from '../../src/watch/watch-sql.js';
import { serveAltered } from '../support/altered-app.js';
import {
  BULK_SCOPES,
  type BulkTable,
  bulkConfig,
  bulkPlan,
  bulkSetup,
  ENTRIES,
  selectBulk,
  sorted,
} from '../support/bulk-app.js';
import { BulkKeeper } from '../support/bulk-keeper.js';
import { createDatabase } from '../support/database.js';
import { runs } from '../support/faults/in-test.js';
import { createRandom, seedFromEnvironment } from '../support/faults/random.js';
import { waitFor } from '../support/wait-for.js';

const ROUNDS = runs(1);
const WRITERS = 3;

const database = await createDatabase({ setup: bulkSetup(20) });
const app = await serveAltered(database.url, { config: bulkConfig, schemaPollMs: 150 });
const keepers = BULK_SCOPES.map((scope) => new BulkKeeper(app, scope));
beforeAll(() => Promise.all(keepers.map((keeper) => keeper.following())));
afterAll(() => Promise.all(keepers.map((keeper) => keeper.stop())));

/** What was written, by everybody. Larger each time. */
let version = 0;

interface Emptying {
  readonly what: string;
  /** Transactions, one after the other. */
  readonly steps: readonly (() => Promise<void>)[];
  /** Whose subscribers are told, and what. */
  readonly touched: readonly BulkTable[];
  readonly told: RegExp;
}

/** Writers may be in the way: what Postgres ends for a deadlock is done again. */
const script = (text: string) => () =>
  waitFor(text, () => database.script(text).then(() => true), 30_000).then(() => {});
const upsert = (table: BulkTable, id: number) =>
  `insert into ${table} (id, v) values (${id}, ${++version}) on conflict (id) do update set v = excluded.v`;
const TRUNCATED = /^reset: TRUNCATED$/;
const LOST = /SCHEMA_CHANGED|TABLE_DRIFTED/;

const emptyings: readonly Emptying[] = [
  { what: 'TRUNCATE', steps: [script('truncate parts')], touched: ['parts'], told: TRUNCATED },
  {
    what: 'TRUNCATE … CASCADE',
    steps: [script('truncate accounts cascade')],
    touched: ['accounts', 'entries'],
    told: TRUNCATED,
  },
  {
    what: 'TRUNCATE between writes of its transaction',
    steps: [
      () =>
        script(`${upsert('parts', 2)}; truncate parts, entries; ${upsert('parts', 3)}; ${upsert('entries', 3)};
          truncate parts; ${upsert('parts', 4)}`)(),
    ],
    touched: ['parts', 'entries'],
    told: TRUNCATED,
  },
  {
    what: 'TRUNCATE in a session that replays as a replica',
    steps: [
      script(
        `set local session_replication_role = replica; truncate entries; reset session_replication_role`,
      ),
    ],
    touched: ['entries'],
    told: TRUNCATED,
  },
  {
    what: 'DROP and CREATE, with the watchers',
    steps: [script(`drop table entries; ${ENTRIES} ${watchSql(bulkPlan)}`)],
    touched: ['entries'],
    told: LOST,
  },
  {
    what: 'DROP and CREATE, and the watchers later',
    steps: [
      script(`drop table entries; ${ENTRIES}`),
      () => script(upsert('entries', 5))(),
      () => waitFor('the watchers are there', () => install(database.db, bulkPlan), 30_000).then(() => {}),
    ],
    touched: ['entries'],
    told: LOST,
  },
  {
    what: 'a partition that is detached',
    steps: [script('alter table parts detach partition low')],
    touched: ['parts'],
    told: LOST,
  },
  {
    what: 'a partition that is attached, with other rows',
    steps: [
      () => script(`delete from low; insert into low values (7, ${++version}), (8, ${++version})`)(),
      script('alter table parts attach partition low for values from (minvalue) to (1000)'),
    ],
    touched: ['parts'],
    told: LOST,
  },
];

const seed = seedFromEnvironment();
const random = createRandom(seed);

function someStatement(): string {
  const id = 1 + random.int(60);
  const v = ++version;
  switch (random.int(8)) {
    case 0:
    case 1:
      return `insert into accounts (id, v, name) values (${id}, ${v}, 'a${id}') on conflict (id) do update set v = excluded.v`;
    case 2:
    case 3:
      return `insert into entries select ${id}, ${v}, id from accounts order by id % ${1 + (id % 7)} limit 1 on conflict (id) do update set v = excluded.v`;
    case 4:
      return `update entries set v = ${v} where id % 5 = ${id % 5}`;
    case 5:
      return `delete from entries where id = ${id}`;
    case 6:
      return `update parts set v = ${v} where id % 9 = ${id % 9}`;
    default:
      return `insert into parts values (${random.int(2) * 1_500 + id}, ${v}) on conflict (id) do update set v = excluded.v`;
  }
}

/** Writes until the function that it returns is called. What a table that is gone, or a deadlock, refuses is left. */
function underLoad(): { readonly committed: () => number; readonly stop: () => Promise<void> } {
  let isOn = true;
  let committed = 0;
  const pool = database.connect({ max: WRITERS });
  const writers = Array.from({ length: WRITERS }, async () => {
    while (isOn) {
      const isDone = await pool.script(someStatement()).then(
        () => true,
        () => false,
      );
      if (isDone) committed++;
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
  });
  return {
    committed: () => committed,
    stop: async () => {
      isOn = false;
      await Promise.all(writers);
      await pool.close();
    },
  };
}

/** Commits something that every subscriber hears, after all the others; then each has what SELECT finds. */
async function settle(): Promise<void> {
  await script(`insert into accounts (id, v, name) values (1, ${++version}, 'a1') on conflict (id) do update set v = excluded.v, name = 'a1';
    insert into entries values (1, ${version}, 1) on conflict (id) do update set v = excluded.v, account_id = 1;
    insert into parts values (1501, ${version}) on conflict (id) do update set v = excluded.v`)();
  for (const keeper of keepers) {
    await waitFor(
      `${JSON.stringify(keeper.scope)} hears of ${version}`,
      () => [...keeper.rows.values()].some((row) => row.split('|')[1] === String(version)),
      30_000,
    ).catch((error: Error) => {
      throw new Error(`${error.message}: ${keeper.told.slice(-5).join('; ')}`);
    });
    await keeper.following();
    expect({ scope: keeper.scope, rows: sorted(keeper.rows) }).toEqual({
      scope: keeper.scope,
      rows: sorted(await selectBulk(database, keeper.scope)),
    });
  }
}

test(`F19: tables are emptied under load: who follows one is told, nobody else is, and what is written after it is not lost (${ROUNDS} rounds)`, async () => {
  console.log(`seed ${seed}`);
  for (let round = 0; round < ROUNDS; round++) {
    for (const { what, steps, touched, told } of emptyings) {
      for (const keeper of keepers) keeper.forget();
      const load = underLoad();
      await waitFor('there is load', () => load.committed() > 10, 30_000);
      for (const step of steps) await step();
      // Right after it, past all others.
      const id = 1_000_000 + version;
      for (const table of touched) await script(upsert(table, id))();
      const written = load.committed();
      await waitFor('there is load after it', () => load.committed() > written + 10, 30_000);
      await load.stop();
      const isTouched = ({ scope }: BulkKeeper) => scope.tables.some((table) => touched.includes(table));
      for (const keeper of keepers.filter(isTouched)) {
        const isTold = () => keeper.told.some((each) => told.test(each));
        await waitFor(`${what}: ${JSON.stringify(keeper.scope)} is told`, isTold, 30_000);
      }
      await settle();
      for (const keeper of keepers) {
        const { scope, rows } = keeper;
        if (!isTouched(keeper))
          expect({ what, scope, heard: keeper.told }).toEqual({ what, scope, heard: [] });
        if (touched.includes(scope.table) && scope.where === '{}') expect(rows.has(String(id))).toBe(true);
      }
    }
  }
}, 600_000);

test('F19: who was away while a table was emptied is told when it comes back, and then hears of what was written after it', async () => {
  for (const { what, steps, touched, told } of emptyings) {
    const away = await app.query('{ accounts(limit: 1) { id } }');
    for (const step of steps) await step();
    for (const scope of BULK_SCOPES.filter(({ tables }) => tables.some((each) => touched.includes(each)))) {
      const field = { accounts: 'accountChanges', entries: 'entryChanges', parts: 'partChanges' }[
        scope.table
      ];
      const stream = app.client.iterate<Readonly<Record<string, { readonly reset: string | null }>>>({
        query: `subscription ($after: String) { ${field}(where: ${scope.where}, after: $after) { reset } }`,
        variables: { after: away.cursor },
      });
      const heard: string[] = [];
      try {
        for await (const { data, errors } of stream) {
          const reset = data?.[field]?.reset ?? null;
          heard.push(errors ? JSON.stringify(errors) : `reset: ${reset}`);
          if (errors || reset !== null) break;
        }
      } catch (error) {
        heard.push(JSON.stringify(error));
      }
      await stream.return?.();
      expect({ what, scope, heard: heard.at(-1) }).toEqual({
        what,
        scope,
        heard: expect.stringMatching(told),
      });
    }
    await settle();
  }
}, 120_000);
