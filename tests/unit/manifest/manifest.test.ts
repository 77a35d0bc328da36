import { describe, expect, test } from 'vitest';
import { relations as example } from '../../../schema/relations.js';
import { modelOf } from '../../../shared/manifest/read.js';
import type { Manifest } from '../../../shared/manifest/types.js';
import { enumNames } from '../../../src/graphql/schema/enum-names.js';
import { DEFAULT_LIMITS } from '../../../src/graphql/schema/query-limits.js';
import { isId } from '../../../src/graphql/schema/type-registry.js';
import { hashText } from '../../../src/manifest/hash.js';
import { makeManifest } from '../../../src/manifest/make.js';
import { readModel } from '../../../src/model/read.js';
import { manifest as blog, model as blogModel } from '../client/blog.js';

const model = readModel(example);
const options = { limits: DEFAULT_LIMITS, enumNames, isId };
const manifest = makeManifest(model, () => true, options);
const tableOf = (of: Manifest, name: string) => of.tables.find((table) => table.name === name)!;

describe('the manifest', () => {
  test('is the same text for the same schema, and survives JSON', () => {
    const again = makeManifest(readModel(example), () => true, options);
    expect(JSON.stringify(again)).toBe(JSON.stringify(manifest));
    expect(JSON.parse(JSON.stringify(manifest))).toEqual(manifest);
  });

  test('has a hash of all the rest', () => {
    const { hash, version, ...rest } = manifest;
    expect(hash).toBe(hashText(JSON.stringify({ version, ...rest })));
    expect(makeManifest(model, ({ name }) => name !== 'labels', options).hash).not.toBe(hash);
    expect(hashText('')).toBe('cbf29ce484222325');
  });

  // Where this fails, the form of the manifest changed: raise MANIFEST_VERSION if clients that know the old form cannot read it.
  test('has the form that its version promises', () => {
    expect([blog.version, blog.hash]).toMatchInlineSnapshot(`
      [
        1,
        "8baf380eb518d9de",
      ]
    `);
  });

  test('names root fields, keys, columns and relations', () => {
    const members = tableOf(manifest, 'members');
    expect(members.fields).toEqual({
      one: 'member',
      many: 'members',
      changes: 'memberChanges',
      connection: 'membersConnection',
    });
    expect(members.key).toEqual(['projectId', 'userId']);
    const estimate = tableOf(manifest, 'tasks').columns.find(({ name }) => name === 'estimate')!;
    expect(estimate).toMatchObject({ type: { kind: 'numeric' }, notNull: false, id: false, orderable: true });
    expect(estimate.operators).toContain('gte');
    expect(tableOf(manifest, 'tasks').columns.find(({ name }) => name === 'projectId')).toMatchObject({
      id: true,
    });
    expect(tableOf(manifest, 'projects').relations.find(({ name }) => name === 'openTasks')).toEqual({
      rule: 'known',
      name: 'openTasks',
      kind: 'many',
      target: 'tasks',
      from: ['id'],
      to: ['projectId'],
      where: { on: 'target', filter: { status: { ne: 'done' } } },
    });
  });

  test('keeps the names of enum labels where GraphQL has others, and no SQL name', () => {
    const mood = tableOf(blog, 'posts').columns.find(({ name }) => name === 'mood')!;
    expect(mood.type).toEqual({
      kind: 'enum',
      name: 'Mood',
      values: ['in doubt', 'glad'],
      names: ['in_doubt', 'glad'],
    });
    expect(JSON.stringify(manifest)).not.toMatch(/project_id|task_labels|public/);
  });

  test('names nothing that is hidden from everybody', () => {
    const hidden = makeManifest(model, ({ name }) => name !== 'taskLabels' && name !== 'users', {
      ...options,
      columns: (table) => table.columns.filter(({ name }) => name !== 'status' && name !== 'taskId'),
    });
    expect(JSON.stringify(hidden)).not.toMatch(/status|taskLabel|taskId|"users"|assignee"/);
    const rule = (table: string, relation: string) =>
      tableOf(hidden, table).relations.find(({ name }) => name === relation)?.rule;
    expect(rule('tasks', 'labels')).toBe('hidden');
    expect(rule('tasks', 'comments')).toBe('hidden');
    expect(rule('projects', 'openTasks')).toBe('hidden');
    expect(rule('projects', 'tasks')).toBe('known');
    expect(tableOf(hidden, 'tasks').relations.some(({ name }) => name === 'assignee')).toBe(false);
  });
});

describe('the model of a manifest', () => {
  test('has the same tables, columns, keys and relations as the model it was made from', () => {
    const read = modelOf(JSON.parse(JSON.stringify(blog)) as Manifest);
    const shape = (of: typeof read) =>
      of.tables.map((table) => ({
        name: table.name,
        typeName: table.typeName,
        key: table.key.map(({ name }) => name),
        columns: table.columns.map(({ name, index, notNull, isKey, type }) => [
          name,
          index,
          notNull,
          isKey,
          type.kind,
        ]),
        relations: table.relations.map(({ name, kind, target, from, to, through, where }) => ({
          name,
          kind,
          target,
          from: from.map((column) => column.name),
          to: to.map((column) => column.name),
          through: through && [through.table, through.from[0]?.name, through.to[0]?.name],
          where,
        })),
      }));
    expect(shape(read)).toEqual(shape(blogModel));
    expect(read.tables.flatMap((table) => table.columns.map(isId))).toEqual(
      blogModel.tables.flatMap((table) => table.columns.map(isId)),
    );
  });

  test('is refused where the version is another', () => {
    expect(() => modelOf({ ...blog, version: 2 } as unknown as Manifest)).toThrow('version 2');
  });

  test('is refused where a relation leads nowhere', () => {
    const broken = { ...blog, tables: blog.tables.filter(({ name }) => name !== 'comments') };
    expect(() => modelOf(broken)).toThrow('no table comments');
  });
});
