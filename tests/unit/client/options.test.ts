import { describe, expect, test } from 'vitest';
import { rivuletLink } from '../../../client/apollo/index.js';
import { createSseClient, sync } from '../../../client/core/index.js';
import { rivuletExchange } from '../../../client/urql/index.js';
import { checkChangesOptions } from '../../../src/api/options.js';
import { DEFAULT_LIMITS } from '../../../src/graphql/schema/query-limits.js';
import { checkConfig } from '../../../src/server/engine/config-checks.js';
import { planWatchers } from '../../../src/watch/plan.js';
import { watchers } from '../../../src/watch/watchers.js';
import { manifest, model, relations } from './blog.js';

const client = { subscribe: () => () => {}, on: () => () => {} };

function problemsOf(run: () => unknown): unknown {
  try {
    run();
  } catch (error) {
    const { code, details } = error as { code?: unknown; details?: { problems?: unknown } };
    return code === 'OPTIONS_INVALID' ? details?.problems : error;
  }
  return [];
}

const live = [
  ['rivuletExchange', (options: unknown) => rivuletExchange(options as never)],
  ['rivuletLink', (options: unknown) => rivuletLink(options as never)],
] as const;

test.each(live)('%s refuses its options with all their problems at once', (_name, make) => {
  const wrong = {
    manifets: {},
    client: {},
    times: { echoMs: '5', echo: 1 },
    verify: { everyMs: -1, onProblem: 'log' },
    onError: true,
  };
  expect(problemsOf(() => make(wrong))).toEqual([
    expect.stringMatching(/^manifets: there is no such option; there are manifest, /),
    expect.stringMatching(/^client: must be a client with `subscribe`/),
    'times.echoMs: must be a whole number from 0 to 1000000000, not "5"',
    expect.stringMatching(/^times\.echo: there is no such option/),
    'verify.everyMs: must be a whole number from 0 to 1000000000, not -1',
    'verify.onProblem: must be a function, not "log"',
    'onError: must be a function, not true',
    'manifest: is missing',
  ]);
  expect(problemsOf(() => make(undefined))).toEqual([
    'the options: must be an object, not undefined',
    'manifest: is missing',
    'client: is missing',
  ]);
  const given = { manifest, client, verify: true, times: undefined, onError: undefined };
  expect(problemsOf(() => make(given))).toEqual([]);
});

test('createSseClient refuses its options with all their problems at once', () => {
  const wrong = { uri: '/graphql', headers: { a: 1 }, credentials: 'all', retryFirstMs: 1.5 };
  expect(problemsOf(() => createSseClient(wrong as never))).toEqual([
    expect.stringMatching(/^uri: there is no such option; there are url, /),
    'headers.a: must be a string, not 1',
    'credentials: must be one of "omit", "same-origin", "include", not "all"',
    'retryFirstMs: must be a whole number from 0 to 1000000000, not 1.5',
    'url: is missing',
  ]);
  expect(problemsOf(() => createSseClient({ url: '/graphql', headers: () => ({}) }))).toEqual([]);
});

describe('sync', () => {
  const message = { postChanges: { changes: [] } };
  const run = (options: object) =>
    problemsOf(() => sync([{ __typename: 'Post', id: '1' }], message, { manifest, ...options } as never));

  test('refuses names that the schema does not have with all of them at once', () => {
    const wrong = {
      id: 'abc',
      columns: ['name', 'nope'],
      with: { nope: {}, name: {}, author: { columns: ['x'] } },
    };
    expect(run(wrong)).toEqual([
      'id: is no id of a Post',
      'columns[1]: Post has no column "nope"',
      'with.nope: Post has no such relation',
      'with.name: Post has no such relation',
      'with.author.columns[0]: Person has no column "x"',
    ]);
    expect(run({ id: '1', columns: ['id', 'nodeId', '__typename', 'name'], with: { author: {} } })).toEqual(
      [],
    );
  });

  test('refuses the filter of a relation that no row has loaded', () => {
    const found = run({ with: { comments: { where: { nope: 1 } } } });
    expect(found).toMatchObject({ code: 'FILTER_UNKNOWN_FIELD' });
  });
});

