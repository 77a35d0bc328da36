import fc from 'fast-check';
import type { Database, QueryRunner } from '../../src/database/types.js';

/**
 * Random transactions on the example's tables: moves, cascades, key changes, junction rows, changes of rights, bulk updates,
 * TRUNCATE, savepoints and rollbacks.
 */

/** Rows to begin with. Every update of a task raises its `position`, so that a subscriber can tell whether a row went back. */
export const workloadRows = `
  create function raise_position() returns trigger language plpgsql as
    'begin new.position := old.position + 1; return new; end';
  create trigger raise_position before update on tasks for each row execute function raise_position();
  insert into users (name, email) select 'u' || n, 'u' || n || '@example.com' from generate_series(1, 3) n;
  insert into projects (name, owner_id) select 'p' || n, 1 from generate_series(1, 3) n;
  insert into members (project_id, user_id, role)
    values (1, 1, 'owner'), (2, 2, 'editor'), (3, 3, 'viewer'), (2, 1, 'viewer');
  insert into tasks (project_id, title, priority) select 1 + n % 3, 't' || n, n % 4 from generate_series(1, 9) n;
  insert into labels (project_id, name, color) select 1 + n % 3, 'l' || n, 'red' from generate_series(1, 4) n;
  insert into comments (task_id, author_id, body) select 1 + n % 9, 1 + n % 3, 'c' || n from generate_series(1, 12) n;
  insert into task_labels (task_id, label_id) values (1, 1), (1, 2), (2, 1), (5, 3);
`;

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
const changes = [
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
];
const truncates = [
  sql(1, fc.constantFrom('truncate comments', 'truncate task_labels')),
  sql(
    1,
    fc.constant(`truncate members; ${upsertMember("(1, 1, 'owner'), (2, 2, 'owner'), (3, 3, 'viewer')")}`),
  ),
];

export interface Transaction {
  readonly statements: readonly string[];
  readonly commit: boolean;
}

/** Up to three transactions for each writer, of up to `most` statements. */
export function workOf(statement: fc.Arbitrary<string>, writers: number, most: number): fc.Arbitrary<Work> {
  const transaction = fc.record({
    statements: fc.array(statement, { minLength: 1, maxLength: most }),
    commit: fc.integer({ min: 0, max: 9 }).map((n) => n > 0),
  });
  return fc.array(fc.array(transaction, { maxLength: 3 }), { minLength: 1, maxLength: writers });
}

/** What each of some concurrent writers commits, one after the other. */
export type Work = readonly (readonly Transaction[])[];

export function workload(writers: number, options: WorkloadOptions = {}): fc.Arbitrary<Work> {
  const kinds = options.truncate === false ? changes : [...changes, ...truncates];
  return workOf(fc.oneof(...kinds), writers, 6);
}

export interface WorkloadOptions {
  /** False: no TRUNCATE. It is not MVCC-safe: a statement that waits for its lock sees the table empty in a snapshot from before. */
  readonly truncate?: boolean;
}

async function write(writer: Database, { statements, commit }: Transaction): Promise<void> {
  const work = async (tx: QueryRunner) => {
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

/** Runs the writers side by side; resolves when all of them are done. */
export async function writeAll(writers: readonly Database[], work: Work): Promise<void> {
  await Promise.all(
    work.map(async (transactions, at) => {
      for (const each of transactions) await write(writers[at]!, each);
    }),
  );
}
