/**
 * The same stream with every value mapped, once `ready` has resolved; where that rejects, the
 * stream does. An error in `map` ends the source. `return()` ends it even while a `next()` waits.
 */
export function mapStream<T, U>(
  source: AsyncIterableIterator<T>,
  map: (value: T) => U,
  ready: Promise<void> | null = null,
): AsyncIterableIterator<U> {
  const refused = ready?.then(
    () => null,
    async (error: unknown) => {
      await source.return?.();
      return { error };
    },
  );
  let isChecked = refused === undefined;
  return {
    async next() {
      if (!isChecked) {
        const refusal = await refused;
        isChecked = true;
        if (refusal) throw refusal.error;
      }
      const result = await source.next();
      if (result.done) return { value: undefined, done: true };
      try {
        return { value: map(result.value), done: false };
      } catch (error) {
        await source.return?.();
        throw error;
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
