import type { ExecutionResult } from 'graphql';
import type { SharedResult } from '../../../graphql/execute/shared-result.js';
import { maskError, onTheWire } from '../../engine/client-errors.js';
import type { ServerLogger } from '../../engine/logger.js';
import type { StreamableResult } from '../http/streamed-results.js';

/** Where events go. */
export interface EventSink {
  /** Resolves when the sink can take more. */
  write(events: string): Promise<void> | undefined;
}

/** How the events of one operation are written. */
export interface EventWriter {
  next(result: SharedResult): string;
  readonly complete: string;
}

/** Of an operation that has a stream of its own: each event's id is its cursor, so that a browser that comes back says what it had. */
export const ownEvents: EventWriter = {
  next: (result) => {
    const cursor = result.cursor?.();
    return `${cursor === undefined ? '' : `id: ${cursor}\n`}event: next\ndata: ${textOf(result)}\n\n`;
  },
  complete: 'event: complete\ndata:\n\n',
};

/** Of one of the operations of a reserved stream. A stream of many has no one position, so events have no id. */
export function eventsOf(operationId: string): EventWriter {
  const id = JSON.stringify(operationId);
  return {
    next: (result) => `event: next\ndata: {"id":${id},"payload":${textOf(result)}}\n\n`,
    complete: `event: complete\ndata: {"id":${id}}\n\n`,
  };
}

/** Results on their way into a stream. */
export interface EventPump {
  /** Resolves when everything was written, `complete` included, or after `stop`. */
  readonly done: Promise<void>;
  /** Writes nothing any more, and returns the source. */
  stop(): void;
}

/** Writes results as events, as fast as `sink` takes them; an error of the source is the last result. */
export function pump(
  streamed: StreamableResult,
  sink: EventSink,
  writer: EventWriter,
  logger: ServerLogger,
): EventPump {
  if (!(Symbol.asyncIterator in streamed)) {
    // Nothing follows, so nothing has to wait until the sink is ready again.
    void sink.write(writer.next(streamed) + writer.complete);
    return { done: Promise.resolve(), stop: () => {} };
  }
  const source = streamed[Symbol.asyncIterator]();
  let isStopped = false;
  const run = async (): Promise<void> => {
    try {
      while (!isStopped) {
        const { value, done } = await source.next();
        if (isStopped) return;
        if (done) break;
        const full = sink.write(writer.next(value));
        if (full) await full;
      }
    } catch (error) {
      if (!isStopped) void sink.write(writer.next({ errors: [maskError(error, logger)] }));
    }
    if (!isStopped) void sink.write(writer.complete);
  };
  return {
    done: run(),
    stop: () => {
      if (isStopped) return;
      isStopped = true;
      Promise.resolve(source.return?.()).catch((error: unknown) => {
        logger.debug({ err: error }, 'a subscription did not end cleanly');
      });
    },
  };
}

/** JSON has no line breaks outside of its texts, and escapes those inside: one `data` line is enough. */
function textOf(result: SharedResult): string {
  if (result.stringify) return result.stringify();
  const { errors, ...rest } = result as ExecutionResult;
  return JSON.stringify(errors === undefined ? rest : { ...rest, errors: errors.map(onTheWire) });
}
