import { defineRelations } from 'drizzle-orm';
import { bigint, customType, integer, json, pgSchema, pgTable, primaryKey, text } from 'drizzle-orm/pg-core';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { and, EVERYTHING, NOTHING } from '../../shared/filter/normalize.js';
import { parseOrder } from '../../shared/filter/order.js';
import { parseFilter, relationFilter, relationSourceFilter } from '../../shared/filter/parse.js';
import type { Model, ModelTable } from '../../shared/model/types.js';
import { isVisible } from '../../src/log/snapshot.js';
import { readModel } from '../../src/model/read.js';
import { keyPredicate, keysPredicate } from '../../src/query/key.js';
import { afterFilter, reverseOrder } from '../../src/query/keyset.js';
import { runSelect, runSelects } from '../../src/query/select.js';
import { textArray } from '../../src/query/source.js';
import type { RelatedPlan, RowNode, SelectPlan } from '../../src/query/types.js';
import type { Statement } from '../../src/sql/statement.js';
import { createDatabase } from '../support/database.js';
import { exampleModel, exampleTables } from '../support/example.js';
import { propertyOptions } from '../support/property.js';

const setup = `${exampleTables()};
  insert into users (name, email) values ('ada', 'a@x'), ('grace', 'g@x');
  insert into projects (name, owner_id) values ('one', 1), ('two', 2), ('empty', 1);
  insert into members (project_id, user_id, role) values (1, 1, 'owner'), (1, 2, 'viewer'), (2, 2, 'owner');
  insert into tasks (project_id, title, status, priority, assignee_id, meta, estimate)
    select 1 + n % 2, 'task ' || n, (array['todo', 'doing', 'done'])[1 + n % 3]::status, nullif(n % 4, 3),
      nullif(n % 3, 0), case when n % 2 = 0 then '{"a": 1.10}'::jsonb end, n / 4.0
    from generate_series(1, 12) n where n % 4 <> 3;
  insert into labels (project_id, name) values (1, 'bug'), (1, 'idea');
  insert into task_labels select id, 1 + id % 2 from tasks;
  insert into comments (task_id, author_id, body) select 1 + n % 4, 1, E'"quo\\\\ted" {' || n || ',}' from generate_series(1, 8) n;

  create schema "odd ""schema";
  create table "odd ""schema"."select" ("t0" bigint, "or""der" text, "parent id" bigint, "ordinal" integer, j json,
    ex text[], primary key ("t0", "or""der"));
  insert into "odd ""schema"."select" values (9007199254740993, 'a:b%', null, 1, '{"b":1,  "a":2, "a":3}', '{x,NULL,"y,z"}'),
    (2, '', 9007199254740993, 2, null, null), (3, 'NULL', 9007199254740993, null, 'null', '{}');
  create table twins (id integer primary key, name text);
  create table twin_links (left_id integer, right_id integer, nr integer primary key);
  insert into twins values (1, 'a'), (2, 'b');
  insert into twin_links values (1, 2, 1), (1, 2, 2), (1, 1, 3);
`;
const database = await createDatabase({ setup });
const { db } = database;

const oddSchema = pgSchema('odd "schema');
const bracketed = customType<{ data: string; driverData: string }>({ dataType: () => 'text' });
const select = oddSchema.table(
  'select',
  {
    big: bigint('t0', { mode: 'bigint' }),
    name: text('or"der'),
    parentBig: bigint('parent id', { mode: 'bigint' }),
    ordinal: integer('ordinal'),
    j: json('j'),
    ex: bracketed('ex').array(),
  },
  (table) => [primaryKey({ columns: [table.big, table.name] })],
);
const twins = pgTable('twins', { id: integer('id').primaryKey(), name: text('name') });
const twinLinks = pgTable('twin_links', {
  leftId: integer('left_id'),
  rightId: integer('right_id'),
  nr: integer('nr').primaryKey(),
});
const oddRelations = defineRelations({ select, twins, twinLinks }, (r) => ({
  select: {
    parent: r.one.select({ from: r.select.parentBig, to: r.select.big }),
    children: r.many.select({
      from: r.select.big,
      to: r.select.parentBig,
      where: { name: { ne: 'NULL' } },
    }),
  },
  twins: {
    right: r.many.twins({
      from: r.twins.id.through(r.twinLinks.leftId),
      to: r.twins.id.through(r.twinLinks.rightId),
    }),
    firstRight: r.one.twins({
      from: r.twins.id.through(r.twinLinks.leftId),
      to: r.twins.id.through(r.twinLinks.rightId),
    }),
  },
}));
const oddModel = readModel(oddRelations);

interface PlanOptions extends Partial<Omit<SelectPlan, 'table' | 'related' | 'filter' | 'orderBy'>> {
  readonly where?: object;
  readonly orderBy?: readonly object[];
  readonly related?: Readonly<Record<string, PlanOptions>>;
}

