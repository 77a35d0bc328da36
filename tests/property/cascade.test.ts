import fc from 'fast-check';
import { expect, test } from 'vitest';
import { keyOf } from '../../shared/value/key.js';
import type { LoggedChange } from '../../src/log/types.js';
import { readModel } from '../../src/model/read.js';
import { netChanges } from '../../src/scope/messages/net-changes.js';
import { createDatabase } from '../support/database.js';
import { propertyOptions } from '../support/property.js';
import { watchAll } from '../support/watch-all.js';
import { watch } from '../support/watched.js';
import {
  type CascadeSchema,
  cascadeSchema,
  columnsOf,
  fillSql,
  relationsOf,
  schemaSql,
} from './cascade-schema.js';
import { cascadeTransaction } from './cascade-statements.js';

const database = await createDatabase();
const [[version]] = (await database.query(`select current_setting('server_version_num')`)) as [[string]];
const isMerging = Number(version) >= 150_000;
if (!isMerging) console.log('PostgreSQL before 15 has no MERGE: the histories have none');

/** Rows by key, as PostgreSQL writes them. */
type Rows = Map<string, readonly (string | null)[]>;

async function selectAll(schema: CascadeSchema): Promise<ReadonlyMap<string, Rows>> {
  const found = new Map<string, Rows>();
  for (const table of schema.tables) {
    const cells = columnsOf(table).map((column) => `${column}::text`);
    // Each run makes its tables anew: what was prepared for those of another run is not to be used.
    const text = `select ${cells.join(', ')} from ${table.name}`;
    const rows = await database.db.query({ text, params: [] }, { prepare: false });
    found.set(table.name, new Map(rows.map((row) => [JSON.stringify(row.slice(0, table.key.length)), row])));
  }
  return found;
}

/** What the transactions of this test came to, over all its runs: a test in which nothing happens proves nothing. */
const seen = { committed: 0, refused: 0, changed: 0, severalTimes: 0, unseen: 0 };

async function followHistory(
  schema: CascadeSchema,
  history: readonly (readonly string[])[],
  shift: number,
  isDescribed: boolean,
) {
  await database.script(
    'drop schema public cascade; create schema public; drop schema if exists rivulet cascade',
  );
  await database.script(schemaSql(schema));
  await database.script(fillSql(schema, shift));
  await watchAll(database, readModel(relationsOf(schema, isDescribed)));
  const watched = await watch(database, relationsOf(schema), []);
  try {
    let before = await selectAll(schema);
    for (const statements of history) {
      const isCommitted = await database.script(statements.join(';\n')).then(
        () => true,
        () => false,
      );
      seen[isCommitted ? 'committed' : 'refused']++;
      const after = await selectAll(schema);
      const transactions = await watched.take();
      expect(transactions.length).toBeLessThanOrEqual(1);
      for (const table of schema.tables) {
        const [transaction] = transactions;
        const isUnseen = [...(transaction?.unreadable.keys() ?? [])].some(({ name }) => name === table.name);
        if (isUnseen) {
          // Of a MERGE into a partitioned table PostgreSQL does not tell everything, and only of that.
          expect({ statements, table, isMerge: statements.some((sql) => sql.startsWith('merge')) }).toEqual({
            statements,
            table: expect.objectContaining({ isPartitioned: true }),
            isMerge: true,
          });
          seen.unseen++;
          continue;
        }
        const net = transaction && netChanges(transaction).get(table.name);
        const rows: Rows = net?.truncated ? new Map() : new Map(before.get(table.name));
        for (const change of net?.rows ?? []) {
          const cells = (change.new ?? change.old)!;
          const key = JSON.stringify(cells.slice(0, table.key.length));
          expect({ statements, key, before: rows.get(key) ?? null }).toEqual({
            statements,
            key,
            before: change.old,
          });
          if (change.new) rows.set(key, change.new);
          else rows.delete(key);
          seen.changed++;
        }
        expect({ statements, table: table.name, rows: sorted(rows) }).toEqual({
          statements,
          table: table.name,
          rows: sorted(after.get(table.name)!),
        });
      }
      seen.severalTimes += transactions.reduce((sum, { changes }) => sum + changedAgain(changes), 0);
      before = after;
    }
  } finally {
    await watched.stop();
  }
}

/** Changes of rows that the transaction had changed already. */
function changedAgain(changes: readonly LoggedChange[]): number {
  const keys = changes.flatMap(({ table, old, new: next }) => {
    const cells = next ?? old;
    return cells ? [`${table.name} ${keyOf(table, cells)}`] : [];
  });
  return keys.length - new Set(keys).size;
}

const sorted = (rows: Rows) => [...rows.values()].map((row) => JSON.stringify(row)).toSorted();

const schemaAndHistory = cascadeSchema.chain((schema) =>
  fc.record({
    schema: fc.constant(schema),
    shift: fc.nat({ max: 6 }),
    history: fc.array(
      cascadeTransaction(isMerging).map((statements) => statements.map((make) => make(schema))),
      { minLength: 8, maxLength: 24 },
    ),
  }),
);

test.each([
  ['as declared', false],
  ['by images that describe themselves', true],
])(
  'the net changes of each transaction, logged %s, make the rows before into the rows after',
  async (_, isDescribed) => {
    for (const name of Object.keys(seen) as (keyof typeof seen)[]) seen[name] = 0;
    await fc.assert(
      fc.asyncProperty(schemaAndHistory, ({ schema, history, shift }) =>
        followHistory(schema, history, shift, isDescribed),
      ),
      // A run takes a quarter of a second: a failure is shown as it was found.
      { ...propertyOptions(20), endOnFailure: true },
    );
    console.log(JSON.stringify(seen));
    expect(seen.changed).toBeGreaterThan(0);
    expect(seen.severalTimes).toBeGreaterThan(0);
  },
  600_000,
);
