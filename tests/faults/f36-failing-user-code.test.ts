import { expect, test } from 'vitest';
import config from '../../rivulet.config.js';
import { policies } from '../../schema/policies.js';
import { serveExample } from '../support/example-server.js';
import { RawSocket } from '../support/raw-socket.js';
import { waitFor } from '../support/wait-for.js';

/** By user: what goes wrong for them. Ada is 1, and nothing does. */
const THROWS = 2;
const WRONG_TYPE = 3;
const NEVER_ANSWERS = 4;
const COLUMN_THROWS = 5;
const BROKEN_CONTEXT = 6;
const SILENT_CONTEXT = 7;

/** What users' code does, by user; the key is mended later. */
const broken = new Set([THROWS, WRONG_TYPE, NEVER_ANSWERS, COLUMN_THROWS, BROKEN_CONTEXT, SILENT_CONTEXT]);

function readTasks({ userId }: { readonly userId: number }): unknown {
  if (broken.has(userId)) {
    if (userId === THROWS) throw new Error('secret: the policy of tasks');
    if (userId === WRONG_TYPE) return 7;
    if (userId === NEVER_ANSWERS) return new Promise(() => {});
  }
  return true;
}

const example = await serveExample({
  limits: { contextSeconds: 1 },
  policies: {
    ...policies,
    tasks: {
      read: readTasks,
      columns: {
        description: {
          read: ({ userId }: { readonly userId: number }) => {
            if (userId === COLUMN_THROWS) throw new Error('secret: the policy of a column');
            return true;
          },
        },
      },
    },
  } as never,
  context: (async (...args: Parameters<NonNullable<typeof config.context>>) => {
    const context = (await config.context!(...args)) as { readonly userId: number };
    if (context.userId === BROKEN_CONTEXT) throw new Error('secret: the context');
    if (context.userId === SILENT_CONTEXT) return new Promise(() => {});
    return context;
  }) as never,
});
const { server, database, token, socket, subscribed, post, logged } = example;

const DOCUMENTS = [
  'subscription { taskChanges { changes { key } } }',
  'subscription { tasks(limit: 1) { id } }',
  'subscription { task(id: "1") { id } }',
];

async function connect(userId: number): Promise<RawSocket> {
  return new RawSocket(socket()).init({ authorization: `Bearer ${await token(userId)}` });
}

let position = 1_000;
const write = () =>
  database.query('update tasks set position = $1::text::float8 where id = 1', String(++position));

/** Ada follows all the time, and must hear of every change. */
const ada = await connect(1);
ada.subscribe('ada', 'subscription { taskChanges { changes { node { position } } } }');
await subscribed(1);
const adaHeard = async (): Promise<void> => {
  await write();
  await waitFor('ada hears of it', () =>
    JSON.stringify(ada.received.at(-1)).includes(`"position":${position}`),
  );
};

/** The code of the error that is all that a subscription says. */
async function refusalOf(theirs: RawSocket, id: string, document: string): Promise<unknown> {
  theirs.subscribe(id, document);
  const { payload } = await theirs.next('next', id);
  await theirs.next('complete', id);
  expect(JSON.stringify(payload)).not.toContain('secret');
  return (payload as { errors: { extensions: { code: string } }[] }).errors[0]?.extensions.code;
}

for (const [what, userId] of [
  ['throws', THROWS],
  ['returns what is no policy', WRONG_TYPE],
  ['never answers', NEVER_ANSWERS],
  ['throws for a column', COLUMN_THROWS],
] as const) {
  test(`F36: a policy that ${what} ends that subscription with an error that has a code, and nothing else`, async () => {
    const theirs = await connect(userId);
    for (const [at, document] of DOCUMENTS.entries()) {
      // A column's rule is asked where changes might show it.
      if (userId === COLUMN_THROWS && !document.includes('Changes')) continue;
      expect(await refusalOf(theirs, `tasks ${at}`, document)).toBe('POLICY_FAILED');
    }
    // What does not ask that policy goes on, on the same socket; nobody else notices anything.
    theirs.subscribe('labels', 'subscription { labels(limit: 1) { id } }');
    await theirs.next('next', 'labels');
    await adaHeard();
    // Closed, not open: a query shows nothing either.
    if (userId !== COLUMN_THROWS) {
      const { body } = await post('{ tasks { id } }', { token: await token(userId) });
      expect(body.data?.tasks ?? []).toEqual([]);
    }
    theirs.socket.close();
    await subscribed(1);
  });
}

test('F36: a policy that is mended serves the next subscription', async () => {
  const theirs = await connect(THROWS);
  expect(await refusalOf(theirs, 'before', DOCUMENTS[0]!)).toBe('POLICY_FAILED');
  broken.delete(THROWS);
  theirs.subscribe('after', DOCUMENTS[0]!);
  await subscribed(2);
  await adaHeard();
  await theirs.next('next', 'after');
  theirs.socket.close();
  await subscribed(1);
});

test('F36: a context that throws, or never answers, refuses its own socket and request, with a code', async () => {
  for (const [userId, code] of [
    [BROKEN_CONTEXT, 'INTERNAL'],
    [SILENT_CONTEXT, 'CONTEXT_TIMED_OUT'],
  ] as const) {
    const bearer = await token(userId);
    const theirs = await new RawSocket(socket()).open();
    theirs.send({ type: 'connection_init', payload: { authorization: `Bearer ${bearer}` } });
    const closed = await theirs.closed();
    expect(closed.code).toBe(4403);
    expect(closed.reason).toContain(code);
    expect(closed.reason).not.toContain('secret');
    const { body } = await post('{ tasks { id } }', { token: bearer });
    expect(body.errors?.[0]?.extensions?.code).toBe(code);
    expect(JSON.stringify(body)).not.toContain('secret');
    await adaHeard();
  }
  expect(server.scopes.status().subscribers).toBe(1);
  expect(logged.some((line) => line.includes('secret: the context'))).toBe(true);
  ada.socket.close();
  await subscribed(0);
});
