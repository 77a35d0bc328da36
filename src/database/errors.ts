import { type ErrorCode, RivuletError } from '../../shared/errors.js';

/**
 * SQLSTATEs by name, for code that has to tell them apart. Source: PostgreSQL documentation,
 * Appendix A.
 */
export const SQLSTATE = {
  uniqueViolation: '23505',
  foreignKeyViolation: '23503',
  restrictViolation: '23001',
  notNullViolation: '23502',
  checkViolation: '23514',
  exclusionViolation: '23P01',
  withCheckOptionViolation: '44000',
  stringTooLong: '22001',
  numericOutOfRange: '22003',
  datetimeOverflow: '22008',
  intervalOverflow: '22015',
  invalidDatetimeFormat: '22007',
  invalidTextRepresentation: '22P02',
  invalidBinaryRepresentation: '22P03',
  untranslatableCharacter: '22P05',
  characterNotInRepertoire: '22021',
  invalidJson: '22032',
  serializationFailure: '40001',
  deadlockDetected: '40P01',
  lockNotAvailable: '55P03',
  queryCanceled: '57014',
  idleTransactionTimeout: '25P03',
  readOnlyTransaction: '25006',
  insufficientPrivilege: '42501',
  undefinedTable: '42P01',
  undefinedColumn: '42703',
  undefinedFunction: '42883',
  undefinedSchema: '3F000',
  invalidPassword: '28P01',
  invalidAuthorization: '28000',
  noSuchDatabase: '3D000',
  cannotConnectNow: '57P03',
} as const;

interface Meaning {
  readonly code: ErrorCode;
  readonly message: string;
}

const MEANINGS: Readonly<Record<string, Meaning>> = {
  [SQLSTATE.uniqueViolation]: { code: 'CONSTRAINT_UNIQUE', message: 'A value is not available' },
  [SQLSTATE.foreignKeyViolation]: {
    code: 'CONSTRAINT_FOREIGN_KEY',
    message: 'The row refers to a row that is not available, or other rows refer to it',
  },
  [SQLSTATE.restrictViolation]: { code: 'CONSTRAINT_FOREIGN_KEY', message: 'Other rows refer to this row' },
  [SQLSTATE.notNullViolation]: { code: 'CONSTRAINT_NOT_NULL', message: 'A value is missing' },
  [SQLSTATE.checkViolation]: { code: 'CONSTRAINT_CHECK', message: 'The row breaks a rule of its table' },
  [SQLSTATE.withCheckOptionViolation]: {
    code: 'CONSTRAINT_CHECK',
    message: 'The row breaks a rule of its view',
  },
  [SQLSTATE.exclusionViolation]: {
    code: 'CONSTRAINT_EXCLUSION',
    message: 'The row conflicts with another row',
  },
  [SQLSTATE.stringTooLong]: { code: 'VALUE_TOO_LONG', message: 'A text is too long for its column' },
  [SQLSTATE.numericOutOfRange]: { code: 'VALUE_OUT_OF_RANGE', message: 'A number is out of range' },
  [SQLSTATE.datetimeOverflow]: { code: 'VALUE_OUT_OF_RANGE', message: 'A date or time is out of range' },
  [SQLSTATE.intervalOverflow]: { code: 'VALUE_OUT_OF_RANGE', message: 'An interval is out of range' },
  [SQLSTATE.invalidDatetimeFormat]: { code: 'VALUE_UNREADABLE', message: 'A date or time cannot be read' },
  [SQLSTATE.invalidTextRepresentation]: { code: 'VALUE_UNREADABLE', message: 'A value cannot be read' },
  [SQLSTATE.invalidBinaryRepresentation]: { code: 'VALUE_UNREADABLE', message: 'A value cannot be read' },
  [SQLSTATE.untranslatableCharacter]: {
    code: 'VALUE_UNREADABLE',
    message: 'A text has a character that cannot be stored',
  },
  [SQLSTATE.characterNotInRepertoire]: {
    code: 'VALUE_UNREADABLE',
    message: 'A text has a character that cannot be stored',
  },
  [SQLSTATE.invalidJson]: { code: 'VALUE_UNREADABLE', message: 'A JSON value cannot be read' },
  [SQLSTATE.serializationFailure]: { code: 'CONFLICT_RETRY', message: 'Another transaction got in the way' },
  [SQLSTATE.deadlockDetected]: { code: 'CONFLICT_RETRY', message: 'Two transactions waited for each other' },
  [SQLSTATE.lockNotAvailable]: { code: 'DATABASE_TIMEOUT', message: 'A lock was not free in time' },
  [SQLSTATE.queryCanceled]: { code: 'DATABASE_TIMEOUT', message: 'The statement took too long' },
  [SQLSTATE.idleTransactionTimeout]: {
    code: 'DATABASE_TIMEOUT',
    message: 'The transaction was idle for too long',
  },
  [SQLSTATE.readOnlyTransaction]: {
    code: 'DATABASE_READ_ONLY',
    message: 'The database accepts no writes now',
  },
  [SQLSTATE.insufficientPrivilege]: {
    code: 'DATABASE_PERMISSION',
    message: 'The database user of this server lacks a privilege',
  },
  [SQLSTATE.invalidPassword]: { code: 'DATABASE_REFUSED', message: 'The database refused the login' },
  [SQLSTATE.invalidAuthorization]: { code: 'DATABASE_REFUSED', message: 'The database refused the login' },
  [SQLSTATE.noSuchDatabase]: { code: 'DATABASE_REFUSED', message: 'There is no such database' },
};

