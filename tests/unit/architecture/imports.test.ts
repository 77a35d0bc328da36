import { readdirSync, readFileSync, statSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';

const root = fileURLToPath(new URL('../../..', import.meta.url));

/**
 * What each folder may import besides itself, `shared` where it is not part of it, and the registry of error texts where it is in `src`.
 * A folder below a named one belongs to it, unless it is named itself; who may import a folder may import what is below it. Data flows from the top of the list to its bottom.
 */
const MAY_IMPORT: Readonly<Record<string, readonly string[]>> = {
  'shared/model': [],
  'shared/protocol': [],
  'shared/options': [],
  'shared/value': ['shared/model'],
  'shared/filter': ['shared/model', 'shared/value'],
  'shared/manifest': ['shared/model', 'shared/filter'],
  'src/sql': [],
  'src/model': ['src/sql'],
  'src/value': ['src/model'],
  'src/filter': ['src/sql'],
  'src/database': ['src/sql'],
  'src/log': ['src/model', 'src/sql', 'src/database'],
  'src/watch': ['src/model', 'src/sql', 'src/database'],
  'src/feed': ['src/log', 'src/watch', 'src/database'],
  'src/policy': ['src/model', 'src/value'],
  'src/manifest': [],
  'src/query': ['src/sql', 'src/filter', 'src/log', 'src/database'],
  'src/scope/delivery': [],
  'src/scope/messages': ['src/log', 'src/feed', 'src/query', 'src/scope/delivery'],
  'src/scope/evaluate': [
    'src/sql',
    'src/filter',
    'src/log',
    'src/feed',
    'src/database',
    'src/query',
    'src/scope/messages',
  ],
  'src/scope/match': ['src/sql', 'src/filter', 'src/query', 'src/scope/messages', 'src/scope/evaluate'],
  'src/scope/views': [
    'src/filter',
    'src/log',
    'src/database',
    'src/query',
    'src/scope/delivery',
    'src/scope/messages',
    'src/scope/evaluate',
    'src/scope/match',
  ],
  'src/scope/replay': [
    'src/filter',
    'src/log',
    'src/feed',
    'src/database',
    'src/query',
    'src/scope/messages',
    'src/scope/evaluate',
    'src/scope/views',
  ],
  'src/scope/lifecycle': ['src/filter', 'src/log', 'src/feed', 'src/database', 'src/query', 'src/scope'],
  'src/api': [
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
  'src/graphql/schema': ['src/value', 'src/feed', 'src/database', 'src/policy', 'src/query', 'src/scope'],
  'src/graphql/plan': ['src/policy', 'src/query', 'src/scope', 'src/graphql/schema'],
  'src/graphql/execute': [
    'src/model',
    'src/value',
    'src/sql',
    'src/log',
    'src/feed',
    'src/database',
    'src/policy',
    'src/query',
    'src/scope',
    'src/graphql/schema',
    'src/graphql/plan',
  ],
  'src/graphql': ['src/policy', 'src/graphql/schema', 'src/graphql/execute'],
  'src/server/engine': [
    'src/model',
    'src/manifest',
    'src/log',
    'src/watch',
    'src/feed',
    'src/database',
    'src/policy',
    'src/query',
    'src/scope',
    'src/api',
    'src/graphql',
    'src/graphql/schema',
    'src/graphql/plan',
    'src/graphql/execute',
  ],
  'src/server/auth': ['src/scope', 'src/server/engine'],
  'src/server/quotas': ['src/server/engine', 'src/server/auth'],
  'src/server/documents': ['src/graphql/execute', 'src/server/engine'],
  'src/server/monitoring': [
    'src/database',
    'src/watch',
    'src/feed',
    'src/scope',
    'src/server/engine',
    'src/server/transport/http',
  ],
  'src/server/transport/http': [
    'src/database',
    'src/graphql/schema',
    'src/graphql/execute',
    'src/server/engine',
    'src/server/auth',
    'src/server/quotas',
    'src/server/documents',
  ],
  // How a subscription goes on over any long connection.
  'src/server/transport/subscription': [
    'src/database',
    'src/scope',
    'src/graphql/schema',
    'src/graphql/execute',
    'src/server/engine',
    'src/server/auth',
    'src/server/documents',
    'src/server/transport/http',
  ],
  'src/server/transport/sse': [
    'src/scope',
    'src/graphql/schema',
    'src/graphql/execute',
    'src/server/engine',
    'src/server/auth',
    'src/server/quotas',
    'src/server/documents',
    'src/server/transport/http',
    'src/server/transport/subscription',
  ],
  'src/server/transport/websocket': [
    'src/scope',
    'src/graphql/execute',
    'src/server/engine',
    'src/server/auth',
    'src/server/quotas',
    'src/server/documents',
    'src/server/transport/http',
    'src/server/transport/subscription',
  ],
  'src/server/transport': [
    'src/database',
    'src/scope',
    'src/graphql/schema',
    'src/graphql/execute',
    'src/server/engine',
    'src/server/auth',
    'src/server/quotas',
    'src/server/documents',
    'src/server/monitoring',
    'src/server/transport/http',
    'src/server/transport/sse',
  ],
  'src/server': ['src/*'],
  'src/cli': ['src/*'],
  // The documents that clients derive are listed by the code of the clients.
  'src/codegen': ['src/*', 'client/core'],
  'client/core': [],
  'client/urql': ['client/core'],
  'client/apollo': ['client/core'],
};

/** Edges that must be found, or the walker is broken. */
const MUST_IMPORT: readonly (readonly [string, string])[] = [
  ['shared/filter', 'shared/model'],
  ['src/query', 'src/filter'],
  ['src/query', 'shared/filter'],
  ['src/scope/views', 'src/query'],
  ['src/scope/lifecycle', 'src/feed'],
  ['src/api', 'src/scope/messages'],
  ['src/graphql/execute', 'src/graphql/plan'],
  ['client/core', 'shared/filter'],
];

/** Folders without IO: nothing there may import a node builtin that does any, nor the driver. */
const PURE = [
  'shared',
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
  readonly target: string;
  readonly from: string;
  readonly to: string;
}

function sources(folder: string): string[] {
  const path = join(root, folder);
  return readdirSync(path).flatMap((name) => {
    const inner = join(folder, name);
    if (statSync(join(root, inner)).isDirectory()) return name === 'dist' ? [] : sources(inner);
    return /\.tsx?$/.test(name) ? [inner] : [];
  });
}

const specifiersOf = (file: string): string[] =>
  [...readFileSync(join(root, file), 'utf8').matchAll(/(?:from|import)\s*\(?\s*'([^']+)'/g)].map(
    (match) => match[1]!,
  );

/** The deepest named folder that holds a file; its own folder if none does. */
function folderOf(path: string): string {
  const parts = path.split('/').slice(0, -1);
  for (let depth = parts.length; depth > 0; depth--) {
    const folder = parts.slice(0, depth).join('/');
    if (folder in MAY_IMPORT) return folder;
  }
  return parts.join('/');
}

/** Registries that every folder of their side may read. */
const isRegistry = (from: string, target: string) =>
  target === 'shared/errors.js' || (target === 'src/error-texts.js' && from.startsWith('src/'));

function imports(): Import[] {
  return [...sources('shared'), ...sources('src'), ...sources('client')].flatMap((file) =>
    specifiersOf(file)
      .filter((specifier) => specifier.startsWith('.'))
      .map((specifier) => relative(root, resolve(root, dirname(file), specifier)))
      .map((target) => ({ file, target, from: folderOf(file), to: folderOf(target) })),
  );
}

describe('imports', () => {
  const found = imports();

  test('go one way, as the table of folders says', () => {
    const wrong = found.filter(({ file, target, from, to }) => {
      if (from === to || file === 'src/index.ts' || isRegistry(from, target)) return false;
      if (to.startsWith('shared/') && !from.startsWith('shared')) return false;
      const allowed = MAY_IMPORT[from] ?? [];
      return !allowed.some(
        (each) => to === each || to.startsWith(`${each.replace(/\*$/, '')}/`.replace('//', '/')),
      );
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
