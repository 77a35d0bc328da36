import { asGraphQLError } from './errors.js';

/**
 * The same stream with every value mapped. An error in `map` ends the source; it, and an error of the source, is thrown to the
 * reader, coded where it has a code.
 */
export function mapIterator<T, U>(
  source: AsyncIterableIterator<T>,
  map: (value: T) => U,
): AsyncIterableIterator<U> {
  return {
    async next() {
      try {
        const result = await source.next();
        if (result.done) return { value: undefined, done: true };
        return { value: map(result.value), done: false };
      } catch (error) {
        await source.return?.();
        throw asGraphQLError(error);
      }
    },
    async return() {
      await source.return?.();
      return { value: undefined, done: true };
    },
    async throw(error) {
      await source.return?.();
      throw error;
    },
    [Symbol.asyncIterator]() {
      return this;
    },
  };
}
