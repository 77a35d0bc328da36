import { expect, test } from 'vitest';
import type { Database } from '../../src/database/types.js';
import type { ScopeMessage } from '../../src/scope/messages/types.js';
import { createDatabase } from '../support/database.js';
import { startEngine } from '../support/engine.js';
import { exampleTables, exampleModel as model } from '../support/example.js';
import { observed } from '../support/observed.js';
import { specOf } from '../support/specs.js';
import { waitFor } from '../support/wait-for.js';
import { watchAll } from '../support/watch-all.js';

/** Many users, each with a project of their own, and rights by membership: what a change costs follows those whom it concerns. */
const MANY = 300;
const FEW = 20;

const database = await createDatabase({ setup: exampleTables() });
await watchAll(database, model);
await database.script(`
  insert into users (name, email) select 'u' || n, 'u' || n || '@example.com' from generate_series(1, ${MANY}) n;
  insert into projects (name, owner_id) select 'p' || n, n from generate_series(1, ${MANY}) n;
  insert into members (project_id, user_id, role) select n, n, 'owner' from generate_series(1, ${MANY}) n;
  insert into tasks (project_id, title) select n, 't' || n from generate_series(1, ${MANY}) n;
`);

let asked = { statements: 0, length: 0 };
/** How many of the next questions are not answered. */
let refused = 0;
const db = observed(refusing(database.db), ({ text, params }) => {
  const isQuestion = text.startsWith('values (') || text.includes('union all');
  if (!isQuestion || text.includes('l.epoch')) return;
  asked = {
    statements: asked.statements + 1,
    length: asked.length + text.length + JSON.stringify(params).length,
  };
});
const { scopes, quiet } = await startEngine(database, model, { patienceMs: 300 }, db);

/** Where `refused` says so the connection is lost on the way. */
function refusing(target: Database): Database {
  const query: Database['query'] = async (statement, options) => {
    if (refused === 0 || !statement.text.startsWith('values (')) return target.query(statement, options);
    refused--;
    throw Object.assign(new Error('the connection was lost'), { code: 'CONNECTION_CLOSED' });
  };
  return { ...target, query };
}

interface Told {
  readonly userId: number;
  readonly changes: string[];
}

async function watchedBy(users: number, specFor = (userId: number) => specOf('tasks', userId, {})) {
  const told: Told[] = [];
  const streams = Array.from({ length: users }, (_, at) => {
    const stream = scopes.changes(specFor(at + 1));
    const mine: Told = { userId: at + 1, changes: [] };
    told.push(mine);
    void (async () => {
      for await (const { changes, related } of stream as AsyncIterable<ScopeMessage>) {
        for (const { kind, key } of changes) mine.changes.push(`${kind} ${key}`);
        for (const below of related.values()) {
          for (const { kind, key } of below.changes) mine.changes.push(`below: ${kind} ${key}`);
        }
      }
    })();
    return stream;
  });
  await waitFor('scopes are loaded', () => scopes.list().every(({ state }) => state === 'live'));
  await quiet();
  const after = async (sql: string) => {
    asked = { statements: 0, length: 0 };
    for (const { changes } of told) changes.length = 0;
    await database.script(sql);
    await quiet();
    const heard = told
      .filter(({ changes }) => changes.length > 0)
      .map(({ userId, changes }) => [userId, ...changes]);
    return { asked, heard };
  };
  const stop = () => Promise.all(streams.map((stream) => stream.return?.()));
  return { after, stop };
}

/** Task n is of user n; each step leaves it so. */
const STEPS: readonly (readonly [what: string, sql: string, heard: readonly (readonly unknown[])[]])[] = [
  ['a row changes', `update tasks set title = 'x' || now() where id = 3`, [[3, 'UPDATE 3']]],
  [
    'a row comes and goes to somebody else',
    `update tasks set project_id = 4 where id = 3`,
    [
      [3, 'LEAVE 3'],
      [4, 'ENTER 3'],
    ],
  ],
  [
    'and back',
    `update tasks set project_id = 3 where id = 3`,
    [
      [3, 'ENTER 3'],
      [4, 'LEAVE 3'],
    ],
  ],
  [
    'a row that they depend on changes where nobody looks',
    `update projects set name = 'x' || now() where id = 5`,
    [],
  ],
  ['somebody becomes a member', `insert into members values (6, 7, 'viewer')`, [[7, 'ENTER 6']]],
  ['and is one no more', `delete from members where project_id = 6 and user_id = 7`, [[7, 'LEAVE 6']]],
  [
    'a row is written that nobody reaches yet',
    `insert into projects (name, owner_id) values ('nobody''s', 1)`,
    [],
  ],
  ['it goes again', `delete from projects where name = 'nobody''s'`, []],
];

