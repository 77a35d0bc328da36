import { RivuletError } from '../../../shared/errors.js';

/**
 * Facts that `context` may return beside its value, as properties of the object that it returns:
 * facts of a session that no token states, such as one that a cookie names. Policies see them as
 * well.
 */
export interface SessionFacts {
  /**
   * The user as limits count it, and as `server.disconnect` and `server.rightsChanged` name it.
   * Goes before the token's `sub`. `null`, absent or empty: the token's `sub`, if there is one.
   */
  readonly subject?: string | null;
  /**
   * When the session ends: a date, or seconds since the epoch as in a token's `exp`. Sockets and
   * event streams end then, or when the token expires, whichever is earlier. `null` or absent: only
   * the token says.
   */
  readonly expiresAt?: Date | number | null;
}

/** The facts in the form in which the server uses them. */
export interface KnownFacts {
  readonly subject: string | null;
  /** Milliseconds since the epoch. */
  readonly expiresAtMs: number | null;
}

const NO_FACTS: KnownFacts = { subject: null, expiresAtMs: null };

/** Past it, a number of seconds is one of milliseconds: the year 5138. */
const MAX_EXPIRY_SECONDS = 100_000_000_000;

/**
 * Reads the facts off what `context` returned. Throws `CONTEXT_INVALID` on one of a wrong type,
 * which would otherwise mean no limit and no end.
 */
export function factsOf(value: unknown): KnownFacts {
  if (typeof value !== 'object' || value === null) return NO_FACTS;
  const { subject, expiresAt } = value as Readonly<Record<string, unknown>>;
  if (subject == null && expiresAt == null) return NO_FACTS;
  return { subject: subjectOf(subject), expiresAtMs: expiryOf(expiresAt) };
}

/** Text that names a user; `null` for blank text, which names nobody. */
export function nameOf(subject: string): string | null {
  return subject.trim() === '' ? null : subject;
}

function subjectOf(subject: unknown): string | null {
  if (subject == null) return null;
  if (typeof subject === 'string') return nameOf(subject);
  throw invalid('`subject` must be a text');
}

function expiryOf(expiresAt: unknown): number | null {
  if (expiresAt == null) return null;
  const atMs =
    expiresAt instanceof Date
      ? expiresAt.getTime()
      : typeof expiresAt === 'number' && Math.abs(expiresAt) < MAX_EXPIRY_SECONDS
        ? expiresAt * 1_000
        : Number.NaN;
  if (Number.isFinite(atMs)) return atMs;
  throw invalid('`expiresAt` must be a date, or seconds since the epoch');
}

function invalid(message: string): RivuletError {
  return new RivuletError('CONTEXT_INVALID', `What \`context\` returned is not valid: ${message}`);
}
