import fc from 'fast-check';
import type { ListArgs } from '../../client/core/cache.js';
import { model } from '../unit/client/blog.js';
import type { Query } from './reducer-oracle.js';

export interface QueryOptions {
  /** `limit` and `offset`. */
  readonly windows: boolean;
  /** Orders by text, and filters that only Postgres decides. */
  readonly undecidable: boolean;
  /** All columns, or only some. */
  readonly allColumns: boolean;
}

const UNDECIDABLE = ['loudPosts'];

/** Queries on a table, nested up to a depth, with arguments for every list. */
export function queries(table: string, depth: number, options: QueryOptions): fc.Arbitrary<Query> {
  return fc
    .record({
      args: listArgs(table, options),
      columns: columnsOf(table, options),
      names: depth === 0 ? fc.constant([]) : relationNames(table, options),
    })
    .chain(({ args, columns, names }) =>
      relatedQueries(table, names, depth, options).map((inner) => ({ ...args, columns, with: inner })),
    );
}

function relatedQueries(
  table: string,
  names: readonly string[],
  depth: number,
  options: QueryOptions,
): fc.Arbitrary<Readonly<Record<string, Query>>> {
  const inner: Record<string, fc.Arbitrary<Query>> = {};
  for (const name of names) {
    const { target, kind } = model.table(table).findRelation(name)!;
    const query = queries(target, depth - 1, options);
    inner[name] =
      kind === 'many' ? query : query.map(({ columns, with: below }) => ({ columns, with: below }));
  }
  return fc.record(inner);
}

function relationNames(table: string, options: QueryOptions): fc.Arbitrary<string[]> {
  const names = model
    .table(table)
    .relations.map(({ name }) => name)
    .filter((name) => options.undecidable || !UNDECIDABLE.includes(name));
  return fc.subarray(names, { minLength: Math.min(1, names.length), maxLength: Math.min(3, names.length) });
}

function columnsOf(table: string, { allColumns }: QueryOptions): fc.Arbitrary<string[]> {
  const names = model.table(table).columns.map(({ name }) => name);
  const all = ['id', ...names.filter((name) => name !== 'id')];
  if (allColumns) return fc.constant(all);
  return fc.subarray(all.slice(1)).map((some) => ['id', ...some]);
}

function listArgs(table: string, options: QueryOptions): fc.Arbitrary<ListArgs> {
  const windows = options.windows
    ? {
        limit: fc.constantFrom(undefined, undefined, 1, 2, 3),
        offset: fc.constantFrom(undefined, undefined, undefined, 1, 2),
      }
    : {};
  const isPosts = table === 'posts';
  return fc
    .record({
      orderBy: isPosts ? fc.constantFrom(undefined, ...orders(options)) : fc.constant(undefined),
      where: isPosts ? fc.constantFrom(undefined, undefined, ...filters(options)) : fc.constant(undefined),
      ...windows,
    })
    .map((args) => Object.fromEntries(Object.entries(args).filter(([, value]) => value !== undefined)));
}

function orders({ undecidable }: QueryOptions): readonly ListArgs['orderBy'][] {
  const decidable = [
    [{ rank: 'ASC' }],
    [{ rank: 'DESC' }],
    [{ rank: 'ASC_NULLS_FIRST' }],
    [{ rank: 'DESC_NULLS_LAST' }, { id: 'DESC' }],
    [{ pinned: 'DESC' }, { writtenAt: 'DESC' }],
    [{ mood: 'ASC' }],
  ];
  return undecidable ? [...decidable, [{ name: 'ASC' }], [{ pinned: 'ASC' }, { name: 'DESC' }]] : decidable;
}

function filters({ undecidable }: QueryOptions): readonly NonNullable<ListArgs['where']>[] {
  const decidable = [
    { rank: { gte: 2 } },
    { mood: { ne: 'in_doubt' } },
    { NOT: { name: { in: ['test', 'b'] } } },
    { pinned: true },
  ];
  return undecidable ? [...decidable, { name: { ilike: '%loud%' } }] : decidable;
}
