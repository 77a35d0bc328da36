import type { ExecutionResult, GraphQLError } from 'graphql';
import type { UserSession } from './session.js';

type Results = AsyncIterable<ExecutionResult> | ExecutionResult;

export interface RenewedResultsOptions {
  readonly session: UserSession;
  /** The session's rights that the first results were begun with. */
  readonly rights: number;
  /** Subscribes by the rights of now. */
  readonly again: () => Promise<Results>;
  /** The error that a client sees of what ended the session. */
  readonly mask: (error: unknown) => GraphQLError;
  /** Called once, when the results have ended, whoever ended them. */
  readonly onEnd?: () => void;
}

/**
 * A subscription's results for as long as its session goes on. They begin anew with `again` each time that the session's rights may have
 * changed; while the session is suspended nothing is yielded, and what was evaluated by old rights is dropped. If `again` is refused, or the
 * session is closed, the errors are the last result.
 */
export function renewing(
  first: AsyncIterable<ExecutionResult>,
  { session, rights, again, mask, onEnd }: RenewedResultsOptions,
): AsyncIterableIterator<ExecutionResult> {
  let source: AsyncIterator<ExecutionResult> | null = first[Symbol.asyncIterator]();
  let isOutdated = session.rights !== rights;
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
    if (!isEnded) {
      isEnded = true;
      stopListening();
      onEnd?.();
    }
    await leave();
    return { value: undefined, done: true };
  };
  const last = async (value: ExecutionResult): Promise<IteratorResult<ExecutionResult>> => {
    await end();
    return { value, done: false };
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
        if (session.isSuspended) await session.settled();
        if (session.end !== null) {
          const { error } = session.end;
          return error === null ? end() : last({ errors: [mask(error)] });
        }
        if (isOutdated) {
          const refusal = await renew();
          if (refusal === null) continue;
          if (isOutdated && session.end === null) continue;
          return last(refusal);
        }
        if (source === null) break;
        const result = await source.next();
        // Whatever it is by, it waits; and what is by old rights is not yielded.
        if (session.isSuspended) await session.settled();
        if (isOutdated || session.end !== null) continue;
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
