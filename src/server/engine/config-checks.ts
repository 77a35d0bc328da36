import { RivuletError } from '../../../shared/errors.js';
import {
  anyObject,
  callback,
  either,
  filledText,
  flag,
  kind,
  listOf,
  type OptionCheck,
  type OptionChecks,
  object,
  oneOf,
  positiveNumber,
  problemsOf,
  recordOf,
  seconds,
  text,
  wholeNumber,
  wholeSeconds,
} from '../../../shared/options/checks.js';
import type {
  AuthConfig,
  DatabaseConfig,
  DevelopmentConfig,
  LimitsConfig,
  MetricsConfig,
  PagesConfig,
  RetentionConfig,
  RivuletConfig,
  ServerConfig,
  ServerLimits,
  TableNames,
  TrustedDocumentsConfig,
} from './config.js';

const isText = (value: unknown): boolean => typeof value === 'string';
const port = wholeNumber(0, 65_535);
const origin = kind(
  'an origin such as "https://app.example.com"',
  (value) => typeof value === 'string' && URL.canParse(value) && new URL(value).origin === value,
);
const address = kind('an address', (value) => typeof value === 'string' && URL.canParse(value));
const folder = either(
  (value) => value instanceof URL,
  () => {},
  filledText,
);

const AUTH: OptionChecks<AuthConfig> = {
  // Its length is checked where tokens are verified: a server with other ways to sign in needs
  // none.
  secret: text,
  jwks: address,
  issuer: filledText,
  audience: filledText,
  clockToleranceSeconds: kind('a number from 0', (value) => typeof value === 'number' && value >= 0),
};

const DATABASE: OptionChecks<DatabaseConfig> = {
  url: text,
  maxConnections: wholeNumber(1),
  migrations: filledText,
};

const METRICS: OptionChecks<MetricsConfig> = { port, host: filledText };

const SERVER: OptionChecks<ServerConfig> = {
  port,
  host: filledText,
  origins: listOf(origin),
  trustedProxies: wholeNumber(0),
  metrics: object(METRICS),
};

const RETENTION: OptionChecks<RetentionConfig> = {
  maxAgeHours: positiveNumber,
  maxRows: positiveNumber,
  maxBytes: positiveNumber,
  everySeconds: seconds,
};

const trustedMode = oneOf(['manifest', 'only']);
const trustedSource = either(
  isText,
  filledText,
  either(
    (value) => value instanceof URL,
    () => {},
    recordOf(text),
  ),
);
const TRUSTED_DOCUMENTS: OptionChecks<TrustedDocumentsConfig> = {
  mode: trustedMode,
  documents: either((value) => Array.isArray(value), listOf(trustedSource), trustedSource),
};

const NAMES: OptionChecks<TableNames> = { type: filledText, one: filledText, many: filledText };

const PAGES: OptionChecks<PagesConfig> = { folder };

const DEVELOPMENT: OptionChecks<DevelopmentConfig> = {
  seed: callback,
  users: listOf(object({ id: filledText, name: text })),
  document: text,
  nudge: text,
};

function limitCheck(name: string): OptionCheck {
  if (name.endsWith('Seconds')) return wholeSeconds;
  return name === 'poolPercentPerUser' ? wholeNumber(1, 100) : wholeNumber(1);
}

/** A function, or limits, each of which is a whole number from 1; `all` has those that exist. */
function limitChecks(all: ServerLimits): OptionCheck {
  const checks = Object.fromEntries(Object.keys(all).map((name) => [name, limitCheck(name)]));
  const constants = object({ ...checks, byContext: callback } as unknown as OptionChecks<LimitsConfig>);
  return either(
    (value) => typeof value === 'function',
    () => {},
    constants,
  );
}

/**
 * Throws `CONFIG_INVALID` with every problem of a configuration's shape: options that do not exist,
 * values of another type, and numbers out of range. Policies, watchers and the schema are checked
 * by what reads them.
 */
export function checkConfig(config: unknown, allLimits: ServerLimits): void {
  const checks: OptionChecks<RivuletConfig> = {
    relations: anyObject,
    policies: anyObject,
    names: recordOf(object(NAMES)),
    watchers: listOf(anyObject),
    context: callback,
    contextMaxAgeSeconds: kind(
      'a number of seconds, or 0 for never',
      (value) => typeof value === 'number' && Number.isFinite(value) && value >= 0,
    ),
    auth: object(AUTH),
    database: object(DATABASE),
    server: object(SERVER),
    limits: limitChecks(allLimits),
    trustedDocuments: either(isText, trustedMode, object(TRUSTED_DOCUMENTS)),
    retention: either(
      (value) => value === false,
      () => {},
      object(RETENTION),
    ),
    graphiql: flag,
    introspection: flag,
    pages: object(PAGES),
    development: object(DEVELOPMENT),
  };
  const problems = [...problemsOf<RivuletConfig>(config, checks)];
  for (const name of ['relations', 'policies'] as const) {
    const value: unknown = (config as Readonly<Record<string, unknown>> | null | undefined)?.[name];
    if (value === undefined) problems.push(`${name}: is missing`);
  }
  if (problems.length === 0) return;
  throw new RivuletError('CONFIG_INVALID', `The configuration has problems:\n- ${problems.join('\n- ')}`, {
    problems,
  });
}
