import { afterEach, describe, expect, test } from 'vitest';
import { RawEventStream } from '../support/event-stream.js';
import { serveExample } from '../support/example-server.js';
import { RawSocket } from '../support/raw-socket.js';

const example = await serveExample();
const { url, database, token, subscribed } = example;
const ada = await token(1);
const STREAM =
  'subscription ($after: String) { taskChanges(after: $after) { cursor changes { node { title } } } }';

const rename = (title: string) => database.query('update tasks set title = $1::text where id = 1', title);

async function cursorOfNow(): Promise<string> {
  const response = await fetch(`${url}?query=${encodeURIComponent('{ task(id: 1) { id } }')}`, {
    headers: { authorization: `Bearer ${ada}` },
  });
  const body = (await response.json()) as { extensions: { rivulet: { cursor: string } } };
  return body.extensions.rivulet.cursor;
}

const opened: RawEventStream[] = [];

/** As a browser's EventSource asks, which on its way back sends the last id and the same address. */
async function listen(query: string, { after, lastEventId }: { after?: string; lastEventId?: string } = {}) {
  const variables = encodeURIComponent(JSON.stringify(after === undefined ? {} : { after }));
  const stream = await RawEventStream.open(
    `${url}?query=${encodeURIComponent(query)}&variables=${variables}`,
    {
      headers: {
        authorization: `Bearer ${ada}`,
        ...(lastEventId !== undefined && { 'last-event-id': lastEventId }),
      },
    },
  );
  opened.push(stream);
  return stream;
}

const titleOf = ({ data }: { readonly data: unknown }) =>
  (data as { data: { taskChanges: { changes: { node: { title: string } }[] } } }).data.taskChanges.changes[0]
    ?.node.title;
const codeOf = ({ data }: { readonly data: unknown }) =>
  (data as { errors?: { extensions: { code: string } }[] }).errors?.[0]?.extensions.code;

afterEach(async () => {
  for (const stream of opened.splice(0)) stream.close();
  await subscribed(0);
});

describe('over event streams', () => {
  test('each event has its cursor as its id, and the stream says when to come back', async () => {
    const stream = await listen(STREAM);
    await subscribed(1);
    await rename('with an id');
    const event = await stream.event(1);
    expect(event.id).toMatch(/^[\w-]{40,}$/);
    expect(stream.text).toMatch(/^retry: [12]\d{3}\n\n/);
  });

  test('who comes back with the last id is told what was missed, each once, and then what comes', async () => {
    const first = await listen(STREAM, { after: await cursorOfNow() });
    await rename('one');
    const { id } = await first.event(1);
    first.close();
    await subscribed(0);
    await rename('two');
    await rename('three');
    const second = await listen(STREAM, { lastEventId: id! });
    expect([titleOf(await second.event(1)), titleOf(await second.event(2))]).toEqual(['two', 'three']);
    await rename('four');
    expect(titleOf(await second.event(3))).toBe('four');
    expect(second.events).toHaveLength(3);
  });

  test('the last id goes before the `after` of an address that stayed the same', async () => {
    const after = await cursorOfNow();
    const first = await listen(STREAM, { after });
    await rename('told once');
    const { id } = await first.event(1);
    first.close();
    const second = await listen(STREAM, { after, lastEventId: id! });
    await subscribed(1);
    await rename('told then');
    expect(titleOf(await second.event(1))).toBe('told then');
  });

  test('with nothing missed nothing is told', async () => {
    const stream = await listen(STREAM, { lastEventId: await cursorOfNow() });
    await subscribed(1);
    await rename('afterwards');
    expect(titleOf(await stream.event(1))).toBe('afterwards');
  });

  test('a live query has ids too, and begins with the answer of now, wherever its client was', async () => {
    const LIVE = 'subscription { task(id: 1) { title } }';
    const first = await listen(LIVE);
    const { id, data } = await first.event(1);
    expect(data).toMatchObject({ extensions: { rivulet: { cursor: id } } });
    first.close();
    await rename('while away');
    const second = await listen(LIVE, { lastEventId: id! });
    expect((await second.event(1)).data).toMatchObject({ data: { task: { title: 'while away' } } });
    // Its cursor is one for a change stream as well.
    const changes = await listen(STREAM, { lastEventId: id! });
    expect(titleOf(await changes.event(1))).toBe('while away');
  });

  test.each([
    ['forged', 'forged'],
    ['cut', 'cut'],
    ['long', 'A'.repeat(28_000)],
  ])('an id that no server made (%s) is refused as any cursor is', async (_what, given) => {
    const lastEventId = given === 'cut' ? (await cursorOfNow()).slice(0, -3) : given;
    for (const query of [STREAM, 'subscription { tasks { id } }']) {
      const stream = await listen(query, { lastEventId });
      expect(stream.response.status).toBe(200);
      expect(codeOf(await stream.event(1))).toBe('CURSOR_INVALID');
      expect(await stream.event(2)).toMatchObject({ event: 'complete' });
    }
  });

  test('a query has no position to come back to', async () => {
    const stream = await listen('{ task(id: 1) { id } }', { lastEventId: 'forged' });
    expect(await stream.event(1)).toMatchObject({
      event: 'next',
      id: null,
      data: { data: { task: { id: '1' } } },
    });
  });
});

describe('in the extensions of a subscription', () => {
  async function subscribe(extensions: object, variables: object = {}) {
    const socket = await new RawSocket(example.socket()).init({ token: ada });
    socket.send({ type: 'subscribe', id: '1', payload: { query: STREAM, variables, extensions } });
    return socket;
  }

  test('`rivulet.after` says where a change stream begins', async () => {
    const after = await cursorOfNow();
    await rename('missed');
    const socket = await subscribe({ rivulet: { after } });
    const { payload } = await socket.next('next', '1');
    expect(titleOf({ data: payload })).toBe('missed');
    socket.socket.terminate();
  });

  test('the argument goes before it', async () => {
    const old = await cursorOfNow();
    await rename('before');
    const socket = await subscribe({ rivulet: { after: old } }, { after: await cursorOfNow() });
    await subscribed(1);
    await rename('after');
    const { payload } = await socket.next('next', '1');
    expect(titleOf({ data: payload })).toBe('after');
    socket.socket.terminate();
  });

  test.each([
    ['text that no server made', 'forged'],
    ['no text', 7],
    ['too much', 'A'.repeat(60_000)],
  ])('%s is refused', async (_what, after) => {
    const socket = await subscribe({ rivulet: { after } });
    const { payload } = await Promise.any([socket.next('error', '1'), socket.next('next', '1')]);
    expect(codeOf({ data: Array.isArray(payload) ? { errors: payload } : payload })).toBe('CURSOR_INVALID');
    socket.socket.terminate();
  });
});
