import type { AddressInfo, Socket } from 'node:net';
import postgres from 'postgres';
import { type WebSocket, WebSocketServer } from 'ws';
import { answerCalls } from '../harness/calls.js';
import { measures } from './measures.js';
import type { TargetApi, TargetOptions } from './target-api.js';

/*
 * The limit: NOTIFY comes in, and a string that is ready but for the change's number goes out with one `ws.send` to each socket that
 * is concerned. No GraphQL, no log, no rights. Of the protocol it knows how subscribers begin.
 */

interface Subscriber {
  readonly socket: WebSocket;
  readonly id: string;
  readonly topic: number | undefined;
}

const everybody = new Set<Subscriber>();
const byTopic = new Map<number | undefined, Subscriber[]>();
let server: WebSocketServer | undefined;

const BODY = 'text of an item. '.repeat(15);

async function serve(options: TargetOptions): Promise<string> {
  const { databaseUrl, matching = 'none', writes = 'send', bodies = 1 } = options;
  const body = BODY.repeat(bodies);
  const sql = postgres(databaseUrl, { max: 1 });
  const burst = new Burst();
  await sql.listen('item_changed', (payload) => {
    const space = payload.indexOf(' ');
    const title = payload.slice(space + 1);
    const text = (id: string) =>
      `{"id":"${id}","type":"next","payload":{"data":{"itemChanged":{"id":"0","topic":0,"owner":"owner-0","title":"${title}","body":"${body}","amount":0}}}}`;
    if (writes === 'one') burst.add(Buffer.from(text('1')));
    else if (matching === 'none') for (const { socket, id } of everybody) socket.send(text(id));
    else
      for (const { socket, id } of byTopic.get(Number(payload.slice(0, space))) ?? []) socket.send(text(id));
  });
  server = new WebSocketServer({ port: 0, host: '127.0.0.1', perMessageDeflate: false });
  server.on('connection', (socket) => {
    const own: Subscriber[] = [];
    socket.on('message', (data) => {
      const message = JSON.parse(String(data));
      if (message.type === 'connection_init') socket.send('{"type":"connection_ack"}');
      if (message.type !== 'subscribe') return;
      const subscriber = { socket, id: message.id, topic: message.payload.variables?.topic };
      own.push(subscriber);
      everybody.add(subscriber);
      if (matching === 'none') return;
      const sharers = byTopic.get(subscriber.topic);
      if (sharers) sharers.push(subscriber);
      else byTopic.set(subscriber.topic, [subscriber]);
    });
    socket.once('close', () => {
      for (const subscriber of own) {
        everybody.delete(subscriber);
        byTopic.delete(subscriber.topic);
      }
    });
  });
  await new Promise((resolve) => server!.once('listening', resolve));
  return `ws://127.0.0.1:${(server.address() as AddressInfo).port}/graphql`;
}

/** The frames of one turn, in one write for every socket. */
class Burst {
  #frames: Buffer[] = [];

  add(payload: Buffer): void {
    if (this.#frames.length === 0) setImmediate(() => this.#flush());
    this.#frames.push(frameOf(payload));
  }

  #flush(): void {
    const frames = Buffer.concat(this.#frames);
    this.#frames = [];
    const sockets = new Set([...everybody].map(({ socket }) => socket));
    // The stream beneath, which `ws` keeps to itself.
    for (const socket of sockets) (socket as unknown as { _socket: Socket })._socket.write(frames);
  }
}

function frameOf(payload: Buffer): Buffer {
  const header = Buffer.alloc(payload.length < 126 ? 2 : 4);
  header[0] = 0x81;
  header[1] = Math.min(payload.length, 126);
  if (payload.length >= 126) header.writeUInt16BE(payload.length, 2);
  return Buffer.concat([header, payload]);
}

const api: TargetApi = { ...measures(), start: serve, subscribers: () => everybody.size };

answerCalls(api, async () => server?.close());
