import { assertOptions } from '../../src/options/assert.js';
import {
  anyObject,
  either,
  listOf,
  type OptionCheck,
  type OptionChecks,
  object,
  oneOf,
  recordOf,
  text,
  wholeNumber,
} from '../../src/options/checks.js';
import { manifest } from './manifest-check.js';
import type { SyncOptions } from './sync.js';
import type { ListShape } from './tree-shape.js';

const isNull = (value: unknown): boolean => value === null;

function nullable(check: OptionCheck): OptionCheck {
  return either(isNull, () => {}, check);
}

/** Filters and orders are read by their own parsers, which know the schema. */
const LIST: OptionChecks<ListShape> = {
  where: nullable(anyObject),
  orderBy: nullable(listOf(anyObject)),
  limit: nullable(wholeNumber(0)),
  offset: nullable(wholeNumber(0)),
  columns: listOf(text),
  with: (value, path, problems) => recordOf(object(LIST))(value, path, problems),
};

const SYNC: OptionChecks<SyncOptions> = {
  ...LIST,
  manifest,
  table: text,
  id: text,
  follows: oneOf(['value', 'table']),
};

/** Throws `OPTIONS_INVALID` with every problem of the options. */
export function checkSyncOptions(options: unknown): void {
  assertOptions<SyncOptions>('sync', options, SYNC, ['manifest']);
}
