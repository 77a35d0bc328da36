import {
  createSourceEventStream,
  type DocumentNode,
  type ExecutionResult,
  execute,
  type SubscriptionArgs,
} from 'graphql';
import type { SelectResult } from '../query/types.js';
import type { ScopeMessage } from '../scope/types.js';
import type { RivuletContext } from './context.js';

/** A result that may be handed to many subscribers. `stringify` makes its text once for all of them. */
export interface SharedResult extends ExecutionResult {
  readonly stringify?: () => string;
  /** The cursor of the moment that it holds at, or of the moment after what it tells. */
  readonly cursor?: () => string;
}

/**
 * GraphQL's `subscribe`, with one execution and one text for all subscribers who are handed the same event and ask the same of it.
 *
 * Whoever watches the same rows under the same rights shares a scope, and a scope hands the same object to all of its subscribers (see
 * `specKey` and `planKey`: filters with the resolved policies in them, hidden columns, relations). So the same event, document and variables
 * mean the same result. Two users with different rights never get the same event object, and never share.
 */
export class SharedSubscriptions {
  readonly #results = new WeakMap<object, Map<string, Promise<SharedResult>>>();
  readonly #documents = new WeakMap<DocumentNode, number>();
  #lastDocument = 0;

  async subscribe(args: SubscriptionArgs): Promise<AsyncIterableIterator<SharedResult> | ExecutionResult> {
    const source = await createSourceEventStream(args);
    if (!(Symbol.asyncIterator in source)) return source;
    const events = source as AsyncIterableIterator<object>;
    const operation = this.#operationOf(args);
    return new SharedResults(events, (event) => this.#result(event, operation, args));
  }

  #result(event: object, operation: string, args: SubscriptionArgs): Promise<SharedResult> {
    let results = this.#results.get(event);
    if (!results) {
      results = new Map();
      this.#results.set(event, results);
    }
    let result = results.get(operation);
    if (!result) {
      result = executeOnce(event, args);
      results.set(operation, result);
    }
    return result;
  }

  /** Equal texts are parsed to the same document by the server's cache; a document that is not cached shares with nobody. */
  #operationOf({ document, operationName, variableValues }: SubscriptionArgs): string {
    let number = this.#documents.get(document);
    if (number === undefined) {
      number = ++this.#lastDocument;
      this.#documents.set(document, number);
    }
    return JSON.stringify([number, operationName ?? null, variableValues ?? null]);
  }
}

class SharedResults implements AsyncIterableIterator<SharedResult> {
  readonly #events: AsyncIterableIterator<object>;
  readonly #execute: (event: object) => Promise<SharedResult>;

  constructor(events: AsyncIterableIterator<object>, execute: (event: object) => Promise<SharedResult>) {
    this.#events = events;
    this.#execute = execute;
  }

  async next(): Promise<IteratorResult<SharedResult>> {
    const { value, done } = await this.#events.next();
    return done ? { value: undefined, done: true } : { value: await this.#execute(value), done: false };
  }

  async return(): Promise<IteratorResult<SharedResult>> {
    await this.#events.return?.();
    return { value: undefined, done: true };
  }

  async throw(error: unknown): Promise<IteratorResult<SharedResult>> {
    await this.#events.return?.();
    throw error;
  }

  [Symbol.asyncIterator](): this {
    return this;
  }
}

async function executeOnce(event: object, args: SubscriptionArgs): Promise<SharedResult> {
  const executed = await execute({ ...args, rootValue: event });
  // Errors are masked and formatted for each transport.
  if (executed.errors) return executed;
  const cursor = cursorOf(event, args.contextValue as Partial<RivuletContext> | undefined);
  // As the answer of a query says it; a change message has a field for it.
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
