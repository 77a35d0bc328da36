import { request } from 'node:http';
import { beforeAll, expect, test } from 'vitest';
import { signToken } from '../../src/server/auth/token-verifier.js';
import { serveExample } from '../support/example-server.js';

/** Requests of the plain case are answered past Yoga; what is on the wire must not tell. */
const { url, token } = await serveExample({
  server: { origins: ['https://board.example'] },
  limits: { bodyBytes: 20_000, aliases: 5 },
});
const tokens = { ada: '', expired: '', forged: '' };
beforeAll(async () => {
  tokens.ada = await token(1);
  tokens.expired = await token(1, -60);
  tokens.forged = await signToken('another secret, which is just as long', '1', 60);
});

interface Sent {
  readonly body: unknown;
  readonly as?: keyof typeof tokens | null;
  readonly headers?: Readonly<Record<string, string>>;
}

const TASKS = '{ tasks(limit: 2, orderBy: [{ id: ASC }]) { id title } }';
const TWO = 'query A { task(id: 1) { id } } query B { task(id: 2) { title } }';
const BY_ID = 'query ($id: ID!) { task(id: $id) { id } }';

const REQUESTS: Readonly<Record<string, Sent>> = {
  'a list': { body: { query: TASKS } },
  'a list, to nobody in particular': { body: { query: TASKS }, as: null },
  'a row and what hangs from it': {
    body: { query: '{ task(id: 1) { id project { id name } comments { id body author { name } } } }' },
  },
  'a row that is not there': { body: { query: '{ task(id: "999999") { id } }' } },
  'no more than the type': { body: { query: '{ __typename }' } },
  introspection: { body: { query: '{ __type(name: "Task") { name } }' } },
  'one of two operations': { body: { query: TWO, operationName: 'B' } },
  'neither of two operations': { body: { query: TWO, operationName: 'C' } },
  'two operations and no name': { body: { query: TWO } },
  'no name, said so': { body: { query: TASKS, operationName: null, variables: null, extensions: null } },
  'a name that is none': { body: { query: TASKS, operationName: 5 } },
  variables: { body: { query: BY_ID, variables: { id: 2 } } },
  'variables beyond those declared': { body: { query: BY_ID, variables: { id: 2, other: [] } } },
  'no variables where one is required': { body: { query: BY_ID } },
  'a variable of another type': { body: { query: BY_ID, variables: { id: { a: 1 } } } },
  'variables as text': { body: { query: TASKS, variables: '{}' } },
  'variables as a list': { body: { query: TASKS, variables: [] } },
  'extensions as text': { body: { query: TASKS, extensions: 'none' } },
  'an unknown parameter': { body: { query: TASKS, doc_id: 'a' } },
  'an unknown parameter that is null': { body: { query: TASKS, doc_id: null } },
  'a bad cursor': { body: { query: TASKS, extensions: { rivulet: { after: 7 } } } },
  'no query': { body: { variables: {} } },
  'an empty query': { body: { query: '' } },
  'a query that is null': { body: { query: null } },
  'a query that is no text': { body: { query: { a: 1 } } },
  'a query that cannot be parsed': { body: { query: '{ tasks {' } },
  'a field that is not there': { body: { query: '{ tasks { nothing } }' } },
  'too many aliases': { body: { query: '{ tasks { a: id b: id c: id d: id e: id f: id } }' } },
  'a batch': { body: [{ query: TASKS }, { query: TASKS }] },
  null: { body: null },
  text: { body: 'tasks' },
  'no JSON': { body: new TextEncoder().encode('{ "query": ') },
  'nothing at all': { body: new Uint8Array() },
  'too much': { body: { query: TASKS, extensions: { much: 'x'.repeat(20_000) } } },
  'a limit that is none': { body: { query: '{ tasks(limit: -1) { id } }' } },
  'a key that is none, beside a row': { body: { query: '{ task(id: 1) { id } bad: task(id: "x") { id } }' } },
  'a mutation that fails': { body: { query: 'mutation { deleteTask(id: "x") { id } }' } },
  'an expired token': { body: { query: TASKS }, as: 'expired' },
  'a forged token': { body: { query: TASKS }, as: 'forged' },
  'no bearer': { body: { query: TASKS }, headers: { authorization: 'Basic YTpi' } },
  'an expired token, for a query that is wrong': { body: { query: '{ nothing }' }, as: 'expired' },
  'an origin that may read': { body: { query: TASKS }, headers: { origin: 'https://board.example' } },
  'another origin': { body: { query: TASKS }, headers: { origin: 'https://elsewhere.example' } },
  'a form': { body: { query: TASKS }, headers: { 'content-type': 'application/x-www-form-urlencoded' } },
  'JSON in another alphabet': {
    body: { query: TASKS },
    headers: { 'content-type': 'application/json; charset=latin1' },
  },
  'JSON in UTF-8, said so': {
    body: { query: TASKS },
    headers: { 'content-type': 'application/json; charset=utf-8' },
  },
};