function planFor(model: Model, table: ModelTable, options: PlanOptions = {}): SelectPlan {
  return {
    table,
    filter: parseFilter(model, table, options.where ?? {}),
    orderBy: parseOrder(table, options.orderBy),
    limit: options.limit ?? null,
    offset: options.offset ?? 0,
    related: Object.entries(options.related ?? {}).map(([name, inner]): RelatedPlan => {
      const relation = table.findRelation(name)!;
      const plan = planFor(model, model.table(relation.target), inner);
      return {
        responseKey: name,
        relation,
        via: EVERYTHING,
        onSource: relationSourceFilter(model, relation),
        plan: { ...plan, filter: and(plan.filter, relationFilter(model, relation)) },
      };
    }),
  };
}

const read = async (table: string, options: PlanOptions = {}, model = exampleModel) =>
  (await runSelect(db, model, planFor(model, model.table(table), options))).rows;

/** The database, counting its statements. */
function countingDb() {
  const counting = {
    ...db,
    statements: 0,
    query: (statement: Statement) => {
      counting.statements++;
      return db.query(statement);
    },
  };
  return counting;
}

/** `{ key, relation: [...] }`, to compare trees by their keys. */
function tree(row: RowNode): unknown {
  if (row.related.size === 0) return row.key;
  const related = [...row.related].map(([name, value]) => [
    name,
    value === null ? null : 'key' in value ? tree(value) : value.map(tree),
  ]);
  return { key: row.key, ...Object.fromEntries(related) };
}

describe('a select', () => {
  test('reads every column as Postgres prints it', async () => {
    const [row] = await read('tasks', { where: { id: 2 } });
    const columns = exampleModel.table('tasks').columns.map((column) => `"${column.sqlName}"::text`);
    const [direct] = await database.query(`select ${columns.join(', ')} from tasks where id = 2`);
    expect(row?.cells).toEqual(direct);
    expect(row?.key).toBe('2');
  });

  test('filters, orders, limits and skips', async () => {
    const rows = await read('tasks', {
      where: { projectId: 1 },
      orderBy: [{ priority: 'DESC_NULLS_LAST' }, { title: 'ASC' }],
      limit: 3,
      offset: 1,
    });
    const direct = await database.query(
      'select id::text from tasks where project_id = 1 order by priority desc nulls last, title, id limit 3 offset 1',
    );
    expect(rows.map((row) => row.key)).toEqual(direct.map(([id]) => id));
    expect(rows).toHaveLength(3);
  });

  test('nests one, many and through relations, each with a filter, an order and a limit', async () => {
    const rows = await read('projects', {
      related: {
        owner: {},
        openTasks: {
          limit: 2,
          orderBy: [{ title: 'DESC' }],
          related: { labels: {}, comments: { limit: 1 } },
        },
        people: { orderBy: [{ name: 'DESC' }] },
      },
    });
    const open = await database.query(
      `select t.id::text from tasks t where project_id = 1 and status <> 'done' order by title desc limit 2`,
    );
    const first = tree(rows[0]!) as {
      owner: string;
      people: string[];
      openTasks: { key: string; labels: string[] }[];
    };
    expect(first.owner).toBe('1');
    expect(first.people).toEqual(['2', '1']);
    expect(first.openTasks.map((task) => task.key)).toEqual(open.map(([id]) => id));
    for (const task of first.openTasks) expect(task.labels).toEqual([String(1 + (Number(task.key) % 2))]);
    expect(tree(rows[2]!)).toEqual({ key: '3', owner: '1', openTasks: [], people: [] });
  });

  test('keeps quotes, backslashes and braces of a text', async () => {
    const [row] = await read('comments', { where: { id: 3 } });
    expect(row?.cells).toContain('"quo\\ted" {3,}');
  });

  test('leaves a `one` that is not there, or not allowed, null', async () => {
    const rows = await read('tasks', { where: { assigneeId: { isNull: true } }, related: { assignee: {} } });
    expect(rows.length).toBeGreaterThan(0);
    for (const row of rows) expect(row.related.get('assignee')).toBeNull();
    const table = exampleModel.table('tasks');
    const plan = planFor(exampleModel, table, { related: { project: {} } });
    const denied = {
      ...plan,
      related: plan.related.map((each) => ({ ...each, plan: { ...each.plan, filter: NOTHING } })),
    };
    for (const row of (await runSelect(db, exampleModel, denied)).rows)
      expect(row.related.get('project')).toBeNull();
  });

  test('is told the snapshot it ran in', async () => {
    const plan = planFor(exampleModel, exampleModel.table('users'));
    const { snapshot, raw } = await runSelect(db, exampleModel, plan);
    const [[xid]] = (await database.query('select pg_current_xact_id()::text')) as [[string]];
    expect(isVisible(snapshot, BigInt(xid))).toBe(false);
    expect((await runSelect(db, exampleModel, plan)).raw).toBe(raw);
  });

  test('of several plans is one statement and one snapshot', async () => {
    const counting = countingDb();
    const plans = ['users', 'tasks', 'projects'].map((name) =>
      planFor(exampleModel, exampleModel.table(name)),
    );
    const results = await runSelects(counting, exampleModel, plans);
    expect(counting.statements).toBe(1);
    expect(results.map(({ rows }) => rows.length)).toEqual([2, 9, 3]);
    expect(new Set(results.map(({ snapshot }) => snapshot)).size).toBe(1);
    expect(await runSelects(counting, exampleModel, [])).toEqual([]);
  });
});

