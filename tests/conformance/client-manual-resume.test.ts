import { afterAll, afterEach, describe, expect, test } from 'vitest';
import {
  apolloLists,
  type ListClient,
  type ListKind,
  type Shown,
  urqlLists,
} from '../support/client-lists.js';
import { serveForClients } from '../support/client-server.js';
import { plain, type Transport } from '../support/client-under-test.js';
import { startProxy } from '../support/proxy.js';
import { waitFor } from '../support/wait-for.js';

const server = await serveForClients();
const proxy = await startProxy(server.url);
afterAll(() => proxy.close());
const reached = { ...server, url: proxy.url, webSocketUrl: proxy.url.replace('http', 'ws') };
const sql = (text: string) => server.database.script(text);

const OPEN =
  '{ tasks(where: { status: { ne: done } }, orderBy: [{ priority: DESC }]) { id title status priority } }';
const OWN =
  'subscription { taskChanges { changes { kind node { title status priority position projectId assigneeId } } } }';
const AFTER =
  'subscription ($from: String) { taskChanges(after: $from) { changes { node { title status priority projectId } } } }';

describe.each([urqlLists, apolloLists])('$name', (kind) => {
  describe.each<Transport>(['websocket', 'sse', 'single'])('over %s', (transport) =>
    resuming(kind, transport),
  );
});

/** A page's own stream goes on where it was. */
function resuming(kind: ListKind, transport: Transport): void {
  const opened: ListClient[] = [];
  const name = (what: string) => `${what}, ${kind.name} over ${transport}`;

  async function open(): Promise<{ client: ListClient; watched: Shown; asked: number }> {
    const client = kind.open({ server: reached, token: await server.token(1), transport });
    opened.push(client);
    const watched = client.watch(OPEN);
    await waitFor('an answer', () => watched.data !== undefined && watched.data !== null);
    return { client, watched, asked: client.requests.length };
  }

  async function following(client: ListClient, subscription: string, variables = {}) {
    const { messages } = client.follow(subscription, variables);
    await waitFor('its stream', () => server.subscriptions() === 1);
    return () => messages.flatMap(titlesOf);
  }

  /** What happens while the client cannot reach the server. */
  async function duringBreak(change: string): Promise<void> {
    proxy.refuse();
    proxy.reset();
    await waitFor('the server has lost it', () => server.subscriptions() === 0);
    await sql(change);
    proxy.resume();
  }

  async function isTrue({ client, watched, asked }: Awaited<ReturnType<typeof open>>): Promise<void> {
    const expected = await server.fresh(1, OPEN);
    await waitFor('the list shows the truth', () => expect(plain(watched.data)).toEqual(expected) ?? true);
    expect(client.requests.length).toBe(asked);
    expect(client.problems).toEqual([]);
  }

  afterEach(async () => {
    proxy.resume();
    await Promise.all(opened.splice(0).map((client) => client.close()));
    await waitFor('no stream is left', () => server.subscriptions() === 0);
  });

  test('after each break, without a loss, a double or a request', async () => {
    const page = await open();
    const titles = await following(page.client, OWN);
    const [first, second, third, fourth] = ['first', 'second', 'third', 'fourth'].map(name);
    await sql(insert(first!));
    await waitFor('the first', () => titles().length === 1);
    await duringBreak(`${insert(second!)}; ${insert(third!)}`);
    await waitFor('what came in the break', () => titles().includes(third!));
    await duringBreak(insert(fourth!));
    await waitFor('what came in the second', () => titles().includes(fourth!));
    expect(titles()).toEqual([first, second, third, fourth]);
    await isTrue(page);
  });

  test('also where its document says where it begins', async () => {
    const page = await open();
    const titles = await following(page.client, AFTER, { from: await cursorOfNow() });
    // Nothing came yet: it begins again where it was told to.
    await duringBreak(insert(name('fifth')));
    await waitFor('the first', () => titles().length === 1);
    await duringBreak(insert(name('sixth')));
    await waitFor('the second', () => titles().includes(name('sixth')));
    expect(titles()).toEqual([name('fifth'), name('sixth')]);
    await isTrue(page);
  });
}

const insert = (title: string) =>
  `insert into tasks (project_id, title, status, priority) values (1, '${title}', 'doing', 3)`;

function titlesOf(message: unknown): readonly unknown[] {
  const { taskChanges } = message as { taskChanges: { changes: { node: { title: string } }[] } };
  return taskChanges.changes.map(({ node }) => node.title);
}

async function cursorOfNow(): Promise<string> {
  const response = await fetch(server.url, {
    method: 'POST',
    headers: { 'content-type': 'application/json', authorization: `Bearer ${await server.token(1)}` },
    body: JSON.stringify({ query: '{ users { id } }' }),
  });
  const { extensions } = (await response.json()) as { extensions: { rivulet: { cursor: string } } };
  return extensions.rivulet.cursor;
}
