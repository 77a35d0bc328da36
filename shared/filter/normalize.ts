import type { Filter } from './types.js';

export const EVERYTHING: Filter = Object.freeze({ kind: 'const', value: true });
export const NOTHING: Filter = Object.freeze({ kind: 'const', value: false });

/** All of them, in normal form; without any: everything. */
export function and(...filters: readonly Filter[]): Filter {
  return combine('and', filters);
}

/** One of them, in normal form; without any: nothing. */
export function or(...filters: readonly Filter[]): Filter {
  return combine('or', filters);
}

/** In normal form; unknown stays unknown, as in SQL. */
export function not(filter: Filter): Filter {
  if (filter.kind === 'const') return filter.value ? NOTHING : EVERYTHING;
  return filter.kind === 'not' ? filter.filter : { kind: 'not', filter };
}

/**
 * The same filter (the same true, false or unknown for every row) with constants folded, nested
 * `and`s and `or`s flattened, repeated parts dropped and the rest in one order, whatever order they
 * were given in.
 */
export function normalize(filter: Filter): Filter {
  switch (filter.kind) {
    case 'and':
    case 'or':
      return combine(filter.kind, filter.filters.map(normalize));
    case 'not':
      return not(normalize(filter.filter));
    case 'in':
      return normalizeIn(filter);
    case 'related':
      return normalizeRelated(filter);
    case 'const':
      return filter.value ? EVERYTHING : NOTHING;
    case 'compare':
    case 'isNull':
    case 'like':
    case 'array':
      return filter;
  }
}

/**
 * A text that is equal for filters on the same table that are equal in normal form, and different
 * for all others. It does not name the table.
 */
export function filterKey(filter: Filter): string {
  return keyOfNormal(normalize(filter));
}

/**
 * A filter that is true where `filter` is true and false everywhere else: never unknown. What is
 * negated or stands inside an `exists` needs it, because there false and unknown are not the same.
 */
export function definite(filter: Filter): Filter {
  return decide(normalize(filter), true);
}

/** True exactly where `filter` is `wanted`, else false. */
function decide(filter: Filter, wanted: boolean): Filter {
  switch (filter.kind) {
    case 'const':
    case 'isNull':
    case 'related':
      return wanted ? filter : not(filter);
    case 'and':
    case 'or': {
      const parts = filter.filters.map((part) => decide(part, wanted));
      return (filter.kind === 'and') === wanted ? and(...parts) : or(...parts);
    }
    case 'not':
      return decide(filter.filter, !wanted);
    case 'compare':
    case 'in':
    case 'like':
    case 'array': {
      const present = not({ kind: 'isNull', column: filter.column });
      return and(present, wanted ? filter : not(filter));
    }
  }
}

function combine(kind: 'and' | 'or', filters: readonly Filter[]): Filter {
  const absorbing = kind === 'or';
  const parts = new Map<string, Filter>();
  for (const filter of filters) {
    for (const part of filter.kind === kind ? filter.filters : [filter]) {
      if (part.kind !== 'const') parts.set(keyOfNormal(part), part);
      else if (part.value === absorbing) return absorbing ? EVERYTHING : NOTHING;
    }
  }
  if (parts.size === 0) return absorbing ? NOTHING : EVERYTHING;
  const sorted = [...parts].sort(([left], [right]) => (left < right ? -1 : 1)).map(([, part]) => part);
  return sorted.length === 1 ? sorted[0]! : { kind, filters: sorted };
}

function normalizeIn(filter: Extract<Filter, { kind: 'in' }>): Filter {
  const values = [...new Set(filter.values)].sort();
  if (values.length === 0) return NOTHING;
  const { column, castType } = filter;
  const cast = castType === undefined ? {} : { castType };
  return values.length === 1
    ? { kind: 'compare', column, op: 'eq', value: values[0]!, ...cast }
    : { kind: 'in', column, values, ...cast };
}

function normalizeRelated(filter: Extract<Filter, { kind: 'related' }>): Filter {
  const inner = normalize(filter.filter);
  const via = filter.via && normalize(filter.via);
  if (inner === NOTHING || via === NOTHING) return NOTHING;
  const { relation } = filter;
  return via && via !== EVERYTHING
    ? { kind: 'related', relation, filter: inner, via }
    : { kind: 'related', relation, filter: inner };
}

function keyOfNormal(filter: Filter): string {
  switch (filter.kind) {
    case 'const':
      return String(filter.value);
    case 'and':
    case 'or':
      return `${filter.kind}(${filter.filters.map(keyOfNormal).sort().join(',')})`;
    case 'not':
      return `not(${keyOfNormal(filter.filter)})`;
    case 'compare':
      return call(castName(filter.op, filter.castType), filter.column.name, filter.value);
    case 'in':
      return call(castName('in', filter.castType), filter.column.name, ...filter.values);
    case 'isNull':
      return call('isNull', filter.column.name);
    case 'like':
      return call(filter.insensitive ? 'ilike' : 'like', filter.column.name, filter.pattern);
    case 'array':
      return call(filter.op, filter.column.name, filter.value);
    case 'related': {
      const via = filter.via ? `,${keyOfNormal(filter.via)}` : '';
      return `related(${JSON.stringify([filter.relation.source, filter.relation.name])},${keyOfNormal(filter.filter)}${via})`;
    }
  }
}

function castName(operator: string, castType: string | undefined): string {
  return castType === undefined ? operator : `${operator}::${castType}`;
}

/** Quoting keeps a value from reading like structure. */
function call(name: string, ...args: readonly string[]): string {
  return `${name}(${args.map((arg) => JSON.stringify(arg)).join(',')})`;
}
