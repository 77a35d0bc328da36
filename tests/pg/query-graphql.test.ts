import {
  type DocumentNode,
  type ExecutionResult,
  execute,
  type GraphQLSchema,
  graphql,
  parse,
  validate,
} from 'graphql';
import { afterAll, describe, expect, test } from 'vitest';
import { buildSchema } from '../../src/graphql/build-schema.js';
import type { RivuletContext } from '../../src/graphql/execute/context.js';
import { QueryResponseTexts } from '../../src/graphql/execute/query-response-text.js';
import { RequestReader } from '../../src/graphql/execute/request-reader.js';
import type { QueryLimits } from '../../src/graphql/schema/query-limits.js';
import { resolveRights } from '../../src/policy/resolve-rights.js';
import type { Policies } from '../../src/policy/rules.js';
import type { AccessRights } from '../../src/policy/types.js';
import type { Statement } from '../../src/sql/statement.js';
import { createDatabase } from '../support/database.js';
import { examplePolicies, exampleTables, exampleModel as model } from '../support/example.js';

const setup = `${exampleTables()};
  insert into users (name, email) values ('ada', 'a@x'), ('grace', 'g@x'), ('alan', 'l@x');
  insert into projects (name, owner_id) values ('one', 1), ('two', 2);
  insert into members (project_id, user_id, role) values (1, 1, 'owner'), (1, 3, 'viewer'), (2, 2, 'owner');
  insert into tasks (project_id, title, status, priority, assignee_id)
    select 1 + n / 7, 'task ' || n, (array['todo', 'doing', 'done'])[1 + n % 3]::status, n % 3, nullif(n % 4, 0)
    from generate_series(1, 12) n;
  insert into labels (project_id, name) values (1, 'bug'), (2, 'secret');
  insert into task_labels values (1, 1), (2, 1), (8, 2), (1, 2);
  insert into comments (task_id, author_id, body) select 1 + n % 12, 1 + n % 3, 'c' || n from generate_series(1, 24) n;
`;
const { db } = await createDatabase({ setup });

/** Answers are looked into freely: what is not there fails the test. */
type Json = ReturnType<typeof JSON.parse>;

interface RunOptions {
  readonly policies?: Policies;
  readonly limits?: Partial<QueryLimits>;
  readonly variables?: Record<string, unknown>;
  readonly statements?: Statement[];
}

async function run(
  userId: number | null,
  source: string,
  options: RunOptions = {},
): Promise<ExecutionResult> {
  const policies = options.policies ?? examplePolicies;
  const schema = buildSchema({ model, policies, limits: options.limits ?? {} });
  const database: typeof db = {
    ...db,
    query: (statement) => {
      options.statements?.push(statement);
      return db.query(statement);
    },
  };
  const contextValue: RivuletContext = {
    database,
    rights: resolveRights(model, policies, { userId }),
    user: { userId },
  };
  const variableValues = options.variables ?? {};
  const result = await graphql({ schema, source, contextValue, variableValues });
  await compareText(
    { schema, contextValue: { ...contextValue, database: db }, variableValues },
    source,
    result,
  );
  return result;
}

const texts = { written: 0, left: 0, refused: 0 };

/** Every query of this file is also answered as text: byte for byte the same, and not at all where the answer has errors. */
async function compareText(
  args: { schema: GraphQLSchema; contextValue: RivuletContext; variableValues: Record<string, unknown> },
  source: string,
  result: ExecutionResult,
): Promise<void> {
  let document: DocumentNode;
  try {
    document = parse(source);
  } catch {
    return;
  }
  if (validate(args.schema, document).length > 0) return;
  const contextValue = { ...args.contextValue, reader: new RequestReader(db) };
  const text = new QueryResponseTexts().answer({ ...args, document, contextValue });
  if (result.errors) {
    expect(await text.catch(() => null)).toBeNull();
    texts.refused++;
  } else if ((await text) === null) texts.left++;
  else {
    expect(await text).toBe(JSON.stringify(result));
    texts.written++;
  }
}

