import { RivuletError } from '../../../shared/errors.js';
import type { RequestInfo, TokenClaims } from '../engine/config.js';
import { isRecord } from '../engine/is-record.js';
import { factsOf, nameOf } from '../engine/session-facts.js';
import { bearerToken, type TokenVerifier } from './token-verifier.js';

/** The user of a request or a socket. */
export interface UserIdentity {
  /** The token's claims; `null` for anonymous users. */
  readonly claims: TokenClaims | null;
  /** The value that the configuration's `context` returned for the claims. */
  readonly user: unknown;
  /** The user's name, as `context` or the token says; `null` for anonymous. */
  readonly subject: string | null;
  /**
   * When the token or the session stops being good, whichever is earlier; `null`: never.
   * Milliseconds since the epoch.
   */
  readonly expiresAtMs: number | null;
  /** The source of the subject. */
  readonly expires: 'token' | 'session';
}

/**
 * Rejects with its own error where `context` throws, and with a coded one where it does not answer,
 * or answers what is not valid or over.
 */
export interface IdentityResolver {
  /** Rejects also where a token came and is not good. */
  byToken(token: string | null, request: RequestInfo): Promise<UserIdentity>;
  /**
   * Evaluates `context` again for a user that was identified before. The token is not verified
   * again.
   */
  again(known: UserIdentity, request: RequestInfo): Promise<UserIdentity>;
}

export function createIdentityResolver(
  verify: TokenVerifier,
  context: ((claims: TokenClaims | null, request: RequestInfo) => unknown) | undefined,
  clockToleranceSeconds = 0,
  contextSeconds = 10,
): IdentityResolver {
  const identityOf = async (claims: TokenClaims | null, tokenMs: number | null, request: RequestInfo) => {
    const user = context === undefined ? claims : await within(contextSeconds, context(claims, request));
    const { subject, expiresAtMs } = context === undefined ? NOTHING_MORE : factsOf(user);
    const isOfSession = expiresAtMs !== null && (tokenMs === null || expiresAtMs < tokenMs);
    if (isOfSession && expiresAtMs <= Date.now()) throw sessionExpired();
    return {
      claims,
      user,
      subject: subject ?? claims?.sub ?? null,
      expiresAtMs: isOfSession ? expiresAtMs : tokenMs,
      expires: isOfSession ? 'session' : 'token',
    } as const;
  };
  const tokenMsOf = (claims: TokenClaims | null): number | null =>
    claims?.exp === undefined ? null : (claims.exp + clockToleranceSeconds) * 1_000;
  return {
    byToken: async (token, request) => {
      const claims = token === null ? null : await verify(token);
      // An empty `sub` is anonymous and has no claims, so that a context cannot take it for an id.
      // The token expires nevertheless.
      const named = claims !== null && nameOf(claims.sub ?? '') !== null ? claims : null;
      return identityOf(named, tokenMsOf(claims), request);
    },
    again: ({ claims, expires, expiresAtMs }, request) =>
      identityOf(claims, tokenMsOf(claims) ?? (expires === 'token' ? expiresAtMs : null), request),
  };
}

const NOTHING_MORE = { subject: null, expiresAtMs: null };

export function sessionExpired(): RivuletError {
  return new RivuletError('SESSION_EXPIRED', 'the session has expired');
}

async function within(seconds: number, answer: unknown): Promise<unknown> {
  // Also a query builder, or a promise of another realm.
  if (!isThenable(answer)) return answer;
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => {
      reject(new RivuletError('CONTEXT_TIMED_OUT', `the context was not known within ${seconds} seconds`));
    }, seconds * 1_000);
  });
  return Promise.race([answer, late]).finally(() => clearTimeout(timer));
}

function isThenable(answer: unknown): answer is PromiseLike<unknown> {
  return isRecord(answer) && typeof answer.then === 'function';
}

/**
 * The token of a `connection_init` or `ping` payload: `{ authorization: 'Bearer …' }` in any case,
 * the same under `headers`, or `{ token: '…' }`. `null` where there is none; throws `TOKEN_INVALID`
 * on another scheme.
 */
export function tokenOfPayload(payload: unknown): string | null {
  return tokenIn(payload) ?? (isRecord(payload) ? tokenIn(payload.headers) : null);
}

function tokenIn(payload: unknown): string | null {
  if (!isRecord(payload)) return null;
  for (const [key, value] of Object.entries(payload)) {
    if (typeof value === 'string' && key.toLowerCase() === 'authorization') return bearerToken(value);
    if (typeof value === 'string' && key === 'token' && value !== '') return value;
  }
  return null;
}
