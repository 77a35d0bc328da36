import fc from 'fast-check';
import { afterAll, expect, test } from 'vitest';
import { untilAnswered } from '../../src/database/retry.js';
import type { Queryable } from '../../src/database/types.js';
import { createLogFeed } from '../../src/feed/log-feed.js';
import { and, normalize } from '../../src/filter/normalize.js';
import { parseOrder } from '../../src/filter/order.js';
import { parseFilter } from '../../src/filter/parse.js';
import { resolveRights } from '../../src/policy/resolve.js';
import { runSelect } from '../../src/query/select.js';
import type { SelectPlan } from '../../src/query/types.js';
import { createEvaluator, type Retry } from '../../src/scope/evaluation.js';
import { createScopes } from '../../src/scope/scopes.js';
import { defaultWatchers } from '../../src/watch/default-watchers.js';
import { install } from '../../src/watch/install.js';
import { planWatchers } from '../../src/watch/plan.js';
import { createDatabase } from '../support/database.js';
import { examplePolicies, exampleTables, exampleModel as model } from '../support/example.js';
import { LiveMirror, Mirror } from '../support/mirror.js';
import { propertyOptions } from '../support/property.js';
import { waitFor } from '../support/wait-for.js';

/**
 * The law: whatever was committed, and in whatever order transactions interleaved, what a subscriber has after folding its
 * messages is what SELECT finds; and no message contradicts what the subscriber has.
 */
const database = await createDatabase({ setup: exampleTables() });
await install(
  database.db,
  planWatchers(
    model,
    defaultWatchers(model, () => true),
  ),
);
await database.script(`
  insert into users (name, email) select 'u' || n, 'u' || n || '@example.com' from generate_series(1, 3) n;
  insert into projects (name, owner_id) select 'p' || n, 1 from generate_series(1, 3) n;
  insert into members (project_id, user_id, role)
    values (1, 1, 'owner'), (2, 2, 'editor'), (3, 3, 'viewer'), (2, 1, 'viewer');
  insert into tasks (project_id, title, priority) select 1 + n % 3, 't' || n, n % 4 from generate_series(1, 9) n;
  insert into labels (project_id, name, color) select 1 + n % 3, 'l' || n, 'red' from generate_series(1, 4) n;
  insert into comments (task_id, author_id, body) select 1 + n % 9, 1 + n % 3, 'c' || n from generate_series(1, 12) n;
  insert into task_labels (task_id, label_id) values (1, 1), (1, 2), (2, 1), (5, 3);
`);

const feed = createLogFeed({ database: database.db, model, pollMs: 20 });
const failures: unknown[] = [];
const stopping = new AbortController();
const retry: Retry = (work) => untilAnswered(work, { signal: stopping.signal });
const scopes = createScopes({
  model,
  feed,
  evaluator: createEvaluator(database.db, model, retry),
  run: (plan) => retry(() => runSelect(database.db, model, plan)),
  onError: (error) => failures.push(error),
});
await feed.start();
const writers = Array.from({ length: 3 }, () => database.connect({ max: 1 }));
afterAll(async () => {
  stopping.abort();
  await scopes.stop();
  await feed.stop();
});

const select = (plan: SelectPlan) => runSelect(database.db, model, plan);

function planOf(tableName: string, userId: number | null, where: object): SelectPlan {
  const table = model.table(tableName);
  const rights = userId === null ? null : resolveRights(model, examplePolicies, { userId });
  const own = parseFilter(model, table, where);
  const filter = rights ? and(rights.guard(table, own), rights.filter(table, 'read')) : own;
  const orderBy = parseOrder(table, undefined);
  return { table, filter: normalize(filter), orderBy, limit: null, offset: 0, related: [] };
}

/** Who watches what; `null` is server code, without policies. */
const WATCHED: readonly (readonly [string, number | null, object])[] = [
  ['tasks', 1, {}],
  ['tasks', 2, { status: 'todo' }],
  ['tasks', null, { priority: { gte: 2 } }],
  ['tasks', null, { title: { ilike: 'T%' }, status: { ne: 'done' } }],
  ['tasks', 3, { comments: { body: { like: 'c%' } } }],
  ['tasks', 1, { NOT: { labels: { name: { in: ['l1', 'l2'] } } } }],
  ['tasks', null, { OR: [{ project: { archived: true } }, { assignee: { name: 'u2' } }] }],
  ['comments', 2, {}],
  ['comments', 1, { task: { status: 'done' } }],
  ['labels', 3, {}],
  ['taskLabels', 1, {}],
  ['members', 2, { role: { in: ['owner', 'editor'] } }],
  ['projects', 3, { openTasks: { priority: { gt: 0 } } }],
  ['users', null, { projects: { archived: { eq: false } } }],
];

const id = (most: number) => fc.integer({ min: 1, max: most });
const sql = (weight: number, arbitrary: fc.Arbitrary<string>) => ({ weight, arbitrary });
/** Some row that is there, the newer the likelier. */
const some = (table: string) =>
  fc.nat(9).map((n) => `(select id from ${table} order by id desc offset ${n} limit 1)`);
const task = some('tasks');
const comment = some('comments');
const label = some('labels');
const status = fc.constantFrom('todo', 'doing', 'done');
const role = fc.constantFrom('owner', 'editor', 'viewer');
const upsertMember = (values: string) =>
  `insert into members (project_id, user_id, role) values ${values}
   on conflict (project_id, user_id) do update set role = excluded.role`;
