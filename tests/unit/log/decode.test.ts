import { defineRelations } from 'drizzle-orm';
import { integer, pgTable, text } from 'drizzle-orm/pg-core';
import { describe, expect, test } from 'vitest';
import { decode } from '../../../src/log/decode.js';
import { ImageShapes, type ShapeRow, shapeOf } from '../../../src/log/image-shapes.js';
import { type LoggedRow, parseRead } from '../../../src/log/read.js';
import { formatSnapshot, parseSnapshot } from '../../../src/log/snapshot.js';
import { readModel } from '../../../src/model/read.js';

const notes = pgTable('notes', { id: integer().primaryKey(), body: text() });
const relations = defineRelations({ notes });
const model = readModel(relations);
const shape: ShapeRow = {
  sqlSchema: 'public',
  sqlName: 'notes',
  columns: ['id', 'body'],
  types: ['integer', 'text'],
  key: ['id'],
};

async function shapes() {
  const known = new ImageShapes(model);
  await known.load(
    {
      query: async () => [
        ['1', 'public', 'notes', '["id","body"]', '["integer","text"]', '["id"]'],
        ['2', 'public', 'others', '["id"]', '["integer"]', '["id"]'],
      ],
      script: async () => {},
    },
    ['1', '2', '3'],
  );
  return known;
}

const row = (seq: bigint, xid: bigint, rest: Partial<LoggedRow> = {}): LoggedRow => ({
  seq,
  xid,
  shape: '1',
  op: 'INSERT',
  old: null,
  new: [String(seq), 'x'],
  loggedAt: '2026-01-01T00:00:00.000000Z',
  mutationId: null,
  ...rest,
});

const read = (rows: readonly LoggedRow[]) => ({
  epoch: 'e',
  isTrimmed: false,
  snapshot: parseSnapshot('100:100:'),
  rows,
});
const start = parseSnapshot('10:10:');

describe('decode', () => {
  test('transactions come by their largest seq, and their rows by seq', async () => {
    const rows = [row(4n, 11n), row(1n, 11n), row(2n, 12n), row(3n, 12n), row(5n, 10n), row(0n, 10n)];
    const { transactions } = decode(read(rows), start, await shapes());
    expect(transactions.map(({ xid, changes }) => [xid, changes.map(({ seq }) => seq)])).toEqual([
      [12n, [2n, 3n]],
      [11n, [1n, 4n]],
      [10n, [0n, 5n]],
    ]);
  });

  test('the cursor in the middle sees what was handed over so far; the last one is the position', async () => {
    const rows = [row(1n, 12n), row(2n, 10n), row(3n, 14n)];
    const { transactions } = decode(read(rows), start, await shapes());
    expect(transactions.map(({ cursor }) => formatSnapshot(cursor))).toEqual([
      // 11 ended, and logged nothing.
      '10:13:10',
      '13:13:',
      '100:100:',
    ]);
    expect(transactions.map(({ cursor }) => cursor.anchor)).toEqual(
      transactions.map(({ xid, loggedAt }) => ({ xid, loggedAt })),
    );
  });

  test('the transaction has the first mutation id that one of its rows has', async () => {
    const rows = [row(1n, 12n), row(2n, 12n, { mutationId: 'm' })];
    expect(decode(read(rows), start, await shapes()).transactions[0]!.mutationId).toBe('m');
  });

  test('rows of an unknown shape are left out, and a transaction of nothing else with them', async () => {
    const rows = [row(1n, 12n, { shape: '2' }), row(2n, 13n), row(3n, 13n, { shape: '2' })];
    const { transactions, reset } = decode(read(rows), start, await shapes());
    expect(transactions.map(({ xid, changes }) => [xid, changes.length])).toEqual([[13n, 1]]);
    expect(reset).toBeNull();
  });

  test('a row that was logged before and after a TRUNCATE is not moved across it', async () => {
    const rows = [
      row(1n, 12n, { new: ['1', 'a'] }),
      row(2n, 12n, { op: 'TRUNCATE', new: null }),
      row(3n, 12n, { new: ['1', 'b'] }),
    ];
    const { transactions } = decode(read(rows), start, await shapes());
    expect(transactions[0]!.changes.map(({ seq }) => seq)).toEqual([1n, 2n, 3n]);
  });
});

