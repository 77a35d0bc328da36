import { RivuletError } from '../../src/errors.js';
import {
  anyObject,
  either,
  kind,
  listOf,
  type OptionCheck,
  type OptionChecks,
  object,
  oneOf,
  problemsOf,
  recordOf,
  text,
  wholeNumber,
} from '../../src/options/checks.js';
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
  manifest: kind('a manifest, or what `readManifest` returned', isManifest),
  table: text,
  id: text,
  follows: oneOf(['value', 'table']),
};

/** Throws `OPTIONS_INVALID` with every problem of the options. */
export function checkSyncOptions(options: unknown): void {
  const problems = [...problemsOf<SyncOptions>(options, SYNC)];
  const manifest: unknown = (options as { readonly manifest?: unknown } | null | undefined)?.manifest;
  if (manifest === undefined) problems.push('manifest: is missing');
  if (problems.length === 0) return;
  throw new RivuletError(
    'OPTIONS_INVALID',
    `The options of \`sync\` have problems:\n- ${problems.join('\n- ')}`,
    {
      problems,
    },
  );
}

function isManifest(value: unknown): boolean {
  return typeof value === 'object' && value !== null && ('tables' in value || 'model' in value);
}
