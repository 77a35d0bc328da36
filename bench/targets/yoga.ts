import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { useServer as serveGraphql } from 'graphql-ws/use/ws';
import { createPubSub, createSchema, createYoga, filter, pipe } from 'graphql-yoga';
import postgres from 'postgres';
import { WebSocketServer } from 'ws';
import { answerCalls } from '../harness/calls.js';
import { measures } from './measures.js';
import type { TargetApi, TargetOptions } from './target-api.js';

/*
 * The peer, as the documentation of graphql-yoga tells users to write it: subscriptions with `createPubSub`, `pipe` and `filter`;
 * WebSockets with graphql-ws through `getEnveloped`; postgres.js hears the trigger's NOTIFY and publishes what it carries.
 */

interface Item {
  readonly id: number;
  readonly topic: number;
  readonly owner: string;
  readonly title: string;
  readonly body: string;
  readonly amount: number;
}

interface Context {
  readonly connectionParams?: { readonly owner?: string };
}

const typeDefs = /* GraphQL */ `
  type Item {
    id: ID!
    topic: Int!
    owner: String!
    title: String!
    body: String!
    amount: Int!
  }
  type Query {
    hello: String
  }
  type Subscription {
    itemChanged(topic: Int): Item!
  }
`;

const sockets: { close(): void }[] = [];
let live = 0;

async function serve({ databaseUrl, matching = 'none' }: TargetOptions): Promise<string> {
  const pubSub = createPubSub<{ items: [payload: Item]; itemOfTopic: [topic: number, payload: Item] }>();
  const subscribe = {
    none: () => pubSub.subscribe('items'),
    filter: (_root: unknown, { topic }: { topic: number }, context: Context) =>
      pipe(
        pubSub.subscribe('items'),
        filter((item) => item.topic === topic && item.owner === context.connectionParams?.owner),
      ),
    rights: (_root: unknown, _args: unknown, context: Context) =>
      pipe(
        pubSub.subscribe('items'),
        filter((item) => item.owner === context.connectionParams?.owner || item.amount >= 0),
      ),
    topic: (_root: unknown, { topic }: { topic: number }) => pubSub.subscribe('itemOfTopic', topic),
  }[matching];
  const yoga = createYoga({
    logging: false,
    schema: createSchema<Context>({
      typeDefs,
      resolvers: { Subscription: { itemChanged: { subscribe, resolve: (item: Item) => item } } },
    }),
  });

  const sql = postgres(databaseUrl, { max: 1 });
  await sql.listen('item_changed', (payload) => {
    const item: Item = JSON.parse(payload);
    if (matching === 'topic') pubSub.publish('itemOfTopic', item.topic, item);
    else pubSub.publish('items', item);
  });

  const httpServer = createServer(yoga);
  const wsServer = new WebSocketServer({
    server: httpServer,
    path: yoga.graphqlEndpoint,
    perMessageDeflate: false,
  });
  serveGraphql(
    {
      // biome-ignore lint/suspicious/noExplicitAny: as in the documentation
      execute: (args: any) => args.rootValue.execute(args),
      // biome-ignore lint/suspicious/noExplicitAny: as in the documentation
      subscribe: (args: any) => args.rootValue.subscribe(args),
      onSubscribe: async (context, _id, params) => {
        const { schema, execute, subscribe, contextFactory, parse, validate } = yoga.getEnveloped({
          ...context,
          req: context.extra.request,
          socket: context.extra.socket,
          params,
        });
        const args = {
          schema,
          operationName: params.operationName,
          document: parse(params.query),
          variableValues: params.variables,
          contextValue: await contextFactory(),
          rootValue: { execute, subscribe },
        };
        const errors = validate(args.schema, args.document);
        if (errors.length > 0) return errors;
        return args;
      },
      onOperation: () => {
        live += 1;
      },
      onComplete: () => {
        live -= 1;
      },
    },
    wsServer,
  );
  sockets.push(httpServer, wsServer);
  await new Promise<void>((resolve) => httpServer.listen(0, '127.0.0.1', resolve));
  return `ws://127.0.0.1:${(httpServer.address() as AddressInfo).port}${yoga.graphqlEndpoint}`;
}

const api: TargetApi = { ...measures(), start: serve, subscribers: () => live };

answerCalls(api, async () => {
  for (const socket of sockets) socket.close();
});
