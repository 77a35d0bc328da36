import type { ExecutionResult } from 'graphql';
import { MessageType, type SubscribePayload, stringifyMessage } from 'graphql-ws';
import { Cancellation } from '../database/cancellation.js';
import type { DirectResults, ResultReader, ResultTaker } from '../graphql/direct-results.js';
import { asGraphQLError } from '../graphql/errors.js';
import type { SharedResult } from '../graphql/shared-result.js';
import { maskError, onTheWire } from './mask.js';
import { type OperationParams, subscribeTo } from './operation.js';
import type { SocketContext, SocketProtocolOptions } from './socket-protocol.js';

/** For the protocol's library: it has nothing to iterate, since the subscription goes on by itself. */
export const NOTHING: AsyncIterable<never> = {
  [Symbol.asyncIterator]: () => ({ next: () => Promise.resolve({ value: undefined, done: true }) }),
};

/**
 * One subscription of a socket's own user. Results are written as they come; nothing is suspended in between, since of what waits there is
 * next to nothing but these, by the ten thousand.
 *
 * The protocol's library begins it and then lets go of it: `takeOver` when it was begun, and `goOn` when the library is done with the message.
 * From then on this stands in the library's record of the socket's operations, which says what ids are taken, and whom to end.
 *
 * When the session's rights may have become others it begins anew with them: nothing that was judged by the rights before is told after
 * that. Where that is refused, the errors are its last result.
 */
export class SocketSubscription implements ResultTaker, ResultReader, AsyncGenerator<never> {
  /** For what is read before it is taken over, and for a query until it is answered. */
  readonly cancellation = new Cancellation();
  readonly #options: SocketProtocolOptions;
  readonly #context: SocketContext;
  readonly #id: string;
  readonly #head: string;
  #params: OperationParams;
  #results: DirectResults | null = null;
  /** The session's rights that `#results` were asked with. */
  #rights: number;
  /** Who has the id when the library is done with the message. */
  #after: SocketSubscription | null = null;
  /** What came of an execution that was under way when the session was suspended. */
  #held: (() => void)[] | null = null;
  #state: 'beginning' | 'takenOver' | 'open' | 'renewing' | 'ended' = 'beginning';

  constructor(options: SocketProtocolOptions, context: SocketContext, id: string, payload: SubscribePayload) {
    this.#options = options;
    this.#context = context;
    this.#id = id;
    this.#head = context.extra.frames.headOf(id);
    this.#params = payload;
    this.#rights = context.extra.session?.rights ?? 0;
    this.#record[id] = this;
  }

