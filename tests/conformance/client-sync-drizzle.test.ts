import { asc, defineRelations, desc, gte } from 'drizzle-orm';
import { bytea, integer, pgTable, text, timestamp } from 'drizzle-orm/pg-core';
import { drizzle } from 'drizzle-orm/postgres-js';
import pino from 'pino';
import postgres from 'postgres';
import { afterAll, expect, test } from 'vitest';
import { readManifest, sync } from '../../client/core/index.js';
import type { ChangeInput } from '../../shared/protocol/selected.js';
import { createRivulet, defineConfig } from '../../src/index.js';
import { readModel } from '../../src/model/read.js';
import type { RivuletConfig } from '../../src/server/engine/config.js';
import { describeConfig } from '../../src/server/engine/describe-config.js';
import { watchPlanOf } from '../../src/server/engine/watch-plan.js';
import { watchSql } from '../../src/watch/watch-sql.js';
import { createDatabase } from '../support/database.js';

const files = pgTable('files', {
  id: integer().primaryKey(),
  name: text().notNull(),
  madeAt: timestamp('made_at', { withTimezone: true }).notNull(),
  content: bytea(),
});
const relations = defineRelations({ files });
const config = defineConfig({ relations, policies: { files: { read: () => true } } });

const database = await createDatabase({
  setup: `create table files (id int primary key, name text not null, made_at timestamptz not null, content bytea);
    ${watchSql(watchPlanOf(config as RivuletConfig, readModel(relations)))};
    insert into files values (1, 'one', '2026-01-01T00:00:00Z', '\\x0102'), (2, 'two', '2026-01-03T00:00:00.123456Z', null);`,
});
const rivulet = await createRivulet(config, {
  environment: {},
  databaseUrl: database.url,
  logger: pino({ level: 'silent' }),
  pollMs: 20,
});
const client = postgres(database.url, { max: 1, onnotice: () => {} });
const db = drizzle({ client, relations });
const manifest = readManifest(describeConfig(config as RivuletConfig).manifest);
afterAll(async () => {
  await rivulet.stop();
  await client.end();
});

test('what server code has of Drizzle, with dates and bytes, follows what the streams of the same process tell', async () => {
  const from = new Date('2026-01-02T00:00:00Z');
  const options = {
    manifest,
    table: 'files',
    follows: 'table',
    where: { madeAt: { gte: from.toISOString() } },
    orderBy: [{ madeAt: 'DESC' }],
  } as const;
  const truth = () =>
    db.select().from(files).where(gte(files.madeAt, from)).orderBy(desc(files.madeAt), asc(files.id));
  const stream = rivulet.changes(files);
  let value = await truth();
  const follow = async (change: string) => {
    await database.script(change);
    const message = (await stream.next()).value as unknown as ChangeInput;
    const before = value;
    value = sync(value, message, options);
    expect(value).toEqual(await truth());
    expect(sync(value, message, options)).toBe(value);
    return { before, message };
  };

  const entered = await follow("update files set made_at = '2026-02-01T00:00:00Z' where id = 1");
  expect(value.map(({ id }) => id)).toEqual([1, 2]);
  expect(value[1]).toBe(entered.before[0]);
  expect(value[0]!.madeAt).toBeInstanceOf(Date);

  const written = await follow("update files set content = '\\xff00' where id = 1");
  expect(written.before).not.toBe(value);
  expect(Buffer.from(value[0]!.content!)).toEqual(Buffer.from([0xff, 0]));

  // Rows that were read anew are other objects with the same dates and bytes: nothing changed.
  const again = await truth();
  expect(sync(again, written.message, options)).toBe(again);

  await follow("insert into files values (3, 'three', '2026-01-20T00:00:00Z', '\\x')");
  expect(value.map(({ id }) => id)).toEqual([1, 3, 2]);
  await follow("update files set made_at = '2026-01-25T00:00:00Z' where id = 3");
  await follow("update files set made_at = '2025-01-01T00:00:00Z', content = null where id = 1");
  await follow('delete from files where id = 2');
  expect(value.map(({ id }) => id)).toEqual([3]);
  await stream.return?.();
});
