import type { FormattedExecutionResult } from 'graphql';
import type { SharedResult } from '../../../graphql/execute/shared-result.js';

/** Takes the events of one stream. */
export interface EventSink {
  /** False: more is unsent than is good, so that everything that can wait should. */
  readonly isReady: boolean;
  /** Calls `listener` each time that it is ready after it was not. Returns the function that ends that. */
  onReady(listener: () => void): () => void;
  write(events: string): void;
}

/** Writes the results of one operation as events. */
export interface EventWriter {
  next(result: SharedResult | FormattedExecutionResult): string;
  readonly complete: string;
}

/** Of an operation that has a stream of its own: each event's id is its cursor, so that a browser that comes back says what it had. */
export const ownEvents: EventWriter = {
  next: (result) => {
    const cursor = 'cursor' in result ? result.cursor?.() : undefined;
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

/** JSON has no line breaks outside of its texts, and escapes those inside: one `data` line is enough. */
function textOf(result: SharedResult | FormattedExecutionResult): string {
  return 'stringify' in result && result.stringify ? result.stringify() : JSON.stringify(result);
}
