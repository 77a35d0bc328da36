import type { AddressInfo } from 'node:net';
import { OwnedDatabase } from '../database/owned.js';
import { RivuletError } from '../errors.js';
import { Reader } from '../graphql/reader.js';
import { buildSchema } from '../graphql/schema.js';
import { subscriptionFields } from '../graphql/subscriptions.js';
import { readModel, type SchemaRelations } from '../model/read.js';
import { type PolicyFault, resolveRights } from '../policy/resolve.js';
import { ClientAddresses } from './address.js';
import { createVerifier, warnOfLooseKeySet } from './auth.js';
import type { Limits, RivuletConfig } from './config.js';
import { describeConfig } from './description.js';
import { Documents } from './documents.js';
import type { GraphiQLSettings } from './graphiql.js';
import { createHealth } from './health.js';
import { hostForUrl } from './host-for-url.js';
import { createHttpServer } from './http.js';
import { createIdentify } from './identity.js';
import { isRecord } from './is-record.js';
import { listen } from './listen.js';
import { createLogger, type Logger } from './logger.js';
import { createMetrics } from './metrics.js';
import { serveMetrics } from './metrics-endpoint.js';
import { OperationLimiter } from './operation-limits.js';
import { type Pages, readPages } from './pages.js';
import type { Person } from './people.js';
import { PersistedDocuments } from './persisted-documents.js';
import { Quotas } from './quotas.js';
import { openRivulet, type Rivulet } from './rivulet.js';
import { nameOf } from './session-facts.js';
import { Sessions } from './sessions.js';
import { type Environment, type Mode, resolveSettings, type Settings } from './settings.js';
import { serveWebSocket, type WebSocketTransport } from './transport/websocket/serve-websocket.js';
import { readTrustedDocuments, type TrustedDocuments } from './trusted-documents.js';
import { watchPlanOf } from './watched.js';
import { createYogaServer, type MakeContext } from './yoga.js';

/** How long requests under way may take once the server is told to stop. */
const DRAIN_MS = 10_000;

/** Longest name that a writer may give its mutation. */
const MAX_SHOWN_LENGTH = 80;
const MAX_MUTATION_ID_LENGTH = 200;

export interface ServerOptions {
  /** What goes before the configuration file. @default process.env */
  readonly environment?: Environment;
  /** @default 'production': neither GraphiQL nor introspection unless the configuration asks for them */
  readonly mode?: Mode;
  readonly databaseUrl?: string;
  /** 0: any that is free. */
  readonly port?: number;
  readonly host?: string;
  /** In place of the configured secret. */
  readonly secret?: string;
  readonly logger?: Logger;
  /** What the GraphiQL page shows and is handed. */
  readonly graphiql?: Partial<GraphiQLSettings>;
  /** Whom a page of this server may sign in as. Nobody in production, whatever is given. @default [] */
  readonly people?: readonly Person[];
  /** How often the feed reads although nobody notified. @default 1000 */
  readonly pollMs?: number;
  /** How often the server looks whether the database is still what the schema says. @default 2000 */
  readonly schemaPollMs?: number;
}

