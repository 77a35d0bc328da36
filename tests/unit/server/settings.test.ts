import { expect, test } from 'vitest';
import { relations } from '../../../schema/relations.js';
import type { RivuletConfig } from '../../../src/server/config.js';
import { type Environment, resolveSettings } from '../../../src/server/settings.js';
import { examplePolicies } from '../../support/example.js';

const config = (settings: Partial<RivuletConfig> = {}): RivuletConfig => ({
  relations,
  policies: examplePolicies as RivuletConfig['policies'],
  ...settings,
});
const code = (settings: Partial<RivuletConfig>, environment: Environment = {}): unknown => {
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
