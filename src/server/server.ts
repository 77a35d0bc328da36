import type { AddressInfo } from 'node:net';
import { RivuletError } from '../../shared/errors.js';
import { OwnedDatabase } from '../database/owned.js';
import { buildSchema } from '../graphql/build-schema.js';
import { RequestReader } from '../graphql/execute/request-reader.js';
import { subscriptionFields } from '../graphql/execute/subscription-fields.js';
import { readModel, type SchemaRelations } from '../model/read.js';
import { type PolicyFault, resolveRights } from '../policy/resolve-rights.js';
import { ClientAddresses } from './auth/client-address.js';
import { createIdentityResolver } from './auth/identity.js';
import { SessionRegistry } from './auth/session-registry.js';
import { createTokenVerifier, warnAboutLooseKeySet } from './auth/token-verifier.js';
import { DocumentStore } from './documents/document-store.js';
import { PersistedDocuments } from './documents/persisted-documents.js';
import { readTrustedDocuments, type TrustedDocuments } from './documents/trusted-documents.js';
import type { RivuletConfig, ServerLimits } from './engine/config.js';
import { describeConfig } from './engine/describe-config.js';
import { isRecord } from './engine/is-record.js';
import { createLogger, type ServerLogger } from './engine/logger.js';
import { openRivulet, type Rivulet } from './engine/rivulet.js';
import { nameOf } from './engine/session-facts.js';
import {
  type EnvironmentVariables,
  resolveSettings,
  type ServerMode,
  type ServerSettings,
} from './engine/settings.js';
import { watchPlanOf } from './engine/watch-plan.js';
import { createHealth } from './monitoring/health.js';
import { createMetrics } from './monitoring/metrics.js';
import { serveMetrics } from './monitoring/metrics-endpoint.js';
import { OperationLimiter } from './quotas/operation-limits.js';
import { ServerQuotas } from './quotas/quotas.js';
import type { DevelopmentPerson } from './transport/http/development-people.js';
import type { GraphiQLSettings } from './transport/http/graphiql.js';
import { hostForUrl } from './transport/http/host-for-url.js';
import { listen } from './transport/http/listen.js';
import { readPages, type StaticPages } from './transport/http/static-pages.js';
import { createYogaServer, type MakeContext } from './transport/http/yoga.js';
import { createHttpServer } from './transport/http-server.js';
import { serveWebSocket, type WebSocketTransport } from './transport/websocket/serve-websocket.js';

/** Time that running requests have after the server was told to stop. */
const DRAIN_MS = 10_000;

/** Longest name that a writer may give its mutation. */
const MAX_SHOWN_LENGTH = 80;
const MAX_MUTATION_ID_LENGTH = 200;

export interface ServerOptions {
  /** Environment variables, which win over the configuration file. @default process.env */
  readonly environment?: EnvironmentVariables | undefined;
  /**
   * @default 'production': neither GraphiQL nor introspection unless the configuration asks for
   * them
   */
  readonly mode?: ServerMode | undefined;
  readonly databaseUrl?: string | undefined;
  /** 0: any that is free. */
  readonly port?: number | undefined;
  readonly host?: string | undefined;
  /** In place of the configured secret. */
  readonly secret?: string | undefined;
  readonly logger?: ServerLogger | undefined;
  /** Settings of the GraphiQL page. */
  readonly graphiql?: Partial<GraphiQLSettings> | undefined;
  /** The people that a page of this server may sign in as. Ignored in production. @default [] */
  readonly people?: readonly DevelopmentPerson[] | undefined;
  /** Milliseconds between two reads of the feed without a notification. @default 1000 */
  readonly pollMs?: number | undefined;
  /** Milliseconds between two checks that the database still matches the schema. @default 2000 */
  readonly schemaPollMs?: number | undefined;
}

/** The instance of `createRivulet`, and the addresses at which it is served. */
export interface RivuletServer<TRelations extends SchemaRelations = SchemaRelations>
  extends Rivulet<TRelations> {
  /** `http://127.0.0.1:4000/graphql` */
  readonly url: string;
  readonly port: number;
  /** `http://127.0.0.1:9400/metrics`; `null` where figures are not served. */
  readonly metricsUrl: string | null;
  /** True if something other than GraphiQL is served at `/`. */
  readonly hasPages: boolean;
  /**
   * Ends the sessions of a user on this server, as after a logout: closes WebSockets with 4403,
   * ends event streams with `SESSION_ENDED`, and refuses requests under way. From the moment of the
   * call on nothing is delivered to them any more; resolves to how many connections were closed. A
   * new connection is served if `context` lets it: end the session where `context` looks first. On
   * several nodes call it on each. `subject` is what `context` returned as such, or the token's
   * `sub`.
   */
  disconnect(subject: string): Promise<number>;
  /**
   * Evaluates `context` again for every connection of a user, with the request and the token's
   * claims that it began with. From the moment of the call on nothing is delivered by the rights
   * before. If the context is the same, the connection goes on; if it is another one, change
   * streams send a reset and live queries answer anew; if `context` throws, or names another
   * subject, the connection is closed. Requests under way are refused with `SESSION_CHANGED`.
   * Resolves, when that is done, to how many connections were concerned. On several nodes call it
   * on each; `contextMaxAgeSeconds` catches what was not called.
   */
  rightsChanged(subject: string): Promise<number>;
  /**
   * Stops accepting, lets requests under way end (`drainMs`, default 10 seconds), closes sockets
   * with 1001, then the feed and the pool. Twice is fine.
   */
  stop(drainMs?: number): Promise<void>;
}

