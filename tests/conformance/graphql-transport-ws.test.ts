import { afterEach, describe, expect, test } from 'vitest';
import { type ProtocolServer, referenceServer, rivuletServer } from '../support/protocol-servers.js';
import type { RawSocket, WireMessage } from '../support/raw-socket.js';
import { waitFor } from '../support/wait-for.js';

/**
 * The audit of the protocol `graphql-transport-ws` (PROTOCOL.md of graphql-ws), against Rivulet and, as a control of the audit itself, against
 * the server of graphql-ws.
 */
interface ProtocolAudit {
  /** Never changes, so that reports can be compared. */
  readonly id: string;
  readonly level: 'MUST' | 'SHOULD' | 'MAY';
  readonly name: string;
  run(server: ProtocolServer): Promise<void>;
}

const SERVERS = [await rivuletServer(), await referenceServer()];

const opened: RawSocket[] = [];
const open = (server: ProtocolServer, protocols?: string | readonly string[]): Promise<RawSocket> => {
  const socket = server.socket(protocols);
  opened.push(socket);
  return socket.open();
};
const ready = async (server: ProtocolServer): Promise<RawSocket> => (await open(server)).init();

/** Everything that was received about an operation, without the payloads. */
const typesOf = (socket: RawSocket, id: string): string[] =>
  socket.received.filter((message) => message.id === id).map(({ type }) => type);
const count = (socket: RawSocket, type: string): number =>
  socket.received.filter((message) => message.type === type).length;
const subscribe = (id: unknown, query: unknown, more: object = {}): object => ({
  id,
  type: 'subscribe',
  payload: { query, ...more },
});

/** Resolves when the server has handled everything that was sent before. */
async function settled(socket: RawSocket): Promise<void> {
  const before = count(socket, 'pong');
  socket.send({ type: 'ping' });
  await waitFor('the pong', () => count(socket, 'pong') > before);
}

/** The code with which the server closes a new, acknowledged socket after a message. */
async function closesAfter(server: ProtocolServer, message: object | string): Promise<number> {
  const socket = await ready(server);
  socket.send(message);
  return (await socket.closed()).code;
}

const refusedMessages = (
  entries: readonly (readonly [id: string, what: string, message: object | string])[],
): ProtocolAudit[] =>
  entries.map(([id, what, message]) => ({
    id,
    level: 'MUST',
    name: `close with 4400 on ${what}`,
    run: async (server) => expect(await closesAfter(server, message)).toBe(4400),
  }));

const ids = (entries: readonly (readonly [id: string, operationId: string])[]): ProtocolAudit[] =>
  entries.map(([id, operationId]) => ({
    id,
    level: 'MUST',
    name: `take any text as an id: ${JSON.stringify(operationId)}`,
    run: async (server) => {
      const socket = await ready(server);
      for (let time = 1; time <= 2; time++) {
        socket.send(subscribe(operationId, server.query));
        await waitFor('the answer', () => typesOf(socket, operationId).length === time * 2);
      }
      expect(typesOf(socket, operationId)).toEqual(['next', 'complete', 'next', 'complete']);
      socket.send(subscribe(operationId, server.stream));
      await server.running(1);
      await server.emit();
      await waitFor('the result', () => typesOf(socket, operationId).length === 5);
      socket.send({ id: operationId, type: 'complete' });
      await server.running(0);
      expect(typesOf(socket, operationId).at(-1)).toBe('next');
    },
  }));

