import { afterEach, describe, expect, test } from 'vitest';
import { type AppSession, CHANGES, LIVE, serveCookieApp, type Watched } from '../support/cookie-app.js';
import { waitFor } from '../support/wait-for.js';

const example = await serveCookieApp();
const { server, database, sessions, app, transports, subscribed } = example;

const watched: Watched[] = [];
const writers: { stop(): Promise<void> }[] = [];
let last = 0;

/** A user of its own for each test: what one test leaves is no other's. */
const signIn = (more: Partial<AppSession> = {}): string => {
  const cookie = `user${++last}`;
  sessions.set(cookie, { subject: cookie, role: 'editor', ...more });
  return cookie;
};

/** Holds every evaluation of `context` that begins from now on, until the function that it returns is called. */
const holdContext = (): (() => void) => {
  let release = (): void => {};
  app.gate = new Promise<void>((resolve) => {
    release = resolve;
  });
  return () => {
    release();
    app.gate = Promise.resolve();
  };
};

afterEach(async () => {
  for (const each of writers.splice(0)) await each.stop();
  for (const each of watched.splice(0)) each.close();
  await subscribed(0);
});

const TRANSPORTS = Object.entries(transports);
const QUERIES: readonly (readonly [string, string])[] = [
  ['change stream', CHANGES],
  ['live query', LIVE],
];
const CASES = TRANSPORTS.flatMap(([transport, watch]) =>
  QUERIES.map(([kind, query]) => ({ transport, kind, query, watch })),
);

