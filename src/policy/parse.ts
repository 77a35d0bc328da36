import { normalize } from '../filter/normalize.js';
import { parseFilter } from '../filter/parse.js';
import { isPlainObject } from '../filter/parse-state.js';
import type { Filter } from '../filter/types.js';
import type { Model, ModelColumn, ModelTable } from '../model/types.js';
import { fromDrizzleValue } from '../value/codec.js';
import { emptyPart } from './empty.js';
import type { Action } from './types.js';

/**
 * Reads the filter that a policy gave. Throws on anything that is no filter (a promise, a date or a class instance has no properties of
 * its own, but is not the empty filter) and on an empty condition.
 */
export function parsePolicy(model: Model, table: ModelTable, action: Action, filter: unknown): Filter {
  if (!isPlainObject(filter)) throw new TypeError('a policy must give a filter or a boolean');
  const empty = emptyPart(model, table, filter);
  if (empty !== undefined) throw new TypeError(`the condition ${empty} is empty; say true for every row`);
  return normalize(parseFilter(model, table, filter, { path: `policies.${table.name}.${action}`, encode }));
}

/** Policies carry TypeScript's values: a custom type's are encoded by the type. */
function encode(column: ModelColumn, value: unknown): string {
  const text = fromDrizzleValue(column, value);
  if (text === null) throw new TypeError('null is no value to compare with; use isNull');
  return text;
}
