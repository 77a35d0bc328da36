import { defineRelations } from 'drizzle-orm';
import { integer, pgTable, text } from 'drizzle-orm/pg-core';
import { afterAll, beforeEach, expect, test } from 'vitest';
import { readModel } from '../../src/model/read.js';
import { inspect } from '../../src/watch/inspect.js';
import { install } from '../../src/watch/install.js';
import { planWatchers } from '../../src/watch/plan.js';
import { READER_FUNCTIONS } from '../../src/watch/reader-functions.js';
import { watchSql } from '../../src/watch/watch-sql.js';
import { createDatabase } from '../support/database.js';

const notes = pgTable('notes', { id: integer().primaryKey(), body: text() });
const plan = planWatchers(readModel(defineRelations({ notes })), [{ table: notes }]);
const database = await createDatabase();
const NOBODY = `${database.name}_nobody`;
const READER = `${database.name}_reader`;
await database.script(`create role ${NOBODY} login password 'n'; create role ${READER}`);
afterAll(() => database.script(`drop owned by ${NOBODY}, ${READER}; drop role ${NOBODY}, ${READER}`));

beforeEach(async () => {
  await database.script(`drop schema if exists rivulet cascade; drop table if exists notes;
    create table notes (id int primary key, body text)`);
});

const executable = async (role: string) =>
  (
    await database.query(
      `select p.oid::regprocedure::text from pg_proc p where p.pronamespace = 'rivulet'::regnamespace
        and has_function_privilege($1, p.oid, 'execute') order by 1`,
      role,
    )
  ).map(([name]) => name);
const functions = async () =>
  (
    await database.query(`select count(*)::text from pg_proc where pronamespace = 'rivulet'::regnamespace`)
  )[0]![0];

test.each([
  ['install', () => install(database.db, plan)],
  ['the migration', () => database.script(watchSql(plan))],
])('after %s no function of the log can be executed by a role without privileges', async (_, made) => {
  await made();
  expect(Number(await functions())).toBeGreaterThan(8);
  expect(await executable(NOBODY)).toEqual([]);
  expect(
    await database.query(
      `select has_schema_privilege($1, 'rivulet', 'usage')::text, has_schema_privilege($1, 'rivulet', 'create')::text`,
      NOBODY,
    ),
  ).toEqual([['false', 'false']]);
});

test('one that was granted to PUBLIC is a difference, and migrating revokes it', async () => {
  await install(database.db, plan);
  await database.script(
    'grant execute on all functions in schema rivulet to public; grant usage on schema rivulet to public',
  );
  expect((await executable(NOBODY)).length).toBeGreaterThan(8);
  const found = await inspect(database.db, plan);
  expect(found.map(({ kind, effect }) => `${kind} ${effect}`)).toEqual(['log-public none', 'altered unseen']);
  expect(found[0]!.message).toContain('schema rivulet, rivulet.callers');
  await install(database.db, plan);
  expect(await inspect(database.db, plan)).toEqual([]);
  expect(await executable(NOBODY)).toEqual([]);
});

test('a role that reads the log keeps the functions of a server when an older install is migrated', async () => {
  await install(database.db, plan);
  await database.script(`grant usage on schema rivulet to ${READER}; grant select on all tables in schema rivulet to ${READER};
    grant execute on all functions in schema rivulet to public; update rivulet.log set version = version - 1`);
  await install(database.db, plan);
  const signatures = READER_FUNCTIONS.map((name) => name.replace(', ', ','));
  expect(await executable(READER)).toEqual(signatures);
  expect(await executable(NOBODY)).toEqual([]);
});

test('a writer that may do nothing but write the table writes it, by every way, and is logged', async () => {
  await install(database.db, plan);
  await database.script(`grant select, insert, update, delete, truncate on notes to ${NOBODY}`);
  const writer = database.connect({ max: 1, user: NOBODY, password: 'n' });
  const write = () =>
    writer.script(
      `insert into notes values (1, 'a'); update notes set body = 'b'; update notes set id = 2; delete from notes; truncate notes`,
    );
  await write();
  // Images that describe themselves call more functions.
  await database.script(
    'alter table notes add more int; alter table notes alter body type varchar(7) using body',
  );
  await database.script('alter table notes rename body to words');
  await writer.script(`insert into notes values (3, 'c'); delete from notes`);
  const ops = await database.query(`select string_agg(op::text, '' order by seq) from rivulet.change`);
  expect(ops[0]![0]).toMatch(/^IU(DI|ID)DTID$/);
});