const MEANING_OF_CLASS: Readonly<Record<string, Meaning>> = {
  '08': { code: 'DATABASE_UNAVAILABLE', message: 'The connection to the database was lost' },
  '53': { code: 'DATABASE_OVERLOADED', message: 'The database is out of resources' },
  '57': {
    code: 'DATABASE_UNAVAILABLE',
    message: 'The database is starting, stopping or ended the connection',
  },
};

/**
 * Codes of the driver and of the operating system that mean the server was not reached, or was
 * lost.
 */
const CONNECTION_CODE =
  /^(CONNECTION_(CLOSED|ENDED|DESTROYED)|CONNECT_TIMEOUT|E(CONN(REFUSED|RESET|ABORTED)|PIPE|TIMEDOUT|HOSTUNREACH|NETUNREACH|NOTFOUND|AI_AGAIN|NOENT|MFILE|NFILE|NOBUFS|ADDRNOTAVAIL))$/;

/**
 * The coded error of a database error for users of the server's own code; `undefined` if it has
 * none. Details name constraint, table and column as far as Postgres does, and never SQL, values or
 * parameters. For clients there is `shownError`.
 */
export function codedError(error: unknown): RivuletError | undefined {
  return readError(error, withPlace);
}

/**
 * The same for a client, which may not know of every table, column and constraint: their names,
 * which triggers choose as they like, are left out. `undefined`: to be masked.
 */
export function shownError(error: unknown): RivuletError | undefined {
  return readError(
    error,
    ({ code, message }, sqlState) => new RivuletError(code, `${message}.`, { sqlState }, error),
  );
}

function readError(
  error: unknown,
  make: (meaning: Meaning, sqlState: string, error: DriverError) => RivuletError,
): RivuletError | undefined {
  if (error instanceof RivuletError) return error;
  const state = codeOf(error);
  if (state === undefined) return undefined;
  const meaning = MEANINGS[state] ?? MEANING_OF_CLASS[state.length === 5 ? state.slice(0, 2) : ''];
  if (meaning) return make(meaning, state, error as DriverError);
  if (!CONNECTION_CODE.test(state)) return undefined;
  return new RivuletError('DATABASE_UNAVAILABLE', 'The database cannot be reached.', {}, error);
}

/** SQLSTATE, driver's or system's code of an error; `undefined`: none. */
export function codeOf(error: unknown): string | undefined {
  if (error instanceof AggregateError && error.errors.length > 0) return codeOf(error.errors[0]);
  const code = (error as { code?: unknown } | null | undefined)?.code;
  return typeof code === 'string' ? code : undefined;
}

interface DriverError {
  readonly constraint_name?: string;
  readonly table_name?: string;
  readonly column_name?: string;
}

function withPlace({ code, message }: Meaning, sqlState: string, error: DriverError): RivuletError {
  const details = {
    sqlState,
    ...(error.constraint_name !== undefined && { constraint: error.constraint_name }),
    ...(error.table_name !== undefined && { table: error.table_name }),
    ...(error.column_name !== undefined && { column: error.column_name }),
  };
  const rule = error.constraint_name ?? error.column_name;
  return new RivuletError(code, rule === undefined ? `${message}.` : `${message} (${rule}).`, details, error);
}