afterAll(() => {
  console.log(
    `${texts.written} answers written as text, ${texts.left} left to execution, ${texts.refused} with errors`,
  );
  expect(texts.written).toBeGreaterThan(texts.left);
});

/** The answer as plain JSON; fails on errors. */
async function ask(userId: number | null, source: string, options: RunOptions = {}): Promise<Json> {
  const result = await run(userId, source, options);
  expect(result.errors).toBeUndefined();
  return JSON.parse(JSON.stringify(result.data));
}

async function codeOf(userId: number | null, source: string, options: RunOptions = {}): Promise<unknown> {
  const { errors } = await run(userId, source, options);
  expect(errors).toHaveLength(1);
  return errors?.[0]?.extensions.code ?? errors?.[0]?.message;
}

const sql = async (text: string) => (await db.query({ text, params: [] })).map(([value]) => value);

describe('a query', () => {
  test('answers what the policies show, and nothing to nobody', async () => {
    const ids = await sql('select id::text from tasks where project_id = 1 order by id');
    expect((await ask(1, '{ tasks { id } }')).tasks.map((task: { id: string }) => task.id)).toEqual(ids);
    expect(await ask(null, '{ tasks { id } users { id } }')).toEqual({ tasks: [], users: [] });
  });

  test('of one row is null where it is not there and where it may not be read', async () => {
    const answer = await ask(
      1,
      '{ mine: task(id: 1) { id title } other: task(id: 8) { id } none: task(id: 99) { id } }',
    );
    expect(answer).toEqual({ mine: { id: '1', title: 'task 1' }, other: null, none: null });
  });

  test('is one statement, whatever its depth', async () => {
    const statements: Statement[] = [];
    const source = `{ projects { name owner { name } tasks(orderBy: [{ id: DESC }], limit: 2) {
      id assignee { name } labels { name } comments(limit: 1) { author { name memberships { id role } } } } } }`;
    const { projects } = await ask(1, source, { statements });
    expect(statements).toHaveLength(1);
    expect(projects).toHaveLength(1);
    expect(projects[0].tasks.map((task: { id: string }) => task.id)).toEqual(['6', '5']);
    expect(projects[0].owner).toEqual({ name: 'ada' });
  });

  test('applies the policies of the target and of the junction in every nested selection', async () => {
    // Task 1 has a label of project 2, which ada may not see.
    expect((await ask(1, '{ task(id: 1) { labels { name } } }')).task.labels).toEqual([{ name: 'bug' }]);
    const { users } = await ask(1, '{ users { name projects { name } assignedTasks { id } } }');
    expect(users[1]).toEqual({ name: 'grace', projects: [], assignedTasks: [{ id: '2' }, { id: '6' }] });
    const policies: Policies = {
      tasks: { read: true },
      labels: { read: true },
      taskLabels: { read: { taskId: 2 } },
    };
    const { tasks } = await ask(1, '{ tasks(limit: 2) { labels { name } } }', { policies });
    expect(tasks).toEqual([{ labels: [] }, { labels: [{ name: 'bug' }] }]);
  });

  test('filters, orders and pages as asked, by variables too', async () => {
    const source = `query ($where: TaskFilter, $orderBy: [TaskOrder!]) {
      tasks(where: $where, orderBy: $orderBy, limit: 3, offset: 1) { id } }`;
    const variables = {
      where: { OR: [{ status: { in: ['todo', 'doing'] } }, { NOT: { assignee: { name: { like: 'a%' } } } }] },
      orderBy: [{ priority: 'DESC' }, { title: 'ASC' }],
    };
    const ids =
      await sql(`select t.id::text from tasks t where project_id = 1 and (status in ('todo', 'doing')
      or not exists (select from users u where u.id = t.assignee_id and u.name like 'a%'))
      order by priority desc, title, id limit 3 offset 1`);
    expect((await ask(1, source, { variables })).tasks.map((task: { id: string }) => task.id)).toEqual(ids);
  });

  test('understands fragments, aliases, @skip, @include and fields named twice', async () => {
    const source = `query ($yes: Boolean!, $no: Boolean!, $n: Int = 1) {
      task(id: 1) { ...Parts first: comments(limit: $n) { body } comments @skip(if: $yes) { nope: id }
        ... on Task { first: comments(limit: $n) { id } } ... on Node { nodeId }
        ... @include(if: $no) { project { id } } project @include(if: $yes) { name } } }
      fragment Parts on Task { title ...Labels ...Labels } fragment Labels on Task { labels { name } }`;
    const { task } = await ask(1, source, { variables: { yes: true, no: false } });
    const [id] = await sql('select id::text from comments where task_id = 1 order by id');
    expect(task).toEqual({
      title: 'task 1',
      labels: [{ name: 'bug' }],
      first: [{ body: 'c12', id }],
      nodeId: expect.any(String),
      project: { name: 'one' },
    });
  });

  test('finds rows of any table by nodeId, in one statement', async () => {
    const { tasks, members } = await ask(1, '{ tasks(limit: 1) { nodeId } members { nodeId } }');
    const ids = [members[1].nodeId, tasks[0].nodeId, tasks[0].nodeId];
    const hidden = Buffer.from('Task:8').toString('base64url');
    const statements: Statement[] = [];
    const source = `query ($ids: [ID!]!) { nodes(nodeIds: $ids) { __typename nodeId ... on Task { title project { name } }
      ... on Member { role } } }`;
    const { nodes } = await ask(1, source, { variables: { ids: [...ids, hidden] }, statements });
    expect(statements).toHaveLength(1);
    expect(nodes).toEqual([
      { __typename: 'Member', nodeId: ids[0], role: 'viewer' },
      { __typename: 'Task', nodeId: ids[1], title: 'task 1', project: { name: 'one' } },
      { __typename: 'Task', nodeId: ids[1], title: 'task 1', project: { name: 'one' } },
      null,
    ]);
    expect((await ask(1, '{ node(nodeId: "VGFzazox") { ... on Task { id } } }')).node).toEqual({ id: '1' });
    for (const bad of ['', 'nonsense', Buffer.from('Nope:1').toString('base64url'), 'VGFzazox=']) {
      expect(await codeOf(1, `{ node(nodeId: "${bad}") { nodeId } }`)).toBe('NODE_ID_INVALID');
    }
  });
});