/**
 * Serves a configuration: connects, follows the change log, listens. Applies no migrations.
 *
 * Rejects, with nothing left open, with the coded error of what is wrong: the schema, the policies,
 * the database, watchers that are not installed as declared, the port.
 */
export async function createServer<TContext, TRelations extends SchemaRelations>(
  served: RivuletConfig<TContext, TRelations>,
  options: ServerOptions = {},
): Promise<RivuletServer<TRelations>> {
  const config = served as RivuletConfig as RivuletConfig<unknown, TRelations>;
  const mode = options.mode ?? 'production';
  const settings = withOptions(resolveSettings(config, options.environment ?? process.env, mode), options);
  const logger = options.logger ?? createLogger(settings.logLevel);
  if (settings.databaseUrl === undefined)
    throw new RivuletError('DATABASE_NOT_CONFIGURED', 'DATABASE_URL is not set');

  const model = readModel(config.relations, { names: config.names });
  const schema = buildSchema({
    model,
    policies: config.policies,
    limits: settings.limits,
    subscriptionFields,
  });
  const verify = createTokenVerifier(settings.auth);
  warnAboutLooseKeySet(settings.auth, logger);
  const plan = watchPlanOf(config, model);

  const opened: (() => Promise<void>)[] = [];
  const closeAll = async (): Promise<void> => {
    for (const close of opened.splice(0).reverse()) await close();
  };
  try {
    const { pollMs, schemaPollMs } = options;
    const metrics = settings.metrics === null ? null : createMetrics();
    const onStatement = metrics?.onStatement;
    const open = await openRivulet({
      config,
      settings,
      model,
      plan,
      pollMs,
      schemaPollMs,
      logger,
      onStatement,
    });
    opened.push(() => open.close());
    const { database, feed, scopes, notifyQueue, schemaWatch, cursors, onFault } = open;

    const quotas = new ServerQuotas(settings.limits);
    const addresses = new ClientAddresses(settings.trustedProxies, logger);
    const limiter = new OperationLimiter(settings.limits, settings.limitsByContext, (err) =>
      logger.error({ err }, 'the function `limits` of the configuration failed'),
    );
    const makeContext: MakeContext = (session, extensions, start, from) => {
      const { address = null, cancellation, limits } = from;
      const { identity, rights } = session;
      const owner = ownerOf(identity.subject, address);
      const assertRights = () => session.assertRights(rights);
      const own = new OwnedDatabase(database, { owner, cancellation, assertRights });
      const faults: PolicyFault[] = [];
      const note = (fault: PolicyFault): void => {
        faults.push(fault);
        onFault(fault);
      };
      return {
        database: own,
        rightsHold: () => session.rightsHold(rights),
        rights: resolveRights(model, config.policies, identity.user, { onFault: note }),
        faults,
        user: identity.user,
        mutationId: mutationIdOf(extensions),
        live: { scopes, cursors, start, owner },
        rowsRead: { count: 0 },
        reader: new RequestReader(own, { isOfLog: true }),
        admit: () => quotas.subscriptionOf(identity.subject),
        ...(limits && { limits }),
      };
    };
    const { clockToleranceSeconds } = settings.auth;
    const { contextSeconds } = settings.limits;
    const identify = createIdentityResolver(verify, config.context, clockToleranceSeconds, contextSeconds);
    const sessions = new SessionRegistry({ identify, contextMaxAgeSeconds: settings.contextMaxAgeSeconds });
    opened.push(async () => sessions.stop());
    const trusted = await readTrustedDocuments(config.trustedDocuments, settings.introspection);
    const documents = new DocumentStore({
      schema,
      introspection: settings.introspection,
      cacheBytes: settings.limits.documentCacheBytes,
      ...(trusted && { accepts: trusted.accepts }),
    });
    const { persistedDocumentBytes } = settings.limits;
    const persisted = new PersistedDocuments(documents, trusted, persistedDocumentBytes);
    if (trusted) reportTrusted(trusted, documents, settings.limits, logger);
    const yoga = await createYogaServer({
      schema,
      documents,
      persisted,
      limiter,
      limits: settings.limits,
      origins: settings.origins,
      introspection: settings.introspection,
      graphiql: settings.graphiql ? { document: undefined, token: undefined, ...options.graphiql } : null,
      logger,
      makeContext,
    });

    let sockets: WebSocketTransport | undefined;
    const health = createHealth(
      () => feed.status(),
      () => sockets?.sockets ?? 0,
      () => notifyQueue.isFilling,
      () => schemaWatch.drifts,
    );
    const pages = await pagesOf(config, logger);
    const http = createHttpServer({
      yoga,
      persisted,
      limiter,
      schema,
      makeContext,
      sessions,
      health,
      quotas,
      limits: settings.limits,
      origins: settings.origins,
      graphiql: settings.graphiql,
      addresses,
      logger,
      pages,
      people: mode === 'development' ? (options.people ?? []) : null,
      manifest: settings.introspection ? describeConfig(config).manifest : null,
    });
    sockets = serveWebSocket({
      server: http.server,
      yoga,
      persisted,
      limiter,
      sessions,
      quotas,
      limits: settings.limits,
      origins: settings.origins,
      addresses,
      logger,
    });
    let metricsUrl: string | null = null;
    if (metrics !== null && settings.metrics !== null) {
      metrics.measure({
        feed,
        scopes,
        notifyQueue,
        schemaWatch,
        database,
        sockets: () => sockets?.sockets ?? 0,
        eventStreams: () => http.streams,
      });
      const served = await serveMetrics(metrics, health, settings.metrics, logger);
      opened.push(served.close);
      metricsUrl = served.url;
    }
    await listen(http.server, settings.port, settings.host);
    const { port } = http.server.address() as AddressInfo;
    const url = `http://${hostForUrl(settings.host)}:${port}/graphql`;
    logger.info({ url }, 'listening');

    let stopping: Promise<void> | undefined;
    const stop = async (drainMs: number): Promise<void> => {
      health.markStopping();
      open.refuseStreams();
      logger.info({ sockets: sockets.sockets, eventStreams: http.streams }, 'stopping');
      await Promise.all([http.close(drainMs), sockets.close()]);
      await closeAll();
      logger.info('stopped');
    };
    return {
      ...open.api,
      url,
      port,
      metricsUrl,
      hasPages: pages !== null && pages.size > 0,
      model,
      database,
      feed,
      scopes,
      disconnect: async (subject) => sessions.disconnect(namedBy(subject)),
      rightsChanged: async (subject) => sessions.rightsChanged(namedBy(subject)),
      stop: (drainMs = DRAIN_MS) => (stopping ??= stop(drainMs)),
    };
  } catch (error) {
    await closeAll();
    throw error;
  }
}