describe('a hostile schema', () => {
  test('is read like any other', async () => {
    const rows = await read('select', { related: { parent: {}, children: {} } }, oddModel);
    expect(rows.map(tree)).toEqual([
      { key: '2:', parent: '9007199254740993:a%3Ab%25', children: [] },
      { key: '3:NULL', parent: '9007199254740993:a%3Ab%25', children: [] },
      { key: '9007199254740993:a%3Ab%25', parent: null, children: ['2:'] },
    ]);
    expect(rows[2]?.cells).toEqual([
      '9007199254740993',
      'a:b%',
      null,
      '1',
      '{"b":1,  "a":2, "a":3}',
      '{x,NULL,"y,z"}',
    ]);
    expect(rows[1]?.cells).toEqual(['3', 'NULL', '9007199254740993', null, 'null', '{}']);
  });

  test('gives a row once, however many junction rows lead to it', async () => {
    const rows = await read('twins', { related: { right: {}, firstRight: {} } }, oddModel);
    expect(rows.map(tree)).toEqual([
      { key: '1', right: ['1', '2'], firstRight: '1' },
      { key: '2', right: [], firstRight: null },
    ]);
  });

  test('finds rows by their composite keys', async () => {
    const table = oddModel.table('select');
    const keysOf = async (filter: SelectPlan['filter']) =>
      (await runSelect(db, oddModel, { ...planFor(oddModel, table), filter })).rows.map((row) => row.key);
    expect(await keysOf(keyPredicate(table, '9007199254740993:a%3Ab%25'))).toEqual([
      '9007199254740993:a%3Ab%25',
    ]);
    expect(await keysOf(keysPredicate(table, ['3:NULL', '2:', '4:x', '2:']))).toEqual(['2:', '3:NULL']);
    expect(await keysOf(keysPredicate(table, []))).toEqual([]);
    expect(() => keyPredicate(table, '3')).toThrow(expect.objectContaining({ code: 'KEY_INVALID' }));
  });
});

describe('images', () => {
  test('travel as array literals that Postgres reads back unchanged', async () => {
    const item = fc.option(
      fc.string({ unit: 'binary' }).map((text) => text.replaceAll('\0', '')),
      { nil: null },
    );
    await fc.assert(
      fc.asyncProperty(fc.array(item), async (values) => {
        const rows = await database.query('select u from unnest($1::text::text[]) u', textArray(values));
        expect(rows.map(([value]) => value)).toEqual(values);
      }),
      propertyOptions(200),
    );
  });
});

describe('a place in an order', () => {
  const tasks = exampleModel.table('tasks');
  const columns = ['assigneeId', 'status', 'estimate', 'dueOn', 'id'] as const;
  const directions = [
    'ASC',
    'DESC',
    'ASC_NULLS_FIRST',
    'ASC_NULLS_LAST',
    'DESC_NULLS_FIRST',
    'DESC_NULLS_LAST',
  ] as const;

  test('divides the rows into those before and those after it, whatever is null', async () => {
    await database.script('update tasks set estimate = null where id % 3 = 0');
    const term = fc.tuple(fc.constantFrom(...columns), fc.constantFrom(...directions));
    await fc.assert(
      fc.asyncProperty(fc.array(term, { maxLength: 3 }), async (terms) => {
        const orderBy = parseOrder(
          tasks,
          terms.map(([column, direction]) => ({ [column]: direction })),
        );
        const plan = { ...planFor(exampleModel, tasks), orderBy };
        const { rows } = await runSelect(db, exampleModel, plan);
        const keys = rows.map((row) => row.key);
        const plans = rows.flatMap((row) => {
          const place = orderBy.map(({ column }) => row.cells[column.index] ?? null);
          return [
            { ...plan, filter: afterFilter(orderBy, place) },
            { ...plan, filter: afterFilter(reverseOrder(orderBy), place), orderBy: reverseOrder(orderBy) },
          ];
        });
        const found = (await runSelects(db, exampleModel, plans)).map((result) =>
          result.rows.map((row) => row.key),
        );
        for (const [index] of keys.entries()) {
          expect(found[2 * index]).toEqual(keys.slice(index + 1));
          expect(found[2 * index + 1]).toEqual(keys.slice(0, index).reverse());
        }
      }),
      propertyOptions(60),
    );
  });
});
