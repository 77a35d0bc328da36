import { type ErrorCode, RivuletError } from '../errors.js';
import type { ModelColumn } from '../model/types.js';
import { encodeValue } from '../value/encode.js';
import { excerpt } from '../value/invalid.js';

export interface ParseOptions {
  /** Levels of nesting: relations, `AND`, `OR`, `NOT`, each counted. Default 12. */
  readonly maxDepth?: number;
  /** Values in all `in` and `notIn` lists and arrays together. Default 10,000. */
  readonly maxIn?: number;
  /** Conditions, relations and logical operators together. Default 1,000. */
  readonly maxNodes?: number;
  /** Characters of a `like` pattern. Default 1,000. */
  readonly maxPattern?: number;
  /** The path of the filter in error messages. Default `where`. */
  readonly path?: string;
  /** The names of columns: Drizzle's (the default), or GraphQL's. */
  readonly names?: 'drizzle' | 'graphql';
  /**
   * Turns a value into Postgres's text in place of `encodeValue`, for filters that carry a custom
   * type's own values.
   */
  readonly encode?: (column: ModelColumn, value: unknown) => string;
  /**
   * Refuses every part that adds no condition (`{}`, an empty list, Drizzle's mark for "skip this
   * one", `arrayContains: []`) and every property that a plain reading would miss (symbols, hidden
   * ones). For policies: there nothing said must not mean every row. Default false.
   */
  readonly strict?: boolean;
}

/** The parser's place in the input. */
export interface FilterPlace {
  readonly state: ParseState;
  readonly path: string;
  readonly depth: number;
  /** See `ParseOptions.strict`. */
  readonly strict: boolean;
  readonly names: 'drizzle' | 'graphql';
}

/** The limits of one parse and what it has used of them. */
export class ParseState {
  readonly #maxDepth: number;
  readonly #maxPattern: number;
  readonly #encode: (column: ModelColumn, value: unknown) => string;
  #nodesLeft: number;
  #valuesLeft: number;

  constructor(options: ParseOptions) {
    this.#maxDepth = options.maxDepth ?? 12;
    this.#maxPattern = options.maxPattern ?? 1_000;
    this.#nodesLeft = options.maxNodes ?? 1_000;
    this.#valuesLeft = options.maxIn ?? 10_000;
    this.#encode = options.encode ?? ((column, value) => encodeValue(column.type, value));
  }

  /**
   * The entries of an object of conditions; only its own, so that no name can reach a prototype.
   */
  entries(input: unknown, at: FilterPlace): readonly (readonly [string, unknown])[] {
    if (!isPlainObject(input))
      throw failure('FILTER_INVALID', at, `${excerpt(input)} where a filter is expected`);
    if (at.depth > this.#maxDepth) {
      throw failure('FILTER_TOO_LARGE', at, `more than ${this.#maxDepth} levels of nesting`);
    }
    const entries = at.strict ? allEntries(input, at) : Object.entries(input);
    this.#nodesLeft -= entries.length;
    this.#checkNodes(at);
    for (const [name, value] of entries) {
      if (value === undefined) {
        throw failure(
          'FILTER_INVALID',
          { ...at, path: `${at.path}.${excerptName(name)}` },
          'undefined; leave the name out',
        );
      }
    }
    return entries;
  }

  /** The parts of `AND` and `OR`: at least one, since none could mean everything or nothing. */
  list(input: unknown, at: FilterPlace): readonly unknown[] {
    if (!Array.isArray(input))
      throw failure('FILTER_INVALID', at, `${excerpt(input)} where a list is expected`);
    if (input.length === 0) throw failure('FILTER_INVALID', at, 'an empty list; leave the name out');
    this.#nodesLeft -= input.length;
    this.#checkNodes(at);
    return dense(input);
  }

  /** The values of `in` and `notIn` as Postgres's texts. */
  values(column: ModelColumn, input: unknown, at: FilterPlace): readonly string[] {
    if (!Array.isArray(input))
      throw failure('FILTER_INVALID', at, `${excerpt(input)} where a list is expected`);
    this.#countValues(input.length, at);
    return dense(input).map((value, index) => this.value(column, value, deeper(at, index)));
  }

