import type { Mutant } from './mutants.js';

const one = (file: string, from: string, to: string): Mutant['edits'] => [{ file, from, to }];

/** Bugs in the client's lists: their order, windows, and the order of streams. */
export const clientMutants: readonly Mutant[] = [
  {
    bug: 'Rows are ordered by the first column alone',
    edits: one('client/core/list-rule.ts', 'if (difference !== 0) return difference;', 'return difference;'),
    test: 'tests/unit/client/windows.test.ts',
  },
  {
    bug: 'A descending order ascends',
    edits: one('client/core/list-rule.ts', 'descends ? -difference : difference;', 'difference;'),
    test: 'tests/unit/client/windows.test.ts',
  },
  {
    bug: 'NULLs come first in every order',
    edits: one(
      'client/core/list-rule.ts',
      "direction.endsWith('NULLS_FIRST') || direction === 'DESC';",
      'true;',
    ),
    test: 'tests/unit/client/windows.test.ts',
  },
  {
    bug: 'A list without a limit has every row',
    edits: one(
      'client/core/list-rule.ts',
      'args.limit === undefined ? schema.manifest.limits.defaultRows : args.limit;',
      'args.limit ?? null;',
    ),
    test: 'tests/unit/client/windows.test.ts',
  },
  {
    bug: 'A row before the first one stays before the window',
    edits: one(
      'client/core/settle-lists.ts',
      'if (mayBeBefore) refetch = true;',
      'if (mayBeBefore && isMove) refetch = true;',
    ),
    test: 'tests/unit/client/windows.test.ts',
  },
  {
    bug: 'A full window keeps more rows than its limit',
    edits: one(
      'client/core/settle-lists.ts',
      'limit === null ? members : members.slice(0, limit);',
      'members;',
    ),
    test: 'tests/unit/client/windows.test.ts',
  },
  {
    bug: 'A window that lost a row is not filled',
    edits: one(
      'client/core/settle-lists.ts',
      'wasFull && (kept.length < limit ||',
      'wasFull && (kept.length < 0 ||',
    ),
    test: 'tests/unit/client/windows.test.ts',
  },
  {
    bug: 'A stream that is behind writes over newer rows',
    edits: one(
      'client/core/lists/transaction-order.ts',
      '(this.#places.get(before) ?? 0) > at) return false;',
      '(this.#places.get(before) ?? 0) > at) return true;',
    ),
    test: 'tests/unit/client/told-order.test.ts',
  },
  {
    bug: 'The newest message of a mutation counts as unknown to every list',
    edits: one(
      'client/core/lists/plan-cached-fields.ts',
      'if (columns.some((column) => now(column) === undefined)) plans',
      'if (columns.some((column) => now(column) !== undefined)) plans',
    ),
    test: 'tests/unit/client/newer-answers.test.ts',
  },
];
