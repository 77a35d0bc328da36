/** Longest delay that Node's timers take; a longer one would fire at once. */
const MAX_TIMEOUT_MS = 2 ** 31 - 1;

/** Calls `then` at `atMs` (milliseconds since the epoch), however far away. Returns the function that calls it off. */
export function at(atMs: number, then: () => void): () => void {
  let timer: NodeJS.Timeout;
  const arm = (): void => {
    const leftMs = atMs - Date.now();
    timer = leftMs > MAX_TIMEOUT_MS ? setTimeout(arm, MAX_TIMEOUT_MS) : setTimeout(then, Math.max(0, leftMs));
    timer.unref();
  };
  arm();
  return () => clearTimeout(timer);
}

/**
 * `source` until `atMs`, then one `last()`, then the end. What `source` yields after that moment is not delivered;
 * `source` is returned whichever way the consumer leaves.
 */
export function until<T>(
  source: AsyncIterable<T>,
  atMs: number,
  last: () => T,
): AsyncIterableIterator<T, void> {
  const iterator = source[Symbol.asyncIterator]();
  let state: 'open' | 'expired' | 'done' = 'open';
  let isExpired = false;
  let interrupt = (): void => {};
  const callOff = at(atMs, () => {
    isExpired = true;
    interrupt();
  });
  // Not Promise.race: a promise that lives as long as the token would remember every result that it raced with.
  const nextOrExpired = (): Promise<IteratorResult<T> | 'expired'> =>
    isExpired
      ? Promise.resolve('expired')
      : new Promise((resolve, reject) => {
          interrupt = () => resolve('expired');
          iterator.next().then(resolve, reject);
        });

  const finish = async (): Promise<IteratorResult<T, void>> => {
    state = 'done';
    callOff();
    await iterator.return?.();
    return { done: true, value: undefined };
  };

  return {
    async next() {
      if (state === 'expired') return finish();
      if (state === 'done') return { done: true, value: undefined };
      const result = await nextOrExpired();
      if (result === 'expired') {
        if (state !== 'open') return { done: true, value: undefined };
        state = 'expired';
        return { done: false, value: last() };
      }
      if (result.done === true) return finish();
      return result;
    },
    return: finish,
    async throw(error) {
      await finish();
      throw error;
    },
    [Symbol.asyncIterator]() {
      return this;
    },
  };
}
