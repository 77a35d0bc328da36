import { createClient as createSseClient } from 'graphql-sse';
import { expect, test } from 'vitest';
import { serveExample } from '../support/example-server.js';
import { RawSocket } from '../support/raw-socket.js';

const example = await serveExample({
  server: { origins: ['https://app.example.com'] },
  // As much as a GET can carry.
  limits: { documentCharacters: 12_000, tokens: 2_500 },
});
const { url, post, token } = example;
const ada = await token(1);

const nested = (depth: number): string => {
  const levels = Array.from({ length: depth - 2 }, (_, level) =>
    level % 2 === 0 ? 'project {' : 'tasks(limit: 1) {',
  );
  return `{ tasks { ${levels.join(' ')} id ${'}'.repeat(levels.length)} } }`;
};
const aliases = (count: number): string =>
  `{ ${Array.from({ length: count }, (_, n) => `a${n}: __typename`).join(' ')} }`;
const doubled = (times: number): string => {
  const fragments = Array.from(
    { length: times },
    (_, n) => `fragment F${n} on Query { ...F${n + 1} ...F${n + 1} }`,
  );
  return `{ ...F0 } ${fragments.join(' ')} fragment F${times} on Query { a: __typename b: __typename }`;
};

/** Three fields a level: 3^8 of them, without an alias and nine deep. */
const multiplied = (levels: number): string => {
  const fragments = Array.from({ length: levels }, (_, n) => {
    const below = `{ ...F${n + 1} }`;
    return `fragment F${n} on Task { project ${below} assignee ${below} comments ${below} }`;
  });
  return `{ tasks { ...F0 } } ${fragments.join(' ')} fragment F${levels} on Task { id }`;
};

/** Document → code. The verdict must be the same over every transport. */
const BAD: readonly (readonly [what: string, document: string, code: string])[] = [
  ['a document that is none', '{ tasks {', 'GRAPHQL_PARSE_FAILED'],
  ['an unknown field', '{ tasks { nope } }', 'GRAPHQL_VALIDATION_FAILED'],
  [
    'an unknown column in a filter',
    '{ tasks(where: { nope: { eq: 1 } }) { id } }',
    'GRAPHQL_VALIDATION_FAILED',
  ],
  [
    'an operator that does not exist',
    '{ tasks(where: { title: { RAW: "1=1" } }) { id } }',
    'GRAPHQL_VALIDATION_FAILED',
  ],
  ['a wrong type', '{ tasks(where: { priority: { eq: "high" } }) { id } }', 'GRAPHQL_VALIDATION_FAILED'],
  [
    'a date that is none',
    '{ tasks(where: { dueOn: { eq: "2026-02-30" } }) { id } }',
    'GRAPHQL_VALIDATION_FAILED',
  ],
  ['an id that cannot be one', '{ task(id: "1; drop table tasks") { id } }', 'KEY_INVALID'],
  ['a limit out of range', '{ tasks(limit: -1) { id } }', 'LIMIT_INVALID'],
  ['fields nested too deep', nested(13), 'DOCUMENT_TOO_DEEP'],
  ['too many aliases', aliases(31), 'DOCUMENT_TOO_MANY_ALIASES'],
  ['aliases multiplied by fragments', doubled(20), 'DOCUMENT_TOO_MANY_ALIASES'],
  ['too many tokens', `{ tasks(limit: [${'1,'.repeat(2_500)}]) { id } }`, 'DOCUMENT_TOO_LONG'],
  [
    'a long text',
    `{ tasks(where: { title: { eq: "${'x'.repeat(1_000)}" } }) { id } } #${'y'.repeat(13_000)}`,
    'DOCUMENT_TOO_LONG',
  ],
  ['repeated fields', `{ tasks { ${'id '.repeat(600)} } }`, 'DOCUMENT_TOO_LARGE'],
  ['repeated root fields', `{ ${'__typename '.repeat(31)} }`, 'DOCUMENT_TOO_LARGE'],
  ['relations multiplied by fragments', multiplied(8), 'DOCUMENT_TOO_LARGE'],
  [
    'many fragments',
    `{ ...F0 } ${Array.from({ length: 51 }, (_, n) => `fragment F${n} on Query { ...F${n + 1} }`).join(' ')} fragment F51 on Query { __typename }`,
    'DOCUMENT_TOO_LARGE',
  ],
  ['inline fragments', `{ ${'... { '.repeat(251)} __typename ${'}'.repeat(251)} }`, 'DOCUMENT_TOO_LARGE'],
  ['directives', `{ __typename ${'@skip '.repeat(100)} }`, 'DOCUMENT_TOO_LARGE'],
  [
    'many variables',
    `query (${Array.from({ length: 101 }, (_, n) => `$v${n}: Int`).join(' ')}) { __typename }`,
    'DOCUMENT_TOO_LARGE',
  ],
  [
    'introspection under many names',
    `{ ${Array.from({ length: 31 }, (_, n) => `a${n}: __schema { types { name } }`).join(' ')} }`,
    'DOCUMENT_TOO_MANY_ALIASES',
  ],
  ['fields that cannot merge', '{ tasks { a: id a: title } }', 'GRAPHQL_VALIDATION_FAILED'],
  ['a fragment within itself', '{ ...A } fragment A on Query { ...A }', 'GRAPHQL_VALIDATION_FAILED'],
  ['a subscription too deep', `subscription S ${nested(13)}`, 'DOCUMENT_TOO_DEEP'],
  ['a subscription with too many aliases', `subscription S ${aliases(31)}`, 'DOCUMENT_TOO_MANY_ALIASES'],
  [
    'a subscription to what does not exist',
    'subscription { nopeChanges { cursor } }',
    'GRAPHQL_VALIDATION_FAILED',
  ],
  [
    'a change stream with an unknown column',
    'subscription { taskChanges(where: { nope: { eq: 1 } }) { cursor } }',
    'GRAPHQL_VALIDATION_FAILED',
  ],
];

