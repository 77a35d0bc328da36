import fc from 'fast-check';

/** The tables of the blog, without foreign keys, so that references dangle, too. */
export const blogTables = `
  create type mood as enum ('in doubt', 'glad');
  create table persons (id integer primary key, name text, boss_id integer);
  create table profiles (id integer primary key, person_id integer unique, bio text);
  create table posts (id integer primary key, author_id integer, reviewer_id integer, name text, rank integer,
    mood mood, pinned boolean, written_at timestamptz);
  create table comments (id integer primary key, post_id integer, body text);
  create table tags (id integer primary key, post_id integer, name text);
  create table labels (id integer primary key, name text);
  create table post_labels (post_id integer not null, label_id integer not null, primary key (post_id, label_id));
  create table follows (id integer primary key, from_id integer, to_id integer);
`;

const MOST = 6;
const key = fc.integer({ min: 1, max: MOST }).map(String);
const reference = fc.oneof({ weight: 1, arbitrary: fc.constant('null') }, { weight: 6, arbitrary: key });
const name = fc.constantFrom("'test'", "'draft'", "'good'", "'LOUD one'", 'null');
const COLUMNS: Readonly<Record<string, Readonly<Record<string, fc.Arbitrary<string>>>>> = {
  persons: { id: key, name, boss_id: reference },
  profiles: { id: key, person_id: reference, bio: name },
  posts: {
    id: key,
    author_id: reference,
    reviewer_id: reference,
    name,
    rank: reference,
    mood: fc.constantFrom("'glad'", "'in doubt'", 'null'),
    pinned: fc.constantFrom('true', 'false', 'null'),
    written_at: fc.constantFrom("'2026-01-01 00:00:00.000001+00'", "'2026-01-01 00:00:00.000002+00'", 'null'),
  },
  comments: { id: key, post_id: reference, body: name },
  tags: { id: key, post_id: reference, name },
  labels: { id: key, name },
  post_labels: { post_id: key, label_id: key },
  follows: { id: key, from_id: reference, to_id: reference },
};

/** A statement on one table: an insert, an update of one column (keys included) of some rows, a delete. */
export const blogStatement: fc.Arbitrary<string> = fc.constantFrom(...Object.keys(COLUMNS)).chain((table) => {
  const columns = COLUMNS[table]!;
  const names = Object.keys(columns);
  const first = names[0]!;
  const insert = fc
    .tuple(...Object.values(columns))
    .map(
      (values) =>
        `insert into ${table} (${names.join(', ')}) values (${values.join(', ')}) on conflict do nothing`,
    );
  const update = fc
    .constantFrom(...names)
    .chain((column) =>
      fc
        .tuple(columns[column]!, key)
        .map(([value, id]) => `update ${table} set ${column} = ${value} where ${first} = ${id}`),
    );
  const bulk = fc
    .constantFrom(...names.slice(1))
    .chain((column) =>
      columns[column]!.map((value) => `update ${table} set ${column} = ${value} where ${first} % 2 = 0`),
    );
  const remove = key.map((id) => `delete from ${table} where ${first} = ${id}`);
  return fc.oneof(
    { weight: 6, arbitrary: insert },
    { weight: 5, arbitrary: update },
    { weight: 1, arbitrary: bulk },
    { weight: 2, arbitrary: remove },
  );
});