describe('a hidden column', () => {
  const policies: Policies<{ userId: number }> = {
    users: { read: true, columns: { email: { read: ({ userId }) => userId === 1 } } },
    tasks: { read: true },
    comments: { read: true },
  };
  const attacks = [
    '{ users { email } }',
    '{ users(where: { id: { eq: "-1" } }) { id email } }',
    '{ user(id: 1) { ...F } } fragment F on User { e: email }',
    '{ tasks { assignee { email } } }',
    '{ users(where: { email: { like: "a%" } }) { id } }',
    '{ users(where: { NOT: { OR: [{ email: { isNull: true } }] } }) { id } }',
    '{ tasks(where: { assignee: { email: { gt: "a" } } }) { id } }',
    '{ tasks { comments(where: { author: { email: { eq: "g@x" } } }) { id } } }',
    '{ users(orderBy: [{ email: ASC }]) { id } }',
    '{ usersConnection(orderBy: [{ email: ASC }]) { nodes { id } } }',
    '{ usersConnection(where: { email: { eq: "g@x" } }) { totalCount } }',
    '{ usersConnection { edges { node { email } } } }',
    '{ node(nodeId: "VXNlcjox") { ... on User { email } } }',
  ];
  test.each(attacks)('is refused in %s, before any row is read', async (source) => {
    const statements: Statement[] = [];
    expect(await codeOf(2, source, { policies, statements })).toBe('COLUMN_FORBIDDEN');
    expect(statements).toEqual([]);
    expect((await run(1, source, { policies })).errors).toBeUndefined();
  });

  test('gives the same error whether or not a row matches', async () => {
    const guess = (email: string) =>
      run(2, `{ users(where: { email: { eq: "${email}" } }) { id } }`, { policies });
    expect(JSON.stringify(await guess('a@x'))).toBe(JSON.stringify(await guess('nobody@x')));
  });
});

