import { expect, test } from 'vitest';
import { serveExample } from '../support/example-server.js';
import { RawSocket } from '../support/raw-socket.js';

const example = await serveExample({
  server: { trustedProxies: 1 },
  limits: { operationsPerMinutePerUser: 10, operationsPerMinutePerAddress: 15 },
});
const { url, token, post } = example;
const QUERY = '{ __typename }';

const codeOf = (body: unknown) =>
  (body as { errors?: readonly { extensions?: { code?: unknown } }[] }).errors?.[0]?.extensions?.code;
const from = (address: string) => ({ headers: { 'x-forwarded-for': address } });

test('a user has so many operations a minute, over every transport together', async () => {
  const ada = await token(1);
  for (let n = 0; n < 5; n++) expect((await post(QUERY, { token: ada })).status).toBe(200);
  const socket = await new RawSocket(example.socket()).init({ token: ada });
  for (let n = 0; n < 5; n++) {
    socket.subscribe(String(n), QUERY);
    await socket.next('next', String(n));
  }
  socket.subscribe('more', QUERY);
  expect(codeOf({ errors: (await socket.next('error', 'more')).payload })).toBe('TOO_MANY_REQUESTS');
  const refused = await fetch(url, {
    method: 'POST',
    headers: { 'content-type': 'application/json', authorization: `Bearer ${ada}` },
    body: JSON.stringify({ query: QUERY }),
  });
  expect(refused.status).toBe(429);
  const waitSeconds = Number(refused.headers.get('retry-after'));
  expect(waitSeconds).toBeGreaterThan(0);
  expect(waitSeconds).toBeLessThanOrEqual(60);
  expect(await refused.json()).toMatchObject({
    errors: [{ extensions: { code: 'TOO_MANY_REQUESTS', retryable: true, retryAfterSeconds: waitSeconds } }],
  });
  expect((await post(QUERY, { token: await token(2) })).status).toBe(200);
  socket.socket.terminate();
});

test('an address has so many, also of documents that are none', async () => {
  for (let n = 0; n < 15; n++) {
    const { body } = await post('{ nonsense', from('198.51.100.7'));
    expect(codeOf(body)).toBe('GRAPHQL_PARSE_FAILED');
  }
  const { status, body } = await post(QUERY, from('198.51.100.7'));
  expect([status, codeOf(body)]).toEqual([429, 'TOO_MANY_REQUESTS']);
  const socket = await new RawSocket(example.socket(from('198.51.100.7'))).init();
  socket.subscribe('1', QUERY);
  expect(codeOf({ errors: (await socket.next('error', '1')).payload })).toBe('TOO_MANY_REQUESTS');
  socket.socket.terminate();
  expect((await post(QUERY, from('198.51.100.8'))).status).toBe(200);
});

test('this machine itself is not limited by its address', async () => {
  for (let n = 0; n < 20; n++) expect((await post(QUERY)).status).toBe(200);
});