  get #record(): Record<string, SocketSubscription> {
    return this.#context.subscriptions as Record<string, SocketSubscription>;
  }

  /** The text of its document, as others have it in memory already. */
  shareText(text: string): void {
    const { operationName, variables, extensions } = this.#params;
    this.#params = { query: text, operationName, variables, extensions };
  }

  /** False: it was not begun, and has to be iterated. */
  takeOver(): boolean {
    if (this.#results === null) return false;
    // The library says `complete`, and lets go of the record, where there is one: also of another that has the id by now.
    this.#after = this.#record[this.#id] ?? null;
    this.#forget();
    if (this.#state === 'ended') this.#leave();
    else this.#state = 'takenOver';
    return true;
  }

  /** Once the library has forgotten the message. */
  goOn(): void {
    const after = this.#after;
    this.#after = null;
    if (after !== null && after.#state !== 'ended') this.#record[this.#id] = after;
    if (this.#state !== 'takenOver') return;
    this.#state = 'open';
    if (this.#rights === this.#context.extra.session?.rights) this.#results?.read(this);
    else this.renew();
  }

  /** The rights may be others. */
  renew(): void {
    if (this.#state !== 'open') return;
    this.#state = 'renewing';
    this.#renewed().then(
      (refusal) => {
        if (this.#state === 'ended') return;
        this.#state = 'open';
        if (refusal === null) this.#results?.read(this);
        else {
          this.#send(refusal);
          this.#complete();
        }
      },
      (error: unknown) => this.reject(error),
    );
  }

  /** The session is not suspended any more. */
  resume(): void {
    const held = this.#held;
    this.#held = null;
    for (const each of held ?? []) each();
    if (this.#state === 'open') this.#results?.pump();
  }

  begin(results: DirectResults): void {
    this.#results = results;
  }

  get isReady(): boolean {
    return !this.#isSuspended && this.#context.extra.sink.isReady;
  }

  onReady(listener: () => void): () => void {
    return this.#context.extra.sink.onReady(listener);
  }

  take(result: SharedResult): void {
    if (this.#isSuspended) {
      this.#hold(() => this.take(result));
      return;
    }
    const { frames, sink } = this.#context.extra;
    frames.write(sink, this.#head, result);
  }

  /** What has errors, or the end. */
  resolve(result: IteratorResult<SharedResult>): void {
    if (this.#state !== 'open') return;
    if (this.#isSuspended) {
      this.#hold(() => this.resolve(result));
      return;
    }
    const { value, done } = result;
    if (done) {
      this.#complete();
      return;
    }
    this.#send(value);
    const results = this.#results;
    queueMicrotask(() => {
      if (this.#state === 'open' && results === this.#results) results?.read(this);
    });
  }

  reject(error: unknown): void {
    if (this.#state === 'ended') return;
    if (this.#isSuspended) {
      this.#hold(() => this.reject(error));
      return;
    }
    const errors = [onTheWire(maskError(asGraphQLError(error), this.#options.logger))];
    this.#end();
    this.#forget();
    this.#tell(stringifyMessage({ id: this.#id, type: MessageType.Error, payload: errors }));
  }

  next(): Promise<IteratorResult<never, void>> {
    return Promise.resolve({ value: undefined, done: true });
  }

  async return(): Promise<IteratorResult<never, void>> {
    this.#end();
    return { value: undefined, done: true };
  }

  async throw(error: unknown): Promise<never> {
    this.#end();
    throw error;
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#end();
  }

  /** The errors with which it was refused; `null` where it was not, or has ended. */
  async #renewed(): Promise<ExecutionResult | null> {
    const { extra } = this.#context;
    const { session } = extra;
    if (session === null) return null;
    for (;;) {
      this.#leave();
      this.#rights = session.rights;
      const context = {
        session: () => Promise.resolve(session),
        rightsChanged: true,
        address: extra.address,
        outgoing: { allowance: extra.allowance, taker: this },
      };
      const answer = await subscribeTo(this.#options, context, this.#params);
      if (this.#state === 'ended') {
        this.#leave();
        return null;
      }
      if (this.#rights === session.rights) return Symbol.asyncIterator in answer ? null : answer;
    }
  }

  #send({ errors, ...result }: ExecutionResult): void {
    const masked = errors?.map((error) => onTheWire(maskError(error, this.#options.logger)));
    const payload = { ...result, ...(masked && { errors: masked }) };
    this.#tell(stringifyMessage({ id: this.#id, type: MessageType.Next, payload }));
  }

  #tell(message: string): void {
    // A socket that broke says so by itself.
    this.#context.extra.send(message).catch(() => {});
  }

  #complete(): void {
    this.#end();
    this.#forget();
    this.#tell(stringifyMessage({ id: this.#id, type: MessageType.Complete }));
  }

  #end(): void {
    this.#state = 'ended';
    this.cancellation.cancel();
    this.#leave();
  }

  #forget(): void {
    delete this.#record[this.#id];
  }

  get #isSuspended(): boolean {
    return this.#context.extra.session?.isSuspended ?? false;
  }

  /** Does it when the session is resumed, unless the results are left by then. */
  #hold(then: () => void): void {
    const results = this.#results;
    this.#held ??= [];
    this.#held.push(() => {
      if (results === this.#results) then();
    });
  }

  #leave(): void {
    const results = this.#results;
    this.#results = null;
    results?.return().catch(() => {});
  }
}