test('what a change asks of Postgres does not grow with those who watch by rights of their own, and each is told what is theirs', {
  timeout: 120_000,
}, async () => {
  await costsTheSame(STEPS);
});

const STEPS_BELOW: typeof STEPS = [
  ['a row changes', `update tasks set title = 'y' || now() where id = 3`, [[3, 'below: UPDATE 3']]],
  [
    'a row goes to another above',
    `update tasks set project_id = 4 where id = 3`,
    [
      [3, 'below: LEAVE 3'],
      [4, 'below: ENTER 3'],
    ],
  ],
  [
    'and back',
    `update tasks set project_id = 3 where id = 3`,
    [
      [3, 'below: ENTER 3'],
      [4, 'below: LEAVE 3'],
    ],
  ],
  ['a row above changes', `update projects set name = 'y' || now() where id = 5`, [[5, 'UPDATE 5']]],
  [
    'somebody becomes a member',
    `insert into members values (6, 7, 'viewer')`,
    [[7, 'ENTER 6', 'below: ENTER 6']],
  ],
  [
    'and is one no more',
    `delete from members where project_id = 6 and user_id = 7`,
    [[7, 'LEAVE 6', 'below: LEAVE 6']],
  ],
];

test('nor where rows carry others', { timeout: 120_000 }, async () => {
  await costsTheSame(STEPS_BELOW, (userId) => specOf('projects', userId, {}, { tasks: {} }));
});

async function costsTheSame(steps: typeof STEPS, specFor?: Parameters<typeof watchedBy>[1]): Promise<void> {
  const costsOf = async (users: number) => {
    const watched = await watchedBy(users, specFor);
    const costs: (typeof asked)[] = [];
    for (const [what, sql, heard] of steps) {
      const result = await watched.after(sql);
      expect(result.heard, what).toEqual(heard);
      costs.push(result.asked);
    }
    await watched.stop();
    return costs;
  };
  // Whether anybody in the cluster has a transaction open is part of what is asked: here somebody always has.
  const [few, many] = await database.connect({ max: 1 }).transaction(async (tx) => {
    await tx.query({ text: 'select pg_current_xact_id()::text', params: [] });
    return [await costsOf(FEW), await costsOf(MANY)] as const;
  });
  for (const [at, [what]] of steps.entries()) {
    const [ofFew, ofMany] = [few[at]!, many[at]!];
    expect(ofMany.statements, what).toBe(ofFew.statements);
    expect(ofMany.statements, what).toBeLessThanOrEqual(2);
    // But for the figures in them, and the bound on how many rows are worth being looked at.
    expect(ofMany.length, what).toBeLessThan(ofFew.length + 200);
  }
}

test('where it cannot be asked whom a row reaches, everybody is looked at', { timeout: 60_000 }, async () => {
  const { after, stop } = await watchedBy(FEW);
  refused = 1;
  const { heard } = await after(`insert into tasks (project_id, title) values (5, 'new')`);
  expect(refused).toBe(0);
  expect(heard).toEqual([[5, expect.stringMatching(/^ENTER /)]]);
  await stop();
});

test('a table that somebody locked holds up those who depend on it, and nobody else', {
  timeout: 60_000,
}, async () => {
  const users = await watchedBy(FEW);
  const beside = scopes.changes(specOf('users', null, { id: 1 }));
  await waitFor('scopes are loaded', () => scopes.list().every(({ state }) => state === 'live'));
  const holder = database.connect({ max: 1 });
  let unlock = () => {};
  const locked = holder.transaction(async (tx) => {
    await tx.query({ text: 'lock table members in access exclusive mode', params: [] });
    await new Promise<void>((resolve) => {
      unlock = resolve;
    });
  });
  try {
    await waitFor('the lock', async () => {
      const [[count]] = (await database.query(
        `select count(*)::int from pg_locks where mode = 'AccessExclusiveLock' and relation = 'members'::regclass and granted`,
      )) as [[number | string]];
      return Number(count) === 1;
    });
    await database.script(`insert into tasks (project_id, title) values (2, 'while locked')`);
    await database.script(`update users set name = 'told' where id = 1`);
    const { value } = (await beside.next()) as { value: ScopeMessage };
    expect(value.changes.map(({ kind }) => kind)).toEqual(['UPDATE']);
    expect(scopes.figures().behind).toBe(FEW);
  } finally {
    unlock();
    await locked;
  }
  await waitFor('all are back', () => scopes.figures().behind === 0);
  const [[key]] = (await database.query(`select id::text from tasks where title = 'while locked'`)) as [
    [string],
  ];
  const { heard } = await users.after(`update tasks set title = 'later' where id = ${key}`);
  expect(heard).toEqual([[2, `UPDATE ${key}`]]);
  await beside.return?.();
  await users.stop();
});
