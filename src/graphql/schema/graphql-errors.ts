import { GraphQLError } from 'graphql';
import type { RivuletError } from '../../../shared/errors.js';
import type { Model } from '../../../shared/model/types.js';
import { shownError } from '../../database/errors.js';
import type { Database } from '../../database/types.js';
import { errorEntry } from '../../error-texts.js';
import { FilterTrials } from '../../query/filter-trials.js';

/** A coded error as clients get it: `extensions.code`, the details, and what to do next. */
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

/** Runs `work`; what a user may know of its failure becomes a coded GraphQL error, everything else is thrown as it came. */
export async function withCodedErrors<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw asGraphQLError(error);
  }
}

/** The same, where PostgreSQL may refuse what `trials` collects of the client's arguments: its error is then the field's. */
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