describe('a filter', () => {
  test('cannot ask about rows that may not be read', async () => {
    const source = '{ tasks(where: { labels: { name: { eq: "secret" } } }) { id } }';
    expect(await ask(1, source)).toEqual({ tasks: [] });
    expect((await ask(1, '{ users(where: { projects: { name: { eq: "two" } } }) { id } }')).users).toEqual(
      [],
    );
    const { users } = await ask(1, '{ users(where: { NOT: { projects: { name: { eq: "two" } } } }) { id } }');
    expect(users).toHaveLength(3);
  });

  test('with a bad value, a bad id or a page that is too large is a coded error', async () => {
    expect(await codeOf(1, '{ task(id: "x") { id } }')).toBe('KEY_INVALID');
    expect(await codeOf(1, '{ member(id: "1") { id } }')).toBe('KEY_INVALID');
    expect(await codeOf(1, '{ task(id: "99999999999") { id } }')).toBe('KEY_INVALID');
    expect(await codeOf(1, '{ tasks(where: { projectId: { eq: "one" } }) { id } }')).toBe('VALUE_INVALID');
    expect(await codeOf(1, '{ tasks(limit: -1) { id } }')).toBe('LIMIT_INVALID');
    expect(await codeOf(1, '{ tasks(limit: 1001) { id } }')).toBe('LIMIT_INVALID');
    expect(await codeOf(1, '{ tasks(offset: 100001) { id } }')).toBe('LIMIT_INVALID');
    expect(await codeOf(1, '{ projects { tasks(limit: -5) { id } } }')).toBe('LIMIT_INVALID');
    expect(await codeOf(1, '{ tasks(where: { OR: [] }) { id } }')).toBe('FILTER_INVALID');
    expect(await ask(1, '{ tasks(limit: 0) { id } }')).toEqual({ tasks: [] });
  });
});

describe('limits', () => {
  test('hold for depth', async () => {
    const nest = (depth: number): string =>
      depth === 1 ? '{ id }' : `{ ${depth % 2 === 0 ? 'project' : 'tasks(limit: 1)'} ${nest(depth - 1)} }`;
    expect(await codeOf(1, `{ projects(limit: 1) ${nest(13)} }`)).toBe('QUERY_TOO_DEEP');
    expect((await run(1, `{ projects(limit: 1) ${nest(11)} }`)).errors).toBeUndefined();
  });

  test('hold for what the limits of nested lists allow together', async () => {
    const source = '{ tasks { comments { author { assignedTasks { id } } } } }';
    expect((await run(1, source)).errors).toBeUndefined();
    expect(await codeOf(1, source, { limits: { maxPossibleRows: 1_020_099 } })).toBe('QUERY_TOO_LARGE');
    expect(await codeOf(1, source, { limits: { maxTotalRows: 10 } })).toBe('QUERY_TOO_LARGE');
  });

  test('hold for relations that fragments multiply', async () => {
    const levels = Array.from({ length: 20 }, (_, level) => {
      const inner = `{ owner { memberships(limit: 1) { ${['a', 'b', 'c', 'd'].map((a) => `${a}: project { ...F${level + 1} }`).join(' ')} } } }`;
      return `fragment F${level} on Project ${inner}`;
    });
    const source = `{ projects(limit: 1) { ...F0 } } ${levels.join('\n')} fragment F20 on Project { id }`;
    // Four to the power of twenty: without the limit it would not end.
    const limits = { maxDepth: 100 };
    expect(await codeOf(1, source, { limits })).toBe('QUERY_TOO_LARGE');
  });

  test('are defaults where no limit is given', async () => {
    const { tasks } = await ask(1, '{ tasks { id comments { id } } }', { limits: { defaultRows: 2 } });
    expect(tasks).toHaveLength(2);
  });

  test('count a field named many times once', async () => {
    const source = `{ tasks(limit: 1) { ${'comments(limit: 1) { id } '.repeat(30)} } }`;
    const statements: Statement[] = [];
    await ask(1, source, { statements });
    expect(statements[0]?.text.match(/"comments"/g)).toHaveLength(1);
  });
});

