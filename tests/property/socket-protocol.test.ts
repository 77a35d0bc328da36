import fc from 'fast-check';
import { parseMessage } from 'graphql-ws';
import { expect, test } from 'vitest';
import { propertyOptions } from '../support/property.js';
import { type ProtocolServer, referenceServer, rivuletServer } from '../support/protocol-servers.js';
import type { RawSocket } from '../support/raw-socket.js';
import { waitFor } from '../support/wait-for.js';

/**
 * Whatever a client sends, Rivulet answers as the server of graphql-ws does: the same messages about each id, the same pongs, the same close
 * code, and as many subscriptions that go on.
 */
const IDS = ['a', 'b', 'constructor', '__proto__', 'ä😀', ' '];

type Step =
  | { readonly do: 'query' | 'stream' | 'invalid' | 'unnamed' | 'complete'; readonly id: string }
  | { readonly do: 'ping' | 'pong'; readonly payload: unknown }
  | { readonly do: 'init' | 'emit' }
  | { readonly do: 'raw'; readonly text: string };

const id = fc.constantFrom(...IDS);
const payload = fc.constantFrom(undefined, null, {}, { a: [1, { b: 'ä' }] });
/** Texts that may be messages: whole ones, with a member of another kind, or without it. */
const raw = fc.oneof(
  fc.constantFrom(
    '{',
    '',
    'null',
    '[]',
    '{"type":"nonsense"}',
    '{"type":"connection_ack"}',
    '{"type":"connection_init","payload":[]}',
  ),
  fc
    .record(
      {
        type: fc.constantFrom('subscribe', 'complete', 'ping', 'pong', 'next', 'error', 1),
        id: fc.oneof(fc.constantFrom('', 'never', 7, null), fc.json({ maxDepth: 1 })),
        payload: fc.oneof(
          fc.jsonValue({ maxDepth: 1 }),
          fc.record(
            { query: fc.constantFrom(1, null, {}), variables: fc.constantFrom([], 'x', null) },
            { requiredKeys: [] },
          ),
        ),
      },
      { requiredKeys: [] },
    )
    .map((message) => JSON.stringify(message)),
);
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 6, arbitrary: fc.record({ do: fc.constant('stream' as const), id }) },
  { weight: 3, arbitrary: fc.record({ do: fc.constantFrom('query', 'invalid', 'unnamed'), id }) },
  { weight: 4, arbitrary: fc.record({ do: fc.constant('complete' as const), id }) },
  { weight: 3, arbitrary: fc.record({ do: fc.constantFrom('ping', 'pong'), payload }) },
  { weight: 4, arbitrary: fc.constant({ do: 'emit' } as const) },
  { weight: 1, arbitrary: fc.constant({ do: 'init' } as const) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('raw' as const), text: raw }) },
) as fc.Arbitrary<Step>;
/** Most sockets begin as they should. */
const steps = fc
  .tuple(fc.boolean(), fc.boolean(), fc.array(step, { minLength: 1, maxLength: 15 }))
  .map(([one, other, rest]): Step[] => (one || other ? [{ do: 'init' }, ...rest] : rest));

const rivulet = await rivuletServer();
const reference = await referenceServer();
const { numRuns = 60, ...seeded } = propertyOptions(60);

test('whatever is sent, answers and close codes are those of graphql-ws', {
  timeout: 30_000 + numRuns * 2_000,
}, async () => {
  await fc.assert(
    fc.asyncProperty(steps, async (history) => {
      const [own, theirs] = await Promise.all([played(rivulet, history), played(reference, history)]);
      expect(own).toEqual(theirs);
    }),
    { numRuns, ...seeded },
  );
});

/** Everything that a client sees of a history on a new socket. Each step is sent when the one before has had its effect. */
async function played(server: ProtocolServer, history: readonly Step[]): Promise<object> {
  const socket = await server.socket().open();
  /** Ids of the streams that run. */
  const streams = new Set<string>();
  for (const each of history) {
    if (socket.closing !== undefined) break;
    await take(server, socket, streams, each);
  }
  const { closing } = socket;
  const running = closing === undefined ? streams.size : 0;
  await server.running(running);
  socket.socket.terminate();
  await server.running(0);
  return { ...answersOf(socket), running, closeCode: closing?.code ?? null };
}

async function take(
  server: ProtocolServer,
  socket: RawSocket,
  streams: Set<string>,
  each: Step,
): Promise<void> {
  const before = socket.received.length;
  const of = (type: string, operationId: string) => () =>
    socket.received.slice(before).some((message) => message.type === type && message.id === operationId);
  const effect = (probe: () => boolean | Promise<boolean>) =>
    waitFor(`the effect of ${JSON.stringify(each)}`, async () => socket.closing !== undefined || probe());
  const subscribe = (operationId: string, query: string, operationName?: string) =>
    socket.send({ id: operationId, type: 'subscribe', payload: { query, operationName } });
  switch (each.do) {
    case 'init':
      socket.send({
        type: 'connection_init',
        ...(socket.defaultPayload && { payload: socket.defaultPayload }),
      });
      await effect(() => socket.received.slice(before).some(({ type }) => type === 'connection_ack'));
      break;
    case 'query':
      subscribe(each.id, server.query);
      await effect(of('complete', each.id));
      break;
    case 'invalid':
      subscribe(each.id, server.invalid);
      await effect(of('error', each.id));
      break;
    case 'unnamed':
      subscribe(each.id, server.query, 'Nope');
      await effect(of('error', each.id));
      break;
    case 'stream': {
      const isTaken = streams.has(each.id);
      subscribe(each.id, server.stream);
      if (isTaken) await socket.closed();
      else {
        streams.add(each.id);
        await Promise.race([socket.closed(), server.running(streams.size)]);
      }
      break;
    }
    case 'complete':
      socket.send({ id: each.id, type: 'complete' });
      streams.delete(each.id);
      await server.running(streams.size);
      break;
    case 'emit':
      if (streams.size === 0) break;
      await server.emit();
      await effect(() => socket.received.slice(before).length === streams.size);
      break;
    default: {
      const text = each.do === 'raw' ? each.text : JSON.stringify({ type: each.do, payload: each.payload });
      const pongs = pongsOf(socket);
      socket.send(text);
      await pinged(socket, pongs + (isPing(text) ? 2 : 1));
    }
  }
}

/** Sends a ping; resolves when there are so many pongs, or the socket is closed. */
async function pinged(socket: RawSocket, wanted: number): Promise<void> {
  socket.send({ type: 'ping' });
  await waitFor('the pongs', () => socket.closing !== undefined || pongsOf(socket) >= wanted);
}

function isPing(text: string): boolean {
  try {
    return parseMessage(text).type === 'ping';
  } catch {
    return false;
  }
}

const pongsOf = (socket: RawSocket): number => socket.received.filter(({ type }) => type === 'pong').length;

/** Types and errors by id, in order; payloads of streams differ from server to server. */
function answersOf(socket: RawSocket): object {
  const byId = new Map<string, unknown[]>();
  const others: unknown[] = [];
  for (const message of socket.received) {
    const { id: operationId, type } = message;
    if (operationId === undefined) others.push(message);
    else byId.set(operationId, [...(byId.get(operationId) ?? []), type]);
  }
  return { others, byId: [...byId].sort(([one], [other]) => (one < other ? -1 : 1)) };
}
