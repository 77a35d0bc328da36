import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';

const root = fileURLToPath(new URL('../../', import.meta.url));
const PAGES = [
  'README.md',
  'PROTOCOL.md',
  'LIMITS.md',
  'bench/README.md',
  ...readdirSync(`${root}docs`)
    .filter((name) => name.endsWith('.md'))
    .map((name) => `docs/${name}`),
];

test.each(PAGES)('every row of a table in %s has as many cells as the row above it', (page) => {
  const cells = (line: string) => line.replaceAll('\\|', '').split('|').length;
  const lines = readFileSync(root + page, 'utf8').split('\n');
  const odd = lines.filter((line, at) => {
    const above = lines[at - 1];
    return line.startsWith('|') && above?.startsWith('|') && cells(line) !== cells(above);
  });
  expect(odd).toEqual([]);
});
