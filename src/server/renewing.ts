import type { ExecutionResult } from 'graphql';
import type { Session } from './session.js';

type Results = AsyncIterable<ExecutionResult> | ExecutionResult;

/**
 * A subscription's results, which begin anew with `again` each time that the session's rights may have changed: nothing that was judged by
 * the rights before is yielded after it. Where `again` is refused, its errors are the last result.
 */
export function renewing(
  first: AsyncIterable<ExecutionResult>,
  session: Session,
  again: () => Promise<Results>,
): AsyncIterableIterator<ExecutionResult> {
  let source: AsyncIterator<ExecutionResult> | null = first[Symbol.asyncIterator]();
  let isOutdated = false;
  let isEnded = false;
  const leave = async (): Promise<void> => {
    const left = source;
    source = null;
    await left?.return?.();
  };
  const stopListening = session.onChange(() => {
    isOutdated = true;
    // A `next` that waits on it is told that it is done.
    void leave().catch(() => {});
  });
  const end = async (): Promise<IteratorResult<ExecutionResult>> => {
    isEnded = true;
    stopListening();
    await leave();
    return { value: undefined, done: true };
  };
  const renew = async (): Promise<ExecutionResult | null> => {
    isOutdated = false;
    await leave();
    const results = await again();
    if (!(Symbol.asyncIterator in results)) return results;
    source = results[Symbol.asyncIterator]();
    if (isEnded || isOutdated) await leave();
    return null;
  };
  return {
    async next() {
      while (!isEnded) {
        if (isOutdated) {
          const refusal = await renew();
          if (refusal === null) continue;
          await end();
          return { value: refusal, done: false };
        }
        if (source === null) break;
        const result = await source.next();
        if (isOutdated) continue;
        return result.done === true ? end() : result;
      }
      return { value: undefined, done: true };
    },
    return: end,
    async throw(error) {
      await end();
      throw error;
    },
    [Symbol.asyncIterator]() {
      return this;
    },
  };
}
