import { expect, test } from 'vitest';
import { relations } from '../../../schema/relations.js';
import type { RivuletConfig } from '../../../src/server/engine/config.js';
import { type EnvironmentVariables, resolveSettings } from '../../../src/server/engine/settings.js';
import { examplePolicies } from '../../support/example.js';

const config = (settings: Partial<RivuletConfig> = {}): RivuletConfig => ({
  relations,
  policies: examplePolicies as RivuletConfig['policies'],
  ...settings,
});
const code = (settings: Partial<RivuletConfig>, environment: EnvironmentVariables = {}): unknown => {
  try {
    resolveSettings(config(settings), environment, 'production');
    return 'ok';
  } catch (error) {
    return (error as { code?: unknown }).code;
  }
};

test('the defaults are those of production, and development shows more', () => {
  const { limits, ...rest } = resolveSettings(config(), {}, 'production');
  expect(rest).toMatchObject({
    port: 4000,
    host: '127.0.0.1',
    graphiql: false,
    introspection: false,
    origins: [],
  });
  expect(rest.retention).toEqual({
    maxAgeHours: 72,
    maxRows: 10_000_000,
    maxBytes: 4 * 1024 ** 3,
    everySeconds: 30,
  });
  expect(resolveSettings(config({ retention: false }), {}, 'production').retention).toBeNull();
  expect(limits).toMatchObject({ tokens: 1_000, depth: 12, aliases: 30, subscriptionsPerSocket: 100 });
  expect(resolveSettings(config(), {}, 'development')).toMatchObject({ graphiql: true, introspection: true });
});

test('the environment goes before the file, and an empty variable is none', () => {
  const file = config({ server: { port: 5000 }, database: { url: 'postgres://file' } });
  const environment = { PORT: '6000', DATABASE_URL: 'postgres://environment' };
  expect(resolveSettings(file, environment, 'production')).toMatchObject({
    port: 6000,
    databaseUrl: 'postgres://environment',
  });
  expect(resolveSettings(file, { PORT: '', DATABASE_URL: '' }, 'production')).toMatchObject({
    port: 5000,
    databaseUrl: 'postgres://file',
  });
});

test('a configuration is refused with all its problems at once', () => {
  const wrong = {
    relation: {},
    context: 1,
    server: { port: '4000', origins: 'x', trustedProxies: -1, metrics: { port: 70_000 } },
    database: { maxConnections: 0 },
    auth: { jwks: 'keys', secret: 5 },
    limits: { depth: 0, depht: 3 },
    retention: true,
    graphiql: 'yes',
    names: { tasks: { typ: 'Job' } },
    watchers: [null],
    development: { users: [{ id: 1, name: 'x' }] },
  };
  expect(() => resolveSettings(config(wrong as never), {}, 'production')).toThrow(
    expect.objectContaining({
      code: 'CONFIG_INVALID',
      details: {
        problems: [
          expect.stringMatching(/^relation: there is no such option; there are relations, /),
          'context: must be a function, not 1',
          'server.port: must be a whole number from 0 to 65535, not "4000"',
          'server.origins: must be a list, not a string',
          'server.trustedProxies: must be a whole number from 0, not -1',
          'server.metrics.port: must be a whole number from 0 to 65535, not 70000',
          'database.maxConnections: must be a whole number from 1, not 0',
          'auth.jwks: must be an address, not "keys"',
          'auth.secret: must be a string, not 5',
          'limits.depth: must be a whole number from 1, not 0',
          expect.stringMatching(/^limits\.depht: there is no such option; there are .*depth/),
          'retention: must be an object, not a boolean',
          'graphiql: must be true or false, not "yes"',
          expect.stringMatching(/^names\.tasks\.typ: there is no such option/),
          'watchers[0]: must be an object, not null',
          'development.users[0].id: must be a string that is not empty, not 1',
        ],
      },
    }),
  );
  expect(code({ policies: undefined as never })).toBe('CONFIG_INVALID');
});

test('an option that is undefined counts as left out', () => {
  const settings = { limits: { depth: undefined }, retention: { maxRows: undefined }, server: undefined };
  const { limits, retention } = resolveSettings(config(settings as never), {}, 'production');
  expect([limits.depth, retention?.maxRows]).toEqual([12, 10_000_000]);
});

test.each([
  [{}, { PORT: 'http' }],
  [{}, { PORT: '70000' }],
  [{}, { LOG_LEVEL: 'loud' }],
  [{}, { JWKS_URL: 'keys' }],
  [{ limits: { depht: 3 } as object }, {}],
  [{ limits: { depth: 0 } }, {}],
  [{ limits: { depth: 1.5 } }, {}],
  [{ retention: { maxRows: 0 } }, {}],
  [{ retention: { maxAgeHours: Number.POSITIVE_INFINITY } }, {}],
  [{ retention: { hours: 1 } as object }, {}],
  [{ server: { origins: ['app.example.com'] } }, {}],
  [{ server: { origins: ['https://app.example.com/path'] } }, {}],
  [{ server: { origins: ['*'] } }, {}],
])('%j with %j is refused', (settings, environment) => {
  expect(code(settings, environment)).toBe('CONFIG_INVALID');
});
