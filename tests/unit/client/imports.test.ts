import { readFileSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';

const root = fileURLToPath(new URL('../../..', import.meta.url));

/** Everything that code reaches from a file, types left out, since they are gone when it runs. */
function reached(start: string): {
  readonly files: ReadonlySet<string>;
  readonly packages: ReadonlySet<string>;
} {
  const files = new Set<string>();
  const packages = new Set<string>();
  const open = [start];
  for (let file = open.pop(); file !== undefined; file = open.pop()) {
    if (files.has(file)) continue;
    files.add(file);
    const text = readFileSync(join(root, file), 'utf8').replaceAll(/^(import|export) type [^;]*;/gm, '');
    for (const [, specifier] of text.matchAll(/(?:from|import)\s*\(?\s*'([^']+)'/g)) {
      if (!specifier!.startsWith('.')) packages.add(specifier!);
      else open.push(relative(root, resolve(root, dirname(file), specifier!)).replace(/\.js$/, '.ts'));
    }
  }
  return { files, packages };
}

test('the client core reaches no package, and nothing of the server but what is pure', () => {
  const { files, packages } = reached('client/core/index.ts');
  expect([...packages]).toEqual([]);
  const folders = new Set([...files].map((file) => dirname(file)));
  expect([...folders].sort()).toEqual([
    'client/core',
    'client/core/live',
    'client/core/sse',
    'shared',
    'shared/filter',
    'shared/manifest',
    'shared/options',
    'shared/value',
  ]);
  expect(files.has('shared/errors.ts') && files.has('shared/filter/predicate.ts')).toBe(true);
});

test('the walk finds packages where there are some', () => {
  expect([...reached('src/value/codec.ts').packages]).toContain('drizzle-orm');
});
