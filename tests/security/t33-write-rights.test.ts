import { graphql } from 'graphql';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { buildSchema } from '../../src/graphql/build-schema.js';
import { resolveRights } from '../../src/policy/resolve-rights.js';
import type { Policies } from '../../src/policy/rules.js';
import { RawEventStream } from '../support/event-stream.js';
import { exampleModel } from '../support/example.js';
import { serveExample } from '../support/example-server.js';

const example = await serveExample();
const { url, database, token, post, client } = example;
const GRACE = 2;
const grace = await token(GRACE);
await database.script("insert into users (name, email) values ('kay', 'kay@x')");

const CREATE = 'mutation { createMember(values: { projectId: 1, userId: 2, role: owner }) { role } }';
const MOVE = 'mutation { updateMember(id: "2:2", set: { projectId: 1 }) { role } }';

const members = async () =>
  (await database.query('select row(project_id, user_id, role)::text from members order by 1')).map(String);
let before: readonly string[] = [];
beforeEach(async () => {
  before = await members();
});
afterEach(async () => {
  expect(await members()).toEqual(before);
});

interface Answer {
  readonly data?: unknown;
  readonly errors?: readonly {
    readonly message: string;
    readonly extensions?: { readonly code?: unknown };
  }[];
}

const overPost = async (query: string): Promise<Answer> => (await post(query, { token: grace })).body;

const overSocket = (query: string): Promise<Answer> =>
  new Promise((resolve, reject) => {
    const answers: Answer[] = [];
    client(grace).subscribe(
      { query },
      {
        next: (answer) => answers.push(answer as Answer),
        error: (errors) => resolve({ errors: errors as Answer['errors'] & object }),
        complete: () => (answers[0] ? resolve(answers[0]) : reject(new Error('no answer'))),
      },
    );
  });

const authorization = `Bearer ${grace}`;

const overEventStream = async (query: string): Promise<Answer> => {
  const stream = await RawEventStream.open(url, {
    method: 'POST',
    headers: { authorization, 'content-type': 'application/json' },
    body: JSON.stringify({ query }),
  });
  const event = await stream.event(1);
  stream.close();
  return event.data as Answer;
};

const overReservedStream = async (query: string): Promise<Answer> => {
  const reserved = await (await fetch(url, { method: 'PUT', headers: { authorization } })).text();
  const headers = { authorization, 'x-graphql-event-stream-token': reserved };
  const stream = await RawEventStream.open(url, { headers });
  const sent = await fetch(url, {
    method: 'POST',
    headers: { ...headers, 'content-type': 'application/json' },
    body: JSON.stringify({ query, extensions: { operationId: 'm' } }),
  });
  const answer =
    sent.status === 202
      ? ((await stream.event(1)).data as { payload: Answer })
      : { payload: (await sent.json()) as Answer };
  stream.close();
  return answer.payload;
};

describe.each([
  ['POST', overPost],
  ['a WebSocket', overSocket],
  ['an event stream', overEventStream],
  ['a reserved event stream', overReservedStream],
])('T33 over %s', (_name, send) => {
  test('a member who would authorize itself is refused', async () => {
    const answer = await send(CREATE);
    expect(answer.data ?? null).toBeNull();
    expect(answer.errors?.map(({ extensions }) => extensions?.code)).toEqual(['WRITE_FORBIDDEN']);
  });

  test('a member that is moved to another project is refused', async () => {
    expect((await send(MOVE)).errors).toHaveLength(1);
  });
});

/** Whoever has joined a project may add to it; joining as a viewer is open. */
const joinable: Policies = {
  users: { read: true },
  projects: { read: true },
  members: {
    read: true,
    insert: { OR: [{ userId: GRACE, role: 'viewer' }, { project: { members: { userId: GRACE } } }] },
    update: {
      check: { project: { members: { userId: GRACE, role: 'owner' } } },
      columns: ['projectId', 'role'],
    },
  },
};

async function run(policies: Policies, mutation: string): Promise<Answer> {
  const contextValue = {
    database: database.db,
    rights: resolveRights(exampleModel, policies, {}),
    user: {},
  };
  const schema = buildSchema({ model: exampleModel, policies, limits: {} });
  const answer = await graphql({ schema, source: `mutation { ${mutation} }`, contextValue });
  return JSON.parse(JSON.stringify(answer)) as Answer;
}

const codeOf = async (policies: Policies, mutation: string) =>
  (await run(policies, mutation)).errors?.[0]?.extensions?.code;

test('T33: a batch in which one row would allow the next is refused', async () => {
  const first = '{ projectId: 1, userId: 2, role: viewer }';
  expect(
    await codeOf(
      joinable,
      `createMembers(values: [${first}, { projectId: 1, userId: 4, role: owner }]) { role }`,
    ),
  ).toBe('WRITE_FORBIDDEN');
});

test('T33: a row that is moved by its key is evaluated against the state before', async () => {
  expect(await codeOf(joinable, 'updateMember(id: "2:2", set: { projectId: 1 }) { role }')).toBe(
    'WRITE_FORBIDDEN',
  );
  expect(await codeOf(joinable, 'updateMembers(where: {}, set: { projectId: 1 }) { role }')).toBe(
    'WRITE_FORBIDDEN',
  );
});

test('T33: an update does not give its writer the right to it', async () => {
  expect(await run(joinable, 'updateMember(id: "3:2", set: { role: owner }) { role }')).toEqual({
    data: { updateMember: null },
  });
});
