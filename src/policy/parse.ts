import { normalize } from '../../shared/filter/normalize.js';
import { parseFilter } from '../../shared/filter/parse.js';
import { isPlainObject } from '../../shared/filter/parse-state.js';
import type { Filter } from '../../shared/filter/types.js';
import type { Model, ModelColumn, ModelTable } from '../../shared/model/types.js';
import { drizzleColumn } from '../model/drizzle.js';
import { fromDrizzleValue } from '../value/codec.js';
import { checkDriverValue, checkValue } from './check-value.js';
import { isPromise } from './promise.js';
import type { PolicyAction } from './types.js';

/**
 * Reads the filter that a policy gave. It is read strictly: a part that adds no condition would
 * show every row where a list that was to name some came out empty (`OR: teams.map(…)`). Whoever
 * means every row says `true`.
 *
 * Throws, with the place, on anything that is no filter, on a part that is empty, unknown or
 * undefined, and on a value that cannot be compared with (`NaN`, a promise). An empty `in` matches
 * no row and an empty `notIn` excludes none: a list of values means what it says.
 */
export function parsePolicy(model: Model, table: ModelTable, action: PolicyAction, filter: unknown): Filter {
  const path = `policies.${table.name}.${action}`;
  if (isPromise(filter)) throw new TypeError(`${path} gave a promise: a policy is synchronous`);
  if (!isPlainObject(filter)) throw new TypeError(`${path} must give a filter or a boolean`);
  return normalize(parseFilter(model, table, filter, { path, encode, strict: true }));
}

/** Policies carry TypeScript's values: a custom type's are encoded by the type. */
function encode(column: ModelColumn, value: unknown): string {
  const { type } = column;
  checkValue(type, value);
  const text = fromDrizzleValue(column, value);
  if (text === null) throw new TypeError('null is no value to compare with; use isNull');
  const isCustom = (type.kind === 'array' ? type.of : type).kind === 'other';
  if (isCustom) checkDriverValue(type, drizzleColumn(column).mapToDriverValue(value));
  return text;
}
