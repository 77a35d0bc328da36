import type { Mutant } from './mutants.js';

const one = (file: string, from: string, to: string): Mutant['edits'] => [{ file, from, to }];

const ENCODE = 'tests/unit/value/encode.test.ts';
const KEY = 'tests/unit/value/key.test.ts';
const PARSE = 'tests/unit/filter/parse.test.ts';
const NORMALIZE = 'tests/unit/filter/normalize.test.ts';
const LIKE = 'tests/unit/filter/like.test.ts';
const ORDER = 'tests/unit/filter/order.test.ts';

/** Bugs in the code that computes values and filters without a database. */
export const pureMutants: readonly Mutant[] = [
  {
    bug: 'An interval of one unit gets a plural, and others none',
    edits: one('shared/value/interval.ts', "amount === 1 ? '' : 's'", "amount !== 1 ? '' : 's'"),
    test: ENCODE,
  },
  {
    bug: 'An unknown unit of an interval is read as nothing',
    edits: one('shared/value/interval.ts', 'if (!unit) return false;', 'if (!unit) return true;'),
    test: ENCODE,
  },
  {
    bug: 'Fractions of a second are dropped',
    edits: one('shared/value/calendar.ts', "return micros === 0n ? ''", "return micros !== 0n ? ''"),
    test: ENCODE,
  },
  {
    bug: 'February counts as a month after the leap day',
    edits: one('shared/value/calendar.ts', 'month > 2 ? -3 : 9', 'month >= 2 ? -3 : 9'),
    test: ENCODE,
  },
  {
    bug: 'A date is accepted before the first day of PostgreSQL',
    edits: one(
      'shared/value/date-time.ts',
      'days === undefined || days < FIRST_DAY',
      'days !== undefined || days < FIRST_DAY',
    ),
    test: ENCODE,
  },
  {
    bug: 'Text inside of json is not told from its numbers',
    edits: one('shared/value/json.ts', "if (char === '\"') {", "if (char !== '\"') {"),
    test: 'tests/unit/value/decode.test.ts',
  },
  {
    bug: 'Items of an array become NULL, and NULLs stay',
    edits: one(
      'shared/value/array-literal.ts',
      "if (element === null) return 'NULL';",
      "if (element !== null) return 'NULL';",
    ),
    test: ENCODE,
  },
  {
    bug: 'Arrays inside of arrays are written as items',
    edits: one(
      'shared/value/array-literal.ts',
      "if (typeof element !== 'string') return",
      "if (typeof element === 'string') return",
    ),
    test: ENCODE,
  },
  {
    bug: 'The parts of a key are read as one value',
    edits: one(
      'shared/value/key.ts',
      'const parts = table.key.length === 1 ?',
      'const parts = table.key.length !== 1 ?',
    ),
    test: KEY,
  },
  {
    bug: 'A key of one column is unescaped',
    edits: one(
      'shared/value/key.ts',
      'const part = table.key.length === 1 ?',
      'const part = table.key.length !== 1 ?',
    ),
    test: KEY,
  },
  {
    bug: 'An order is not completed by the primary key',
    edits: one(
      'shared/filter/order.ts',
      'if (!terms.has(column.name)) terms.set(column.name, { column, direction',
      'if (terms.has(column.name)) terms.set(column.name, { column, direction',
    ),
    test: ORDER,
  },
  {
    bug: 'Columns without an order can be ordered by, and others cannot',
    edits: one(
      'shared/filter/order.ts',
      'if (!isOrderable(column.type)) {',
      'if (isOrderable(column.type)) {',
    ),
    test: ORDER,
  },
  {
    bug: 'Conditions are dropped, and only empty ones are kept',
    edits: one(
      'shared/filter/parse.ts',
      '.filter((part) => part !== undefined);',
      '.filter((part) => part === undefined);',
    ),
    test: NORMALIZE,
  },
  {
    bug: 'Operators that a column lacks are accepted, and others are refused',
    edits: one(
      'shared/filter/parse-field.ts',
      'if (!available.includes(operator)) {',
      'if (available.includes(operator)) {',
    ),
    test: PARSE,
  },
  {
    bug: 'NOT on a column is ignored',
    edits: one('shared/filter/parse-field.ts', 'return negated && not(negated);', 'return negated;'),
    test: PARSE,
  },
  {
    bug: 'LIKE falls back where a character matches',
    edits: one(
      'shared/filter/like.ts',
      'text[at] !== chars[matched]) matched =',
      'text[at] === chars[matched]) matched =',
    ),
    test: LIKE,
  },
  {
    bug: 'Patterns without a wildcard match nothing',
    edits: one(
      'shared/filter/like.ts',
      'if (!segments) return undefined;',
      'if (segments) return undefined;',
    ),
    test: LIKE,
  },
  {
    bug: 'A condition that is undefined is accepted as a value',
    edits: one(
      'shared/filter/parse-state.ts',
      '      if (value === undefined) {',
      '      if (value !== undefined) {',
    ),
    test: NORMALIZE,
  },
];
