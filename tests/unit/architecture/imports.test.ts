import { readdirSync, readFileSync, statSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';

const root = fileURLToPath(new URL('../../..', import.meta.url));

/** What each folder may import besides itself and `src/errors.ts`. Data flows from the top of the list to its bottom. */
const MAY_IMPORT: Readonly<Record<string, readonly string[]>> = {
  'src/options': [],
  'src/sql': [],
  'src/model': ['src/sql'],
  'src/value': ['src/model', 'src/sql'],
  'src/filter': ['src/model', 'src/value', 'src/sql'],
  'src/database': ['src/sql'],
  'src/log': ['src/model', 'src/filter', 'src/sql', 'src/database'],
  'src/watch': ['src/options', 'src/model', 'src/sql', 'src/database', 'src/log'],
  'src/feed': ['src/model', 'src/filter', 'src/log', 'src/watch', 'src/database', 'src/sql'],
  'src/policy': ['src/model', 'src/value', 'src/filter'],
  'src/manifest': ['src/model', 'src/value', 'src/filter', 'src/policy'],
  'src/query': ['src/model', 'src/value', 'src/sql', 'src/filter', 'src/log', 'src/database'],
  'src/scope': [
    'src/model',
    'src/value',
    'src/sql',
    'src/filter',
    'src/log',
    'src/feed',
    'src/database',
    'src/query',
  ],
  'src/graphql': [
    'src/model',
    'src/value',
    'src/sql',
    'src/filter',
    'src/log',
    'src/feed',
    'src/database',
    'src/policy',
    'src/query',
    'src/scope',
  ],
  'src/api': [
    'src/options',
    'src/model',
    'src/value',
    'src/sql',
    'src/filter',
    'src/log',
    'src/watch',
    'src/feed',
    'src/database',
    'src/policy',
    'src/query',
    'src/scope',
  ],
  'src/server': ['src/*'],
  'src/cli': ['src/*'],
  // What clients derive of documents is listed by the code of the clients.
  'src/codegen': ['src/*', 'client/core'],
  'client/core': ['src/options', 'src/filter', 'src/value', 'src/manifest'],
  'client/urql': ['client/core', 'src/manifest', 'src/options'],
  'client/apollo': ['client/core', 'src/manifest', 'src/options'],
};

/** Edges that must be found, or the walker is broken. */
const MUST_IMPORT: readonly (readonly [string, string])[] = [
  ['src/filter', 'src/model'],
  ['src/query', 'src/filter'],
  ['src/scope', 'src/query'],
  ['src/scope', 'src/feed'],
  ['src/api', 'src/scope'],
  ['client/core', 'src/filter'],
];

/** Folders without IO: nothing there may import a node builtin that does any, nor the driver. */
const PURE = [
  'src/options',
  'src/sql',
  'src/model',
  'src/value',
  'src/filter',
  'src/policy',
  'src/manifest',
  'client/core',
  'client/urql',
  'client/apollo',
];
const IMPURE =
  /^(node:(fs|net|http|https|child_process|timers|process)|postgres|ws|graphql-ws|graphql-yoga|pino)(\/|$)/;

interface Import {
  readonly file: string;
  readonly from: string;
  readonly to: string;
}

function sources(folder: string): string[] {
  const path = join(root, folder);
  return readdirSync(path).flatMap((name) => {
    const inner = join(folder, name);
    if (statSync(join(root, inner)).isDirectory()) return sources(inner);
    return /\.tsx?$/.test(name) ? [inner] : [];
  });
}

const specifiersOf = (file: string): string[] =>
  [...readFileSync(join(root, file), 'utf8').matchAll(/(?:from|import)\s*\(?\s*'([^']+)'/g)].map(
    (match) => match[1]!,
  );

const folderOf = (path: string) => path.split('/').slice(0, 2).join('/');

function imports(): Import[] {
  return [...sources('src'), ...sources('client')].flatMap((file) =>
    specifiersOf(file)
      .filter((specifier) => specifier.startsWith('.'))
      .map((specifier) => ({
        file,
        from: folderOf(file),
        to: folderOf(relative(root, resolve(root, dirname(file), specifier))),
      })),
  );
}

describe('imports', () => {
  const found = imports();

  test('go one way, as the table of folders says', () => {
    const wrong = found.filter(({ from, to }) => {
      if (from === to || to === 'src/errors.js' || from === 'src/index.ts') return false;
      const allowed = MAY_IMPORT[from] ?? [];
      return !allowed.includes(to) && !(allowed.includes('src/*') && to.startsWith('src/'));
    });
    expect(wrong).toEqual([]);
  });

  test('are really found', () => {
    for (const [from, to] of MUST_IMPORT) {
      expect(found.some((edge) => edge.from === from && edge.to === to)).toBe(true);
    }
  });

  test('never reach the example from the library', () => {
    const reaching = found.filter(({ to }) => to.startsWith('schema') || to.startsWith('examples'));
    expect(reaching).toEqual([]);
  });

  test('keep pure folders pure', () => {
    const wrong = PURE.flatMap((folder) =>
      sources(folder).flatMap((file) =>
        specifiersOf(file)
          .filter((specifier) => IMPURE.test(specifier))
          .map((specifier) => `${file} imports ${specifier}`),
      ),
    );
    expect(wrong).toEqual([]);
  });
});
