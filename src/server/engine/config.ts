import type { PostgresJsDatabase } from 'drizzle-orm/postgres-js';
import type { JWTPayload } from 'jose';
import type { QueryLimits as GraphQLLimits } from '../../graphql/schema/query-limits.js';
import type { SchemaRelations } from '../../model/read.js';
import type { Policies } from '../../policy/rules.js';
import type { WatcherSpec } from '../../watch/types.js';
import type { SessionFacts } from './session-facts.js';

/** The claims of a verified token. `sub` is the user's id. */
export type TokenClaims = JWTPayload;

/** The origin of a request: the headers of an HTTP request or of a WebSocket's upgrade. */
export interface RequestInfo {
  readonly headers: Headers;
  readonly transport: 'http' | 'websocket';
}

export interface RivuletConfig<TContext = unknown, TRelations extends SchemaRelations = SchemaRelations> {
  /** The result of `defineRelations`. Rivulet knows all of its tables and relations. */
  readonly relations: TRelations;
  /** The permissions by table. A table that is not named here does not exist for clients. */
  readonly policies: Policies<TContext>;
  /** GraphQL names in place of the derived ones, by Drizzle's key of the table. */
  readonly names?: Readonly<Record<string, TableNames>> | undefined;
  /**
   * The watched tables. To add to the default: `watchers.defaults().and(posts, { label: 'retitled',
   * columns: ['title'] })`.
   * @default every table with a policy, and what their relations reach
   */
  readonly watchers?: readonly WatcherSpec[] | undefined;
  /**
   * The context that policies are functions of. `claims` is `null` if no token came, or one with an empty `sub`; a bad token never gets this
   * far. Called once a request, once a WebSocket or reserved event stream, and again by `server.rightsChanged` and `contextMaxAgeSeconds`. If it
   * throws, the request is refused, or the connection closed.
   *
   * The object that it returns may state `subject` and `expiresAt` beside its own properties (`SessionFacts`), for sessions that no token
   * describes: limits then count by that subject, and sockets and event streams end at that time. Another type in either is refused with
   * `CONTEXT_INVALID`. Return plain data: functions and objects of classes cannot be compared, and count as changed rights each time that the
   * context is evaluated again.
   *
   * ```ts
   * context: async (_claims, { headers }) => {
   *   const session = await sessions.find(headers.get('cookie')); // yours
   *   return { userId: session?.userId ?? null, subject: session?.userId, expiresAt: session?.expiresAt };
   * }
   * ```
   * @default the claims themselves
   */
  readonly context?: (
    claims: TokenClaims | null,
    request: RequestInfo,
  ) => ContextResult<TContext> | Promise<ContextResult<TContext>>;
  /**
   * Seconds after which `context` is evaluated again for a WebSocket, an event stream or a reserved
   * one that is still open, with what it began with: the net for changes of rights that nobody
   * announced by `server.rightsChanged`. Rights are then at most so old, and as long as the
   * function takes. At most eight are evaluated at a time. 0: never.
   * @default 0
   */
  readonly contextMaxAgeSeconds?: number | undefined;
  readonly auth?: AuthConfig | undefined;
  readonly database?: DatabaseConfig | undefined;
  readonly server?: ServerConfig | undefined;
  /**
   * The limits of clients. A function of the context sets the limits of each operation, for example
   * by role; `{ byContext }` is the same function beside constants. Limits that it leaves out, and
   * those of the transports, are the constants.
   */
  readonly limits?: LimitsConfig<TContext> | LimitsByContext<TContext> | undefined;
  /**
   * The documents of your own clients, as `rivulet/codegen` writes them. `'manifest'`: clients may
   * send their hashes instead of the texts. `'only'`: the server executes no other documents. A
   * text stands for the short form of `{ mode }`.
   * @default every valid document within the limits is executed
   */
  readonly trustedDocuments?: TrustedDocumentsConfig | TrustedDocumentsConfig['mode'] | undefined;
  /** Limits of the change log; false: this server deletes nothing from it. */
  readonly retention?: RetentionConfig | false | undefined;
  /**
   * Serve GraphiQL to browsers at `/graphql`. @default true in `rivulet dev`, false in `rivulet
   * start`
   */
  readonly graphiql?: boolean | undefined;
  /** Answer introspection queries. @default as `graphiql` */
  readonly introspection?: boolean | undefined;
  /** Built pages to serve beside the API. @default none: `/` leads to `/graphql` */
  readonly pages?: PagesConfig | undefined;
  /** Used by `rivulet dev` only. */
  readonly development?: DevelopmentConfig | undefined;
}

/** The result of `context`: its value, which may have the facts of the session as properties. */
export type ContextResult<TContext> = TContext | (TContext & SessionFacts);

export interface TableNames {
  readonly type?: string | undefined;
  readonly one?: string | undefined;
  readonly many?: string | undefined;
}

/**
 * The verification of tokens: a shared secret (HS256) or a key set. Without either, every token is
 * refused.
 */
