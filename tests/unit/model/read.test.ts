import { defineRelations, sql } from 'drizzle-orm';
import {
  bigint,
  char,
  customType,
  integer,
  interval,
  numeric,
  pgEnum,
  pgSchema,
  pgTable,
  pgView,
  primaryKey,
  serial,
  text,
  timestamp,
  uuid,
  varchar,
} from 'drizzle-orm/pg-core';
import { describe, expect, test } from 'vitest';
import { relations as example } from '../../../schema/relations.js';
import type { RivuletError } from '../../../shared/errors.js';
import { readModel } from '../../../src/model/read.js';
import type { SchemaProblem } from '../../../src/model/schema-problems.js';

const model = readModel(example);

describe('the model of the example', () => {
  test('names types and root fields after the tables', () => {
    const names = model.tables.map(({ name, typeName, fields }) => [name, typeName, fields.one, fields.many]);
    expect(names).toContainEqual(['taskLabels', 'TaskLabel', 'taskLabel', 'taskLabels']);
    expect(names).toContainEqual(['users', 'User', 'user', 'users']);
  });

  test('knows composite keys in their order, and what points at a key', () => {
    const members = model.table('members');
    expect(members.key.map((column) => column.sqlName)).toEqual(['project_id', 'user_id']);
    const tasks = model.table('tasks');
    expect(tasks.column('projectId')).toMatchObject({ isKey: false, isReference: true });
    expect(tasks.column('title')).toMatchObject({ isKey: false, isReference: false });
    expect(tasks.column('id').isKey).toBe(true);
  });

  test('keeps the junction of a many-to-many relation, seen from both ends', () => {
    const labels = model.table('tasks').findRelation('labels')!;
    expect(labels.through?.table).toBe('taskLabels');
    expect(labels.through?.from.map((column) => column.name)).toEqual(['taskId']);
    expect(labels.through?.to.map((column) => column.name)).toEqual(['labelId']);
    const tasks = model.table('labels').findRelation('tasks')!;
    expect(tasks.through?.from.map((column) => column.name)).toEqual(['labelId']);
  });

  test("keeps a relation's own where, and whose columns it names", () => {
    expect(model.table('projects').findRelation('openTasks')!.where?.on).toBe('target');
    expect(model.table('projects').findRelation('tasks')!.where).toBeUndefined();
  });

  test('is frozen', () => {
    expect(Object.isFrozen(model.table('tasks'))).toBe(true);
    expect(Object.isFrozen(model.table('tasks').columns[0])).toBe(true);
    expect(Object.isFrozen(model.table('tasks').relations)).toBe(true);
  });
});

describe('column types', () => {
  const mood = pgEnum('mood', ['sad', 'ok']);
  const other = pgSchema('Other "S"');
  const level = other.enum('level', ['low', 'high']);
  const state = pgEnum('state', { On: 'on', Off: 'off' });
  const citext = customType<{ data: string }>({ dataType: () => 'citext' });
  const things = other.table('we ird', {
    id: serial().primaryKey(),
    big: bigint({ mode: 'bigint' }),
    price: numeric({ precision: 6, scale: 2 }),
    at: timestamp({ precision: 3, withTimezone: true }),
    plain: timestamp(),
    code: varchar({ length: 5 }),
    flag: char({ length: 3 }),
    span: interval({ fields: 'day' }),
    mood: mood(),
    state: state(),
    levels: level().array(),
    grid: integer().array('[][]'),
    name: citext(),
    doubled: integer().generatedAlwaysAs(sql`1`),
    own: integer().generatedAlwaysAsIdentity(),
    byDefault: integer().generatedByDefaultAsIdentity(),
    token: uuid().$defaultFn(() => ''),
  });
  const table = readModel(defineRelations({ things })).table('things');
  const typeOf = (name: string) => [table.column(name).type.kind, table.column(name).castType];

  test('casts leave modifiers off, so that a comparison does not round or cut', () => {
    expect(typeOf('price')).toEqual(['numeric', 'numeric']);
    expect(typeOf('code')).toEqual(['text', 'varchar']);
    expect(typeOf('flag')).toEqual(['text', 'bpchar']);
    expect(typeOf('at')).toEqual(['timestamp', 'timestamptz']);
    expect(typeOf('plain')).toEqual(['timestamp', 'timestamp']);
    expect(typeOf('span')).toEqual(['interval', 'interval']);
    expect(typeOf('id')).toEqual(['int', 'integer']);
  });

  test('enums keep their schema and order, arrays their item type and dimensions', () => {
    expect(typeOf('mood')).toEqual(['enum', '"public"."mood"']);
    expect(typeOf('levels')).toEqual(['array', '"Other ""S"""."level"[]']);
    expect(table.column('grid').type).toEqual({
      kind: 'array',
      of: { kind: 'int', bits: 32 },
      dimensions: 2,
    });
    expect(table.column('mood').type).toMatchObject({ values: ['sad', 'ok'], name: 'Mood' });
    expect(table.column('state').type).toMatchObject({ kind: 'enum', values: ['on', 'off'] });
  });

  test('a custom type is carried as text under its own name', () => {
    expect(table.column('name').type).toEqual({ kind: 'other', sqlType: 'citext' });
  });

  test('what the database makes itself cannot be written, what it can make may be left out', () => {
    expect(table.column('doubled')).toMatchObject({ generated: 'always', hasDefault: true });
    expect(table.column('own').generated).toBe('always');
    expect(table.column('byDefault').generated).toBe('byDefault');
    expect(table.column('token')).toMatchObject({ generated: 'no', hasDefault: true });
    expect(table.column('big').hasDefault).toBe(false);
  });
});

