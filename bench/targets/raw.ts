import type { AddressInfo } from 'node:net';
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
  readonly topic: number | undefined;
}

const everybody: Subscriber[] = [];
const byTopic = new Map<number, Subscriber>();
let server: WebSocketServer | undefined;

const BODY = 'text of an item. '.repeat(15);

async function serve({ databaseUrl, matching = 'none' }: TargetOptions): Promise<string> {
  const sql = postgres(databaseUrl, { max: 1 });
  await sql.listen('item_changed', (payload) => {
    const space = payload.indexOf(' ');
    const title = payload.slice(space + 1);
    const text = `{"id":"1","type":"next","payload":{"data":{"itemChanged":{"id":"0","topic":0,"owner":"owner-0","title":"${title}","body":"${BODY}","amount":0}}}}`;
    if (matching === 'none') for (const { socket } of everybody) socket.send(text);
    else byTopic.get(Number(payload.slice(0, space)))?.socket.send(text);
  });
  server = new WebSocketServer({ port: 0, host: '127.0.0.1', perMessageDeflate: false });
  server.on('connection', (socket) => {
    socket.on('message', (data) => {
      const message = JSON.parse(String(data));
      if (message.type === 'connection_init') socket.send('{"type":"connection_ack"}');
      if (message.type !== 'subscribe') return;
      const subscriber = { socket, topic: message.payload.variables?.topic };
      everybody.push(subscriber);
      byTopic.set(subscriber.topic, subscriber);
    });
  });
  await new Promise((resolve) => server!.once('listening', resolve));
  return `ws://127.0.0.1:${(server.address() as AddressInfo).port}/graphql`;
}

const api: TargetApi = { ...measures(), start: serve, subscribers: () => everybody.length };

answerCalls(api, async () => server?.close());