describe('images that describe themselves', () => {
  const described = (...rest: (string | null)[]) => ['public', 'notes', ...rest];
  const as = (rest: Partial<LoggedRow>) => row(1n, 12n, { shape: '0', new: null, ...rest });
  const only = async (rest: Partial<LoggedRow>) => decode(read([as(rest)]), start, await shapes());

  test('are read by the names and types that they say', async () => {
    const image = described('body', 'character varying', 'x', 'more', 'json', '{}', 'id', 'smallint', '7');
    const { transactions } = await only({ new: image });
    expect(transactions[0]!.changes).toMatchObject([{ op: 'INSERT', new: ['7', 'x'] }]);
  });

  test('that do not fit make their table unreadable, and nothing else', async () => {
    const image = described('id', 'bigint', '7', 'body', 'text', 'x');
    const { transactions, reset } = decode(read([as({ new: image }), row(2n, 12n)]), start, await shapes());
    expect(reset).toBeNull();
    expect(transactions[0]!.changes).toHaveLength(1);
    expect([...transactions[0]!.unreadable].map(([table, why]) => [table.name, why])).toEqual([
      ['notes', 'notes.id was logged as bigint, and the schema says integer'],
    ]);
  });

  test('that changed the key are a delete and an insert', async () => {
    const image = (id: string) => described('id', 'integer', id, 'body', 'text', 'x');
    const { transactions } = await only({ op: 'UPDATE', old: image('1'), new: image('2') });
    expect(transactions[0]!.changes.map(({ op }) => op)).toEqual(['DELETE', 'INSERT']);
  });

  test('a TRUNCATE, and that something was not logged, need only the table', async () => {
    const truncated = await only({ op: 'TRUNCATE', new: described() });
    expect(truncated.transactions[0]!.changes).toMatchObject([{ op: 'TRUNCATE', old: null, new: null }]);
    const unknown = await only({ op: 'UNKNOWN', new: described() });
    expect(unknown.transactions[0]!.unreadable.size).toBe(1);
    const elsewhere = await only({ op: 'UNKNOWN', new: ['public', 'nothing'] });
    expect(elsewhere.transactions).toEqual([]);
  });
});

test('an image of which nobody knows what is in it is a reset of everything', async () => {
  const { reset } = decode(read([row(1n, 12n, { shape: '3' })]), start, await shapes());
  expect(reset).toMatch(/rivulet migrate/);
});

describe('shapeOf', () => {
  const kind = (change: Partial<ShapeRow>) => shapeOf(model, { ...shape, ...change }).kind;

  test('knows the table by schema and name', () => {
    expect(kind({})).toBe('known');
    expect(kind({ sqlName: 'other' })).toBe('foreign');
    expect(kind({ sqlSchema: 'other' })).toBe('foreign');
  });

  test('reads an image by the names of its own columns', () => {
    const turned = shapeOf(model, { ...shape, columns: ['gone', 'body', 'id'], types: null });
    expect(turned.kind === 'known' && turned.read(['g', 'b', '1'])).toEqual(['1', 'b']);
  });

  test('does not fit without a column that the model has, or with another key', () => {
    expect(kind({ columns: ['id'] })).toBe('unfit');
    expect(kind({ key: ['body'] })).toBe('unfit');
  });

  test('does not fit where the text may be of another type, and fits where it reads the same', () => {
    expect(kind({ types: ['bigint', 'text'] })).toBe('unfit');
    expect(kind({ types: ['integer', '"public"."mood"'] })).toBe('unfit');
    expect(kind({ types: ['smallint', 'character varying'] })).toBe('known');
    expect(kind({ types: [null, null] })).toBe('known');
  });
});

test('an answer without its first row means that there is no log', () => {
  expect(parseRead([])).toBeNull();
});
