import { GraphQLError } from 'graphql';
import type { RivuletError } from '../../../shared/errors.js';
import type { Model } from '../../../shared/model/types.js';
import { shownError } from '../../database/errors.js';
import type { Database } from '../../database/types.js';
import { errorEntry } from '../../error-texts.js';
import { FilterTrials } from '../../query/filter-trials.js';

/**
 * A coded error as clients receive it: `extensions` has the code, the details and the next step.
 */
export function toGraphQLError(error: RivuletError): GraphQLError {
  const { http, retryable, next } = errorEntry(error);
  return new GraphQLError(error.message, {
    originalError: error,
    extensions: {
      ...error.details,
      code: error.code,
      next,
      ...(http === undefined ? {} : { status: http }),
      ...(retryable ? { retryable } : {}),
    },
  });
}

/**
 * Runs `work`. A failure that a user may see becomes a coded GraphQL error; any other error is
 * thrown as it is.
 */
export async function withCodedErrors<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw asGraphQLError(error);
  }
}

/**
 * The same for work in which PostgreSQL may refuse the client's arguments that `trials` collects.
 * That error becomes the field's.
 */
export function withTrialErrors<T>(
  { database }: { readonly database: Database },
  model: Model,
  work: (trials: FilterTrials) => Promise<T>,
): Promise<T> {
  const trials = new FilterTrials();
  return withCodedErrors(async () => {
    try {
      return await work(trials);
    } catch (error) {
      throw await trials.explain(database, model, error);
    }
  });
}

export function asGraphQLError(error: unknown): unknown {
  if (error instanceof GraphQLError) return error;
  const known = shownError(error);
  return known ? toGraphQLError(known) : error;
}