const circle: Record<string, unknown> = {};
for (const name of ['with', 'posts', 'boss', 'where', 'AND']) circle[name] = circle;
const ring: unknown[] = [];
ring.push(ring);
class Odd {
  readonly with = {};
}
// biome-ignore format: a list to look through
const JUNK: readonly unknown[] = [
  null, 0, -1, 1.5, Number.NaN, Number.POSITIVE_INFINITY, 1e300, 3e9, 10n, '', 'x', '\u0000', true, [], [null], [[]], {}, circle, ring,
  new Odd(), new Date(Number.NaN), new Map(), /x/, Symbol('s'), () => 1, Odd, new Proxy({}, {}), JSON.parse('{"__proto__":{"a":1}}'),
  { toString: 1 }, new URL('http://x/'), Promise.resolve(1), new Uint8Array(3), Object(1), undefined,
  // biome-ignore lint/suspicious/noSparseArray: one of the things that a caller may pass
  [, 1],
];

const taking: Readonly<Record<string, readonly [base: object, run: (options: never) => unknown]>> = {
  sync: [
    { manifest, table: 'posts' },
    (options) => sync([{ id: '1' }], { table: 'posts', changes: [] }, options),
  ],
  rivuletExchange: [{ manifest, client }, (options) => rivuletExchange(options)],
  rivuletLink: [{ manifest, client }, (options) => rivuletLink(options)],
  createSseClient: [{ url: '/graphql' }, (options) => createSseClient(options)],
  'the configuration': [
    { relations, policies: {} },
    (options) => checkConfig(options, DEFAULT_LIMITS as never),
  ],
  watchers: [{}, (options) => planWatchers(model, watchers('posts', options))],
  changes: [{}, (options) => checkChangesOptions(options)],
};
// biome-ignore format: a list to look through
const NAMES = [
  'manifest', 'table', 'id', 'follows', 'where', 'orderBy', 'limit', 'offset', 'columns', 'with', 'client', 'times', 'verify', 'onError', 'cache',
  'url', 'headers', 'credentials', 'fetch', 'retryFirstMs', 'silenceMs', 'lingerMs', 'relations', 'policies', 'names', 'watchers', 'context',
  'contextMaxAgeSeconds', 'auth', 'database', 'server', 'limits', 'trustedDocuments', 'retention', 'graphiql', 'pages', 'development',
  'extraColumns', 'label', 'rows', 'ops', 'after', 'signal', 'as', 'constructor', '__proto__',
];

test.each(Object.entries(taking))(
  '%s accepts whatever it gets or refuses it with a code',
  (_name, [base, run]) => {
    let refused = 0;
    const attempt = (options: unknown) => {
      try {
        run(options as never);
      } catch (error) {
        expect([options, (error as { code?: unknown }).code]).toEqual([
          options,
          expect.stringMatching(/^[A-Z_]+$/),
        ]);
        refused++;
      }
    };
    for (const value of JUNK) attempt(value);
    for (const name of NAMES) {
      for (const value of JUNK) {
        attempt(Object.defineProperty({ ...base }, name, { value, enumerable: true }));
      }
    }
    expect(refused).toBeGreaterThan(JUNK.length * (NAMES.length - 15));
  },
);

test('what contains itself is refused', () => {
  const posts = (options: unknown) =>
    problemsOf(() => sync([], { table: 'posts', changes: [] }, options as never));
  expect(posts({ manifest, with: circle })).toContain('with.with.with: contains itself');
  expect(() => planWatchers(model, watchers('persons', { with: circle as never }))).toThrow(
    'contains itself',
  );
  expect(() => checkChangesOptions({ with: circle })).toThrow('contains itself');
});

test('a wait that a timer cannot have is refused', () => {
  const long = 2 ** 31;
  expect(problemsOf(() => createSseClient({ url: '/', silenceMs: long }))).toHaveLength(1);
  expect(
    problemsOf(() => rivuletLink({ manifest, client, verify: { everyMs: long } } as never)),
  ).toHaveLength(1);
  const config = (more: object) => () =>
    checkConfig({ relations, policies: {}, ...more }, { statementSeconds: 1 } as never);
  expect(config({ retention: { everySeconds: long } })).toThrow('retention.everySeconds: ');
  expect(config({ limits: { statementSeconds: long } })).toThrow('limits.statementSeconds: ');
});