  value(column: ModelColumn, input: unknown, at: FilterPlace): string {
    if (input === undefined) throw failure('FILTER_INVALID', at, 'undefined where a value is expected');
    if (input === null) {
      throw failure('FILTER_INVALID', at, 'null equals nothing, not even null; use isNull or isNotNull');
    }
    if (Array.isArray(input)) this.#countValues(input.length, at);
    try {
      return this.#encode(column, input);
    } catch (error) {
      if (!(error instanceof RivuletError)) throw error;
      throw new RivuletError(error.code, `${at.path}: ${error.message}`, { ...error.details, path: at.path });
    }
  }

  /**
   * A `like` pattern. Postgres refuses a lone backslash at the end only on rows that get that far;
   * here it never passes.
   */
  pattern(input: unknown, at: FilterPlace): string {
    if (typeof input !== 'string')
      throw failure('FILTER_INVALID', at, `${excerpt(input)} where a pattern is expected`);
    if (input.length > this.#maxPattern) {
      throw failure('FILTER_TOO_LARGE', at, `a pattern of more than ${this.#maxPattern} characters`);
    }
    if (/\0|\p{Surrogate}/u.test(input)) {
      throw failure('FILTER_INVALID', at, 'a pattern with a NUL character or a broken surrogate');
    }
    if (/(?:^|[^\\])(?:\\\\)*\\$/.test(input)) {
      throw failure(
        'FILTER_INVALID',
        at,
        'a pattern that ends in the escape character "\\"; write "\\\\" for a backslash',
      );
    }
    return input;
  }

  #countValues(count: number, at: FilterPlace): void {
    this.#valuesLeft -= count;
    if (this.#valuesLeft < 0) throw failure('FILTER_TOO_LARGE', at, 'too many values in lists');
  }

  #checkNodes(at: FilterPlace): void {
    if (this.#nodesLeft < 0) throw failure('FILTER_TOO_LARGE', at, 'too many conditions');
  }
}

export function deeper(at: FilterPlace, name: string | number): FilterPlace {
  const path = typeof name === 'number' ? `${at.path}[${name}]` : `${at.path}.${excerptName(name)}`;
  return { ...at, path, depth: typeof name === 'number' ? at.depth : at.depth + 1 };
}

export function failure(code: ErrorCode, at: FilterPlace, why: string): RivuletError {
  return new RivuletError(code, `${at.path}: ${why}`, { path: at.path });
}

/** Lists no columns or relations: the one who asks may not be allowed to know of all of them. */
export function unknownName(at: FilterPlace, name: string, operators?: readonly string[]): RivuletError {
  const known = operators ? `; there are ${operators.join(', ')}` : '';
  return failure('FILTER_UNKNOWN_FIELD', at, `there is no ${excerpt(name)} here${known}`);
}

/** For a part that adds no condition: `undefined`, or in strict reading an error with its place. */
export function noCondition(at: FilterPlace): undefined {
  if (at.strict) throw failure('FILTER_INVALID', at, 'the condition is empty; say true for every row');
  return undefined;
}

/** The items of a list with its holes as `undefined`, which `map` would pass over. */
function dense(list: readonly unknown[]): readonly unknown[] {
  return Array.from({ length: list.length }, (_, index) => list[index]);
}

/**
 * The entries of an object, each value read once. Throws on a property that `Object.entries` would
 * not show.
 */
function allEntries(input: object, at: FilterPlace): readonly (readonly [string, unknown])[] {
  return Reflect.ownKeys(input).map((name) => {
    if (typeof name === 'symbol' || !Object.prototype.propertyIsEnumerable.call(input, name)) {
      throw failure('FILTER_INVALID', at, `${excerpt(String(name))} is a symbol or not enumerable`);
    }
    return [name, (input as Readonly<Record<string, unknown>>)[name]] as const;
  });
}

/** Drizzle's mark for "skip this one". */
export function isEmptyFilter(value: unknown): boolean {
  return value === Symbol.for('drizzle:EmptyFilter');
}

export function isPlainObject(value: unknown): value is Readonly<Record<string, unknown>> {
  if (typeof value !== 'object' || value === null) return false;
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === null || prototype === Object.prototype;
}

function excerptName(name: string): string {
  return name.length > 60 ? `${name.slice(0, 60)}…` : name;
}