const AUDITS: readonly ProtocolAudit[] = [
  {
    id: 'A1',
    level: 'MUST',
    name: 'agree to the sub-protocol graphql-transport-ws, also among others',
    run: async (server) => {
      for (const protocols of ['graphql-transport-ws', ['other', 'graphql-transport-ws']]) {
        const socket = await open(server, protocols);
        expect(socket.socket.protocol).toBe('graphql-transport-ws');
      }
    },
  },
  {
    id: 'A2',
    level: 'MUST',
    name: 'close with 4406 without a sub-protocol',
    run: async (server) => {
      const socket = server.socket([]);
      opened.push(socket);
      expect(await socket.closed()).toEqual({ code: 4406, reason: 'Subprotocol not acceptable' });
    },
  },
  {
    id: 'B1',
    level: 'MUST',
    name: 'acknowledge connection_init',
    run: async (server) => {
      const socket = await ready(server);
      expect(socket.received).toEqual([{ type: 'connection_ack' }]);
    },
  },
  {
    id: 'B2',
    level: 'MUST',
    name: 'acknowledge connection_init whose payload is null',
    run: async (server) => {
      const socket = await open(server);
      socket.send({ type: 'connection_init', payload: null });
      await socket.next('connection_ack');
    },
  },
  {
    id: 'B3',
    level: 'SHOULD',
    name: 'close with 4408 where connection_init does not come',
    run: async (server) => {
      const socket = await open(server);
      expect(await socket.closed()).toEqual({ code: 4408, reason: 'Connection initialisation timeout' });
    },
  },
  {
    id: 'B4',
    level: 'MUST',
    name: 'close with 4429 on connection_init after connection_ack',
    run: async (server) => {
      const socket = await ready(server);
      socket.send({ type: 'connection_init' });
      expect(await socket.closed()).toEqual({ code: 4429, reason: 'Too many initialisation requests' });
      expect(count(socket, 'connection_ack')).toBe(1);
    },
  },
  {
    id: 'B5',
    level: 'MUST',
    name: 'close with 4429 on a second connection_init at once after the first',
    run: async (server) => {
      const socket = await open(server);
      socket.send({ type: 'connection_init' });
      socket.send({ type: 'connection_init' });
      expect(await socket.closed()).toMatchObject({ code: 4429 });
    },
  },
  {
    id: 'B6',
    level: 'MUST',
    name: 'close with 4401 on subscribe before connection_init, and run nothing',
    run: async (server) => {
      const socket = await open(server);
      socket.send(subscribe('1', server.query));
      expect(await socket.closed()).toEqual({ code: 4401, reason: 'Unauthorized' });
      expect(socket.received).toEqual([]);
    },
  },
  {
    id: 'B7',
    level: 'MUST',
    name: 'ignore complete before connection_init',
    run: async (server) => {
      const socket = await open(server);
      socket.send({ id: '1', type: 'complete' });
      await socket.init();
      expect(socket.closing).toBeUndefined();
    },
  },
  {
    id: 'C1',
    level: 'MUST',
    name: 'answer ping with pong, before and after connection_ack',
    run: async (server) => {
      const socket = await open(server);
      await settled(socket);
      await socket.init();
      await settled(socket);
      expect(socket.received).toEqual([{ type: 'pong' }, { type: 'connection_ack' }, { type: 'pong' }]);
    },
  },
  {
    id: 'C2',
    level: 'MAY',
    name: 'send the payload of a ping back',
    run: async (server) => {
      const socket = await ready(server);
      for (const payload of [{}, { a: { b: [1, null, 'ä'] } }]) {
        socket.received.length = 0;
        socket.send({ type: 'ping', payload });
        expect(await socket.next('pong')).toEqual({ type: 'pong', payload });
      }
    },
  },
  {
    id: 'C3',
    level: 'MUST',
    name: 'answer a ping whose payload is null without one',
    run: async (server) => {
      const socket = await ready(server);
      socket.send({ type: 'ping', payload: null });
      expect(await socket.next('pong')).toEqual({ type: 'pong' });
    },
  },
  {
    id: 'C4',
    level: 'MUST',
    name: 'take a pong that nobody asked for in silence',
    run: async (server) => {
      const socket = await open(server);
      socket.send({ type: 'pong' });
      await socket.init();
      socket.send({ type: 'pong', payload: { a: 1 } });
      await settled(socket);
      expect(socket.received.map(({ type }) => type)).toEqual(['connection_ack', 'pong']);
    },
  },
  {
    id: 'D1',
    level: 'MUST',
    name: 'answer a query with next, then complete, and nothing after',
    run: async (server) => {
      const socket = await ready(server);
      socket.send(subscribe('q', server.query));
      await socket.next('complete', 'q');
      await settled(socket);
      expect(socket.received.filter(({ id }) => id === 'q')).toEqual([
        { id: 'q', type: 'next', payload: { data: { __typename: 'Query' } } },
        { id: 'q', type: 'complete' },
      ]);
    },
  },
  {
    id: 'D2',
    level: 'MUST',
    name: 'refuse a document that is not valid with error alone, and free its id',
    run: async (server) => {
      const socket = await ready(server);
      socket.send(subscribe('q', server.invalid));
      const { payload } = await socket.next('error', 'q');
      expect(payload).toEqual([expect.objectContaining({ message: expect.stringContaining('nope') })]);
      await settled(socket);
      expect(typesOf(socket, 'q')).toEqual(['error']);
      socket.send(subscribe('q', server.query));
      await socket.next('complete', 'q');
    },
  },
  {
    id: 'D3',
    level: 'MUST',
    name: 'refuse an operationName that names none with error',
    run: async (server) => {
      const socket = await ready(server);
      socket.send(subscribe('q', server.query, { operationName: 'Nope' }));
      expect(await socket.next('error', 'q')).toMatchObject({
        payload: [{ message: 'Unable to identify operation' }],
      });
    },
  },
  {
    id: 'D4',
    level: 'MUST',
    name: 'take null for operationName, variables and extensions, and ignore other members',
    run: async (server) => {
      const socket = await ready(server);
      const more = { operationName: null, variables: null, extensions: null, other: 1 };
      socket.send({ ...subscribe('q', server.query, more), other: { a: 1 } });
      await socket.next('complete', 'q');
      expect(typesOf(socket, 'q')).toEqual(['next', 'complete']);
    },
  },
  {
    id: 'D5',
    level: 'MUST',
    name: 'run the operation that operationName names',
    run: async (server) => {
      const socket = await ready(server);
      const document = 'query A { a: __typename } query B { b: __typename }';
      socket.send(subscribe('q', document, { operationName: 'B' }));
      expect(await socket.next('next', 'q')).toMatchObject({ payload: { data: { b: 'Query' } } });
    },
  },
  {
    id: 'E1',
    level: 'MUST',
    name: 'send each result of a subscription as next, to its id, while others come and go',
    run: async (server) => {
      const socket = await ready(server);
      for (const id of ['a', 'b']) socket.send(subscribe(id, server.stream));
      await server.running(2);
      await server.emit();
      await waitFor('the first', () => count(socket, 'next') === 2);
      socket.send({ id: 'a', type: 'complete' });
      await server.running(1);
      socket.send(subscribe('c', server.query));
      await socket.next('complete', 'c');
      await server.emit();
      await waitFor('the second', () => typesOf(socket, 'b').length === 2);
      expect([typesOf(socket, 'a'), typesOf(socket, 'b')]).toEqual([['next'], ['next', 'next']]);
    },
  },
  {
    id: 'E2',
    level: 'MUST',
    name: 'end a subscription when the client completes it, without a word',
    run: async (server) => {
      const socket = await ready(server);
      socket.send(subscribe('a', server.stream));
      await server.running(1);
      socket.send({ id: 'a', type: 'complete' });
      await server.running(0);
      await server.emit();
      await settled(socket);
      expect(typesOf(socket, 'a')).toEqual([]);
    },
  },
  {
    id: 'E3',
    level: 'MUST',
    name: 'ignore complete for an id that is none, or not any more',
    run: async (server) => {
      const socket = await ready(server);
      socket.send({ id: 'nope', type: 'complete' });
      socket.send(subscribe('a', server.stream));
      await server.running(1);
      for (let time = 1; time <= 3; time++) socket.send({ id: 'a', type: 'complete' });
      await server.running(0);
      await settled(socket);
      expect([socket.closing, count(socket, 'complete'), count(socket, 'error')]).toEqual([undefined, 0, 0]);
    },
  },
  {
    id: 'E4',
    level: 'MUST',
    name: 'close with 4409 on the id of an open subscription, and end it',
    run: async (server) => {
      const socket = await ready(server);
      socket.send(subscribe('a', server.stream));
      await server.running(1);
      socket.send(subscribe('a', server.query));
      expect(await socket.closed()).toEqual({ code: 4409, reason: 'Subscriber for a already exists' });
      await server.running(0);
    },
  },
  {
    id: 'E5',
    level: 'MUST',
    name: 'close with 4409 on an id whose operation has just been sent',
    run: async (server) => {
      const socket = await ready(server);
      socket.send(subscribe('a', server.stream));
      socket.send(subscribe('a', server.stream));
      expect(await socket.closed()).toMatchObject({ code: 4409 });
      await server.running(0);
    },
  },
  {
    id: 'E6',
    level: 'MUST',
    name: 'let the same id be used on two sockets',
    run: async (server) => {
      const sockets = [await ready(server), await ready(server)];
      for (const socket of sockets) socket.send(subscribe('a', server.stream));
      await server.running(2);
      await server.emit();
      for (const socket of sockets) await socket.next('next', 'a');
      sockets[0]!.send({ id: 'a', type: 'complete' });
      await server.running(1);
    },
  },
  {
    id: 'E7',
    level: 'MUST',
    name: 'end every subscription of a socket that is gone',
    run: async (server) => {
      const socket = await ready(server);
      for (const id of ['a', 'b', 'c']) socket.send(subscribe(id, server.stream));
      await server.running(3);
      socket.socket.terminate();
      await server.running(0);
    },
  },
  ...ids([
    ['F1', '1'],
    ['F2', 'constructor'],
    ['F3', '__proto__'],
    ['F4', 'hasOwnProperty'],
    ['F5', 'toString'],
    ['F6', ' '],
    ['F7', '"}\\\u0000\u2028'],
    ['F8', 'äöü €'],
    ['F9', '😀'.repeat(100)],
    ['F10', 'x'.repeat(1_000)],
    ['F11', '\ud800'],
  ]),
  ...refusedMessages([
    ['G1', 'a text that is no JSON', '{'],
    ['G2', 'an empty text', ''],
    ['G3', 'JSON null', 'null'],
    ['G4', 'a JSON number', '1'],
    ['G5', 'a JSON text', '"ping"'],
    ['G6', 'a JSON list', '[]'],
    ['G7', 'an object without a type', {}],
    ['G8', 'a type that is none', { type: 'nonsense' }],
    ['G9', 'a type that is a number', { type: 1 }],
    ['G10', 'a type of the older protocol', { type: 'start', id: '1', payload: { query: '{ __typename }' } }],
    ['G11', 'a type that objects inherit', { type: 'constructor' }],
    ['G12', 'a ping whose payload is a text', { type: 'ping', payload: 'text' }],
    ['G13', 'a ping whose payload is a list', { type: 'ping', payload: [] }],
    ['G14', 'a pong whose payload is a number', { type: 'pong', payload: 1 }],
    ['G15', 'a connection_init whose payload is a text', { type: 'connection_init', payload: 'text' }],
    ['G16', 'a subscribe without an id', { type: 'subscribe', payload: { query: '{ __typename }' } }],
    ['G17', 'a subscribe whose id is empty', subscribe('', '{ __typename }')],
    ['G18', 'a subscribe whose id is a number', subscribe(1, '{ __typename }')],
    ['G19', 'a subscribe whose id is null', subscribe(null, '{ __typename }')],
    ['G20', 'a subscribe without a payload', { id: '1', type: 'subscribe' }],
    ['G21', 'a subscribe whose payload is a list', { id: '1', type: 'subscribe', payload: [] }],
    ['G22', 'a subscribe without a query', { id: '1', type: 'subscribe', payload: {} }],
    ['G23', 'a subscribe whose query is a number', subscribe('1', 1)],
    ['G24', 'a subscribe whose variables are a list', subscribe('1', '{ __typename }', { variables: [] })],
    ['G25', 'a subscribe whose extensions are a text', subscribe('1', '{ __typename }', { extensions: 'x' })],
    ['G26', 'a subscribe whose operationName is 1', subscribe('1', '{ __typename }', { operationName: 1 })],
    ['G27', 'a complete without an id', { type: 'complete' }],
    ['G28', 'a complete whose id is empty', { type: 'complete', id: '' }],
    ['G29', 'an error whose payload is no list of errors', { type: 'error', id: '1', payload: {} }],
  ]),
  {
    id: 'G30',
    level: 'SHOULD',
    name: 'close with 4500 on messages that only servers send',
    run: async (server) => {
      const messages: readonly WireMessage[] = [
        { type: 'connection_ack' },
        { type: 'next', id: '1', payload: { data: null } },
        { type: 'error', id: '1', payload: [{ message: 'x' }] },
      ];
      for (const message of messages) expect(await closesAfter(server, message)).toBe(4500);
    },
  },
  {
    id: 'G31',
    level: 'MUST',
    name: 'close with 4400 before connection_init, too',
    run: async (server) => {
      const socket = await open(server);
      socket.send('{');
      expect(await socket.closed()).toEqual({ code: 4400, reason: 'Invalid message received' });
    },
  },
  {
    id: 'H1',
    level: 'MUST',
    name: 'ignore what comes after the message that closes the socket',
    run: async (server) => {
      const socket = await ready(server);
      socket.send('{');
      socket.send(subscribe('a', server.stream));
      socket.send({ type: 'ping' });
      expect(await socket.closed()).toMatchObject({ code: 4400 });
      expect(socket.received.map(({ type }) => type)).toEqual(['connection_ack']);
      await server.running(0);
    },
  },
];

test('each audit has an id of its own', () => {
  expect(new Set(AUDITS.map(({ id }) => id)).size).toBe(AUDITS.length);
});

describe.each(SERVERS.map((server) => [server.name, server] as const))('%s', (_name, server) => {
  afterEach(async () => {
    for (const { socket } of opened.splice(0)) socket.terminate();
    await server.running(0);
  });

  for (const { id, level, name, run } of AUDITS) test(`${id} ${level} ${name}`, () => run(server));
});
