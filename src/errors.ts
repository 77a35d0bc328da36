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
    cause: 'The name cannot be a GraphQL name (letters, digits and underscores, not starting with a digit or `__`).',
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
} as const satisfies Record<string, ErrorEntry>;

export type ErrorCode = keyof typeof ERRORS;

/** An error whose message may be shown to the user as it is. Everything else is masked at the edge. */
export class RivuletError extends Error {
  override readonly name = 'RivuletError';
  readonly code: ErrorCode;
  /** Where and what, as plain data; becomes `extensions` in GraphQL. */
  readonly details: Readonly<Record<string, unknown>>;

  constructor(code: ErrorCode, message: string, details: Readonly<Record<string, unknown>> = {}, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause });
    this.code = code;
    this.details = details;
  }

  get entry(): ErrorEntry {
    return ERRORS[this.code];
  }
}
