import { defineRelations } from 'drizzle-orm';
import { date, integer, json, pgEnum, pgTable, point, primaryKey, serial, text } from 'drizzle-orm/pg-core';
import {
  type GraphQLInputObjectType,
  type GraphQLObjectType,
  type GraphQLSchema,
  isInputObjectType,
  isObjectType,
  printType,
  validateSchema,
} from 'graphql';
import { describe, expect, test } from 'vitest';
import { buildSchema } from '../../../src/graphql/build-schema.js';
import { changesType } from '../../../src/graphql/schema/change-types.js';
import { readModel } from '../../../src/model/read.js';
import { exampleModel, examplePolicies } from '../../support/example.js';

const example = buildSchema({
  model: exampleModel,
  policies: examplePolicies,
  subscriptionFields: (types) =>
    Object.fromEntries(
      types.exposure.tables.map((table) => [
        `${table.fields.one}Changes`,
        { type: changesType(types, table) },
      ]),
    ),
});

const fieldsOf = (schema: GraphQLSchema, name: string): Record<string, string> =>
  Object.fromEntries(
    Object.values((schema.getType(name) as GraphQLObjectType | GraphQLInputObjectType).getFields()).map(
      (field) => [field.name, String(field.type)],
    ),
  );

describe('the schema of the example', () => {
  test('is valid and has one row type a table', () => {
    expect(validateSchema(example)).toEqual([]);
    for (const table of exampleModel.tables) expect(isObjectType(example.getType(table.typeName))).toBe(true);
  });

  test('shows keys and references as ID, relations to one as nullable, relations to many as lists of rows', () => {
    expect(fieldsOf(example, 'Task')).toMatchObject({
      id: 'ID!',
      projectId: 'ID!',
      assigneeId: 'ID',
      title: 'String!',
      description: 'String',
      status: 'Status!',
      project: 'Project',
      assignee: 'User',
      comments: '[Comment!]!',
      nodeId: 'ID!',
    });
  });

  test('has the root fields that users type', () => {
    expect(fieldsOf(example, 'Query')).toMatchObject({
      task: 'Task',
      tasks: '[Task!]!',
      tasksConnection: 'TaskConnection!',
      taskLabels: '[TaskLabel!]!',
      node: 'Node',
      nodes: '[Node]!',
    });
    expect(fieldsOf(example, 'Mutation')).toMatchObject({
      createTask: 'Task!',
      createTasks: '[Task!]!',
      updateTask: 'Task',
      updateTasks: '[Task!]!',
      deleteTask: 'Task',
      deleteTasks: '[Task!]!',
      createTaskLabel: 'TaskLabel!',
    });
  });

  test('has no mutation that no policy could allow', () => {
    expect(Object.keys(fieldsOf(example, 'Mutation')).filter((name) => /User|Project/.test(name))).toEqual(
      [],
    );
  });

  test('gives a composite key an id beside its columns', () => {
    expect(fieldsOf(example, 'Member')).toMatchObject({ id: 'ID!', projectId: 'ID!', userId: 'ID!' });
    expect(fieldsOf(example, 'MemberFilter')).not.toHaveProperty('id');
  });

  test('asks of an insert only what has no default, and of a set nothing', () => {
    expect(fieldsOf(example, 'TaskInsert')).toMatchObject({
      projectId: 'ID!',
      title: 'String!',
      status: 'Status',
    });
    expect(fieldsOf(example, 'TaskInsert')).not.toHaveProperty('id');
    expect(Object.values(fieldsOf(example, 'TaskSet')).filter((type) => type.endsWith('!'))).toEqual([]);
  });

  test('has a field `id` only in entities and in what filters and orders them', () => {
    const entities = new Set(exampleModel.tables.map((table) => table.typeName));
    const withId = Object.values(example.getTypeMap()).filter(
      (type) => isObjectType(type) && 'id' in type.getFields() && !entities.has(type.name),
    );
    expect(withId).toEqual([]);
    expect(fieldsOf(example, 'TaskImage')).toMatchObject({ title: 'String', projectId: 'ID' });
    expect(fieldsOf(example, 'TaskChange')).toEqual({
      kind: 'ChangeKind!',
      op: 'ChangeOp',
      key: 'ID!',
      node: 'Task',
      previous: 'TaskImage',
      changedColumns: '[TaskColumn!]!',
    });
  });

  test('orders by exactly one column in each step', () => {
    const order = example.getType('TaskOrder');
    expect(isInputObjectType(order) && order.isOneOf).toBe(true);
  });

  test('filters one to one as Drizzle does', () => {
    expect(printType(example.getType('StringFilter')!)).toContain('notIlike: String');
    expect(Object.keys(fieldsOf(example, 'IntFilter'))).toEqual(
      'eq ne in notIn gt gte lt lte isNull isNotNull AND OR NOT'.split(' '),
    );
    expect(fieldsOf(example, 'TaskFilter')).toMatchObject({
      project: 'ProjectFilter',
      labels: 'LabelFilter',
      OR: '[TaskFilter!]',
      NOT: 'TaskFilter',
    });
  });
});

