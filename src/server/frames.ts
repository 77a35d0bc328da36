import type { ExecutionResult } from 'graphql';
import type { SharedResult } from '../graphql/shared-subscribe.js';

/** Where a subscription's frames go. */
export interface FrameSink {
  /** Resolves when the sink can take more. */
  write(frame: string): Promise<void> | undefined;
}

/**
 * Hands a subscription's results to a socket as finished `next` frames: a result's text is made once, however many sockets it goes to,
 * and only the operation's id differs. What it returns ends when the results do, so that the protocol's library still says `complete`,
 * or `error`; it yields only results that have errors, which that library formats.
 */
export function directFrames(
  results: AsyncIterable<ExecutionResult>,
  operationId: string,
  sink: FrameSink,
): AsyncIterableIterator<ExecutionResult> {
  const source = results[Symbol.asyncIterator]();
  const head = `{"id":${JSON.stringify(operationId)},"type":"next","payload":`;
  return {
    async next() {
      for (;;) {
        const result = await source.next();
        if (result.done) return { value: undefined, done: true };
        const { stringify } = result.value as SharedResult;
        if (!stringify) return result;
        const full = sink.write(`${head}${stringify()}}`);
        if (full) await full;
      }
    },
    async return() {
      await source.return?.();
      return { value: undefined, done: true };
    },
    [Symbol.asyncIterator]() {
      return this;
    },
  };
}