test.each(BAD)(
  '%s is refused with the same code over POST, GET, SSE and WebSocket',
  async (_what, document, code) => {
    const overPost = (await post(document, { token: ada })).body;
    const overGet = await get(document);
    const overSse = await firstOfStream(document);
    const socket = await new RawSocket(example.socket()).init({ token: ada });
    socket.subscribe('1', document);
    const overSocket = (await Promise.any([socket.next('error', '1'), socket.next('next', '1')])).payload;
    expect({
      post: codeOf(overPost),
      get: codeOf(overGet),
      sse: codeOf(overSse),
      socket: codeOf(Array.isArray(overSocket) ? { errors: overSocket } : overSocket),
    }).toEqual({ post: code, get: code, sse: code, socket: code });
    socket.socket.terminate();
  },
);

test('a document that multiplies itself is measured before it is validated', async () => {
  const startedAt = performance.now();
  expect(codeOf((await post(doubled(48), { token: ada })).body)).toBe('DOCUMENT_TOO_MANY_ALIASES');
  expect(performance.now() - startedAt).toBeLessThan(500);
});

test('as deep as is allowed, and as many aliases, is answered', async () => {
  expect((await post(nested(12), { token: ada })).body).not.toHaveProperty('errors');
  expect((await post(aliases(30), { token: ada })).body).not.toHaveProperty('errors');
});

test.each([
  ['application/x-www-form-urlencoded', 'query=%7B__typename%7D'],
  ['text/plain', '{"query":"{ __typename }"}'],
  ['multipart/form-data; boundary=x', '--x--'],
  ['application/graphql', '{ __typename }'],
  ['application/json; charset=utf-7', '{"query":"{ __typename }"}'],
])('a POST of %s, which a foreign page could send, is refused', async (type, body) => {
  const response = await fetch(url, { method: 'POST', headers: { 'content-type': type }, body });
  expect(response.status).toBe(415);
  expect(codeOf(await response.json())).toBe('CONTENT_TYPE_UNSUPPORTED');
});

test('a mutation by GET changes nothing', async () => {
  const body = await get('mutation { deleteTask(id: 1) { id } }');
  expect(body.errors).toHaveLength(1);
  expect((await post('{ task(id: 1) { id } }', { token: ada })).body.data).toEqual({ task: { id: '1' } });
});

test.each(['https://evil.example', 'null', 'https://app.example.com.evil.example'])(
  'a request from a page of %s is refused, and its answer could not be read there',
  async (origin) => {
    const headers = { origin, 'content-type': 'application/json', authorization: `Bearer ${ada}` };
    const response = await fetch(url, { method: 'POST', headers, body: '{"query":"{ __typename }"}' });
    expect(response.status).toBe(403);
    expect(codeOf(await response.json())).toBe('ORIGIN_FORBIDDEN');
    expect(response.headers.get('access-control-allow-origin')).toBeNull();
  },
);

test('a page of an allowed origin may ask, and is told so', async () => {
  const headers = { origin: 'https://app.example.com', 'content-type': 'application/json' };
  const response = await fetch(url, { method: 'POST', headers, body: '{"query":"{ __typename }"}' });
  expect(response.headers.get('access-control-allow-origin')).toBe('https://app.example.com');
  expect(await response.json()).toEqual({ data: { __typename: 'Query' } });
});

