import type { ExecutionResult, FormattedExecutionResult, GraphQLFormattedError } from 'graphql';
import { StatementCancellation } from '../../../database/cancellation.js';
import type { DirectResults, ResultReader, ResultSink } from '../../../graphql/execute/direct-results.js';
import type { SharedResult } from '../../../graphql/execute/shared-result.js';
import { asGraphQLError } from '../../../graphql/schema/graphql-errors.js';
import type { SendBudget } from '../../../scope/delivery/send-budget.js';
import type { UserSession } from '../../auth/session.js';
import type { OperationParams } from '../../documents/persisted-documents.js';
import { formattedError, maskedResult, resultOnTheWire } from '../../engine/client-errors.js';
import type { ServerLogger } from '../../engine/logger.js';
import { type OperationEngine, subscribeTo } from '../http/prepare-operation.js';

/** Everything that a subscription needs to begin again. */
export interface RenewalSource {
  readonly engine: OperationEngine;
  readonly params: OperationParams;
  /** As limits count it. */
  readonly address: string | null;
  /** The send budget that all subscriptions of the peer share. */
  readonly allowance: SendBudget;
}

/**
 * One subscription of a long connection, over whichever transport, by the rights of its session for
 * as long as it goes on.
 *
 * A result goes from the group to the peer without a promise between, and nothing is suspended
 * while it waits for the next one: there are tens of thousands of these. The transport says how
 * results are written; this class says which ones, and when:
 *
 * - While the session is suspended nothing is written. What an execution under way brings is held,
 *   and dropped if the rights turn out to be others.
 * - When the rights may be others, the subscription begins again by them. Nothing that was
 *   evaluated by the rights before is written after that. If it is refused, the errors are its last
 *   result.
 * - When the session ends, the error that ended it is the last result.
 *
 * | state | goes on to |
 * | --- | --- |
 * | `beginning` | `open` by `goOn`, or `renewing` if the rights changed meanwhile |
 * | `open` | `renewing` when the rights may be others |
 * | `renewing` | `open` when it has begun again, by the rights of that moment |
 * | `ended` | nothing; every state goes here |
 */
export abstract class RenewedSubscription implements ResultSink, ResultReader {
  /** Cancels the reads before the operation's first result. */
  readonly cancellation = new StatementCancellation();
  #results: DirectResults | null = null;
  /** Rights of the session when `#results` began. */
  #rights = 0;
  #held: (() => void)[] | null = null;
  #state: 'beginning' | 'open' | 'renewing' | 'ended' = 'beginning';

  protected abstract readonly session: UserSession;
  protected abstract readonly renewal: RenewalSource;
  /** False: the peer is behind, and calls the listeners of `onReady` when it takes more. */
  protected abstract readonly isPeerReady: boolean;
  abstract onReady(listener: () => void): () => void;
  /** Writes a result that is shared with others. */
  protected abstract write(result: SharedResult): void;
  /** Writes a result that may have errors. */
  protected abstract send(result: FormattedExecutionResult): void;
  /** Tells the peer that nothing more comes. Called once, after `onEnd`. */
  protected abstract complete(): void;
  /**
   * Tells the peer of the error that ended the results. Called once, after `onEnd`, instead of
   * `complete`.
   */
  protected abstract fail(error: GraphQLFormattedError): void;
  /** Called once, when the subscription has ended for any reason. */
  protected abstract onEnd(): void;

  get isEnded(): boolean {
    return this.#state === 'ended';
  }

  get isReady(): boolean {
    return !this.session.isSuspended && this.isPeerReady;
  }

  begin(results: DirectResults): void {
    this.#results = results;
    if (this.#state === 'ended') this.#leave();
  }

  /** Begins to deliver what was subscribed to when the session's rights had that number. */
  goOn(rights: number): void {
    if (this.#state === 'ended') return;
    const { session } = this;
    this.#state = 'open';
    this.#rights = rights;
    if (session.end !== null) this.sessionEnded(session.end.error);
    else if (rights === session.rights) this.#read();
    else this.renew();
  }

  /** To be called when the session's rights may be others. */
  renew(): void {
    if (this.#state !== 'open') return;
    this.#state = 'renewing';
    this.#renewed().then(
      (refusal) => {
        if (this.#state === 'ended') return;
        this.#state = 'open';
        if (refusal === null) this.#read();
        else this.answer(refusal);
      },
      (error: unknown) => this.reject(error),
    );
  }

  /** To be called when the session is not suspended any more. */
  resume(): void {
    const held = this.#held;
    this.#held = null;
    for (const each of held ?? []) each();
    if (this.#state === 'open') this.#results?.pump();
  }

  /**
   * To be called when the session has ended, where that does not end the whole connection. `null`:
   * for no reason that the peer is told.
   */
  sessionEnded(error: unknown): void {
    if (this.#state === 'ended') return;
    if (error !== null) this.send({ errors: [formattedError(error, this.#logger)] });
    this.#completed();
  }

  /**
   * Writes the last result, whose errors are those that clients may see. Nothing, if it has ended.
   */
  answer(result: ExecutionResult): void {
    if (this.#state === 'ended') return;
    this.send(resultOnTheWire(result));
    this.#completed();
  }

  /** Ends it without a word to the peer. Twice is fine. */
  end(): void {
    if (this.#state === 'ended') return;
    this.#state = 'ended';
    this.#held = null;
    this.cancellation.cancel();
    this.#leave();
    this.onEnd();
  }

  take(result: SharedResult): void {
    if (this.session.isSuspended) this.#hold(() => this.take(result));
    else this.write(result);
  }

  /** A result that has errors, or the end. */
  resolve(result: IteratorResult<SharedResult>): void {
    if (this.#state !== 'open') return;
    if (this.session.isSuspended) {
      this.#hold(() => this.resolve(result));
      return;
    }
    if (result.done) {
      this.#completed();
      return;
    }
    this.send(maskedResult(result.value, this.#logger));
    const results = this.#results;
    queueMicrotask(() => {
      if (this.#state === 'open' && results === this.#results) this.#read();
    });
  }

  reject(error: unknown): void {
    if (this.#state === 'ended') return;
    if (this.session.isSuspended) {
      this.#hold(() => this.reject(error));
      return;
    }
    const shown = formattedError(asGraphQLError(error), this.#logger);
    this.end();
    this.fail(shown);
  }

  get #logger(): ServerLogger {
    return this.renewal.engine.logger;
  }

  #read(): void {
    this.#results?.read(this);
  }

  /** The errors with which it was refused; `null` if it was not, or has ended. */
  async #renewed(): Promise<ExecutionResult | null> {
    const { session } = this;
    for (;;) {
      this.#leave();
      this.#rights = session.rights;
      const { engine, params, address, allowance } = this.renewal;
      const context = {
        session: () => Promise.resolve(session),
        rightsChanged: true,
        address,
        cancellation: this.cancellation,
        outgoing: { allowance, taker: this },
      };
      const answer = await subscribeTo(engine, context, params);
      if (session.isSuspended) await session.settled();
      if (this.#state === 'ended') return null;
      if (this.#rights === session.rights) return Symbol.asyncIterator in answer ? null : answer;
    }
  }

  #completed(): void {
    if (this.#state === 'ended') return;
    this.end();
    this.complete();
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
