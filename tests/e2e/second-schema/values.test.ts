import fc from 'fast-check';
import { createClient as createSseClient } from 'graphql-sse';
import { afterAll, expect, test } from 'vitest';
import type { ModelTable } from '../../../shared/model/types.js';
import { quoteIdent } from '../../../src/sql/quote.js';
import { StatementParams } from '../../../src/sql/statement.js';
import { encodeValue } from '../../../src/value/codec.js';
import { valuesOf } from '../../property/filter-table.js';
import { propertyOptions } from '../../support/property.js';
import { ANN, secondModel, serveSecond } from './serve.js';

const { ask, database, follow, subscribed, token, url } = await serveSecond();
const everything = secondModel.table('everything');
const oddities = secondModel.table('oddities');
const KEY = '7';

/** A session that writes as its user set it up, not as Rivulet reads. */
const writer = database.connect({ max: 1 });
await writer.script(`
  set datestyle to 'German, DMY'; set timezone to 'Asia/Kathmandu'; set intervalstyle to 'iso_8601';
  set bytea_output to 'escape'; set extra_float_digits to -3`);

const fieldsOf = (table: ModelTable) => table.columns.map((column) => column.name).join(' ');
const documentOf = (table: ModelTable) => `subscription {
  changes: ${table.fields.one}Changes {
    changes { kind key changedColumns node { ${fieldsOf(table)} }
      previous { ${fieldsOf(table).replace(/^id /, '')} } }
  }
}`;

const cells = fc.tuple(
  ...everything.columns.map((column) => {
    if (column.isKey) return fc.constant(KEY);
    return fc.option(
      valuesOf(column.type).map((value) => encodeValue(column.type, value)),
      { freq: 8 },
    );
  }),
);

async function write(row: readonly (string | null)[], isNew: boolean): Promise<void> {
  const params = new StatementParams();
  const names = everything.columns.map((column) => quoteIdent(column.sqlName));
  const values = everything.columns.map((column, at) => params.cast(row[at]!, column.castType));
  const set = names.map((name, at) => `${name} = ${values[at]}`);
  const text = isNew
    ? `insert into everything (${names.join(', ')}) values (${values.join(', ')})`
    : `update everything set ${set.join(', ')} where id = ${KEY}`;
  await writer.query({ text, params: params.values });
}

async function read(table: ModelTable, id: string): Promise<Record<string, unknown>> {
  const { one } = table.fields;
  const answer = await ask(ANN, `{ ${one}(id: "${id}") { ${fieldsOf(table)} } }`);
  expect(answer.errors).toBeUndefined();
  return answer.data![one] as Record<string, unknown>;
}

const withoutId = ({ id: _, ...rest }: Record<string, unknown>) => rest;
const sse = createSseClient({
  url,
  headers: async () => ({ authorization: `Bearer ${await token(ANN)}` }),
  retryAttempts: 0,
});
afterAll(() => sse.dispose());

test('what comes by change is what a query of the row returns, for every kind of column, over both transports', async () => {
  const changes = await follow(ANN, documentOf(everything));
  const live = await follow(ANN, `subscription { everything(id: "${KEY}") { ${fieldsOf(everything)} } }`);
  expect(await live.next()).toEqual({ everything: null });
  const events = sse.iterate({ query: documentOf(everything) });
  let event = events.next();
  await subscribed(3);

  let before: Record<string, unknown> | null = null;
  const told = async () => {
    const next = (await changes.next()).changes.changes;
    expect((await event).value).toEqual({ data: { changes: { changes: next } } });
    event = events.next();
    expect(next).toHaveLength(1);
    return next[0];
  };
  await fc.assert(
    fc.asyncProperty(cells, async (row) => {
      await write(row, before === null);
      const now = await read(everything, KEY);
      if (before && JSON.stringify(before) === JSON.stringify(now)) return;
      const change = await told();
      const changed = Object.keys(now).filter(
        (name) => JSON.stringify(now[name]) !== JSON.stringify(before?.[name]),
      );
      expect(change).toEqual({
        kind: before ? 'UPDATE' : 'ENTER',
        key: KEY,
        node: now,
        previous: before && withoutId(before),
        changedColumns: before ? expect.arrayContaining(changed) : [],
      });
      expect((await live.next()).everything).toEqual(now);
      before = now;
    }),
    // Without shrinking: each row is told as a difference to the one before.
    { ...propertyOptions(120), endOnFailure: true },
  );
  await database.script('delete from everything');
  expect(await told()).toMatchObject({ kind: 'LEAVE', node: null, previous: withoutId(before!) });
  expect(await live.next()).toEqual({ everything: null });
  changes.stop();
  live.stop();
  await events.return?.();
  await subscribed(0);
}, 120_000);