const ACCEPTS = [
  'application/json',
  'application/graphql-response+json',
  'application/graphql-response+json; charset=utf-8, application/json; charset=utf-8',
  '*/*',
  'text/html',
  'text/event-stream',
];

test.each(Object.entries(REQUESTS))('%s is answered the same on both ways', async (_name, sent) => {
  for (const accept of ACCEPTS) {
    const direct = await ask(url, accept, sent);
    // A query string is none of the plain case.
    expect(direct, accept).toEqual(await ask(`${url}?plain=no`, accept, sent));
  }
});

test('what was answered once is refused to who may not have it afterwards', async () => {
  const body = { query: '{ task(id: 1) { id title } }' };
  expect(await ask(url, 'application/json', { body })).toMatchObject({ status: 200 });
  for (const as of ['expired', 'forged'] as const) {
    expect(await ask(url, 'application/json', { body, as })).toMatchObject({ status: 401 });
  }
  expect((await ask(url, 'application/json', { body, as: null })).body).toEqual({ data: { task: null } });
});

test('a client that goes before it has sent its query leaves nothing behind', async () => {
  const cut = request(url, {
    method: 'POST',
    headers: { 'content-type': 'application/json', 'content-length': 1_000 },
  });
  const gone = new Promise((resolve) => cut.on('close', resolve));
  cut.on('error', () => {});
  await new Promise((resolve) => cut.write('{ "query":', resolve));
  cut.destroy();
  await gone;
  expect(await ask(url, 'application/json', { body: { query: TASKS } })).toMatchObject({ status: 200 });
});

interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: unknown;
}

/** How a body is framed is the transport's business; a cursor and the id under which something is logged are never twice the same. */
async function ask(address: string, accept: string, { body, as = 'ada', headers }: Sent): Promise<Answer> {
  const response = await fetch(address, {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      accept,
      ...(as !== null && { authorization: `Bearer ${tokens[as]}` }),
      ...headers,
    },
    body: body instanceof Uint8Array ? (body as BodyInit) : JSON.stringify(body),
  });
  const text = await response.text();
  const { date, connection, 'keep-alive': _alive, ...rest } = Object.fromEntries(response.headers);
  const { 'content-length': _length, 'transfer-encoding': _chunked, ...kept } = rest;
  // These mean something to a preflight alone.
  for (const about of ['headers', 'methods']) delete kept[`access-control-allow-${about}`];
  delete kept['access-control-max-age'];
  return { status: response.status, headers: kept, body: without(text) };
}

function without(text: string): unknown {
  try {
    const { extensions, ...answer } = JSON.parse(text);
    if (extensions?.rivulet) expect(extensions).toEqual({ rivulet: { cursor: expect.any(String) } });
    return answer;
  } catch {
    return text.replaceAll(/"cursor":"[^"]+"/g, '"cursor"').replaceAll(/^(id|retry): .*$/gm, '$1');
  }
}
