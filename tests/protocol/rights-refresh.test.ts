import { isDeepStrictEqual } from 'node:util';
import { SignJWT } from 'jose';
import { afterEach, describe, expect, test } from 'vitest';
import config from '../../rivulet.config.js';
import type { RivuletConfig } from '../../src/server/engine/config.js';
import { RawEventStream } from '../support/event-stream.js';
import { serveExample } from '../support/example-server.js';
import { RawSocket } from '../support/raw-socket.js';
import { waitFor } from '../support/wait-for.js';

const SECRET = 'a secret of the refresh tests, long enough for HS256';

// A token says on whose behalf its user acts: another token of the same user may say another.
const contextOf: RivuletConfig['context'] = async (claims) => {
  if (claims?.held === true) await held;
  return { userId: claims ? Number(claims.as) : null };
};
let release = (): void => {};
const held = new Promise<void>((resolve) => {
  release = resolve;
});
const example = await serveExample({ context: contextOf }, { secret: SECRET });
const { url, database, subscribed } = example;
const CHANGES = 'subscription { projectChanges { reset changes { kind key } } }';
const LIVE = 'subscription { projects(orderBy: [{ id: ASC }]) { id } }';

let issued = 0;

/** Each is another token, also for the same user at the same time. */
const tokenOf = (sub: string, as: number, expiresInSeconds = 3_600, more = {}) =>
  new SignJWT({ ...more, as, jti: String(++issued) })
    .setProtectedHeader({ alg: 'HS256' })
    .setSubject(sub)
    .setIssuedAt()
    .setExpirationTime(Math.floor(Date.now() / 1_000) + expiresInSeconds)
    .sign(new TextEncoder().encode(SECRET));

const touch = (id: number) => database.script(`update projects set name = name || '.' where id = ${id}`);

const sockets: RawSocket[] = [];

afterEach(async () => {
  for (const { socket } of sockets.splice(0)) socket.terminate();
  await subscribed(0);
});

describe('on a socket', () => {
  const open = async (token: string) => {
    const socket = new RawSocket(example.socket());
    sockets.push(socket);
    return socket.init({ token });
  };
  const refresh = async (socket: RawSocket, token: string) => {
    const pongs = () => socket.received.filter(({ type }) => type === 'pong').length;
    const before = pongs();
    socket.send({ type: 'ping', payload: { token } });
    await waitFor('the pong', () => pongs() > before);
  };
  const results = (socket: RawSocket, id: string) =>
    socket.received
      .filter((message) => message.type === 'next' && message.id === id)
      .map(({ payload }) => payload);

  test('a newer token that says the same changes nothing but the expiry', async () => {
    const socket = await open(await tokenOf('one', 1, 2));
    socket.subscribe('changes', CHANGES);
    await subscribed(1);
    await refresh(socket, await tokenOf('one', 1));
    const expiresAt = Date.now() + 2_500;
    await waitFor('the first token has expired', () => Date.now() > expiresAt);
    await touch(1);
    await waitFor('the change', () => results(socket, 'changes').length === 1);
    expect(results(socket, 'changes')[0]).toMatchObject({
      data: { projectChanges: { reset: null, changes: [{ kind: 'UPDATE', key: '1' }] } },
    });
  });

  test('other rights of the same user: change streams reset and go on by them, live queries answer anew', async () => {
    const socket = await open(await tokenOf('one', 1));
    socket.subscribe('changes', CHANGES);
    socket.subscribe('live', LIVE);
    await subscribed(2);
    await waitFor('the answer', () => results(socket, 'live').length === 1);
    expect(results(socket, 'live')[0]).toMatchObject({ data: { projects: [{ id: '1' }, { id: '2' }] } });
    await refresh(socket, await tokenOf('one', 2));
    await waitFor('the reset', () => results(socket, 'changes').length === 1);
    expect(results(socket, 'changes')[0]).toMatchObject({
      data: { projectChanges: { reset: 'RIGHTS_CHANGED', changes: [] } },
    });
    await waitFor('the new answer', () => results(socket, 'live').length === 2);
    expect(results(socket, 'live')[1]).toMatchObject({ data: { projects: [{ id: '2' }, { id: '3' }] } });
    await subscribed(2);
    // One that was lost, then one that was gained.
    await touch(1);
    await touch(3);
    await waitFor('the change', () => results(socket, 'changes').length === 2);
    expect(results(socket, 'changes')[1]).toMatchObject({
      data: { projectChanges: { reset: null, changes: [{ kind: 'UPDATE', key: '3' }] } },
    });
    socket.subscribe('query', '{ projects(orderBy: [{ id: ASC }]) { id } }');
    expect(await socket.next('next', 'query')).toMatchObject({
      payload: { data: { projects: [{ id: '2' }, { id: '3' }] } },
    });
    socket.send({ type: 'complete', id: 'changes' });
    socket.send({ type: 'complete', id: 'live' });
    await subscribed(0);
  });

  test('a token of another user closes it, whatever it says', async () => {
    const socket = await open(await tokenOf('one', 1));
    socket.send({ type: 'ping', payload: { token: await tokenOf('two', 1) } });
    expect(await socket.closed()).toMatchObject({
      code: 4403,
      reason: 'TOKEN_INVALID: the new token is of another user',
    });
  });

  test('an expired token closes it', async () => {
    const socket = await open(await tokenOf('one', 1));
    socket.send({ type: 'ping', payload: { token: await tokenOf('one', 1, -5) } });
    expect(await socket.closed()).toMatchObject({
      code: 4403,
      reason: 'TOKEN_EXPIRED: the token has expired',
    });
  });

  test('tokens take effect in the order in which they came, also where one takes longer', async () => {
    const socket = await open(await tokenOf('one', 1));
    const slow = await tokenOf('one', 3, 3_600, { held: true });
    socket.send({ type: 'ping', payload: { token: slow } });
    socket.send({ type: 'ping', payload: { token: await tokenOf('one', 2) } });
    socket.subscribe('before', '{ projects(orderBy: [{ id: ASC }]) { id } }');
    await socket.next('next', 'before');
    release();
    await waitFor('the pongs', () => socket.received.filter(({ type }) => type === 'pong').length === 2);
    socket.subscribe('query', '{ projects(orderBy: [{ id: ASC }]) { id } }');
    expect(await socket.next('next', 'query')).toMatchObject({
      payload: { data: { projects: [{ id: '2' }, { id: '3' }] } },
    });
  });

  test('other rights that come while a subscription begins are those that it goes on by', async () => {
    const socket = await open(await tokenOf('one', 1));
    const other = await tokenOf('one', 2);
    for (const id of ['a', 'b', 'c']) socket.subscribe(id, LIVE);
    socket.send({ type: 'ping', payload: { token: other } });
    const ofOther = { projects: [{ id: '2' }, { id: '3' }] };
    for (const id of ['a', 'b', 'c']) {
      await waitFor('the answer', () =>
        isDeepStrictEqual((results(socket, id).at(-1) as { data?: unknown } | undefined)?.data, ofOther),
      );
    }
    await subscribed(3);
  });

  test('rights that change again and again leave one subscription', async () => {
    const socket = await open(await tokenOf('one', 1));
    socket.subscribe('changes', CHANGES);
    await subscribed(1);
    for (const as of [2, 3, 1, 2, 3, 2, 3, 2, 1])
      socket.send({ type: 'ping', payload: { token: await tokenOf('one', as) } });
    await waitFor('the pongs', () => socket.received.filter(({ type }) => type === 'pong').length === 9);
    // What happens while it begins anew is part of the reset.
    await waitFor('a change by the last rights', async () => {
      await touch(1);
      return JSON.stringify(results(socket, 'changes')).includes('"UPDATE","key":"1"');
    });
    await subscribed(1);
  });
});

