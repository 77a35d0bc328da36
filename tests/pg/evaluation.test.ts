import { describe, expect, test } from 'vitest';
import { EVERYTHING, NOTHING, normalize } from '../../shared/filter/normalize.js';
import { parseFilter } from '../../shared/filter/parse.js';
import type { RowCells } from '../../shared/filter/types.js';
import type { Model } from '../../shared/model/types.js';
import { createLogHistory } from '../../src/feed/log-history.js';
import { parseSnapshot } from '../../src/log/snapshot.js';
import type { RelatedPlan } from '../../src/query/types.js';
import { createEvaluator } from '../../src/scope/evaluate/batch-evaluator.js';
import { ddl, table as everything, model as everythingModel } from '../property/filter-table.js';
import { createDatabase } from '../support/database.js';
import { exampleTables, exampleModel as model } from '../support/example.js';
import { observed } from '../support/observed.js';
import { watchAll } from '../support/watch-all.js';

/** What Postgres is asked about images, and about rows as they were. */
const database = await createDatabase({ setup: `${exampleTables()};\n${ddl}` });
await watchAll(database, model);
await database.script(`
  insert into users (name, email) values ('u', 'u@example.com');
  insert into projects (name, owner_id) values ('mine', 1), ('others', 1);
  insert into members (project_id, user_id, role) values (1, 1, 'owner');
  insert into tasks (project_id, title, priority) select 1 + n % 2, 't' || n, n from generate_series(1, 6) n;
  insert into labels (project_id, name) values (1, 'l');
  insert into task_labels (task_id, label_id) select id, 1 from tasks;
`);

const statements: string[] = [];
const db = observed(database.db, ({ text }) => statements.push(text));

async function roundOf(of: Model) {
  const [[snapshot]] = (await database.query('select pg_current_snapshot()::text')) as [[string]];
  const history = createLogHistory(of);
  const evaluator = createEvaluator({ database: db, model: of, history, retry: (work) => work() });
  return evaluator.round({ position: parseSnapshot(snapshot), later: [] });
}

const tasks = model.table('tasks');

async function imagesOfTasks(): Promise<readonly RowCells[]> {
  const columns = tasks.columns.map(({ sqlName }) => `"${sqlName}"::text`).join(', ');
  return database.query(`select ${columns} from tasks order by id`);
}

describe('images', () => {
  test('are filtered as the table would be, relations included, all questions in one statement', async () => {
    const images = await imagesOfTasks();
    const where = { project: { members: { userId: 1 } }, priority: { gte: 3 } };
    const filter = normalize(parseFilter(model, tasks, where));
    const relation = tasks.findRelation('labels')!;
    const labels: RelatedPlan = {
      responseKey: 'labels',
      relation,
      via: EVERYTHING,
      plan: {
        table: model.table('labels'),
        filter: EVERYTHING,
        orderBy: [],
        limit: null,
        offset: 0,
        related: [],
      },
    };
    const round = await roundOf(model);
    const client = round.client();
    const question = { table: tasks, images, related: [] };
    const [some, none, carrying] = [
      client.images({ ...question, filter }),
      client.images({ ...question, filter: NOTHING }),
      client.images({ ...question, filter, related: [labels] }),
    ];
    statements.length = 0;
    await round.run();
    expect(client.error).toBeNull();
    expect(statements).toHaveLength(1);
    const matching = images.map(
      (cells) =>
        cells[tasks.column('projectId').index] === '1' && Number(cells[tasks.column('priority').index]) >= 3,
    );
    expect(matching.filter((matches) => matches).length).toBeGreaterThan(0);
    expect(some.value.map((node) => node !== null)).toEqual(matching);
    for (const [at, node] of some.value.entries()) if (node) expect(node.cells).toEqual(images[at]);
    expect(none.value).toEqual(images.map(() => null));
    for (const node of carrying.value) if (node) expect(node.related.get('labels')).toHaveLength(1);
  });

  test('need not be rows of the table, and come back as they went in', async () => {
    const cells = (values: Record<string, string | null>): RowCells =>
      everything.columns.map(({ name }) => values[name] ?? null);
    const images = [
      cells({
        id: '-5',
        words: 'it\'s "so" \\ {x}',
        int32: '2147483647',
        doc: '{"z": 1,  "z": 2}',
        texts: '{"a\\"b",NULL}',
      }),
      cells({ id: '-6', words: '', int16: '0', doc: '[ 1 ]', texts: '{}' }),
      cells({ id: '-7', words: 'NULL', instant: 'infinity', bytes: '\\x00ff' }),
    ];
    const round = await roundOf(everythingModel);
    const client = round.client();
    const answer = client.images({ table: everything, filter: EVERYTHING, images, related: [] });
    await round.run();
    expect(answer.value.map((node) => node?.cells)).toEqual(images);
  });

  test('are asked about in no statement where there is no question', async () => {
    const round = await roundOf(model);
    round.client();
    statements.length = 0;
    await round.run();
    expect(statements).toEqual([]);
  });
});

test('a question that cannot be answered costs only whoever asked it', async () => {
  const round = await roundOf(model);
  const [bad, good] = [round.client(), round.client()];
  const broken = { ...tasks, sqlName: 'no such table' };
  bad.keys(broken, EVERYTHING, null);
  const keys = good.keys(tasks, EVERYTHING, null);
  await round.run();
  expect(bad.error).toMatchObject({ code: '42P01' });
  expect(good.error).toBeNull();
  expect(keys.value).toHaveLength(6);
});

test('rows are as they were at the moment, whatever was written since to what is read, and to what is not', async () => {
  const round = await roundOf(model);
  const client = round.client();
  const mine = normalize(parseFilter(model, tasks, { project: { members: { userId: 1 } } }));
  const keys = client.keys(tasks, mine, null);
  await database.script(
    'delete from members; update comments set body = body; insert into tasks (project_id, title) values (1, $$new$$)',
  );
  await round.run();
  expect(client.error).toBeNull();
  expect(round.isExact).toBe(true);
  expect([...keys.value].sort()).toEqual(['2', '4', '6']);
});

test('what a TRUNCATE took is not known, and that is said only where it matters', async () => {
  const [concerned, unconcerned] = [await roundOf(model), await roundOf(model)];
  const [theirs, ours] = [concerned.client(), unconcerned.client()];
  theirs.keys(model.table('comments'), EVERYTHING, null);
  const keys = ours.keys(tasks, EVERYTHING, null);
  await database.script('truncate comments');
  await concerned.run();
  await unconcerned.run();
  expect(concerned.isExact).toBe(false);
  expect(unconcerned.isExact).toBe(true);
  expect(keys.value).toHaveLength(7);
});
