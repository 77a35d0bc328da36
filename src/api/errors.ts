import { type ErrorCode, RivuletError } from '../errors.js';

/** An unknown name, with what there is: this is server code, which may know. */
export function unknown(
  code: ErrorCode,
  what: string,
  known: readonly string[],
  details: Readonly<Record<string, unknown>>,
): RivuletError {
  return new RivuletError(
    code,
    `${what}. There ${known.length > 0 ? `is ${known.join(', ')}` : 'is none'}.`,
    {
      ...details,
      known,
    },
  );
}

export function invalid(message: string, details: Readonly<Record<string, unknown>> = {}): RivuletError {
  return new RivuletError('CHANGES_INVALID', message, details);
}
