import { defineRelations } from 'drizzle-orm';
import { integer, pgTable, text } from 'drizzle-orm/pg-core';
import { describe, expect, test } from 'vitest';
import { decode } from '../../../src/log/decode.js';
import { type LoggedRow, parseRead } from '../../../src/log/read.js';
import { Shapes, shapeOf } from '../../../src/log/shapes.js';
import { formatSnapshot, parseSnapshot } from '../../../src/log/snapshot.js';
import { readModel } from '../../../src/model/read.js';

const notes = pgTable('notes', { id: integer().primaryKey(), body: text() });
const relations = defineRelations({ notes });
const model = readModel(relations);
const shape = { sqlSchema: 'public', sqlName: 'notes', columns: ['id', 'body'], key: ['id'] };

async function shapes() {
  const known = new Shapes(model);
  await known.load(
    {
      query: async () => [['1', 'public', 'notes', '["id","body"]', '["id"]']],
      script: async () => {},
    },
    ['1', '2'],
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
      '10:13:10,11',
      '11:13:11',
      '100:100:',
    ]);
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

describe('shapeOf', () => {
  const kind = (change: Partial<typeof shape>) => shapeOf(model, { ...shape, ...change }).kind;

  test('knows the table by schema and name', () => {
    expect(kind({})).toBe('known');
    expect(kind({ sqlName: 'other' })).toBe('foreign');
    expect(kind({ sqlSchema: 'other' })).toBe('foreign');
  });

  test('reads an image by the names of its own columns', () => {
    const turned = shapeOf(model, { ...shape, columns: ['gone', 'body', 'id'] });
    expect(turned.kind === 'known' && turned.read(['g', 'b', '1'])).toEqual(['1', 'b']);
  });

  test('does not fit without a column that the model has, or with another key', () => {
    expect(kind({ columns: ['id'] })).toBe('unfit');
    expect(kind({ key: ['body'] })).toBe('unfit');
  });
});

test('an answer without its first row means that there is no log', () => {
  expect(parseRead([])).toBeNull();
});