test('on a reserved event stream a request with a newer token does the same', async () => {
  const as = async (user: string, on: number) => ({ authorization: `Bearer ${await tokenOf(user, on)}` });
  const streamToken = await (await fetch(url, { method: 'PUT', headers: await as('one', 1) })).text();
  const reserved = { 'x-graphql-event-stream-token': streamToken };
  const stream = await RawEventStream.open(url, { headers: { ...reserved, ...(await as('one', 1)) } });
  const subscribe = async (id: string, query: string, headers: object) =>
    fetch(url, {
      method: 'POST',
      headers: { ...reserved, ...headers, 'content-type': 'application/json' },
      body: JSON.stringify({ query, extensions: { operationId: id } }),
    });
  await subscribe('changes', CHANGES, await as('one', 1));
  await subscribed(1);
  expect((await subscribe('query', '{ projects { id } }', await as('two', 2))).status).toBe(404);
  const later = { authorization: `Bearer ${await tokenOf('one', 2, 7_200)}` };
  expect((await subscribe('query', '{ __typename }', later)).status).toBe(202);
  await waitFor('the reset', () => stream.text.includes('RIGHTS_CHANGED'));
  await touch(3);
  await waitFor('a change by the new rights', () => stream.text.includes('{"kind":"UPDATE","key":"3"}'));
  stream.close();
});

test('on a reserved event stream an operation of a token that ends sooner goes on by the rights of the reservation', async () => {
  const longer = { authorization: `Bearer ${await tokenOf('one', 1, 7_200)}` };
  const streamToken = await (await fetch(url, { method: 'PUT', headers: longer })).text();
  const reserved = { 'x-graphql-event-stream-token': streamToken };
  const stream = await RawEventStream.open(url, { headers: { ...reserved, ...longer } });
  const sooner = { authorization: `Bearer ${await tokenOf('one', 2, 60)}` };
  const response = await fetch(url, {
    method: 'POST',
    headers: { ...reserved, ...sooner, 'content-type': 'application/json' },
    body: JSON.stringify({ query: CHANGES, extensions: { operationId: 'changes' } }),
  });
  expect(response.status).toBe(202);
  await waitFor('the reset', () => stream.text.includes('RIGHTS_CHANGED'));
  await touch(3);
  await touch(1);
  await waitFor('a change by the rights of the reservation', () =>
    stream.text.includes('{"kind":"UPDATE","key":"1"}'),
  );
  expect(stream.text).not.toContain('"key":"3"');
  stream.close();
});

test('without a `context` the claims are the user, and what each token says anew is not', async () => {
  expect((config as RivuletConfig).context).toBeDefined();
  const { createIdentityResolver } = await import('../../src/server/auth/identity.js');
  const { SessionRegistry } = await import('../../src/server/auth/session-registry.js');
  const identify = createIdentityResolver(async (text) => JSON.parse(text), undefined);
  const sessions = new SessionRegistry({ identify, contextMaxAgeSeconds: 0 });
  const request = { headers: new Headers(), transport: 'websocket' } as const;
  const tokenWith = (claims: object) => JSON.stringify({ sub: 'one', ...claims });
  const session = await sessions.open(
    tokenWith({ exp: 4_000_000_000, iat: 1, jti: 'a', role: 'editor' }),
    request,
  );
  session.hold({ request, ended() {} });
  const { rights } = session;
  await sessions.renew(session, tokenWith({ exp: 4_100_000_000, iat: 2, jti: 'b', role: 'editor' }), request);
  expect(session.rights).toBe(rights);
  await sessions.renew(session, tokenWith({ exp: 4_100_000_000, iat: 3, jti: 'c', role: 'viewer' }), request);
  expect(session.rights).not.toBe(rights);
  session.leave();
});
