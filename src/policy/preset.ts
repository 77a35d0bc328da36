import { isPlainObject } from '../../shared/filter/parse-state.js';
import type { ModelColumn, ModelTable } from '../../shared/model/types.js';
import { fromDrizzleValue } from '../value/codec.js';
import { isAsync } from './check-rule.js';
import { checkValue } from './check-value.js';
import { placeholderContext } from './placeholder-context.js';
import { ignoreRejections, isPromise } from './promise.js';
import type { WriteAccess } from './write-rule.js';
import { writtenColumn } from './written-column.js';

/** Texts by column; `null` is SQL NULL. */
export type PresetValues = ReadonlyMap<ModelColumn, string | null>;

const LATE = '`preset` gave a promise: it must be synchronous';

/**
 * The columns that a preset sets. A function is called once with a stand-in for the context:
 * whatever it reads is there, and its value is of no consequence. `undefined`: it did not return an
 * object for that. Throws on what is no preset.
 */
export function presetColumns(table: ModelTable, preset: unknown): ReadonlySet<ModelColumn> | undefined {
  const values = typeof preset === 'function' ? probe(preset) : preset;
  if (values === undefined) return undefined;
  if (!isPlainObject(values))
    throw new TypeError('`preset` must be an object of values by column, or a function');
  const names = Reflect.ownKeys(values);
  ignoreRejections(values);
  if (names.length === 0 && typeof preset === 'function') return undefined;
  const columns = names.map((name) => writtenColumn(table, name, 'preset'));
  const late = columns.find((column) => isPromise(values[column.name]));
  if (late) throw new TypeError(`\`preset\` gave a promise for ${late.name}: it must be synchronous`);
  if (typeof preset !== 'function') {
    for (const column of columns) {
      const value = values[column.name];
      if (isAsync(value)) throw new TypeError(`\`preset\`: ${column.name} must be synchronous`);
      if (typeof value !== 'function') presetText(column, value);
    }
  }
  return new Set(columns);
}

/**
 * The values that a preset gives for a context. Throws on what cannot be stored, and where its
 * columns are not those that it is known to set, or, if these are not known, where one is a
 * client's.
 */
export function presetValues(table: ModelTable, access: WriteAccess, context: unknown): PresetValues {
  const made: unknown[] = [];
  try {
    return readValues(table, access, context, made);
  } catch (error) {
    ignoreRejections(made);
    throw error;
  }
}

/** `made` collects what functions returned. */
function readValues(
  table: ModelTable,
  { preset, presetColumns: known, settable }: WriteAccess,
  context: unknown,
  made: unknown[],
): PresetValues {
  const given: unknown = typeof preset === 'function' ? preset(context) : preset;
  made.push(given);
  if (isPromise(given)) throw new TypeError(LATE);
  if (!isPlainObject(given)) throw new TypeError('`preset` must give an object of values by column');
  const values = new Map<ModelColumn, string | null>();
  for (const name of Reflect.ownKeys(given)) {
    const column = writtenColumn(table, name, 'preset');
    if (known ? !known.has(column) : settable.has(column))
      throw new TypeError(`\`preset\` gave ${column.name}, which it does not always set`);
    const value = given[column.name];
    const isRule = typeof preset !== 'function' && typeof value === 'function';
    const answer: unknown = isRule ? value(context) : value;
    made.push(answer);
    values.set(column, presetText(column, answer));
  }
  const missing = [...(known ?? [])].filter((column) => !values.has(column));
  if (missing.length > 0)
    throw new TypeError(`\`preset\` gave no ${missing.map(({ name }) => name).join(', ')}; null is a value`);
  return values;
}

function presetText(column: ModelColumn, value: unknown): string | null {
  if (value === null) return null;
  if (value === undefined) throw new TypeError(`\`preset\`: ${column.name} is undefined; null is a value`);
  checkValue(column.type, value);
  return fromDrizzleValue(column, value);
}

// biome-ignore lint/complexity/noBannedTypes: a function of a configuration, called once at start
function probe(preset: Function): unknown {
  if (isAsync(preset)) throw new TypeError('`preset` must be synchronous');
  let values: unknown;
  try {
    values = preset(placeholderContext());
  } catch {
    return undefined;
  }
  ignoreRejections(values);
  if (isPromise(values)) throw new TypeError(LATE);
  return isPlainObject(values) ? values : undefined;
}
