import { RivuletError } from '../../../shared/errors.js';
import { DEFAULT_LIMITS } from '../../graphql/schema/query-limits.js';
import type {
  AuthConfig,
  LimitsByContext,
  MetricsConfig,
  RetentionConfig,
  RivuletConfig,
  ServerLimits,
} from './config.js';
import { checkConfig } from './config-checks.js';
import type { LogLevel } from './logger.js';

/** `RetentionConfig` with its defaults. */
export type RetentionSettings = {
  readonly [Name in keyof RetentionConfig]-?: NonNullable<RetentionConfig[Name]>;
};

/** The configuration with the environment and the defaults filled in. */
export interface ServerSettings {
  readonly databaseUrl: string | undefined;
  readonly maxConnections: number;
  readonly port: number;
  readonly host: string;
  readonly origins: readonly string[];
  readonly trustedProxies: number;
  /** Address of the metrics; `null` if they are not served. */
  readonly metrics: { readonly port: number; readonly host: string } | null;
  readonly auth: AuthConfig;
  readonly limits: ServerLimits;
  /** 0: never evaluated again by itself. */
  readonly contextMaxAgeSeconds: number;
  /** `null`: the limits are the same for everybody. */
  readonly limitsByContext: LimitsByContext | null;
  /** `null`: nothing is trimmed by this server. */
  readonly retention: RetentionSettings | null;
  readonly graphiql: boolean;
  readonly introspection: boolean;
  readonly logLevel: LogLevel;
}

export type ServerMode = 'development' | 'production';
export type EnvironmentVariables = Readonly<Record<string, string | undefined>>;

const LOG_LEVELS: readonly string[] = ['silent', 'fatal', 'error', 'warn', 'info', 'debug', 'trace'];

/**
 * Resolves the settings. Environment variables win over the configuration file. Throws
 * `CONFIG_INVALID`.
 */
export function resolveSettings(
  config: RivuletConfig,
  environment: EnvironmentVariables,
  mode: ServerMode,
): ServerSettings {
  const limits: ServerLimits = { ...DEFAULT_LIMITS, ...TRANSPORT_LIMITS };
  checkConfig(config, limits);
  const { limits: configured = {} } = config;
  const { byContext, ...constants } =
    typeof configured === 'function' ? { byContext: configured } : configured;
  const graphiql = config.graphiql ?? mode === 'development';
  return {
    databaseUrl: textOf(environment.DATABASE_URL) ?? config.database?.url,
    maxConnections: config.database?.maxConnections ?? 10,
    port: portOf(textOf(environment.PORT)) ?? config.server?.port ?? 4000,
    host: textOf(environment.HOST) ?? config.server?.host ?? '127.0.0.1',
    origins: config.server?.origins ?? [],
    trustedProxies: config.server?.trustedProxies ?? 0,
    metrics: metricsOf(config.server?.metrics, environment),
    auth: {
      ...config.auth,
      secret: textOf(environment.JWT_SECRET) ?? config.auth?.secret,
      jwks: addressOf(textOf(environment.JWKS_URL) ?? config.auth?.jwks),
    },
    limits: { ...limits, ...defined(constants) },
    limitsByContext: byContext ?? null,
    contextMaxAgeSeconds: config.contextMaxAgeSeconds ?? 0,
    retention: retentionOf(config.retention ?? {}),
    graphiql,
    introspection: config.introspection ?? graphiql,
    logLevel: logLevelOf(textOf(environment.LOG_LEVEL)) ?? 'info',
  };
}

const TRANSPORT_LIMITS: Omit<ServerLimits, keyof typeof DEFAULT_LIMITS> = {
  documentCharacters: 65_536,
  tokens: 1_000,
  depth: 12,
  aliases: 30,
  fields: 500,
  rootFields: 30,
  fragments: 50,
  spreads: 250,
  directives: 50,
  variables: 100,
  variableDepth: 100,
  errors: 20,
  documentCacheBytes: 8_388_608,
  persistedDocumentBytes: 4_194_304,
  bodyBytes: 1_048_576,
  messageBytes: 65_536,
  subscriptionsPerSocket: 100,
  subscriptionsPerUser: 1_000,
  connectionsPerUser: 200,
  connectionsPerAddress: 1_000,
  pendingConnections: 5_000,
  pendingConnectionsPerAddress: 100,
  reservationSeconds: 15,
  operationsPerMinutePerUser: 12_000,
  operationsPerMinutePerAddress: 60_000,
  requestSeconds: 30,
  headersSeconds: 10,
  contextSeconds: 10,
  statementSeconds: 30,
  poolPercentPerUser: 50,
  maxScopeKeys: 100_000,
  maxTransactionRows: 200_000,
  maxQueuedChanges: 1_000,
  maxQueuedBytes: 1_048_576,
  maxRecentChanges: 5_000,
  stalledSeconds: 20,
};

/** Without the options that are `undefined`, which count as left out. */
function defined<Options extends object>(
  options: Options | undefined,
): { [Name in keyof Options]?: Exclude<Options[Name], undefined> } {
  return Object.fromEntries(Object.entries(options ?? {}).filter(([, value]) => value !== undefined)) as {
    [Name in keyof Options]?: Exclude<Options[Name], undefined>;
  };
}

const RETENTION: RetentionSettings = {
  maxAgeHours: 72,
  maxRows: 10_000_000,
  maxBytes: 4_294_967_296,
  everySeconds: 30,
};

function retentionOf(retention: RetentionConfig | false): RetentionSettings | null {
  return retention === false ? null : { ...RETENTION, ...defined(retention) };
}

/** An empty variable is as good as none. */
function textOf(value: string | undefined): string | undefined {
  return value === '' ? undefined : value;
}

/** Throws `CONFIG_INVALID` on anything but 0 to 65535. */
export function portOf(text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  if (/^\d{1,5}$/.test(text) && Number(text) <= 65_535) return Number(text);
  throw invalid(`the port must be a number from 0 to 65535, not "${text}"`);
}

function metricsOf(
  metrics: MetricsConfig | undefined,
  environment: EnvironmentVariables,
): ServerSettings['metrics'] {
  const port = portOf(textOf(environment.METRICS_PORT)) ?? metrics?.port;
  if (port === undefined) return null;
  return { port, host: textOf(environment.METRICS_HOST) ?? metrics?.host ?? '127.0.0.1' };
}

function logLevelOf(text: string | undefined): LogLevel | undefined {
  if (text === undefined || LOG_LEVELS.includes(text)) return text as LogLevel | undefined;
  throw invalid(`LOG_LEVEL must be one of ${LOG_LEVELS.join(', ')}, not "${text}"`);
}

function addressOf(text: string | undefined): string | undefined {
  if (text === undefined || URL.canParse(text)) return text;
  throw invalid(`"${text}" is not the address of a key set`);
}

function invalid(message: string): RivuletError {
  return new RivuletError('CONFIG_INVALID', message);
}