test('a body over the limit is refused, announced or not', async () => {
  const body = JSON.stringify({ query: `{ __typename } # ${'x'.repeat(1_100_000)}` });
  const announced = await fetch(url, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body,
  });
  expect(announced.status).toBe(413);
  const stream = new Blob([body]).stream();
  const streamed = await fetch(url, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: stream,
    duplex: 'half',
  } as RequestInit);
  expect(streamed.status).toBe(413);
});

test('several operations in one request are refused', async () => {
  const response = await fetch(url, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify([{ query: '{ __typename }' }, { query: '{ __typename }' }]),
  });
  expect(response.status).toBe(400);
});

test.each([
  ['nonsense', 'Bearer nonsense'],
  ['another scheme', 'Basic YWRhOmFkYQ=='],
  ['no algorithm', `Bearer ${unsigned({ sub: '1', exp: 4_000_000_000 })}`],
  ['no signature', `Bearer ${ada.split('.').slice(0, 2).join('.')}.`],
  ['another secret', `Bearer ${ada.slice(0, -4)}AAAA`],
])('a token of %s is a coded error and 401, not nobody', async (_what, authorization) => {
  const { status, body } = await post('{ tasks { id } }', { headers: { authorization } });
  expect([status, codeOf(body)]).toEqual([401, 'TOKEN_INVALID']);
});

test('an expired token is told apart from a bad one', async () => {
  const { status, body } = await post('{ tasks { id } }', { token: await token(1, -5) });
  expect([status, codeOf(body)]).toEqual([401, 'TOKEN_EXPIRED']);
});

test('a subject that is no id of ours is nobody', async () => {
  for (const subject of ['0', '-1', '1e1', ' 1', '1 or 1=1', 'ada']) {
    const { body } = await post('{ tasks { id } }', { token: await token(subject) });
    expect(body).toMatchObject({ data: { tasks: [] } });
  }
});

test('an event stream ends, and says why, when its token expires', async () => {
  const client = createSseClient({
    url,
    headers: { authorization: `Bearer ${await token(1, 2)}` },
    retryAttempts: 0,
  });
  const stream = client.iterate({ query: 'subscription { taskChanges { cursor } }' });
  const { value } = await stream.next();
  expect(codeOf(value)).toBe('TOKEN_EXPIRED');
  expect(await stream.next()).toMatchObject({ done: true });
  client.dispose();
  await example.subscribed(0);
});

test('an error that is not ours is masked, and the log has it under the id that the client gets', async () => {
  const { database } = example;
  // What a client cannot do: the table is gone under the running server.
  await database.script('alter table labels rename column color to hue');
  const { body } = await post('{ labels { color } }', { token: ada });
  await database.script('alter table labels rename column hue to color');
  const [error] = body.errors!;
  expect(error!.extensions!.code).toMatch(/^INTERNAL$|^DATABASE_/);
  expect(JSON.stringify(body)).not.toMatch(/hue|select|column .* does not exist/);
});

test('after all this the server goes on', async () => {
  const { status, body } = await post('{ project(id: 1) { name } }', { token: ada });
  expect([status, body.data]).toEqual([200, { project: { name: 'Analytical Engine' } }]);
  expect(example.server.scopes.status().subscribers).toBe(0);
});

async function get(document: string) {
  // Commas as they are, so that the longest document fits the 16 kB that Node allows a request line.
  const encoded = encodeURIComponent(document).replaceAll('%2C', ',');
  const response = await fetch(`${url}?query=${encoded}`, {
    headers: { accept: 'application/json', authorization: `Bearer ${ada}` },
  });
  return (await response.json()) as { errors?: unknown[] };
}

async function firstOfStream(document: string): Promise<unknown> {
  const response = await fetch(url, {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      accept: 'text/event-stream',
      authorization: `Bearer ${ada}`,
    },
    body: JSON.stringify({ query: document }),
  });
  const data = /^data: (.+)$/m.exec(await response.text())?.[1];
  return data === undefined ? undefined : JSON.parse(data);
}

function codeOf(answer: unknown): unknown {
  const { errors } = (answer ?? {}) as { errors?: readonly { extensions?: { code?: unknown } }[] };
  return errors?.[0]?.extensions?.code;
}

function unsigned(claims: object): string {
  const part = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url');
  return `${part({ alg: 'none' })}.${part(claims)}.`;
}
