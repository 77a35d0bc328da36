import fc from 'fast-check';
import { expect, test } from 'vitest';
import { install } from '../../src/watch/install.js';
import { alteredPlan, createAltered, MEND, serveAltered, THINGS } from '../support/altered-app.js';
import { AlteredClient, type Thing } from '../support/altered-client.js';
import { createDatabase } from '../support/database.js';
import { propertyOptions } from '../support/property.js';
import { waitFor } from '../support/wait-for.js';

const RUNS = Number(process.env.RIVULET_RUNS ?? 10);
const STEPS = RUNS > 10 ? 40 : 20;

const ENABLE = ['insert', 'update', 'delete', 'truncate']
  .map((event) => `alter table things enable always trigger rivulet_${event};`)
  .join(' ');

/** In pairs, so that what was altered may also be put back. What cannot be done at the moment does nothing. */
const ALTER: readonly string[] = [
  'alter table things add extra int default 7',
  'alter table things drop extra',
  'alter table things drop a',
  'alter table things add a text',
  'alter table things rename a to b',
  'alter table things rename b to a',
  'alter table things rename n to a',
  'alter table things rename a to n',
  'alter table things alter n type bigint using n::bigint',
  'alter table things alter n type int using n::int',
  'alter table things alter n type text',
  'alter table things alter n type int using 5',
  'alter table things alter at type timestamptz',
  'alter table things alter at type timestamp',
  'alter table things alter a type varchar(30)',
  'alter table things alter a type text',
  `alter type mood add value if not exists 'new'`,
  'alter type mood rename to mood2',
  'alter type mood2 rename to mood',
  'alter table things rename to items',
  'alter table items rename to things',
  `drop table things; ${THINGS}`,
  THINGS,
  'alter table things drop constraint things_pkey, add primary key (id, v)',
  'alter table things drop constraint things_pkey, add primary key (id)',
  'alter table things disable trigger all',
  ENABLE,
  // As bulk loads do.
  `alter table things disable trigger all; update things set n = 77 where id < 5; ${ENABLE}`,
  'drop trigger rivulet_update on things',
  'alter table things replica identity full',
  'truncate things',
];

type Step =
  | { readonly kind: 'alter'; readonly sql: string }
  | {
      readonly kind: 'write';
      readonly sql: 'insert' | 'update' | 'delete';
      readonly id: number;
      readonly owner: number;
    }
  | { readonly kind: 'migrate' }
  | { readonly kind: 'reconnect' }
  /** Lets the server see what was done so far. */
  | { readonly kind: 'settle' };

const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 6, arbitrary: fc.constantFrom(...ALTER).map((sql) => ({ kind: 'alter' as const, sql })) },
  {
    weight: 10,
    arbitrary: fc.record({
      kind: fc.constant('write' as const),
      sql: fc.constantFrom('insert' as const, 'update' as const, 'update' as const, 'delete' as const),
      id: fc.integer({ min: 1, max: 8 }),
      owner: fc.integer({ min: 1, max: 2 }),
    }),
  },
  { weight: 2, arbitrary: fc.constant({ kind: 'migrate' as const }) },
  { weight: 2, arbitrary: fc.constant({ kind: 'reconnect' as const }) },
  { weight: 4, arbitrary: fc.constant({ kind: 'settle' as const }) },
);

const database = await createDatabase();
await createAltered(database);
const app = await serveAltered(database.url, { schemaPollMs: 150 });

/** The types with which each column still reads as the schema says. */
const FITTING: Readonly<Record<string, readonly string[]>> = {
  id: ['integer'],
  v: ['integer'],
  a: ['text', 'character varying'],
  n: ['integer'],
  at: ['timestamp without time zone'],
  mood: ['mood'],
  owner_id: ['integer'],
};

/** The columns that the table of that name has now, with their types. */
async function columnsOf(table: string): Promise<ReadonlyMap<string, string>> {
  const rows = await database.query(
    `select column_name::text, case data_type when 'USER-DEFINED' then udt_name else data_type end::text
     from information_schema.columns where table_schema = 'public' and table_name = $1`,
    table,
  );
  return new Map(rows.map(([name, type]) => [name!, type!]));
}

/** What SELECT found of each write, right after it and in its transaction; `misfit`: the schema does not say what that is. */
const ledger = new Map<number, Thing | 'misfit'>();
let version = 0;

async function write({ sql, id, owner }: Extract<Step, { kind: 'write' }>): Promise<void> {
  const columns = await columnsOf('things');
  if (!columns.has('id') || !columns.has('v')) return;
  const v = ++version;
  const values: Record<string, string> = {
    v: String(v),
    a: `'a${v}'`,
    n:
      columns.get('n') === 'bigint'
        ? `${5_000_000_000 + v}`
        : columns.get('n') === 'text'
          ? `'n${v}'`
          : String(v),
    at: `'2026-01-02 03:04:0${v % 10}'`,
    mood: v % 2 ? `'fine'` : `'low'`,
    owner_id: String(owner),
  };
  // A column that was given another's name has that one's type.
  if (columns.get('a') === 'integer' || columns.get('a') === 'bigint') values.a = String(v);
  const present = Object.keys(values).filter((name) => columns.has(name));
  const statement =
    sql === 'insert'
      ? `insert into things (id, ${present.join()}) values (${id}, ${present.map((name) => values[name]).join()})`
      : sql === 'update'
        ? `update things set ${present.map((name) => `${name} = ${values[name]}`).join()} where id = ${id}`
        : `delete from things where id = ${id}`;
  const fits = Object.entries(FITTING).every(([name, types]) => types.includes(columns.get(name) ?? ''));
  await database.db
    .transaction(async (tx) => {
      await tx.script(statement);
      const selected = fits
        ? await tx.query({
            text: 'select id::text, v::text, a::text, n::text, at::text, mood::text, owner_id::text from things where v = $1::text::int',
            params: [String(v)],
          })
        : [];
      const [row] = selected;
      ledger.set(v, row ? asThing(row) : 'misfit');
    })
    // A key that is there already.
    .catch(() => {});
}