/**
 * Checks the trusted documents, which are then known from the first request on, and says which of
 * them this server would refuse.
 */
function reportTrusted(
  { mode, count, texts }: TrustedDocuments,
  documents: DocumentStore,
  limits: ServerLimits,
  logger: ServerLogger,
): void {
  let refused = 0;
  for (const text of new Set(texts)) {
    const [error] = documents.check(text, limits).errors;
    if (error === undefined) continue;
    refused++;
    const operation = text.slice(0, MAX_SHOWN_LENGTH);
    logger.warn(
      { operation, reason: error.message },
      'a trusted document is refused by this schema or its limits',
    );
  }
  logger.info({ mode, count, refused }, 'trusted documents');
}

/**
 * Throws `SUBJECT_INVALID`, because a call that can close nothing would look as if it had worked.
 */
function namedBy(subject: unknown): string {
  if (typeof subject === 'string' && nameOf(subject) !== null) return subject;
  throw new RivuletError('SUBJECT_INVALID', 'the subject must be a text that is not empty');
}

async function pagesOf({ pages }: RivuletConfig, logger: ServerLogger): Promise<StaticPages | null> {
  if (pages === undefined) return null;
  const read = await readPages(pages);
  if (read.size === 0)
    logger.warn({ folder: String(pages.folder) }, 'there are no pages in this folder: are they built?');
  return read;
}

function withOptions(settings: ServerSettings, options: ServerOptions): ServerSettings {
  return {
    ...settings,
    databaseUrl: options.databaseUrl ?? settings.databaseUrl,
    port: options.port ?? settings.port,
    host: options.host ?? settings.host,
    auth: options.secret === undefined ? settings.auth : { ...settings.auth, secret: options.secret },
  };
}

/**
 * The owner of statements: the user, or the address of an anonymous client. All clients on this
 * machine are one owner.
 */
function ownerOf(subject: string | null, address: string | null): string {
  return subject === null ? `address ${address ?? 'local'}` : `user ${subject}`;
}

function mutationIdOf(extensions: unknown): string | null {
  if (!isRecord(extensions)) return null;
  const id =
    (isRecord(extensions.rivulet) ? extensions.rivulet.mutationId : undefined) ?? extensions.mutationId;
  return typeof id === 'string' && id.length > 0 && id.length <= MAX_MUTATION_ID_LENGTH ? id : null;
}
