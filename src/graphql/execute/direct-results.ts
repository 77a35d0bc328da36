import type { PushStream, Sink } from '../../scope/delivery/outbox.js';
import { asGraphQLError } from '../schema/graphql-errors.js';
import type { SharedResult } from './shared-result.js';

/** Takes results as they come, and reports back-pressure. */
export interface ResultSink {
  /** Called with each subscription's results before the first one is delivered. */
  begin?(results: DirectResults): void;
  /** False: results wait until a listener of `onReady` is called. */
  readonly isReady: boolean;
  take(result: SharedResult): void;
  /**
   * Calls `listener` each time the sink becomes ready again. Returns the function that removes the
   * listener.
   */
  onReady(listener: () => void): () => void;
}

export type ExecuteEvent = (event: object) => SharedResult | Promise<SharedResult>;

/** A pending `next` of the iterator. It receives one result that the sink does not take. */
export interface ResultReader {
  resolve(result: IteratorResult<SharedResult>): void;
  reject(error: unknown): void;
}

/**
 * Delivers a subscription's results from the scope straight to a sink. Its iterator yields the
 * rest, in order: results with errors, and the end. Nothing is delivered before the first `next`,
 * nor while no `next` is pending.
 */
export class DirectResults implements AsyncIterableIterator<SharedResult>, Sink<object> {
  readonly #events: PushStream<object>;
  readonly #execute: ExecuteEvent;
  readonly #taker: ResultSink;
  readonly #onEnd: () => void;
  #stopListening: (() => void) | null = null;
  #reader: ResultReader | null = null;
  #isFed = false;
  #isExecuting = false;
  #outcome: { readonly error: unknown } | 'done' | null = null;

  constructor(events: PushStream<object>, execute: ExecuteEvent, taker: ResultSink, onEnd: () => void) {
    this.#events = events;
    this.#execute = execute;
    this.#taker = taker;
    this.#onEnd = onEnd;
  }

  get isReady(): boolean {
    if (this.#reader === null || this.#isExecuting) return false;
    if (this.#taker.isReady) return true;
    this.#stopListening ??= this.#taker.onReady(() => this.#events.pump());
    return false;
  }

  take(event: object): void {
    const result = this.#execute(event);
    if (!(result instanceof Promise)) {
      this.#hand(result);
      return;
    }
    this.#isExecuting = true;
    const go = (then: () => void): void => {
      this.#isExecuting = false;
      then();
      this.#tellOutcome();
      this.#events.pump();
    };
    result.then(
      (value) => go(() => this.#hand(value)),
      (error) => go(() => this.fail(error)),
    );
  }

  end(): void {
    this.#outcome ??= 'done';
    this.#tellOutcome();
  }

  fail(error: unknown): void {
    this.#outcome ??= { error };
    this.#tellOutcome();
  }

  next(): Promise<IteratorResult<SharedResult>> {
    return new Promise((resolve, reject) => this.read({ resolve, reject }));
  }

  /** The sink is ready again. */
  pump(): void {
    if (this.#isFed) this.#events.pump();
  }

  /** `next` without a promise. */
  read(reader: ResultReader): void {
    this.#reader = reader;
    if (this.#outcome) this.#tellOutcome();
    else if (this.#isFed) this.#events.pump();
    else {
      this.#isFed = true;
      this.#events.feed(this);
    }
  }

  async return(): Promise<IteratorResult<SharedResult>> {
    this.#outcome = 'done';
    this.#close();
    this.#tellOutcome();
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

  #hand(result: SharedResult): void {
    if (this.#outcome) return;
    if (result.stringify) {
      this.#taker.take(result);
      return;
    }
    const reader = this.#reader;
    this.#reader = null;
    reader?.resolve({ value: result, done: false });
  }

  #tellOutcome(): void {
    const outcome = this.#outcome;
    const reader = this.#reader;
    if (outcome === null || reader === null || this.#isExecuting) return;
    this.#reader = null;
    this.#outcome = 'done';
    this.#close();
    if (outcome === 'done') reader.resolve({ value: undefined, done: true });
    else reader.reject(asGraphQLError(outcome.error));
  }

  #close(): void {
    this.#stopListening?.();
    this.#stopListening = null;
    this.#onEnd();
  }
}
