import { asGraphQLError } from './errors.js';

/** The same stream; an error of it is thrown to the reader with its code, where it has one. */
export function codedIterator<T>(source: AsyncIterableIterator<T>): AsyncIterableIterator<T> {
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
    [Symbol.asyncIterator]() {
      return this;
    },
  };
}
