import { isObject } from '../row.js';

/** The consequence of a stream's end for the live query. */
export type StreamEnd = 'cut' | 'lost' | 'denied';

/** Codes with which a server says that the same request may succeed later. */
const TEMPORARY = new Set([
  'DATABASE_UNAVAILABLE',
  'DATABASE_CLOSED',
  'DATABASE_TIMEOUT',
  'DATABASE_OVERLOADED',
  'SHUTTING_DOWN',
  'TOO_MANY_CONNECTIONS',
  'TOO_MANY_REQUESTS',
  'TOKEN_EXPIRED',
  'SESSION_EXPIRED',
  'SESSION_CHANGED',
  'AUTH_UNAVAILABLE',
  'CONFLICT_RETRY',
]);

/** Anything but GraphQL errors is a broken connection. */
export function streamEndOf(error: unknown): StreamEnd {
  const errors = Array.isArray(error) ? error : isObject(error) && 'extensions' in error ? [error] : [];
  if (errors.length === 0) return 'cut';
  const codes = errors.map(codeOf);
  if (codes.includes('CURSOR_INVALID')) return 'lost';
  return errors.some(isTemporary) ? 'cut' : 'denied';
}

/** The same request may succeed later. */
export function isTemporary(error: unknown): boolean {
  const code = codeOf(error);
  return code !== undefined && TEMPORARY.has(code);
}

export function codeOf(error: unknown): string | undefined {
  const extensions: unknown = isObject(error) ? error.extensions : undefined;
  const code: unknown = isObject(extensions) ? extensions.code : undefined;
  return typeof code === 'string' ? code : undefined;
}