export interface AuthConfig {
  /** At least 32 bytes. @default the environment's `JWT_SECRET` */
  readonly secret?: string | undefined;
  /** Address of a JSON Web Key Set. @default the environment's `JWKS_URL` */
  readonly jwks?: string | undefined;
  readonly issuer?: string | undefined;
  readonly audience?: string | undefined;
  /** Tolerated difference to the issuer's clock, in seconds. @default 0 */
  readonly clockToleranceSeconds?: number | undefined;
}

export interface DatabaseConfig {
  /** @default the environment's `DATABASE_URL` */
  readonly url?: string | undefined;
  /** Connections of the pool. @default 10 */
  readonly maxConnections?: number | undefined;
  /** drizzle-kit's folder, relative to the configuration file. @default './drizzle' */
  readonly migrations?: string | undefined;
}

export interface PagesConfig {
  /**
   * A built page: `index.html` is served at `/`, every other file at its path. Relative to the
   * working directory unless it is absolute or a URL (`new URL('./board/dist/', import.meta.url)`).
   * Read once, when the server starts.
   */
  readonly folder: string | URL;
}

export interface ServerConfig {
  /** @default the environment's `PORT`, or 4000 */
  readonly port?: number | undefined;
  /** @default the environment's `HOST`, or 127.0.0.1 */
  readonly host?: string | undefined;
  /**
   * Origins from which pages may use the API besides its own: `https://app.example.com`. A request,
   * or an upgrade, with another `Origin` is refused.
   * @default []
   */
  readonly origins?: readonly string[] | undefined;
  /**
   * Number of proxies before the server, each of which appends to `X-Forwarded-For`. Limits then
   * count by the client's address and not by the proxy's. With 0 the header is ignored.
   * @default 0
   */
  readonly trustedProxies?: number | undefined;
  /**
   * Serves figures in Prometheus's text format at `/metrics`, on a port of their own, to whoever
   * reaches it: they tell how much is written and read. @default none
   */
  readonly metrics?: MetricsConfig | undefined;
}

export interface MetricsConfig {
  /** 0: any that is free. The environment's `METRICS_PORT` goes before it. */
  readonly port: number;
  /** @default the environment's `METRICS_HOST`, or 127.0.0.1 */
  readonly host?: string | undefined;
}

/**
 * Rows past any of these limits are trimmed from the old end of the change log, except for rows
 * that a running server still has to read. A client with an older cursor receives a reset
 * (`TOO_OLD`) and must fetch again.
 */
export interface RetentionConfig {
  /** By the database's clock. @default 72 */
  readonly maxAgeHours?: number | undefined;
  /** Changed rows. @default 10000000 */
  readonly maxRows?: number | undefined;
  /** Bytes of the images as they are stored, and 100 for each row. @default 4294967296 */
  readonly maxBytes?: number | undefined;
  /** Seconds between two trimmings of a server; at most 1,000,000. @default 30 */
  readonly everySeconds?: number | undefined;
}

/** Documents that are known by their hashes. */
export interface TrustedDocumentsConfig {
  /**
   * `'manifest'`: the hash of a listed document is enough; others are executed too. `'only'`: a
   * document that is not listed is refused with `DOCUMENT_NOT_TRUSTED`, however it comes. Spaces,
   * the order of fields, and the `__typename` that clients add make no difference. Limits apply to
   * listed documents as to others.
   */
  readonly mode: 'manifest' | 'only';
  /**
   * One or several files of JSON, relative to the working directory, or what they contain:
   * documents by their hashes. The `persisted-documents.json` of the client preset is one, too.
   * @default 'trusted-documents.json'
   */
  readonly documents?: TrustedDocumentsSource | readonly TrustedDocumentsSource[] | undefined;
}

export type TrustedDocumentsSource = string | URL | Readonly<Record<string, string>>;

/**
 * Limits of one operation: of its document, checked before validation, and of the rows it asks for
 * (`GraphQLLimits`).
 */
export interface OperationLimits extends GraphQLLimits {
  /** Characters of a document. @default 65536 */
  readonly documentCharacters: number;
  /** Tokens of a document. @default 1000 */
  readonly tokens: number;
  /** Fields nested in one another. @default 12 */
  readonly depth: number;
  /** Aliases of an operation, those of its fragments counted at each use. @default 30 */
  readonly aliases: number;
  /** Fields of a document's operations, those of fragments counted at each use. @default 500 */
  readonly fields: number;
  /** Root fields of an operation, repeated ones and those of fragments included. @default 30 */
  readonly rootFields: number;
  /** Fragments that a document defines. @default 50 */
  readonly fragments: number;
  /**
   * Fragment spreads and inline fragments of a document's operations, those of fragments counted at
   * each use. @default 250
   */
  readonly spreads: number;
  /** Directives of a document. @default 50 */
  readonly directives: number;
  /** Variables of an operation. @default 100 */
  readonly variables: number;
  /**
   * Lists and objects nested in one another in the variables or extensions of an operation, or in a
   * payload over a WebSocket. @default 100
   */
  readonly variableDepth: number;
  /** Errors of an answer; what is past it is left out, and said to be. @default 20 */
  readonly errors: number;
}

