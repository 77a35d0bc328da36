import { is } from 'drizzle-orm';
import { PgTable } from 'drizzle-orm/pg-core';
import {
  filledText,
  isPlain,
  kind,
  listOf,
  nesting,
  type OptionCheck,
  type OptionChecks,
  object,
  problemsOf,
} from '../../shared/options/checks.js';
import type { DefaultTables, PlainTable, TableReference, WatcherOptions } from './types.js';

const relations: OptionCheck = nesting((inside) => (value, path, problems) => {
  if (!isPlain(value)) {
    problems.push(`${path}: must be relations by name, as in { posts: { comments: true } }`);
    return;
  }
  for (const [name, below] of Object.entries(value)) {
    if (below !== true) inside(below, `${path}.${name}`, problems);
  }
});

const label = kind('a string that is not empty', (value) => typeof value === 'string' && value.trim() !== '');

const OPTIONS: OptionChecks<WatcherOptions> = {
  with: relations,
  extraColumns: listOf(filledText),
  columns: listOf(filledText),
  label,
};

const PLAIN_TABLE = object<PlainTable>({
  sqlSchema: filledText,
  sqlName: filledText,
  columns: listOf(filledText),
  key: listOf(filledText),
});

/** A watcher's options that have the right shape, and the problems of the others, in words. */
export function checkOptions(
  options: unknown,
  path = '',
): { readonly sound: WatcherOptions; readonly problems: readonly string[] } {
  const problems = problemsOf<WatcherOptions>(options, OPTIONS, path);
  if (problems.length === 0) return { sound: options as WatcherOptions, problems };
  const entries = isPlain(options) ? Object.entries(options) : [];
  const sound = entries.filter(([name, value]) => problemsOf({ [name]: value }, OPTIONS).length === 0);
  return { sound: Object.fromEntries(sound), problems };
}

/** Problems of what stands for a table, whatever the schema has. */
export function tableProblems(table: unknown, path: string): readonly string[] {
  if (is(table, PgTable) || isDefaultTables(table)) return [];
  if (typeof table === 'string' && table !== '') return [];
  if (!isPlain(table)) {
    return [
      `${path}: must be a Drizzle table, its name in the relations config, or a description in SQL names`,
    ];
  }
  const problems: string[] = [];
  PLAIN_TABLE(table, path, problems);
  for (const name of ['sqlName', 'columns', 'key']) {
    if (table[name] === undefined) problems.push(`${path}.${name}: is missing`);
  }
  if (Array.isArray(table.key) && table.key.length === 0) problems.push(`${path}.key: names no column`);
  return problems;
}

export function isDefaultTables(table: unknown): table is DefaultTables {
  return isPlain(table) && table.defaults === true && Object.keys(table).length === 1;
}

export function isPlainTable(table: TableReference | DefaultTables): table is PlainTable {
  return typeof table !== 'string' && !is(table, PgTable) && !isDefaultTables(table);
}
