import { defineRelations } from 'drizzle-orm';
import { integer, pgTable, text } from 'drizzle-orm/pg-core';
import { definePolicies } from '../../src/policy/rules.js';
import type { RivuletConfig } from '../../src/server/engine/config.js';

export const authors = pgTable('authors', { id: integer().primaryKey(), name: text().notNull() });
export const books = pgTable('books', {
  id: integer().primaryKey(),
  authorId: integer('author_id')
    .notNull()
    .references(() => authors.id),
  title: text().notNull(),
  blurb: text().notNull(),
  pages: integer().notNull(),
});
export const reviews = pgTable('reviews', {
  id: integer().primaryKey(),
  bookId: integer('book_id')
    .notNull()
    .references(() => books.id),
  stars: integer().notNull(),
  text: text().notNull(),
});

export const libraryRelations = defineRelations({ authors, books, reviews }, (r) => ({
  authors: { books: r.many.books({ from: r.authors.id, to: r.books.authorId }) },
  books: {
    author: r.one.authors({ from: r.books.authorId, to: r.authors.id }),
    reviews: r.many.reviews({ from: r.books.id, to: r.reviews.bookId }),
  },
}));

/** What the subjects of the queries serve; everybody may read everything. */
export const library: RivuletConfig = {
  relations: libraryRelations,
  policies: definePolicies<typeof libraryRelations, object>(libraryRelations, {
    authors: { read: true },
    books: { read: true },
    reviews: { read: true },
  }),
} as RivuletConfig;

export const AUTHORS = 400;
export const BOOKS_OF_EACH = 5;
export const REVIEWS_OF_EACH = 4;

export const LIBRARY_SQL = `
  create table authors (id integer primary key, name text not null);
  create table books (id integer primary key, author_id integer not null references authors, title text not null,
    blurb text not null, pages integer not null);
  create table reviews (id integer primary key, book_id integer not null references books, stars integer not null,
    text text not null);
  create index on books (author_id);
  create index on reviews (book_id);
  insert into authors select n, 'author ' || n from generate_series(0, ${AUTHORS - 1}) as n;
  insert into books select n, n / ${BOOKS_OF_EACH}, 'book ' || n, repeat('words about a book. ', 10), 100 + n % 300
    from generate_series(0, ${AUTHORS * BOOKS_OF_EACH - 1}) as n;
  insert into reviews select n, n / ${REVIEWS_OF_EACH}, n % 5, repeat('an opinion. ', 5)
    from generate_series(0, ${AUTHORS * BOOKS_OF_EACH * REVIEWS_OF_EACH - 1}) as n;
  vacuum analyze`;