describe.each(CASES)('T39 over $transport, a $kind, with 1,000 writes a second', ({ query, watch }) => {
  /** Follows with `cookie` until writes are shown. */
  const begin = async (cookie: string) => {
    const follower = await watch(query, cookie);
    watched.push(follower);
    await subscribed(1);
    const writing = example.writing();
    writers.push(writing);
    await writing.more(100);
    await waitFor('writes are shown', () => follower.shown().length > 50);
    return { follower, writing };
  };

  /** Versions that were issued after `issued`, of rows that a viewer may not see. */
  const late = (follower: Watched, issued: number) =>
    follower.shown().filter(({ id, version }) => id !== '1' && version > issued);

  test('after a logout nothing that was committed after the call is delivered', async () => {
    const cookie = signIn();
    const { follower, writing } = await begin(cookie);
    sessions.delete(cookie);
    expect(await server.disconnect(cookie)).toBe(1);
    const { issued } = writing;
    await waitFor('the end', () => follower.end);
    await writing.more(300);
    await writing.stop();
    expect(follower.end).toContain('SESSION_ENDED');
    expect(follower.shown().filter(({ version }) => version > issued)).toEqual([]);
    expect(writing.perSecond).toBeGreaterThan(50);
    await subscribed(0);
  });

  test('when a role is lowered nothing is delivered by the old one, from the call on', async () => {
    const cookie = signIn();
    const { follower, writing } = await begin(cookie);
    const release = holdContext();
    // In place, as a session store in memory does it.
    sessions.get(cookie)!.role = 'viewer';
    const done = server.rightsChanged(cookie);
    const { issued } = writing;
    await writing.more(200);
    expect(follower.shown().filter(({ version }) => version > issued)).toEqual([]);
    release();
    expect(await done).toBe(1);
    if (query === CHANGES) await waitFor('the reset', () => follower.text.includes('RIGHTS_CHANGED'));
    await waitFor('it goes on by the new rights', () =>
      follower.shown().some(({ id, version }) => id === '1' && version > issued),
    );
    await writing.more(200);
    await writing.stop();
    expect(late(follower, issued)).toEqual([]);
    expect(follower.end).toBeNull();
  });

  test('when a user is disabled, so that `context` throws, it ends with that error', async () => {
    const cookie = signIn();
    const { follower, writing } = await begin(cookie);
    sessions.get(cookie)!.isDisabled = true;
    await server.rightsChanged(cookie);
    const { issued } = writing;
    await waitFor('the end', () => follower.end);
    await writing.more(200);
    await writing.stop();
    expect(follower.end).toContain('TOKEN_INVALID');
    expect(follower.shown().filter(({ version }) => version > issued)).toEqual([]);
  });

  test('when the rights are the same it goes on without a gap', async () => {
    const cookie = signIn();
    const { follower, writing } = await begin(cookie);
    for (let round = 0; round < 5; round++) {
      const release = holdContext();
      const done = server.rightsChanged(cookie);
      await writing.more(20);
      release();
      expect(await done).toBe(1);
    }
    await writing.stop();
    const newest = await database.db.query({ text: 'select max(version)::text from gauges', params: [] });
    await waitFor('the newest version is shown', () =>
      follower.shown().some(({ version }) => String(version) === newest[0]![0]),
    );
    expect(follower.text).not.toMatch(/"reset":"/);
    expect(follower.end).toBeNull();
    // A message may have been merged with the next one, but none goes back.
    for (const row of ['1', '2', '3', '4']) {
      const versions = follower.shown().flatMap(({ id, version }) => (id === row ? [version] : []));
      expect(versions).toEqual([...versions].sort((one, other) => one - other));
    }
  });
});

describe.each(TRANSPORTS)('over %s', (_transport, watch) => {
  test('a session ends at `expiresAt`', async () => {
    const cookie = signIn({ expiresAt: new Date(Date.now() + 500) });
    const follower = await watch(CHANGES, cookie);
    watched.push(follower);
    await waitFor('the end', () => follower.end);
    expect(follower.end).toMatch(/SESSION_EXPIRED|cut/);
    expect(Date.now()).toBeGreaterThanOrEqual((sessions.get(cookie)!.expiresAt as Date).getTime());
  });

  test('a session that is of somebody else now ends', async () => {
    const cookie = signIn();
    const follower = await watch(CHANGES, cookie);
    watched.push(follower);
    await subscribed(1);
    sessions.set(cookie, { subject: 'somebody else', role: 'editor' });
    expect(await server.rightsChanged(cookie)).toBe(1);
    await waitFor('the end', () => follower.end);
    expect(follower.end).toContain('SESSION_ENDED');
  });

  test('another user is not concerned', async () => {
    const [cookie, other] = [signIn(), signIn()];
    const follower = await watch(CHANGES, cookie);
    watched.push(follower);
    await subscribed(1);
    expect(await server.disconnect(other)).toBe(0);
    expect(await server.rightsChanged(other)).toBe(0);
    await database.script('update gauges set version = version - 1 where id = 2');
    await waitFor('a change', () => follower.shown().length > 0);
    expect(follower.text).not.toContain('RIGHTS_CHANGED');
  });

  test('who signs in while the call is made gets the rights of after it', async () => {
    const cookie = signIn();
    const release = holdContext();
    const { asked } = app;
    const opening = watch(LIVE, cookie);
    await waitFor('the context is evaluated', () => app.asked > asked);
    sessions.set(cookie, { subject: cookie, role: 'viewer' });
    await server.rightsChanged(cookie);
    release();
    const follower = await opening;
    watched.push(follower);
    await waitFor('the answer', () => follower.shown().length > 0);
    expect(follower.shown().map(({ id }) => id)).toEqual(['1']);
  });
});

test('a query that is under way is not answered by the old rights', async () => {
  const cookie = signIn();
  const locker = database.connect({ max: 1 });
  let unlock = (): void => {};
  const locked = new Promise<void>((resolve) => {
    unlock = resolve;
  });
  const holding = locker.transaction(async (tx) => {
    await tx.script('lock table gauges in access exclusive mode');
    await locked;
  });
  const isWaiting = async () =>
    (
      await database.db.query({ text: 'select count(*)::text from pg_locks where not granted', params: [] })
    )[0]![0] !== '0';
  await waitFor('the table is locked', async () => {
    const [row] = await database.db.query({
      text: "select count(*)::text from pg_locks where mode = 'AccessExclusiveLock' and relation = 'gauges'::regclass",
      params: [],
    });
    return row![0] === '1';
  });
  const overHttp = example.post(cookie, '{ gauges { id } }');
  await waitFor('it waits for the table', isWaiting);
  await server.rightsChanged(cookie);
  unlock();
  await holding;
  const response = await overHttp;
  expect(response.status).toBe(409);
  const body = (await response.json()) as { data?: unknown; errors: { extensions: { code: string } }[] };
  expect(body.errors[0]!.extensions.code).toBe('SESSION_CHANGED');
  expect(body.data).toBeUndefined();
});

test('a subject that is none is refused, since a call that closes nobody would look as if it had', async () => {
  for (const subject of ['', ' ', 5, null, undefined, {}]) {
    await expect(server.disconnect(subject as never)).rejects.toMatchObject({ code: 'SUBJECT_INVALID' });
    await expect(server.rightsChanged(subject as never)).rejects.toMatchObject({ code: 'SUBJECT_INVALID' });
  }
});

test.each([
  ['a number as its subject', { subject: 5 }],
  ['an object as its subject', { subject: { id: 1 } }],
  ['a text as its expiry', { expiresAt: '2030-01-01' }],
  ['milliseconds as its expiry', { expiresAt: Date.now() + 1_000 }],
  ['no date as its expiry', { expiresAt: new Date('nonsense') }],
])('a context with %s is refused', async (_what, more) => {
  const cookie = signIn(more as Partial<AppSession>);
  const response = await example.post(cookie, '{ gauges { id } }');
  expect(response.status).toBe(500);
  expect(JSON.stringify(await response.json())).toContain('CONTEXT_INVALID');
});

test('a session that has expired is refused', async () => {
  const cookie = signIn({ expiresAt: Math.floor(Date.now() / 1_000) - 5 });
  const response = await example.post(cookie, '{ gauges { id } }');
  expect(response.status).toBe(401);
  expect(JSON.stringify(await response.json())).toContain('SESSION_EXPIRED');
});

describe('with `contextMaxAgeSeconds`', async () => {
  const aged = await serveCookieApp({ contextMaxAgeSeconds: 0.2 });

  test.each(Object.entries(aged.transports))(
    'over %s rights that changed unannounced are found out',
    async (name, watch) => {
      const cookie = name.replaceAll(/\W/g, '');
      aged.sessions.set(cookie, { subject: cookie, role: 'editor' });
      const follower = await watch(CHANGES, cookie);
      await aged.subscribed(1);
      const { asked } = aged.app;
      await waitFor('the context is evaluated again and again', () => aged.app.asked > asked + 2);
      expect(follower.text).not.toContain('RIGHTS_CHANGED');
      aged.sessions.get(cookie)!.role = 'viewer';
      await waitFor('the reset', () => follower.text.includes('RIGHTS_CHANGED'));
      await aged.subscribed(1);
      await aged.database.script('update gauges set version = version + 1');
      await waitFor('a change', () => follower.shown().length > 0);
      expect(follower.shown().map(({ id }) => id)).toEqual(['1']);
      aged.sessions.delete(cookie);
      await waitFor('the end', () => follower.end);
      expect(follower.end).toContain('SESSION_ENDED');
      await aged.subscribed(0);
    },
  );
});

describe('limits of a user without a token', async () => {
  const limited = await serveCookieApp({ limits: { connectionsPerUser: 2, operationsPerMinutePerUser: 5 } });

  test('count by the subject that `context` states', async () => {
    limited.sessions.set('ada', { subject: 'ada', role: 'editor' });
    limited.sessions.set('grace', { subject: 'grace', role: 'editor' });
    const [one, other] = [await limited.socket('ada').init(), await limited.socket('ada').init()];
    const third = await limited.socket('ada').open();
    third.send({ type: 'connection_init' });
    expect(await third.closed()).toMatchObject({ code: 1013 });
    const statuses = [];
    for (let n = 0; n < 6; n++) statuses.push((await limited.post('ada', '{ __typename }')).status);
    expect(statuses).toEqual([200, 200, 200, 200, 200, 429]);
    expect((await limited.post('grace', '{ __typename }')).status).toBe(200);
    for (const { socket } of [one, other]) socket.terminate();
  });
});
