import { afterEach, describe, test } from 'vitest';

/** Where scenarios are written down: to be run, or to be listed. */
export interface Book {
  describe(group: string, scenarios: () => void): void;
  /** `notHere`: why it cannot hold, which is written down in its place. */
  test(name: string, run: () => Promise<void> | void, notHere?: string): void;
  afterEach(run: () => Promise<void>): void;
}

/** Runs them; `of` stands before the names of groups. */
export function vitestBook(of: string): Book {
  return {
    describe: (group, scenarios) => void describe(`${of}: ${group}`, scenarios),
    test: (name, run, notHere) => {
      if (notHere === undefined) test(name, run);
      else test.skip(`${name} (${notHere})`, run);
    },
    afterEach: (run) => afterEach(run),
  };
}

export interface Listed {
  readonly group: string;
  readonly name: string;
  readonly notHere: string | undefined;
}

/** Lists them. */
export function listingBook(): Book & { readonly scenarios: readonly Listed[] } {
  const scenarios: Listed[] = [];
  let group = '';
  return {
    scenarios,
    describe: (name, list) => {
      group = name;
      list();
    },
    test: (name, _run, notHere) => void scenarios.push({ group, name, notHere }),
    afterEach: () => {},
  };
}
