import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import DataLoader from 'dataloader';
import { createSchema, createYoga } from 'graphql-yoga';
import postgres, { type Sql } from 'postgres';
import { answerCalls } from '../harness/calls.js';
import { measures } from './measures.js';
import { CONNECTIONS, type QueryTargetApi } from './query-api.js';

/* The peer: resolvers written by hand, with a DataLoader for each relation, as the documentation of graphql-yoga tells users. */

interface Author {
  readonly id: number;
  readonly name: string;
}

interface Book {
  readonly id: number;
  readonly authorId: number;
  readonly title: string;
  readonly blurb: string;
  readonly pages: number;
}

interface Review {
  readonly id: number;
  readonly bookId: number;
  readonly stars: number;
  readonly text: string;
}

interface Context {
  readonly booksOf: DataLoader<number, readonly Book[]>;
  readonly reviewsOf: DataLoader<number, readonly Review[]>;
}

const typeDefs = /* GraphQL */ `
  enum Direction {
    ASC
    DESC
  }
  input Order {
    id: Direction
  }
  type Author {
    id: ID!
    name: String!
    books(orderBy: [Order!]): [Book!]!
  }
  type Book {
    id: ID!
    title: String!
    blurb: String!
    pages: Int!
    reviews(orderBy: [Order!]): [Review!]!
  }
  type Review {
    id: ID!
    stars: Int!
    text: String!
  }
  type Query {
    book(id: ID!): Book
    books(limit: Int, orderBy: [Order!]): [Book!]!
    authors(limit: Int, orderBy: [Order!]): [Author!]!
  }
`;

function loaders(sql: Sql): Context {
  return {
    booksOf: new DataLoader(async (ids) => {
      const rows = await sql<Book[]>`select id, author_id as "authorId", title, blurb, pages from books
        where author_id = any(${ids as number[]}) order by id`;
      return grouped(ids, rows, ({ authorId }) => authorId);
    }),
    reviewsOf: new DataLoader(async (ids) => {
      const rows = await sql<Review[]>`select id, book_id as "bookId", stars, text from reviews
        where book_id = any(${ids as number[]}) order by id`;
      return grouped(ids, rows, ({ bookId }) => bookId);
    }),
  };
}

function grouped<T>(ids: readonly number[], rows: readonly T[], keyOf: (row: T) => number): T[][] {
  const byKey = new Map<number, T[]>(ids.map((id) => [id, []]));
  for (const row of rows) byKey.get(keyOf(row))?.push(row);
  return ids.map((id) => byKey.get(id)!);
}

function resolvers(sql: Sql) {
  return {
    Query: {
      book: async (_root: unknown, { id }: { id: string }) =>
        (
          await sql`select id, author_id as "authorId", title, blurb, pages from books where id = ${Number(id)}`
        )[0],
      books: (_root: unknown, { limit }: { limit: number }) =>
        sql`select id, author_id as "authorId", title, blurb, pages from books order by id limit ${limit}`,
      authors: (_root: unknown, { limit }: { limit: number }) =>
        sql`select id, name from authors order by id limit ${limit}`,
    },
    Author: { books: ({ id }: Author, _args: unknown, { booksOf }: Context) => booksOf.load(id) },
    Book: { reviews: ({ id }: Book, _args: unknown, { reviewsOf }: Context) => reviewsOf.load(id) },
  };
}

let close = async (): Promise<void> => {};

const api: QueryTargetApi = {
  ...measures(),
  serve: async ({ databaseUrl }) => {
    const sql = postgres(databaseUrl, { max: CONNECTIONS });
    const yoga = createYoga({
      logging: false,
      schema: createSchema<Context>({ typeDefs, resolvers: resolvers(sql) }),
      context: () => loaders(sql),
    });
    const server = createServer(yoga);
    close = async () => {
      server.closeAllConnections();
      server.close();
      await sql.end({ timeout: 1 });
    };
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    return `http://127.0.0.1:${(server.address() as AddressInfo).port}${yoga.graphqlEndpoint}`;
  },
};

answerCalls(api, () => close());