describe('a connection', () => {
  const page = async (args: string, userId = 1) => {
    const source = `{ tasksConnection(orderBy: [{ priority: DESC }, { assigneeId: ASC_NULLS_FIRST }]${args}) {
      totalCount edges { cursor node { id comments(limit: 1) { id } } } nodes { id }
      pageInfo { hasNextPage hasPreviousPage startCursor endCursor } } }`;
    return (await ask(userId, source)).tasksConnection;
  };
  const order = 'order by priority desc, assignee_id nulls first, id';
  const idsOf = (connection: { nodes: { id: string }[] }) => connection.nodes.map((node) => node.id);

  test('walks forward and back over all rows, each once', async () => {
    const wanted = await sql(`select id::text from tasks where project_id = 1 ${order}`);
    const forward: string[] = [];
    let after = '';
    for (let more = true; more; ) {
      const connection = await page(`, first: 2${after}`);
      forward.push(...idsOf(connection));
      more = connection.pageInfo.hasNextPage;
      after = `, after: "${connection.pageInfo.endCursor}"`;
    }
    expect(forward).toEqual(wanted);
    const backward: string[] = [];
    let before = '';
    for (let more = true; more; ) {
      const connection = await page(`, last: 4${before}`);
      backward.unshift(...idsOf(connection));
      more = connection.pageInfo.hasPreviousPage;
      before = `, before: "${connection.pageInfo.startCursor}"`;
    }
    expect(backward).toEqual(wanted);
  });

  test('counts all that match, and shows the same rows as edges and as nodes', async () => {
    const connection = await page(', first: 1, where: { status: { ne: todo } }');
    const [count] = await sql("select count(*)::text from tasks where project_id = 1 and status <> 'todo'");
    expect(String(connection.totalCount)).toBe(count);
    expect(connection.edges.map((edge: { node: { id: string } }) => edge.node.id)).toEqual(idsOf(connection));
    expect(connection.pageInfo).toMatchObject({ hasNextPage: true, hasPreviousPage: false });
    expect(connection.pageInfo.startCursor).toBe(connection.edges[0].cursor);
  });

  test('is one statement, and counts only when asked', async () => {
    const statements: Statement[] = [];
    await ask(1, '{ tasksConnection { nodes { id } totalCount } }', { statements });
    await ask(1, '{ tasksConnection { nodes { id } } }', { statements });
    expect(statements).toHaveLength(2);
    expect(statements[0]?.text).toContain('count(*)');
    expect(statements[1]?.text).not.toContain('count(*)');
  });

  test('refuses contradictions and cursors of other lists', async () => {
    const cursorOf = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url');
    const ask = (args: string) => codeOf(1, `{ tasksConnection(${args}) { totalCount } }`);
    expect(await ask('first: 1, last: 1')).toBe('PAGE_INVALID');
    expect(await ask('first: -1')).toBe('LIMIT_INVALID');
    expect(await ask('last: 1001')).toBe('LIMIT_INVALID');
    const { pageInfo } = await page(', first: 1');
    for (const cursor of [
      pageInfo.endCursor,
      '',
      'x',
      cursorOf({}),
      cursorOf(['id ASC']),
      cursorOf(['id ASC', 1]),
    ]) {
      expect(await ask(`after: "${cursor}"`)).toBe('PAGE_CURSOR_INVALID');
    }
    const byTitle = await run(1, '{ tasksConnection(orderBy: [{ title: ASC }]) { pageInfo { endCursor } } }');
    const { endCursor } = (byTitle.data as Json).tasksConnection.pageInfo;
    expect(await ask(`orderBy: [{ title: DESC }], after: "${endCursor}"`)).toBe('PAGE_CURSOR_INVALID');
    expect(await ask(`after: "${cursorOf(['id ASC', 'x'])}"`)).toBe('VALUE_UNREADABLE');
  });

  test('refuses one alias for two things in edges and nodes', async () => {
    const source =
      '{ tasksConnection { edges { node { c: comments(limit: 1) { id } } } nodes { c: comments { id } } } }';
    expect(await codeOf(1, source)).toBe('SELECTION_CONFLICT');
  });
});