function asThing([id, v, a, n, at, mood, ownerId]: readonly (string | null)[]): Thing {
  const number = (text: string | null | undefined) => (text == null ? null : Number(text));
  return { id, v: number(v), a, n: number(n), at: at?.replace(' ', 'T') ?? null, mood, ownerId };
}

async function selected(where: string): Promise<readonly Thing[]> {
  const rows = await database.query(
    `select id::text, v::text, a::text, n::text, at::text, mood::text, owner_id::text from things t where ${where} order by id`,
  );
  return rows.map(asThing);
}

/** Everything as the schema says, and a server that has seen it. */
async function mend(): Promise<void> {
  await database.script(MEND);
  await install(database.db, alteredPlan);
  await waitFor('the server finds nothing amiss', () => isSettled(), 20_000);
}

/** The server has looked since, and nothing refuses the table. */
async function isSettled(): Promise<boolean> {
  await app.server.feed.catchUp();
  return (await app.warnings()).length === 0;
}

/** What the clients watch, and how SELECT says it. */
const wheres: readonly (readonly [graphql: string, sql: string])[] = [
  ['{}', 'true'],
  [
    '{ owner: { name: { eq: "ada" } } }',
    `exists (select from owners o where o.id = t.owner_id and o.name = 'ada')`,
  ],
  ['{ n: { gte: 0 } }', 'n >= 0'],
];

/** Waits until every client has what SELECT finds. */
async function agree(clients: readonly AlteredClient[]): Promise<void> {
  for (const [at, client] of clients.entries()) {
    const expected = JSON.stringify((await selected(wheres[at]![1])).map(inOrder));
    const isEqual = () => client.isFollowing && JSON.stringify(sorted(client.rows)) === expected;
    await waitFor(`the rows of ${wheres[at]![0]}: ${expected}`, isEqual, 20_000).catch((error) => {
      const { rows, told } = client;
      throw new Error(`it has ${JSON.stringify(sorted(rows))}; told: ${told.join('; ')}`, { cause: error });
    });
    counts.equal++;
  }
}

/**
 * Where the server finds nothing amiss, the clients have what SELECT finds, whatever was done before. Where it refuses the table, nobody is left who could take
 * silence for news.
 */
async function settle(clients: readonly AlteredClient[]): Promise<void> {
  await new Promise((resolve) => setTimeout(resolve, 200));
  const columns = await columnsOf('things');
  const fits = Object.entries(FITTING).every(([name, types]) => types.includes(columns.get(name) ?? ''));
  if ((await app.warnings()).includes('TABLE_DRIFTED')) {
    const isAlone = () => app.server.scopes.status().subscribers === 0;
    await waitFor('nobody follows a table that is refused', isAlone);
  }
  if (!fits || !(await isSettled())) return;
  let isOver = false;
  await Promise.race([
    agree(clients),
    waitFor('it is seen that something is amiss', async () => isOver || !(await isSettled()), 25_000),
  ]);
  isOver = true;
}

const counts = { runs: 0, writes: 0, delivered: 0, resets: 0, refusals: 0, equal: 0 };

test(
  `F20: ${RUNS} random sequences of up to ${STEPS} alterations and writes: nothing is delivered in another shape, and who was told nothing has what SELECT finds`,
  async () => {
    const delivered: Thing[] = [];
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 5, maxLength: STEPS }), async (steps) => {
        const clients = wheres.map(
          ([where]) =>
            new AlteredClient(
              () => app,
              where,
              (node) => delivered.push(node),
            ),
        );
        try {
          await waitFor('all follow', () => clients.every((client) => client.isFollowing), 20_000);
          await app.server.feed.catchUp();
          for (const each of steps) {
            if (each.kind === 'write') await write(each);
            else if (each.kind === 'alter') await database.script(each.sql).catch(() => {});
            else if (each.kind === 'migrate') await install(database.db, alteredPlan).catch(() => {});
            else if (each.kind === 'reconnect') for (const client of clients) client.reconnect();
            else await settle(clients);
          }
          await mend();
          for (const id of [1, 3, 5]) await write({ kind: 'write', sql: 'update', id, owner: 1 });
          await agree(clients);
          for (const client of clients) {
            counts.resets += client.told.filter((each) => each.startsWith('reset')).length;
            counts.refusals += client.told.filter((each) => each.includes('TABLE_DRIFTED')).length;
          }
        } finally {
          for (const client of clients) await client.stop();
          await mend();
        }
        for (const node of delivered.splice(0)) {
          expect(ledger.get(Number(node.v)), JSON.stringify(node)).toEqual(node);
          counts.delivered++;
        }
        counts.runs++;
        counts.writes = ledger.size;
      }),
      { ...propertyOptions(RUNS), endOnFailure: true },
    );
    console.log(JSON.stringify(counts));
    expect(counts.delivered).toBeGreaterThan(RUNS);
  },
  120_000 + RUNS * 30_000,
);

function sorted(rows: ReadonlyMap<string, Thing>): readonly Thing[] {
  return [...rows.values()].sort((a, b) => Number(a.id) - Number(b.id)).map(inOrder);
}

function inOrder({ id, v, a, n, at, mood, ownerId }: Thing): Thing {
  return { id, v, a, n, at, mood, ownerId };
}
