import { type ExecutionResult, execute, type SubscriptionArgs } from 'graphql';
import type { SelectResult } from '../../query/types.js';
import type { ScopeMessage } from '../../scope/messages/types.js';
import type { EventText } from './compile-event.js';
import type { RivuletContext } from './context.js';

/**
 * A result for many subscribers. `stringify` makes its text once for all of them. A result with
 * errors has none.
 */
export interface SharedResult extends ExecutionResult {
  readonly stringify?: () => string;
  /** The cursor of the snapshot of a query result, or of the position after a change message. */
  readonly cursor?: () => string;
}

/**
 * Executes a subscription's selection on an event, synchronously if no resolver is asynchronous.
 * Tries `text` before graphql-js.
 */
export function executeEvent(
  event: object,
  args: SubscriptionArgs,
  text: EventText | null,
): SharedResult | Promise<SharedResult> {
  const context = args.contextValue as RivuletContext;
  const cursor = cursorOf(event, context);
  if (text) {
    try {
      return sharedText(text(event, context, cursor), cursor);
    } catch {
      // graphql-js finds the same error, and knows its path.
    }
  }
  const executed = execute({ ...args, rootValue: event });
  return executed instanceof Promise
    ? executed.then((result) => shared(result, event, cursor))
    : shared(executed as ExecutionResult, event, cursor);
}

function shared(executed: ExecutionResult, event: object, cursor: (() => string) | undefined): SharedResult {
  // Errors are masked and formatted for each transport.
  if (executed.errors) return executed;
  // A query response has the cursor in its extensions; a change message has a field for it.
  const result: ExecutionResult =
    cursor && 'snapshot' in event ? { ...executed, extensions: { rivulet: { cursor: cursor() } } } : executed;
  let text: string | undefined;
  const stringify = () => {
    text ??= JSON.stringify(result);
    return text;
  };
  // Not enumerable: it is not part of the result.
  return Object.defineProperties(result, { stringify: { value: stringify }, cursor: { value: cursor } });
}

function sharedText(text: string, cursor: (() => string) | undefined): SharedResult {
  return Object.defineProperties({}, { stringify: { value: () => text }, cursor: { value: cursor } });
}

function cursorOf(event: object, context: Partial<RivuletContext> | undefined): (() => string) | undefined {
  const { cursors } = context?.live ?? {};
  const { snapshot, cursor } = event as Partial<SelectResult & ScopeMessage>;
  const moment = snapshot ?? cursor;
  if (!cursors || !moment) return undefined;
  let text: string | undefined;
  return () => {
    text ??= cursors.encode(moment);
    return text;
  };
}