test('what is shown can be sent back, and makes the same row', async () => {
  const changes = await follow(ANN, documentOf(everything));
  const create = `mutation ($values: EverythingInsert!) { createEverything(values: $values) { ${fieldsOf(everything)} } }`;
  await fc.assert(
    fc.asyncProperty(cells, async (row) => {
      await database.script('truncate everything');
      await write(row, true);
      const shown = await read(everything, KEY);
      const answer = await ask(ANN, create, { values: { ...shown, id: '8' } });
      expect(answer).toEqual({ data: { createEverything: { ...shown, id: '8' } } });
      const message = async () => (await changes.next()).changes.changes;
      let told = await message();
      while (told[0]?.key !== '8') told = await message();
      expect(told).toMatchObject([{ kind: 'ENTER', node: { ...shown, id: '8' } }]);
    }),
    { ...propertyOptions(60), endOnFailure: true },
  );
  changes.stop();
  await subscribed(0);
}, 120_000);

test('identity past 2^53, generated columns, custom types and modes of Drizzle arrive as a query returns them', async () => {
  const changes = await follow(ANN, documentOf(oddities));
  const created = await ask(
    ANN,
    `mutation ($values: OddityInsert!) { createOddity(values: $values) { ${fieldsOf(oddities)} } }`,
    {
      values: {
        safe: '-9007199254740991',
        amount: '1234567890.12',
        day: '2026-02-28',
        instantText: '2026-01-02T03:04:05.123456Z',
        custom: 'abc',
        version: '16/B374D848',
        states: ['_2nd_try', 'EMPTY', null, '_true', 'in_progress'],
      },
    },
  );
  expect(created).toEqual({
    data: {
      createOddity: {
        id: '9007199254740993',
        safe: '-9007199254740991',
        amount: '1234567890.12',
        day: '2026-02-28',
        instantText: '2026-01-02T03:04:05.123456Z',
        custom: 'abc',
        version: '16/B374D848',
        doubled: '-18014398509481982',
        states: ['_2nd_try', 'EMPTY', null, '_true', 'in_progress'],
      },
    },
  });
  const row = created.data!.createOddity;
  expect(await read(oddities, '9007199254740993')).toEqual(row);
  expect((await changes.next()).changes.changes).toMatchObject([
    { kind: 'ENTER', key: '9007199254740993', node: row },
  ]);
  await writer.script(
    `update oddities set safe = 2, custom = 'xyz', "instantText" = '2.1.2026 12:00:00.000001+05:45'`,
  );
  const [change] = (await changes.next()).changes.changes;
  expect(change).toMatchObject({
    kind: 'UPDATE',
    node: await read(oddities, '9007199254740993'),
    previous: withoutId(row as Record<string, unknown>),
    changedColumns: ['safe', 'instantText', 'custom', 'doubled'],
  });
  expect(change.node).toMatchObject({ doubled: '4', instantText: '2026-01-02T06:15:00.000001Z' });
  changes.stop();
});

test('a value of many kilobytes, and one with every character that SQL and JSON escape, arrive whole', async () => {
  const changes = await follow(ANN, documentOf(everything));
  const long = `${'ü"\\\u0001\n\u2028{},;\'$1 '.repeat(40_000)}`;
  await database.script('truncate everything');
  expect((await changes.next()).changes.changes).toEqual([]);
  await database.query(
    'insert into everything (id, words, texts) values (9, $1::text, array[$1::text, null])',
    long,
  );
  const [change] = (await changes.next()).changes.changes;
  expect(change.node.words === long && change.node.texts[0] === long).toBe(true);
  changes.stop();
});