const statement = fc.oneof(
  sql(
    4,
    fc.tuple(task, id(3)).map(([t, p]) => `update tasks set project_id = ${p} where id = ${t}`),
  ),
  sql(
    4,
    fc.tuple(task, status).map(([t, s]) => `update tasks set status = '${s}' where id = ${t}`),
  ),
  sql(
    3,
    fc
      .tuple(id(3), id(4))
      .map(([p, n]) => `insert into tasks (project_id, title, priority) values (${p}, 'T${n}', ${n})`),
  ),
  sql(
    1,
    task.map((t) => `delete from tasks where id = ${t}`),
  ),
  sql(
    2,
    fc.tuple(id(3), id(4)).map(([p, n]) => `update tasks set priority = ${n} where project_id = ${p}`),
  ),
  sql(
    2,
    fc.tuple(task, id(3)).map(([t, u]) => `update tasks set assignee_id = ${u} where id = ${t}`),
  ),
  sql(
    4,
    fc.tuple(id(3), id(3), role).map(([p, u, r]) => upsertMember(`(${p}, ${u}, '${r}')`)),
  ),
  sql(
    3,
    fc.tuple(id(3), id(3)).map(([p, u]) => `delete from members where project_id = ${p} and user_id = ${u}`),
  ),
  sql(
    1,
    fc
      .tuple(id(3), id(3), id(3))
      .map(([p, u, v]) => `update members set user_id = ${v} where project_id = ${p} and user_id = ${u}`),
  ),
  sql(
    3,
    fc
      .tuple(task, id(3))
      .map(([t, u]) => `insert into comments (task_id, author_id, body) values (${t}, ${u}, 'c')`),
  ),
  sql(
    2,
    fc.tuple(comment, task).map(([c, t]) => `update comments set task_id = ${t} where id = ${c}`),
  ),
  sql(
    2,
    comment.map((c) => `delete from comments where id = ${c}`),
  ),
  sql(
    2,
    fc
      .tuple(task, label)
      .map(([t, l]) => `insert into task_labels values (${t}, ${l}) on conflict do nothing`),
  ),
  sql(
    2,
    fc.tuple(task, label).map(([t, l]) => `delete from task_labels where task_id = ${t} or label_id = ${l}`),
  ),
  sql(
    1,
    fc.tuple(label, id(3)).map(([l, n]) => `update labels set name = 'l${n}' where id = ${l}`),
  ),
  sql(
    1,
    fc.tuple(id(3), fc.boolean()).map(([p, a]) => `update projects set archived = ${a} where id = ${p}`),
  ),
  sql(1, fc.constantFrom('truncate comments', 'truncate task_labels')),
  sql(
    1,
    fc.constant(`truncate members; ${upsertMember("(1, 1, 'owner'), (2, 2, 'owner'), (3, 3, 'viewer')")}`),
  ),
);

interface Transaction {
  readonly statements: readonly string[];
  readonly commit: boolean;
}

const transaction: fc.Arbitrary<Transaction> = fc.record({
  statements: fc.array(statement, { minLength: 1, maxLength: 6 }),
  commit: fc.integer({ min: 0, max: 9 }).map((n) => n > 0),
});
const round = fc.array(fc.array(transaction, { maxLength: 3 }), { minLength: 1, maxLength: writers.length });

async function write(writer: (typeof writers)[number], { statements, commit }: Transaction): Promise<void> {
  const work = async (tx: Queryable) => {
    for (const text of statements) {
      await tx.script('savepoint before');
      // What a constraint refuses is undone, and the log must then say nothing of it.
      await tx.script(text).catch(() => tx.script('rollback to savepoint before'));
    }
    if (!commit) throw new Error('rolled back on purpose');
  };
  // Deadlocks roll back the whole.
  await writer.transaction(work).catch(() => {});
}

test('after any transactions, what a subscriber was told is what SELECT finds', {
  timeout: 240_000,
}, async () => {
  const plans = WATCHED.map(([table, user, where]) => planOf(table, user, where));
  const mirrors = plans.map((plan) => new Mirror(scopes, plan));
  const lives = plans.map((plan) => new LiveMirror(scopes, { ...plan, limit: 3 }));
  await feed.catchUp();
  for (const mirror of mirrors) await mirror.load(select);
  let comparisons = 0;

  const property = fc.asyncProperty(round, async (work) => {
    await Promise.all(
      work.map(async (transactions, at) => {
        for (const each of transactions) await write(writers[at]!, each);
      }),
    );
    await feed.catchUp();
    await new Promise((resolve) => setImmediate(resolve));
    for (const mirror of mirrors) {
      expect(mirror.error).toBeNull();
      if (mirror.needsReload) await mirror.load(select);
      const found = await select(mirror.plan);
      const rows = new Map(found.rows.map((row) => [row.key, row.cells]));
      expect(mirror.rows, `${mirror.plan.table.name} of ${WATCHED[mirrors.indexOf(mirror)]?.[1]}`).toEqual(
        rows,
      );
      comparisons++;
    }
    for (const live of lives) {
      const found = await select(live.plan);
      await waitFor(
        `the live query on ${live.plan.table.name} is current`,
        async () => live.last?.raw === found.raw,
        5_000,
      );
      comparisons++;
    }
    expect(failures).toEqual([]);
  });
  await fc.assert(property, { ...propertyOptions(150), endOnFailure: true });

  const messages = mirrors.map((mirror) => mirror.messages);
  expect(messages.every((count) => count > 0)).toBe(true);
  expect(lives.every((live) => live.repeated === 0)).toBe(true);
  for (const mirror of [...mirrors, ...lives]) await mirror.stop();
  expect(scopes.status()).toEqual({ scopes: 0, liveQueries: 0, subscribers: 0 });
  console.log(`${comparisons} comparisons with SELECT, ${messages.reduce((a, b) => a + b)} messages`);
});
