import {
  createSourceEventStream,
  type ExecutionResult,
  type GraphQLError,
  type SubscriptionArgs,
} from 'graphql';
import type { PushStream } from '../../scope/delivery/outbox.js';
import { asGraphQLError } from '../schema/graphql-errors.js';
import type { RivuletContext } from './context.js';
import { DirectResults, type ExecuteEvent } from './direct-results.js';
import { type EventExecution, type EventOperation, OperationRegistry } from './operation-registry.js';
import { executeEvent, type SharedResult } from './shared-result.js';

export type { SharedResult } from './shared-result.js';

/**
 * GraphQL's `subscribe`, with one execution and one text for all subscribers that receive the same
 * event for equal operations.
 *
 * Subscribers of the same rows under the same rights share a scope, which delivers the same object
 * to all of them (see `specKey` and `planKey`: filters with the resolved policies in them, hidden
 * columns, relations). Scopes of different filters deliver the same object only if they report the
 * same changes of rows without relations to readers of the same columns (`shared-changes.ts`). So
 * the same event and operation mean the same result.
 */
export class SharedSubscriptions {
  readonly #results = new WeakMap<object, Map<EventOperation, SharedResult | Promise<SharedResult>>>();
  readonly #operations = new OperationRegistry();
  readonly #executions = new WeakMap<EventExecution, ExecuteEvent>();
  /** Most subscribers of a group, which come one after the other, have equal operations. */
  #last: {
    readonly event: object;
    readonly operation: EventOperation;
    readonly result: SharedResult;
  } | null = null;

  async subscribe(args: SubscriptionArgs): Promise<AsyncIterableIterator<SharedResult> | ExecutionResult> {
    const context = args.contextValue as Partial<RivuletContext> | undefined;
    let release: () => void;
    try {
      release = context?.admit?.() ?? (() => {});
    } catch (error) {
      return { errors: [asGraphQLError(error) as GraphQLError] };
    }
    try {
      const source = await createSourceEventStream(args);
      if (!(Symbol.asyncIterator in source)) {
        release();
        return source;
      }
      const events = source as AsyncIterableIterator<object>;
      const { operation, leave } = this.#operations.join(args);
      const admitted = release;
      release = () => {
        leave();
        admitted();
      };
      const executeOnce = this.#executing(operation.executionFor(args));
      const taker = context?.outgoing?.taker;
      if (!taker || !isFlow(events)) return new SharedResults(events, executeOnce, release);
      const results = new DirectResults(events, executeOnce, taker, release);
      taker.begin?.(results);
      return results;
    } catch (error) {
      release();
      throw error;
    }
  }

  #executing(asked: EventExecution): ExecuteEvent {
    let execute = this.#executions.get(asked);
    if (!execute) {
      execute = (event) => this.#result(event, asked);
      this.#executions.set(asked, execute);
    }
    return execute;
  }

  #result(event: object, { operation, args, text }: EventExecution): SharedResult | Promise<SharedResult> {
    const last = this.#last;
    if (last?.event === event && last.operation === operation) return last.result;
    let results = this.#results.get(event);
    if (!results) {
      results = new Map();
      this.#results.set(event, results);
    }
    let result = results.get(operation);
    if (!result) {
      result = executeEvent(event, args, text);
      results.set(operation, result);
    }
    if (!(result instanceof Promise)) this.#last = { event, operation, result };
    return result;
  }
}

function isFlow(events: AsyncIterableIterator<object>): events is PushStream<object> {
  return 'feed' in events;
}

class SharedResults implements AsyncIterableIterator<SharedResult> {
  readonly #events: AsyncIterableIterator<object>;
  readonly #execute: ExecuteEvent;
  readonly #onEnd: () => void;

  constructor(events: AsyncIterableIterator<object>, execute: ExecuteEvent, onEnd: () => void) {
    this.#events = events;
    this.#execute = execute;
    this.#onEnd = onEnd;
  }

  async next(): Promise<IteratorResult<SharedResult>> {
    try {
      const { value, done } = await this.#events.next();
      if (!done) return { value: await this.#execute(value), done: false };
    } catch (error) {
      this.#onEnd();
      throw asGraphQLError(error);
    }
    this.#onEnd();
    return { value: undefined, done: true };
  }

  async return(): Promise<IteratorResult<SharedResult>> {
    this.#onEnd();
    await this.#events.return?.();
    return { value: undefined, done: true };
  }

  async throw(error: unknown): Promise<IteratorResult<SharedResult>> {
    await this.return();
    throw error;
  }

  [Symbol.asyncIterator](): this {
    return this;
  }
}