const mood = pgEnum('mood', ['so so', 'true', '1st']);
const things = pgTable('things', {
  code: text('code').primaryKey(),
  mood: mood('mood'),
  moods: mood('moods').array(),
  place: point('place'),
  raw: json('raw'),
  tags: text('tags').array().notNull(),
  secret: text('secret'),
  parentCode: text('parent_code'),
});
const pairs = pgTable('pairs', { a: integer('a'), b: integer('b') }, (t) => [
  primaryKey({ columns: [t.a, t.b] }),
]);
const bare = pgTable('bare', { id: integer('id').primaryKey().generatedAlwaysAsIdentity() });
const hidden = pgTable('hidden', { id: serial('id').primaryKey(), thing: text('thing') });
const oddRelations = defineRelations({ things, pairs, bare, hidden }, (r) => ({
  things: {
    parent: r.one.things({ from: r.things.parentCode, to: r.things.code }),
    hiddens: r.many.hidden({ from: r.things.code, to: r.hidden.thing }),
  },
}));
const oddModel = readModel(oddRelations);

describe('another schema', () => {
  const schema = buildSchema({
    model: oddModel,
    policies: {
      things: { read: true, insert: true, update: true, columns: { secret: { read: false } } },
      pairs: { read: true },
      bare: { insert: true, update: true, delete: true },
    },
    subscriptionFields: (types) => ({
      bareChanges: { type: changesType(types, oddModel.table('bare')) },
      thingChanges: { type: changesType(types, oddModel.table('things')) },
    }),
  });

  test('does not know tables without a policy, nor what leads to them', () => {
    expect(Object.keys(schema.getTypeMap()).filter((name) => /hidden/i.test(name))).toEqual([]);
    expect(fieldsOf(schema, 'Thing')).not.toHaveProperty('hiddens');
    expect(fieldsOf(schema, 'ThingFilter')).not.toHaveProperty('hiddens');
  });

  test('does not know columns that nobody may read, but takes them where they may be written', () => {
    for (const name of ['Thing', 'ThingFilter', 'ThingOrder', 'ThingImage']) {
      expect(fieldsOf(schema, name)).not.toHaveProperty('secret');
    }
    expect(fieldsOf(schema, 'ThingInsert')).toHaveProperty('secret');
    expect(printType(schema.getType('ThingColumn')!)).not.toContain('secret');
  });

  test('names the labels of enums safely', () => {
    const printed = printType(schema.getType('Mood')!);
    expect(printed).toContain('so_so');
    expect(printed).toContain('_true');
    expect(printed).toContain('_1st');
  });

  test('gives each type the operators and orders that it has', () => {
    expect(fieldsOf(schema, 'Thing')).toMatchObject({
      id: 'ID!',
      code: 'ID!',
      moods: '[Mood]',
      tags: '[String]!',
    });
    expect(fieldsOf(schema, 'ThingFilter')).toMatchObject({ code: 'TextIDFilter', moods: 'MoodListFilter' });
    expect(fieldsOf(schema, 'TextIDFilter')).toHaveProperty('like');
    expect(fieldsOf(schema, 'StringListFilter')).toMatchObject({ arrayContains: '[String]', eq: '[String]' });
    expect(fieldsOf(schema, 'ThingOrder')).not.toHaveProperty('place');
    expect(fieldsOf(schema, 'ThingOrder')).not.toHaveProperty('raw');
  });

  test('has no empty types where a table has nothing but its key', () => {
    expect(schema.getType('BareInsert')).toBeUndefined();
    expect(schema.getType('BareImage')).toBeUndefined();
    expect(fieldsOf(schema, 'BareChange')).not.toHaveProperty('previous');
    expect(fieldsOf(schema, 'Mutation')).toHaveProperty('deleteBare');
  });

  test('can be empty', () => {
    const empty = buildSchema({ model: oddModel, policies: {} });
    expect(Object.keys(fieldsOf(empty, 'Query'))).toEqual(['node', 'nodes']);
  });

  test('with two things of one name is refused', () => {
    const dates = pgTable('dates', { id: integer('id').primaryKey(), on: date('on') });
    const relations = defineRelations({ dates });
    const model = readModel(relations);
    expect(() => buildSchema({ model })).toThrow(expect.objectContaining({ code: 'SCHEMA_NAME_CLASH' }));
  });

  test('with policies for what is not there is refused', () => {
    const build = () => buildSchema({ model: oddModel, policies: { thing: { read: true } } });
    expect(build).toThrow(expect.objectContaining({ code: 'POLICY_INVALID' }));
  });
});
