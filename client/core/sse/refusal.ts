import { codeOf } from '../live/stream-error.js';
import { isObject } from '../row.js';

/** The server said no, and will say so again. `errors` are GraphQL's. */
export class SseRefusal extends Error {
  readonly errors: readonly unknown[];

  constructor(errors: readonly unknown[]) {
    super('the server refused');
    this.errors = errors;
  }
}

/** The connection is gone, or the server cannot say yes now: the same may succeed later. */
export class SseConnectionLost extends Error {}

/** Answers of HTTP after which the same request may succeed later. */
const TEMPORARY_STATUS = new Set([408, 425, 429]);

/**
 * Codes with which a connection has to be made anew: with another token, or since the server does
 * not know it.
 */
const TEMPORARY_CODES = new Set<string | undefined>([
  'TOKEN_EXPIRED',
  'SESSION_EXPIRED',
  'SESSION_CHANGED',
  'STREAM_NOT_FOUND',
]);

/** Throws `Refusal` or `Broken` for an answer that is not of the expected status. */
export async function expectStatus(response: Response, status: number): Promise<void> {
  if (response.status === status) return;
  const errors = await errorsOf(response);
  const isTemporary =
    response.status >= 500 || response.status < 400 || TEMPORARY_STATUS.has(response.status);
  const hasTemporaryCode = errors.some((error) => TEMPORARY_CODES.has(codeOf(error)));
  if (isTemporary || hasTemporaryCode) throw new SseConnectionLost(`HTTP ${response.status}`);
  throw new SseRefusal(errors.length > 0 ? errors : [{ message: `HTTP ${response.status}`, extensions: {} }]);
}

async function errorsOf(response: Response): Promise<readonly unknown[]> {
  try {
    const body: unknown = JSON.parse(await response.text());
    return isObject(body) && Array.isArray(body.errors) ? body.errors : [];
  } catch {
    return [];
  }
}