describe('a schema that cannot be served', () => {
  const problemsOf = (relations: Parameters<typeof readModel>[0]): string[] => {
    try {
      readModel(relations);
    } catch (error) {
      const { code, details } = error as RivuletError;
      expect(code).toBe('SCHEMA_INVALID');
      return (details.problems as SchemaProblem[]).map((problem) => `${problem.code} ${problem.place}`);
    }
    return [];
  };

  test('is refused with all of its problems at once', () => {
    const keyless = pgTable('keyless', { name: text(), AND: text(), 'a b': text() });
    const task = pgTable('task', { id: text().primaryKey() });
    const tasks = pgTable('tasks', { id: text().primaryKey() });
    expect(problemsOf(defineRelations({ keyless, task, tasks })).sort()).toEqual([
      'SCHEMA_INVALID_NAME keyless.a b',
      'SCHEMA_NAME_CLASH keyless.AND',
      'SCHEMA_NAME_CLASH tasks',
      'SCHEMA_NO_PRIMARY_KEY keyless',
    ]);
  });

  test('a column `id` that is not the whole key gets another name in GraphQL, which nothing else has', () => {
    const pairs = pgTable('pairs', { id: text(), to: text(), idColumn: text() }, (t) => [
      primaryKey({ columns: [t.to, t.id] }),
    ]);
    const notes = pgTable('notes', { uid: text().primaryKey(), id: integer() });
    const model = readModel(defineRelations({ pairs, notes }));
    const fieldsOf = (name: string) => model.table(name).columns.map(({ field }) => field);
    expect(fieldsOf('pairs')).toEqual(['idColumn_', 'to', 'idColumn']);
    expect(fieldsOf('notes')).toEqual(['uid', 'idColumn']);
    expect(model.table('notes').findField('idColumn')).toBe(model.table('notes').column('id'));
  });

  test('RAW in a relation is refused, since changes cannot be judged by it', () => {
    const folders = pgTable('folders', { id: integer().primaryKey(), parentId: integer() });
    const relations = defineRelations({ folders }, (r) => ({
      folders: {
        parent: r.one.folders({ from: r.folders.parentId, to: r.folders.id, alias: 'p' }),
        children: r.many.folders({
          from: r.folders.id,
          to: r.folders.parentId,
          where: { RAW: (table) => table.id as never },
        }),
      },
    }));
    expect(problemsOf(relations)).toEqual(['SCHEMA_UNSUPPORTED folders.children']);
  });

  test('a clash is mended by `names`; views are left out; a plural that equals its singular gets a suffix', () => {
    const task = pgTable('task', { id: text().primaryKey() });
    const tasks = pgTable('tasks', { id: text().primaryKey() });
    const news = pgTable('news', { id: text().primaryKey() });
    const recent = pgView('recent').as((query) => query.select().from(tasks));
    const read = readModel(defineRelations({ task, tasks, news, recent }), {
      names: { task: { type: 'Job', one: 'job', many: 'jobs' } },
    });
    expect(read.tables.map((table) => table.fields.many)).toEqual(['jobs', 'tasks', 'newsList']);
  });
});
