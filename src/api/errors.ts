import { type ErrorCode, RivuletError } from '../../shared/errors.js';

/** An unknown name, with what there is: this is server code, which may know. */
export function unknownOption(
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

export function invalidOption(
  message: string,
  details: Readonly<Record<string, unknown>> = {},
): RivuletError {
  return new RivuletError('CHANGES_INVALID', message, details);
}
