/** The files of a project that knows nothing but the packed package: a schema, a server, a typed urql client, a typed Apollo client. */
export const FILES: Readonly<Record<string, string>> = {
  'tsconfig.json': JSON.stringify({
    compilerOptions: {
      target: 'ES2023',
      module: 'NodeNext',
      moduleResolution: 'NodeNext',
      strict: true,
      noEmit: true,
      skipLibCheck: true,
      types: ['node'],
    },
    include: ['*.ts'],
  }),
  'schema.ts': `import { defineRelations } from 'drizzle-orm';
import { integer, pgTable, text } from 'drizzle-orm/pg-core';

export const authors = pgTable('authors', { id: integer('id').primaryKey(), name: text('name').notNull() });
export const books = pgTable('books', {
  id: integer('id').primaryKey(),
  title: text('title').notNull(),
  authorId: integer('author_id').notNull().references(() => authors.id),
});
export const relations = defineRelations({ authors, books }, (r) => ({
  authors: { books: r.many.books({ from: r.authors.id, to: r.books.authorId }) },
  books: { author: r.one.authors({ from: r.books.authorId, to: r.authors.id }) },
}));
`,
  'rivulet.config.ts': `import { defineConfig, definePolicies } from 'rivulet';
import { relations } from './schema.js';

interface Context {
  readonly user: string | null;
}

const policies = definePolicies<typeof relations, Context>(relations, {
  authors: { read: true },
  books: { read: ({ user }) => user !== null },
});

export default defineConfig({
  relations,
  policies,
  context: (claims): Context => ({ user: claims?.sub ?? null }),
});
`,
  'documents.ts': `import type { TypedDocumentNode } from '@graphql-typed-document-node/core';
import { parse } from 'graphql';

export interface BooksAnswer {
  readonly books: readonly { readonly id: string; readonly title: string; readonly author: { readonly id: string; readonly name: string } | null }[];
}

export const BOOKS = parse(\`
  query Books { books(orderBy: [{ id: ASC }]) { id title author { id name } } }
\`) as TypedDocumentNode<BooksAnswer, Record<string, never>>;

export const shown = ({ books }: BooksAnswer) => books.map(({ title, author }) => \`\${title} by \${author?.name}\`).join(', ');
`,
  'connect.ts': `import { createClient } from 'graphql-ws';
import { readFileSync } from 'node:fs';
import type { Manifest } from 'rivulet-client';
import WebSocket from 'ws';

export const url = process.env.RIVULET_URL!;
export const headers = { authorization: \`Bearer \${process.env.RIVULET_TOKEN}\` };
export const client = createClient({ url: url.replace('http', 'ws'), webSocketImpl: WebSocket, connectionParams: headers });
export const manifest = JSON.parse(readFileSync('manifest.json', 'utf8')) as Manifest;
`,
  'urql.ts': `import { Client, fetchExchange } from '@urql/core';
import { cacheExchange } from '@urql/exchange-graphcache';
import { rivuletCache, rivuletExchange } from 'rivulet-client/urql';
import { client, headers, manifest, url } from './connect.js';
import { BOOKS, shown } from './documents.js';

const urql = new Client({
  url,
  preferGetMethod: false,
  fetchOptions: { headers },
  exchanges: [rivuletExchange({ manifest, client, cache: cacheExchange(rivuletCache({ manifest })) }), fetchExchange],
});
urql.query(BOOKS, {}, { live: true }).subscribe(({ data, error }) => console.log('urql:', error?.message ?? (data && shown(data))));
`,
  'apollo.ts': `import { ApolloClient, ApolloLink, HttpLink, InMemoryCache } from '@apollo/client';
import { rivuletCacheConfig, rivuletLink } from 'rivulet-client/apollo';
import { client, headers, manifest, url } from './connect.js';
import { BOOKS, shown } from './documents.js';

const apollo = new ApolloClient({
  link: ApolloLink.from([rivuletLink({ manifest, client }), new HttpLink({ uri: url, headers })]),
  cache: new InMemoryCache(rivuletCacheConfig(manifest)),
});
apollo.watchQuery({ query: BOOKS, context: { live: true } }).subscribe(({ data, error }) => {
  if (data || error) console.log('apollo:', error?.message ?? shown(data as Parameters<typeof shown>[0]));
});
`,
};

export const TABLES = `
  create table authors (id integer primary key, name text not null);
  create table books (id integer primary key, title text not null, author_id integer not null references authors);
  insert into authors values (1, 'Ada'), (2, 'Grace');
  insert into books values (1, 'Notes', 1);
`;
