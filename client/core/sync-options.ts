import type { ModelTable } from '../../shared/model/types.js';
import { assertNone, assertOptions } from '../../shared/options/assert.js';
import {
  anyObject,
  either,
  listOf,
  nesting,
  type OptionCheck,
  type OptionChecks,
  object,
  oneOf,
  recordOf,
  text,
  wholeNumber,
} from '../../shared/options/checks.js';
import { readList } from './list-rule.js';
import { manifest } from './manifest-check.js';
import { partsOf } from './row.js';
import type { ClientSchema } from './schema.js';
import type { SyncOptions } from './sync.js';
import type { ListShape } from './tree-shape.js';

const isNull = (value: unknown): boolean => value === null;

function nullable(check: OptionCheck): OptionCheck {
  return either(isNull, () => {}, check);
}

/** Filters and orders are read by their own parsers, which know the schema. */
const LIST = {
  where: nullable(anyObject),
  orderBy: nullable(listOf(anyObject)),
  limit: nullable(wholeNumber(0)),
  offset: nullable(wholeNumber(0)),
  columns: listOf(text),
};

const SYNC: OptionChecks<SyncOptions> = {
  ...LIST,
  with: nesting((inside) => recordOf(object<ListShape>({ ...LIST, with: inside }))),
  manifest,
  table: text,
  id: text,
  follows: oneOf(['value', 'table']),
};

/** Throws `OPTIONS_INVALID` with every problem of the options. */
export function checkSyncOptions(options: unknown): void {
  assertOptions<SyncOptions>('sync', options, SYNC, ['manifest']);
}

/**
 * Throws `OPTIONS_INVALID` with every name of the options that the table does not have, and an `id`
 * that is none of it; then the errors of filters and orders.
 */
export function checkShape(schema: ClientSchema, table: ModelTable, options: SyncOptions): void {
  const problems: string[] = [];
  if (options.id !== undefined && !partsOf(table, options.id)) {
    problems.push(`id: is no id of a ${table.typeName}`);
  }
  addUnknownNames(schema, table, options, '', problems);
  assertNone('sync', problems);
  readLists(schema, table, options);
}

const ALSO_COLUMNS: readonly string[] = ['id', 'nodeId', '__typename'];

function addUnknownNames(
  schema: ClientSchema,
  table: ModelTable,
  shape: ListShape,
  path: string,
  problems: string[],
): void {
  for (const [at, name] of (shape.columns ?? []).entries()) {
    if (table.findColumn(name) || ALSO_COLUMNS.includes(name)) continue;
    problems.push(
      `${path}columns[${at}]: ${table.typeName} has no column ${JSON.stringify(name.slice(0, 60))}`,
    );
  }
  for (const [name, inner] of Object.entries(shape.with ?? {})) {
    const relation = table.findRelation(name);
    const place = `${path}with.${name.slice(0, 60)}`;
    if (!relation) problems.push(`${place}: ${table.typeName} has no such relation`);
    else if (inner)
      addUnknownNames(schema, schema.model.table(relation.target), inner, `${place}.`, problems);
  }
}

function readLists(schema: ClientSchema, table: ModelTable, shape: ListShape): void {
  if (shape.where || shape.orderBy) readList(schema, table, shape);
  for (const [name, inner] of Object.entries(shape.with ?? {})) {
    if (inner) readLists(schema, schema.model.table(table.findRelation(name)!.target), inner);
  }
}
