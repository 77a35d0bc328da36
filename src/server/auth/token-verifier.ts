import { createRemoteJWKSet, errors, jwtVerify, SignJWT } from 'jose';
import { RivuletError } from '../../../shared/errors.js';
import type { AuthConfig, TokenClaims } from '../engine/config.js';
import type { ServerLogger } from '../engine/logger.js';

/** Longest token that is verified, in characters. */
const MAX_TOKEN_LENGTH = 8_192;

const MIN_SECRET_BYTES = 32;

/**
 * Tells whose a token is. Resolves to its claims; rejects with `TOKEN_EXPIRED`, `TOKEN_INVALID`,
 * or, where the key set cannot be fetched, `AUTH_UNAVAILABLE`. A token without `sub` or `exp`, or
 * whose `sub` is no text, is invalid.
 */
export type TokenVerifier = (token: string) => Promise<TokenClaims>;

/**
 * A verifier for the configured secret or key set; without either it refuses every token. Throws
 * `AUTH_SECRET_WEAK`.
 */
export function createTokenVerifier(auth: AuthConfig): TokenVerifier {
  if (auth.jwks === undefined && auth.secret === undefined) {
    return () => Promise.reject(new RivuletError('TOKEN_INVALID', 'this server accepts no tokens'));
  }
  const options = {
    ...(auth.issuer !== undefined && { issuer: auth.issuer }),
    ...(auth.audience !== undefined && { audience: auth.audience }),
    clockTolerance: auth.clockToleranceSeconds ?? 0,
    requiredClaims: ['sub', 'exp'],
  };
  if (auth.jwks !== undefined) {
    const keys = createRemoteJWKSet(new URL(auth.jwks), { timeoutDuration: 5_000 });
    // A key set is public: HS256 with one of its keys as the secret must never pass.
    const algorithms = [
      'RS256',
      'RS384',
      'RS512',
      'PS256',
      'PS384',
      'PS512',
      'ES256',
      'ES384',
      'ES512',
      'EdDSA',
    ];
    return (token) => verified(token, () => jwtVerify(token, keys, { ...options, algorithms }));
  }
  const key = secretKey(auth.secret);
  return (token) => verified(token, () => jwtVerify(token, key, { ...options, algorithms: ['HS256'] }));
}

/** A token for `userId`, signed with the secret (HS256), good for `expiresInSeconds`. */
export function signToken(secret: string, userId: string, expiresInSeconds: number): Promise<string> {
  const now = Math.floor(Date.now() / 1000);
  return new SignJWT()
    .setProtectedHeader({ alg: 'HS256' })
    .setSubject(userId)
    .setIssuedAt(now)
    .setExpirationTime(now + expiresInSeconds)
    .sign(secretKey(secret));
}

/**
 * The token of `Bearer <token>`; `null` where there is nothing; throws `TOKEN_INVALID` on another
 * scheme.
 */
export function bearerToken(header: string | null | undefined): string | null {
  if (header === null || header === undefined || header === '') return null;
  const match = /^Bearer +(\S+)$/i.exec(header.trim());
  if (!match)
    throw new RivuletError('TOKEN_INVALID', 'the Authorization header is not of the form "Bearer <token>"');
  return match[1]!;
}

function secretKey(secret: string | undefined): Uint8Array {
  if (secret === undefined || secret === '') {
    throw new RivuletError('AUTH_NOT_CONFIGURED', 'neither JWT_SECRET nor JWKS_URL is set');
  }
  const key = new TextEncoder().encode(secret);
  if (key.length < MIN_SECRET_BYTES) {
    throw new RivuletError('AUTH_SECRET_WEAK', `JWT_SECRET has ${key.length} bytes`);
  }
  return key;
}

async function verified(
  token: string,
  verify: () => Promise<{ payload: TokenClaims }>,
): Promise<TokenClaims> {
  if (token.length > MAX_TOKEN_LENGTH) throw new RivuletError('TOKEN_INVALID', 'the token is too long');
  try {
    const { payload } = await verify();
    if (typeof payload.sub === 'string') return payload;
  } catch (error) {
    if (error instanceof errors.JWTExpired) throw new RivuletError('TOKEN_EXPIRED', 'the token has expired');
    const tokenIsAtFault =
      error instanceof errors.JOSEError &&
      !(error instanceof errors.JWKSTimeout) &&
      error.code !== 'ERR_JOSE_GENERIC';
    if (tokenIsAtFault) throw new RivuletError('TOKEN_INVALID', 'the token cannot be verified', {}, error);
    throw new RivuletError('AUTH_UNAVAILABLE', 'the key set cannot be fetched', {}, error);
  }
  throw new RivuletError('TOKEN_INVALID', 'the `sub` of the token is not a text');
}

/**
 * Warns of a key set without issuer and audience: its keys also sign tokens of other applications,
 * which would be accepted.
 */
export function warnAboutLooseKeySet({ jwks, issuer, audience }: AuthConfig, logger: ServerLogger): void {
  if (jwks === undefined || (issuer !== undefined && audience !== undefined)) return;
  const missing = [
    ...(issuer === undefined ? ['auth.issuer'] : []),
    ...(audience === undefined ? ['auth.audience'] : []),
  ];
  logger.warn(
    { missing },
    `tokens of the key set are accepted whoever they were issued by and for: set ${missing.map((name) => `\`${name}\``).join(' and ')}`,
  );
}
