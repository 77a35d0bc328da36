import { defineRelations } from 'drizzle-orm';
import { integer, pgTable, text } from 'drizzle-orm/pg-core';
import { afterAll, expect, test } from 'vitest';
import { createLogFeed } from '../../src/feed/log-feed.js';
import type { LoggedTransaction } from '../../src/log/types.js';
import { createDatabase } from '../support/database.js';
import { waitFor } from '../support/wait-for.js';
import { watch } from '../support/watched.js';

const notes = pgTable('notes', { id: integer().primaryKey(), body: text() });
const relations = defineRelations({ notes });

const database = await createDatabase({ setup: 'create table notes (id int primary key, body text)' });
const watched = await watch(database, relations);
afterAll(() => watched.stop());

test('an inserted row arrives as a transaction with its image', async () => {
  await database.script(`insert into notes values (1, 'hello')`);
  const [transaction, ...more] = await watched.take();
  expect(more).toEqual([]);
  expect(transaction).toMatchObject({
    mutationId: null,
    changes: [{ op: 'INSERT', table: { name: 'notes' }, old: null, new: ['1', 'hello'] }],
  });
  expect(Math.abs(Date.parse(transaction!.loggedAt) - Date.now())).toBeLessThan(60_000);
});

test('a notification wakes the feed long before the clock would', async () => {
  const feed = createLogFeed({ database: database.db, model: watched.model, pollMs: 3_600_000 });
  const seen: LoggedTransaction[] = [];
  feed.listen(({ transactions }) => {
    seen.push(...transactions);
  });
  await feed.start();
  await database.script(`insert into notes values (2, 'ding')`);
  await waitFor('the change', () => seen.length === 1, 5_000);
  await feed.stop();
  await feed.stop();
});
