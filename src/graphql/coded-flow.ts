import type { Flow } from '../scope/outbox.js';
import { asGraphQLError } from './errors.js';

/** The same stream; an error of it is thrown to the reader with its code, where it has one. */
export function codedFlow<T>(source: Flow<T>): Flow<T> {
  return {
    next: () => source.next().catch((error) => Promise.reject(asGraphQLError(error))),
    return: async () => {
      await source.return?.();
      return { value: undefined, done: true };
    },
    throw: async (error) => {
      await source.return?.();
      throw error;
    },
    feed: (taker) =>
      source.feed({
        get isReady() {
          return taker.isReady;
        },
        take: (value) => taker.take(value),
        end: () => taker.end(),
        fail: (error) => taker.fail(asGraphQLError(error)),
      }),
    pump: () => source.pump(),
    [Symbol.asyncIterator]() {
      return this;
    },
  };
}
