import { afterEach, expect, test } from 'vitest';
import type { OperationLimits } from '../../src/server/engine/config.js';
import { RawEventStream } from '../support/event-stream.js';
import { serveExample } from '../support/example-server.js';
import { RawSocket } from '../support/raw-socket.js';

interface User {
  readonly userId: number | null;
}

/** Nobody may ask for little, grace (2) for more; alan (3) meets a function that fails. */
const byContext = ({ userId }: User): Partial<OperationLimits> => {
  if (userId === 3) throw new Error('no limits for alan');
  if (userId === 4) return { subscriptionsPerUser: 5 } as never;
  if (userId === 5) return { depth: 0.5 };
  return userId === null
    ? { depth: 2, tokens: 60, maxRows: 1 }
    : userId === 2
      ? { depth: 20, maxDepth: 20, aliases: 60 }
      : userId === 1
        ? { maxWrites: 2 }
        : {};
};
const example = await serveExample({ limits: { aliases: 10, maxRows: 50, byContext: byContext as never } });
const { url, token } = example;

const streams: RawEventStream[] = [];
const sockets: RawSocket[] = [];
afterEach(async () => {
  for (const stream of streams.splice(0)) stream.close();
  for (const { socket } of sockets.splice(0)) socket.terminate();
  await example.subscribed(0);
});

const nested = (depth: number): string => {
  const levels = Array.from({ length: depth - 2 }, (_, level) =>
    level % 2 === 0 ? 'project {' : 'tasks(limit: 1) {',
  );
  return `{ tasks(limit: 1) { ${levels.join(' ')} id ${'}'.repeat(levels.length)} } }`;
};
const aliases = (count: number): string =>
  `{ ${Array.from({ length: count }, (_, n) => `a${n}: __typename`).join(' ')} }`;

/** The code over each way in; 'ok' if it was answered. */
const verdicts = async (query: string, userId: number | null): Promise<readonly string[]> => {
  const bearer = userId === null ? null : await token(userId);
  const authorization: Record<string, string> = bearer === null ? {} : { authorization: `Bearer ${bearer}` };
  const overPost = await example.post(query, { headers: authorization });
  const json = { ...authorization, accept: 'application/json' };
  const address = `${url}?query=${encodeURIComponent(query)}`;
  const overGet = await (await fetch(address, { headers: json })).json();
  const stream = await RawEventStream.open(address, { headers: authorization });
  streams.push(stream);
  const isStream = stream.response.headers.get('content-type')?.includes('event-stream');
  const overSse = isStream ? (await stream.event(1)).data : await stream.response.json();
  const socket = await new RawSocket(example.socket()).init(bearer === null ? undefined : { token: bearer });
  sockets.push(socket);
  socket.subscribe('1', query);
  const { payload } = await Promise.any([socket.next('error', '1'), socket.next('next', '1')]);
  const overSocket = Array.isArray(payload) ? { errors: payload } : payload;
  return [overPost.body, overGet, overSse, overSocket].map(codeOf);
};

function codeOf(answer: unknown): string {
  const { errors } = answer as {
    readonly errors?: readonly { readonly extensions: { readonly code: string } }[];
  };
  return errors?.[0]?.extensions.code ?? 'ok';
}
const everywhere = (code: string) => [code, code, code, code];

// Each document twice and by turns: one that is kept as valid is compared with the limits of whoever sends it.
test.each([
  ['depth', nested(10), { 1: 'ok', 2: 'ok', nobody: 'DOCUMENT_TOO_DEEP' }],
  ['more depth', nested(15), { 1: 'DOCUMENT_TOO_DEEP', 2: 'ok', nobody: 'DOCUMENT_TOO_LONG' }],
  ['aliases', aliases(11), { 1: 'DOCUMENT_TOO_MANY_ALIASES', 2: 'ok', nobody: 'DOCUMENT_TOO_MANY_ALIASES' }],
  ['rows', '{ tasks(limit: 2) { id } }', { 1: 'ok', 2: 'ok', nobody: 'LIMIT_INVALID' }],
  ['few rows', '{ tasks(limit: 1) { id } }', { 1: 'ok', 2: 'ok', nobody: 'ok' }],
  [
    'tokens',
    `{ tasks(limit: 1) { id ${'title '.repeat(60)} } }`,
    { 1: 'ok', 2: 'ok', nobody: 'DOCUMENT_TOO_LONG' },
  ],
] as const)('%s by the context, with one verdict over every transport', async (_what, query, expected) => {
  for (const round of [1, 2]) {
    expect(await verdicts(query, null), `round ${round}`).toEqual(everywhere(expected.nobody));
    expect(await verdicts(query, 2), `round ${round}`).toEqual(everywhere(expected[2]));
    expect(await verdicts(query, 1), `round ${round}`).toEqual(everywhere(expected[1]));
  }
});

test.each([3, 4, 5])(
  'a function that fails, or returns no limits of operations, refuses the operation (%i)',
  async (userId) => {
    expect(await verdicts('{ tasks { id } }', userId)).toEqual(everywhere('LIMITS_FAILED'));
    expect(
      example.logged.some((line) => line.includes('the function `limits` of the configuration failed')),
    ).toBe(true);
  },
);

test('mutations are bound by them, too', async () => {
  const write = '{ projectId: 1, title: "a" }';
  const create = async (count: number) => {
    const values = Array.from({ length: count }, () => write).join();
    const query = `mutation { createTasks(values: [${values}]) { id } }`;
    return codeOf((await example.post(query, { token: await token(1) })).body);
  };
  expect(await create(2)).toBe('ok');
  expect(await create(3)).toBe('WRITE_TOO_LARGE');
});