/**
 * The limits of an operation for one context, called once an operation, over every transport,
 * before the document is parsed. The context is the one that policies get; for nobody in particular
 * it is what `context` returns without claims. One that throws, or returns anything but limits of
 * operations, refuses the operation with `LIMITS_FAILED`.
 */
export type LimitsByContext<TContext = unknown> = (context: TContext) => Partial<OperationLimits>;

export interface LimitsConfig<TContext = unknown> extends Partial<ServerLimits> {
  readonly byContext?: LimitsByContext<TContext> | undefined;
}

/** The limits of one client: of one operation, and of the transports. */
export interface ServerLimits extends OperationLimits {
  /**
   * Bytes that this server keeps of parsed and validated documents, by estimate. The least recently
   * used go first. @default 8388608
   */
  readonly documentCacheBytes: number;
  /**
   * Bytes of the documents that clients have registered by their hashes (automatic persisted
   * queries). @default 4194304
   */
  readonly persistedDocumentBytes: number;
  /** Bytes of an HTTP request's body. @default 1048576 */
  readonly bodyBytes: number;
  /** Bytes of one WebSocket message in. @default 65536 */
  readonly messageBytes: number;
  /** Operations open at a time on one WebSocket, or on one reserved event stream. @default 100 */
  readonly subscriptionsPerSocket: number;
  /** Subscriptions of one user, over all connections to this server. @default 1000 */
  readonly subscriptionsPerUser: number;
  /** WebSockets and event streams of one user. @default 200 */
  readonly connectionsPerUser: number;
  /**
   * WebSockets and event streams of one address; this very machine's are not counted. @default 1000
   */
  readonly connectionsPerAddress: number;
  /**
   * WebSockets that have not sent `connection_init`, and reserved event streams without a reader.
   * @default 5000
   */
  readonly pendingConnections: number;
  /** The same, for one address. @default 100 */
  readonly pendingConnectionsPerAddress: number;
  /** Seconds until a reserved event stream without a reader is dropped. @default 15 */
  readonly reservationSeconds: number;
  /** GraphQL operations in a minute, over every transport. @default 12000 */
  readonly operationsPerMinutePerUser: number;
  /** @default 60000 */
  readonly operationsPerMinutePerAddress: number;
  /** Seconds that a client has to send a whole HTTP request. @default 30 */
  readonly requestSeconds: number;
  /** Seconds that it has for the headers. @default 10 */
  readonly headersSeconds: number;
  /**
   * Seconds that one statement of a query or mutation may take; then Postgres cancels it
   * (`QUERY_TIMEOUT`). @default 30
   */
  readonly statementSeconds: number;
  /**
   * Percent of the pool (`database.maxConnections`) that one user, or one address of those without
   * a token, may have at a time; one connection at least. What they ask for past it waits, in turn
   * with what others ask. 100: no limit. @default 50
   */
  readonly poolPercentPerUser: number;
  /** Seconds that `context` has to answer. @default 10 */
  readonly contextSeconds: number;
  /** Keys that one scope may keep. @default 100000 */
  readonly maxScopeKeys: number;
  /**
   * Rows of one transaction that are delivered. A larger transaction resets the subscribers of its
   * tables. @default 200000
   */
  readonly maxTransactionRows: number;
  /**
   * Changes that may wait for one subscriber before they are merged, and then replaced by a reset.
   * @default 1000
   */
  readonly maxQueuedChanges: number;
  /**
   * Bytes that may wait, the same, for one WebSocket over all its subscriptions, or for one event
   * stream. @default 1048576
   */
  readonly maxQueuedBytes: number;
  /**
   * Recent changes kept in memory, so that a client that reconnects soon costs no read of the log.
   * @default 5000
   */
  readonly maxRecentChanges: number;
  /**
   * A peer that takes nothing of what waits for so many seconds is closed with 1013. @default 20
   */
  readonly stalledSeconds: number;
}

export interface DevelopmentConfig {
  /** Called after the migrations at every start; must do nothing where it did its work already. */
  readonly seed?: ((database: PostgresJsDatabase) => Promise<void>) | undefined;
  /**
   * People to print a token for. The first one's is handed to GraphiQL; all of them to this
   * server's own pages on loopback (`GET /development/people`).
   */
  readonly users?: readonly { readonly id: string; readonly name: string }[];
  /** The document in GraphiQL's open tab. */
  readonly document?: string | undefined;
  /** One SQL statement that makes the subscription in `document` move. */
  readonly nudge?: string | undefined;
}

/**
 * The configuration of a Rivulet application, as `rivulet.config.ts` exports it by default:
 *
 * ```ts
 * export default defineConfig({ relations, policies, context: (claims) => ({ userId: claims?.sub }) });
 * ```
 */
export function defineConfig<TContext, TRelations extends SchemaRelations = SchemaRelations>(
  config: RivuletConfig<TContext, TRelations>,
): RivuletConfig<TContext, TRelations> {
  return config;
}
