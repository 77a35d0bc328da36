import { expect, test } from 'vitest';
import { codedError } from '../../src/database/errors.js';
import type { Database } from '../../src/database/types.js';
import { RequestReader } from '../../src/graphql/execute/request-reader.js';
import { createDatabase } from '../support/database.js';
import { exampleTables } from '../support/example.js';

const database = await createDatabase({ setup: exampleTables() });

const rows = (table: string) => () => [`(select count(*) from ${table})`];

/** Counts its statements. */
function counting(): { readonly db: Database; readonly statements: () => number } {
  let statements = 0;
  const db: Database = Object.create(database.db, {
    query: {
      value: (...args: Parameters<Database['query']>) => {
        statements++;
        return database.db.query(...args);
      },
    },
  });
  return { db, statements: () => statements };
}

test('what is asked in one turn is one statement, and has one snapshot', async () => {
  const { db, statements } = counting();
  const reader = new RequestReader(db);
  const [one, other] = await Promise.all([reader.read(rows('tasks')), reader.read(rows('labels'))]);
  expect(one.snapshot).toBe(other.snapshot);
  expect(reader.snapshot).toBe(one.snapshot);
  expect(statements()).toBe(1);
});

test('a reading that two transactions stood in the way of is still one moment', async () => {
  const writer = database.connect({ max: 1 });
  const { db, statements } = counting();
  const reader = new RequestReader(db);
  // The writer waits longer before it looks for a deadlock: it is the reader that Postgres ends.
  const written = writer.transaction(async (tx) => {
    await tx.script("set local deadlock_timeout = '20s'; lock table labels in access exclusive mode");
    const reading = Promise.all([reader.read(rows('tasks')), reader.read(rows('labels'))]);
    await tx.script(`
      do $$ begin
        loop
          exit when exists (select from pg_locks where not granted);
          perform pg_sleep(0.002);
        end loop;
      end $$;
      lock table tasks in access exclusive mode`);
    return { reading };
  });
  const [tasks, labels] = await (await written).reading;
  expect(tasks.snapshot).toBe(labels.snapshot);
  expect(reader.snapshot).toBe(tasks.snapshot);
  expect(statements()).toBeGreaterThan(1);
});

test('a reading that cannot be done fails alone, and the others still have their moment', async () => {
  const reader = new RequestReader(database.db);
  const broken = reader.read(() => ["(select 'no number'::int)"]).catch(codedError);
  const read = await reader.read(rows('tasks'));
  expect(await broken).toMatchObject({ code: 'VALUE_UNREADABLE' });
  expect(reader.snapshot).toBe(read.snapshot);
});
