import { afterEach, describe, test } from 'vitest';

/** Where scenarios are written down: to be run, or to be listed. */
export interface Book {
  describe(group: string, scenarios: () => void): void;
  test(name: string, run: () => Promise<void> | void): void;
  afterEach(run: () => Promise<void>): void;
}

/** Runs them; `of` stands before the names of groups. */
export function vitestBook(of: string): Book {
  return {
    describe: (group, scenarios) => void describe(`${of}: ${group}`, scenarios),
    test: (name, run) => test(name, run),
    afterEach: (run) => afterEach(run),
  };
}

/** Lists them. */
export function listingBook(): Book & {
  readonly scenarios: readonly (readonly [group: string, name: string])[];
} {
  const scenarios: [string, string][] = [];
  let current = '';
  return {
    scenarios,
    describe: (group, list) => {
      current = group;
      list();
    },
    test: (name) => void scenarios.push([current, name]),
    afterEach: () => {},
  };
}
