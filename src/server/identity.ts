import { RivuletError } from '../errors.js';
import { bearerToken, type Verifier } from './auth.js';
import type { Claims, RequestInfo } from './config.js';
import { isRecord } from './is-record.js';

/** Who sent a request, or holds a socket. */
export interface Identity {
  /** What the configuration's `context` made of the claims. */
  readonly user: unknown;
  /** `sub` of the token; `null` for anonymous. */
  readonly subject: string | null;
  /** What rights follow from: `user`, without what every new token says anew. Equal ones may do the same. */
  readonly standing: unknown;
  /** When the token stops being good; `null` for anonymous. Milliseconds since the epoch. */
  readonly expiresAtMs: number | null;
}

/**
 * Rejects with a coded error where a token came and is not good, with its own error where `context` throws, and with
 * `CONTEXT_TIMED_OUT` where it does not answer.
 */
export type Identify = (token: string | null, request: RequestInfo) => Promise<Identity>;

export function createIdentify(
  verify: Verifier,
  context: ((claims: Claims | null, request: RequestInfo) => unknown) | undefined,
  clockToleranceSeconds = 0,
  contextSeconds = 10,
): Identify {
  return async (token, request) => {
    const claims = token === null ? null : await verify(token);
    const user = context === undefined ? claims : await within(contextSeconds, context(claims, request));
    const expiresAtMs = claims?.exp === undefined ? null : (claims.exp + clockToleranceSeconds) * 1000;
    const standing = context === undefined && claims !== null ? withoutTimes(claims) : user;
    return { user, subject: claims?.sub ?? null, standing, expiresAtMs };
  };
}

async function within(seconds: number, answer: unknown): Promise<unknown> {
  if (!(answer instanceof Promise)) return answer;
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => {
      reject(new RivuletError('CONTEXT_TIMED_OUT', `the context was not known within ${seconds} seconds`));
    }, seconds * 1_000);
  });
  return Promise.race([answer, late]).finally(() => clearTimeout(timer));
}

function withoutTimes({ iat, exp, nbf, jti, auth_time, ...lasting }: Claims): Claims {
  return lasting;
}

/**
 * The token of a `connection_init` or `ping` payload: `{ authorization: 'Bearer …' }` in any case, the same under
 * `headers`, or `{ token: '…' }`. `null` where there is none; throws `TOKEN_INVALID` on another scheme.
 */
export function tokenOfPayload(payload: unknown): string | null {
  if (!isRecord(payload)) return null;
  for (const [key, value] of Object.entries(payload)) {
    if (typeof value === 'string' && key.toLowerCase() === 'authorization') return bearerToken(value);
    if (typeof value === 'string' && key === 'token' && value !== '') return value;
  }
  return isRecord(payload.headers) ? tokenOfPayload(payload.headers) : null;
}
