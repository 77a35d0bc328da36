import { randomUUID } from 'node:crypto';
import {
  type ExecutionResult,
  type FormattedExecutionResult,
  GraphQLError,
  type GraphQLFormattedError,
} from 'graphql';
import { RivuletError } from '../../../shared/errors.js';
import { shownError } from '../../database/errors.js';
import { errorEntry } from '../../error-texts.js';
import type { ServerLogger } from './logger.js';

/**
 * One of our errors as a client receives it: its message, and `code`, `next`, `retryable` and its
 * details as extensions.
 */
export function clientError(error: RivuletError, place?: GraphQLError): GraphQLError {
  const { next, retryable, http } = errorEntry(error);
  const shown = new GraphQLError(error.message, {
    nodes: place?.nodes ?? null,
    source: place?.source ?? null,
    positions: place?.positions ?? null,
    path: place?.path ?? null,
    extensions: {
      ...error.details,
      code: error.code,
      next,
      ...(retryable === true ? { retryable } : {}),
      // Yoga reads the status from here and takes it off again. An error at a field is part of an
      // answer, which is 200.
      ...(http === undefined || place?.path !== undefined ? {} : { http: httpOf(http, error) }),
    },
  });
  // The nodes of a document without locations lack them.
  return place?.locations ? Object.assign(shown, { locations: place.locations }) : shown;
}

function httpOf(status: number, { details }: RivuletError): object {
  const { retryAfterSeconds } = details as { readonly retryAfterSeconds?: number };
  if (retryAfterSeconds === undefined) return { status };
  return { status, headers: { 'retry-after': String(retryAfterSeconds) } };
}

/**
 * The parts of an error that a client may see. GraphQL's own errors and ours pass; a database error
 * that has a code of ours becomes that; everything else becomes `INTERNAL` with a `logId` under
 * which the log has the rest.
 */
export function maskError(error: unknown, logger: ServerLogger): GraphQLError {
  const place = error instanceof GraphQLError ? error : undefined;
  const original = rootOf(error);
  if (original instanceof RivuletError) {
    const { cause } = original;
    if (cause instanceof Error && !(cause instanceof RivuletError))
      logger.debug({ err: cause }, 'the database refused a statement');
    return clientError(original, place);
  }
  if (original instanceof GraphQLError) return place ?? original;
  const coded = shownError(original);
  if (coded !== undefined) {
    logger.debug({ err: original }, 'the database refused a statement');
    return clientError(coded, place);
  }
  const logId = randomUUID();
  logger.error({ err: original, logId, path: place?.path }, 'an error was kept from the client');
  return clientError(
    new RivuletError('INTERNAL', 'Something went wrong inside the server.', { logId }),
    place,
  );
}

/** An error as it is sent, without what Yoga reads from it and takes off. */
export function onTheWire(error: GraphQLFormattedError | GraphQLError): GraphQLFormattedError {
  const formatted = error instanceof GraphQLError ? error.toJSON() : error;
  if (formatted.extensions === undefined || !('http' in formatted.extensions)) return formatted;
  const { http: _http, ...extensions } = formatted.extensions;
  return { ...formatted, extensions };
}

/** An error as a client gets it, over whichever transport. */
export function formattedError(error: unknown, logger: ServerLogger): GraphQLFormattedError {
  return onTheWire(maskError(error, logger));
}

/** A result as it is sent, whose errors were masked. */
export function resultOnTheWire(result: ExecutionResult): FormattedExecutionResult {
  const { errors, ...rest } = result;
  return errors === undefined ? rest : { ...rest, errors: errors.map(onTheWire) };
}

/** A result as it is sent, with its errors as clients may see them. */
export function maskedResult(result: ExecutionResult, logger: ServerLogger): FormattedExecutionResult {
  const { errors, ...rest } = result;
  if (errors === undefined) return rest;
  return { ...rest, errors: errors.map((error) => formattedError(error, logger)) };
}

function rootOf(error: unknown): unknown {
  let root = error;
  while (root instanceof GraphQLError && root.originalError !== undefined && root.originalError !== root) {
    root = root.originalError;
  }
  return root;
}
