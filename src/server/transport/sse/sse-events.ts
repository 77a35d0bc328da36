import type { FormattedExecutionResult } from 'graphql';
import type { SharedResult } from '../../../graphql/execute/shared-result.js';

/** Takes the events of one stream. */
export interface EventSink {
  /** False if too much is unsent, so that everything that can wait should wait. */
  readonly isReady: boolean;
  /**
   * Calls `listener` each time that it is ready after it was not. Returns the function that ends
   * that.
   */
  onReady(listener: () => void): () => void;
  write(events: string): void;
}

/** Writes the results of one operation as events. */
export interface EventWriter {
  next(result: SharedResult | FormattedExecutionResult): string;
  readonly complete: string;
}

/**
 * Writer of an operation with a stream of its own. Each event's id is its cursor, so that a browser
 * that reconnects sends it.
 */
export const ownEvents: EventWriter = {
  next: (result) => {
    const cursor = 'cursor' in result ? result.cursor?.() : undefined;
    return `${cursor === undefined ? '' : `id: ${cursor}\n`}event: next\ndata: ${textOf(result)}\n\n`;
  },
  complete: 'event: complete\ndata:\n\n',
};

/**
 * Writer of one operation of a reserved stream. A stream of many operations has no single position,
 * so events have no id.
 */
export function eventsOf(operationId: string): EventWriter {
  const id = JSON.stringify(operationId);
  return {
    next: (result) => `event: next\ndata: {"id":${id},"payload":${textOf(result)}}\n\n`,
    complete: `event: complete\ndata: {"id":${id}}\n\n`,
  };
}

/**
 * JSON has no line breaks outside of its texts, and escapes those inside: one `data` line is
 * enough.
 */
function textOf(result: SharedResult | FormattedExecutionResult): string {
  return 'stringify' in result && result.stringify ? result.stringify() : JSON.stringify(result);
}
