import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';

const page = readFileSync(new URL('../../docs/security.md', import.meta.url), 'utf8');

interface ThreatRow {
  readonly id: string;
  readonly tests: readonly { readonly title: string; readonly path: string }[];
  readonly text: string;
}

const rows: readonly ThreatRow[] = page
  .split('\n')
  .filter((line) => /^\| T\d+ \|/.test(line))
  .map((line) => ({
    id: /^\| (T\d+) \|/.exec(line)![1]!,
    tests: [...line.matchAll(/\[([^\]]+)\]\(\.\.\/(tests\/[^)]+)\)/g)].map(([, title, path]) => ({
      title: title!,
      path: path!,
    })),
    text: line,
  }));

/** Threats about parts that Rivulet does not have, or that no test of its own can show. */
const WITHOUT_TEST: Readonly<Record<string, string>> = {
  T24: 'Rivulet sets no role and no variable per user',
  T28: 'There is no message bus',
  T32: 'The lock file',
};

test('every threat stands in the table once', () => {
  expect(rows.map(({ id }) => id)).toEqual(Array.from({ length: 40 }, (_, at) => `T${at + 1}`));
});

test.each(rows)('$id names tests that exist, or the reason why there is none', ({ id, tests, text }) => {
  const reason = WITHOUT_TEST[id];
  if (reason !== undefined) expect(text).toContain(reason);
  else expect(tests.length).toBeGreaterThan(0);
  for (const { title, path } of tests) {
    const file = fileURLToPath(new URL(`../../${path}`, import.meta.url));
    expect(existsSync(file), path).toBe(true);
    expect(readFileSync(file, 'utf8').replaceAll('\\', ''), path).toContain(title);
  }
});

test.each(['T33', 'T34', 'T35', 'T36', 'T37', 'T38', 'T39', 'T40'])(
  'a test of %s is named by its number',
  (id) => {
    const { tests } = rows.find((row) => row.id === id)!;
    const isNamed = ({ title, path }: (typeof tests)[number]) =>
      title.includes(id) || path.toLowerCase().includes(`/${id.toLowerCase()}-`);
    expect(tests.some(isNamed)).toBe(true);
  },
);