/** What `createRivulet` gives, and where it is served. */
export interface RivuletServer<TRelations extends SchemaRelations = SchemaRelations>
  extends Rivulet<TRelations> {
  /** `http://127.0.0.1:4000/graphql` */
  readonly url: string;
  readonly port: number;
  /** `http://127.0.0.1:9400/metrics`; `null` where figures are not served. */
  readonly metricsUrl: string | null;
  /** Whether something other than GraphiQL is served at `/`. */
  readonly hasPages: boolean;
  /**
   * Ends the sessions of a user on this server, as after a logout: closes WebSockets with 4403, ends event streams with `SESSION_ENDED`, and
   * refuses requests under way. From the moment of the call on nothing is delivered to them any more; resolves to how many connections
   * were closed. A new connection is served if `context` lets it: end the session where `context` looks first. On several nodes call it on each.
   * `subject` is what `context` returned as such, or the token's `sub`.
   */
  disconnect(subject: string): Promise<number>;
  /**
   * Evaluates `context` again for every connection of a user, with the request and the token's claims that it began with. From the
   * moment of the call on nothing is delivered by the rights before. If the context is the same, the connection goes on; if it is another
   * one, change streams send a reset and live queries answer anew; if `context` throws, or names another subject, the connection is closed.
   * Requests under way are refused with `SESSION_CHANGED`. Resolves, when that is done, to how many connections were concerned.
   * On several nodes call it on each; `contextMaxAgeSeconds` catches what was not called.
   */
  rightsChanged(subject: string): Promise<number>;
  /**
   * Stops accepting, lets requests under way end (`drainMs`, default 10 seconds), closes sockets with 1001, then the feed
   * and the pool. Twice is fine.
   */
  stop(drainMs?: number): Promise<void>;
}

/**
 * Serves a configuration: connects, follows the change log, listens. Applies no migrations.
 *
 * Rejects, with nothing left open, with the coded error of what is wrong: the schema, the policies, the database, watchers
 * that are not installed as declared, the port.
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
  const verify = createVerifier(settings.auth);
  warnOfLooseKeySet(settings.auth, logger);
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

    const quotas = new Quotas(settings.limits);
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
        reader: new Reader(own, { isOfLog: true }),
        admit: () => quotas.subscriptionOf(identity.subject),
        ...(limits && { limits }),
      };
    };
    const { clockToleranceSeconds } = settings.auth;
    const { contextSeconds } = settings.limits;
    const identify = createIdentify(verify, config.context, clockToleranceSeconds, contextSeconds);
    const sessions = new Sessions({ identify, contextMaxAgeSeconds: settings.contextMaxAgeSeconds });
    opened.push(async () => sessions.stop());
    const trusted = await readTrustedDocuments(config.trustedDocuments, settings.introspection);
    const documents = new Documents({
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
      metrics.watch({
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
      health.stopping();
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

/** Checks the trusted documents, which are then known from the first request on, and says which of them this server would refuse. */
function reportTrusted(
  { mode, count, texts }: TrustedDocuments,
  documents: Documents,
  limits: Limits,
  logger: Logger,
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

/** Throws `SUBJECT_INVALID`: a call that closes nobody would look as if it had. */
function namedBy(subject: unknown): string {
  if (typeof subject === 'string' && nameOf(subject) !== null) return subject;
  throw new RivuletError('SUBJECT_INVALID', 'the subject must be a text that is not empty');
}

async function pagesOf({ pages }: RivuletConfig, logger: Logger): Promise<Pages | null> {
  if (pages === undefined) return null;
  const read = await readPages(pages);
  if (read.size === 0)
    logger.warn({ folder: String(pages.folder) }, 'there are no pages in this folder: are they built?');
  return read;
}

function withOptions(settings: Settings, options: ServerOptions): Settings {
  return {
    ...settings,
    databaseUrl: options.databaseUrl ?? settings.databaseUrl,
    port: options.port ?? settings.port,
    host: options.host ?? settings.host,
    auth: options.secret === undefined ? settings.auth : { ...settings.auth, secret: options.secret },
  };
}

/** Whom statements count for: the user, or the address of somebody without a token; all of this machine's are one. */
function ownerOf(subject: string | null, address: string | null): string {
  return subject === null ? `address ${address ?? 'local'}` : `user ${subject}`;
}

function mutationIdOf(extensions: unknown): string | null {
  if (!isRecord(extensions)) return null;
  const id =
    (isRecord(extensions.rivulet) ? extensions.rivulet.mutationId : undefined) ?? extensions.mutationId;
  return typeof id === 'string' && id.length > 0 && id.length <= MAX_MUTATION_ID_LENGTH ? id : null;
}
