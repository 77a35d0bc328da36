import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { drizzle } from 'drizzle-orm/postgres-js';
import postgres from 'postgres';
import { libraryRelations } from '../application/library.js';
import { answerCalls } from '../harness/calls.js';
import { measures } from './measures.js';
import { CONNECTIONS, type QueryTargetApi } from './query-api.js';

/*
 * The limit: for each request the query that was meant for it, as somebody who knows Drizzle writes it, and JSON.stringify. Of the
 * request it reads the operation's name.
 */

function queriesOn(sql: postgres.Sql) {
  const db = drizzle({ client: sql, relations: libraryRelations });
  const byKey = db.query.books.findFirst({ where: { id: { eq: 7 } } });
  const list = db.query.books.findMany({
    columns: { id: true, title: true, blurb: true, pages: true },
    orderBy: { id: 'asc' },
    limit: 50,
  });
  const nested = db.query.authors.findMany({
    columns: { id: true, name: true },
    with: {
      books: {
        columns: { id: true, title: true },
        orderBy: { id: 'asc' },
        with: { reviews: { columns: { id: true, stars: true }, orderBy: { id: 'asc' } } },
      },
    },
    orderBy: { id: 'asc' },
    limit: 20,
  });
  const prepared = {
    ByKey: byKey.prepare('by_key'),
    List: list.prepare('list'),
    Nested: nested.prepare('nested'),
  };
  const field = { ByKey: 'book', List: 'books', Nested: 'authors' } as const;
  return async (operation: keyof typeof prepared) => ({
    data: { [field[operation]]: await prepared[operation].execute() },
  });
}

let close = async (): Promise<void> => {};

const api: QueryTargetApi = {
  ...measures(),
  serve: async ({ databaseUrl }) => {
    const sql = postgres(databaseUrl, { max: CONNECTIONS });
    const answer = queriesOn(sql);
    const server = createServer(async (request, response) => {
      const { operationName } = JSON.parse(await bodyOf(request));
      const body = JSON.stringify(await answer(operationName));
      response.writeHead(200, {
        'content-type': 'application/json',
        'content-length': Buffer.byteLength(body),
      });
      response.end(body);
    });
    close = async () => {
      server.closeAllConnections();
      server.close();
      await sql.end({ timeout: 1 });
    };
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    return `http://127.0.0.1:${(server.address() as AddressInfo).port}/graphql`;
  },
};

async function bodyOf(request: IncomingMessage): Promise<string> {
  const parts: Buffer[] = [];
  for await (const part of request) parts.push(part);
  return Buffer.concat(parts).toString();
}

answerCalls(api, () => close());