describe('a statement that is kept', () => {
  const document = parse(`query ($where: TaskFilter, $limit: Int) {
    tasks(where: $where, limit: $limit, orderBy: [{ id: ASC }]) { id title assignee { name } comments { body } }
    user(id: 2) { name }
  }`);
  const answers = new QueryResponseTexts();

  async function answerOf(rights: AccessRights, schema: GraphQLSchema, variableValues: object = {}) {
    const statements: Statement[] = [];
    const watched: typeof db = {
      ...db,
      query: (statement) => {
        statements.push(statement);
        return db.query(statement);
      },
    };
    const contextValue: RivuletContext = { database: db, rights, user: {} };
    const args = { schema, document, variableValues: { ...variableValues } };
    const text = await answers
      .answer({ ...args, contextValue: { ...contextValue, reader: new RequestReader(watched) } })
      .catch(() => null);
    const { errors, ...result } = await execute({ ...args, contextValue });
    expect(text).toBe(errors ? null : JSON.stringify(result));
    return { statement: statements[0], text };
  }

  test('is asked again by whoever has the same rights and variables, and by nobody else', async () => {
    const schema = buildSchema({ model, policies: examplePolicies, limits: {} });
    const variables = [{}, { limit: 2 }, { where: { project: { members: { role: { eq: 'viewer' } } } } }];
    const asked = new Map<string, Statement | undefined>();
    for (let times = 0; times < 2; times++) {
      for (const userId of [1, 2, 3]) {
        for (const given of variables) {
          const rights = resolveRights(model, examplePolicies, { userId });
          const { statement } = await answerOf(rights, schema, given);
          expect(statement).toBeDefined();
          const name = JSON.stringify([userId, given]);
          // One that asks about further tables is made anew.
          if (times === 1 && !('where' in given)) expect(statement).toBe(asked.get(name));
          asked.set(name, statement);
        }
      }
    }
    expect(new Set(asked.values()).size).toBe(9);
  });

  test('follows what the policies say at each time', async () => {
    let mayRead = { tasks: true, name: true, projects: true };
    const policies: Policies = {
      ...examplePolicies,
      tasks: { read: () => mayRead.tasks },
      projects: { read: () => mayRead.projects },
      comments: { read: true },
      users: { read: true, columns: { name: { read: () => mayRead.name } } },
    };
    const schema = buildSchema({ model, policies, limits: {} });
    const ask = async (variables = {}) =>
      (await answerOf(resolveRights(model, policies, {}), schema, variables)).text;
    const all = await ask();
    expect(all).toContain('task 1');
    mayRead = { tasks: false, name: true, projects: true };
    expect(await ask()).toContain('"tasks":[]');
    mayRead = { tasks: true, name: false, projects: true };
    expect(await ask()).toBeNull();
    mayRead = { tasks: true, name: true, projects: true };
    expect(await ask()).toBe(all);
    const where = { project: { name: { eq: 'one' } } };
    expect(await ask({ where })).toContain('task 1');
    mayRead = { tasks: true, name: true, projects: false };
    expect(await ask({ where })).toContain('"tasks":[]');
  });
});

test('a value that is missing where there must be one is an error at its place, on every level', async () => {
  await db.script('alter table tasks alter title drop not null; update tasks set title = null where id = 2');
  const { data, errors } = await run(
    1,
    '{ tasks(orderBy: [{ id: ASC }]) { id title } task(id: 2) { title } }',
  );
  expect(data).toBeNull();
  expect(errors?.length).toBeGreaterThan(0);
  expect((await run(1, '{ projects { name tasks { title } } }')).errors).toHaveLength(1);
  expect((await run(1, '{ comments { body task { title } } }')).errors?.length).toBeGreaterThan(0);
});
