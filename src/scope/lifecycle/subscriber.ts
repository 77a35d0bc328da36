import type { SelectResult } from '../../query/types.js';
import type { DeliveryCounters } from '../delivery/delivery-counters.js';
import { Outbox, type OutboxOptions } from '../delivery/outbox.js';
import type { SendBudget } from '../delivery/send-budget.js';
import { coalesce } from '../messages/coalesce.js';
import { type MessageSizes, weightOf } from '../messages/message-size.js';
import type { ChangeSpec, ScopeMessage } from '../messages/types.js';
import type { LiveQuery } from '../views/live-query.js';
import { resetMessage, type SubscriberGroup } from './group.js';

/** Common parts of all subscribers. */
export interface SubscriberHost {
  readonly tally: DeliveryCounters;
  readonly sizes: MessageSizes;
  /** Changes that may wait for one. */
  readonly maxQueuedChanges: number;
  /** The last subscriber of a group left. */
  drop(group: SubscriberGroup): void;
  /** The last subscriber of a live query left. */
  dropQuery(query: LiveQuery): void;
}

interface OutboxOwnerOptions {
  readonly host: SubscriberHost;
  readonly allowance: SendBudget;
  readonly signal: AbortSignal | undefined;
}

interface SubscriberOptions extends OutboxOwnerOptions {
  readonly owner?: string | undefined;
}

/**
 * There are many of these; what is the same for all of them is in the class, and not in closures of
 * each.
 */
abstract class OutboxOwner<T> {
  readonly allowance: SendBudget;
  protected readonly host: SubscriberHost;
  readonly #signal: AbortSignal | undefined;
  #onAbort: (() => void) | null = null;

  constructor({ host, allowance, signal }: OutboxOwnerOptions) {
    this.host = host;
    this.allowance = allowance;
    this.#signal = signal;
  }

  abstract readonly outbox: Outbox<T>;

  onClose(): void {
    if (this.#onAbort) this.#signal?.removeEventListener('abort', this.#onAbort);
  }

  /** Ends when the signal is aborted, or at once. */
  protected heedSignal(): void {
    if (!this.#signal) return;
    this.#onAbort = () => void this.outbox.return();
    this.#signal.addEventListener('abort', this.#onAbort, { once: true });
    if (this.#signal.aborted) this.outbox.end();
  }
}

/**
 * One subscription to changes, and the group that tells it: a group may hand it over to another
 * that says the same.
 */
export class ChangeSubscriber extends OutboxOwner<ScopeMessage> implements OutboxOptions<ScopeMessage> {
  readonly outbox: Outbox<ScopeMessage> = new Outbox<ScopeMessage>(this);
  /** Owner of its share of the evaluation. */
  readonly owner: string | undefined;
  #group: SubscriberGroup | null = null;
  /** Spec of its last group. Waiting messages are merged even if the group is gone. */
  #spec: ChangeSpec | null = null;

  constructor(options: SubscriberOptions) {
    super(options);
    this.owner = options.owner;
    this.heedSignal();
  }

  get group(): SubscriberGroup | null {
    return this.#group;
  }

  join(group: SubscriberGroup): void {
    this.#group?.remove(this);
    this.#group = group;
    this.#spec = group.spec;
    group.add(this);
  }

  get limit(): number {
    return this.host.maxQueuedChanges;
  }

  weigh(message: ScopeMessage): number {
    return weightOf(message);
  }

  bytesOf(message: ScopeMessage): number {
    return this.host.sizes.bytesOf(message);
  }

  merge(messages: readonly ScopeMessage[]): ScopeMessage | null {
    return coalesce(this.#spec!, messages);
  }

  overflow(latest: ScopeMessage): ScopeMessage {
    this.host.tally.resets.OVERFLOW++;
    return resetMessage('OVERFLOW', latest.cursor);
  }

  onPush({ reset }: ScopeMessage): void {
    this.host.tally.delivery(reset);
  }

  onTaken(): void {
    this.#group?.taken();
  }

  override onClose(): void {
    super.onClose();
    const group = this.#group;
    this.#group = null;
    group?.remove(this);
    if (group?.size === 0) this.host.drop(group);
  }
}

/** One subscription to a live query: of its answers only the newest matters. */
export class LiveQuerySubscriber extends OutboxOwner<SelectResult> implements OutboxOptions<SelectResult> {
  readonly outbox: Outbox<SelectResult> = new Outbox<SelectResult>(this);
  #query: LiveQuery | null = null;

  constructor(options: SubscriberOptions) {
    super(options);
    this.heedSignal();
  }

  watch(query: LiveQuery): void {
    this.#query = query;
    query.add(this.outbox);
  }

  get limit(): number {
    return 1;
  }

  weigh(): number {
    return 1;
  }

  bytesOf({ raw }: SelectResult): number {
    return raw.length;
  }

  merge(answers: readonly SelectResult[]): SelectResult | null {
    return answers.at(-1) ?? null;
  }

  overflow(latest: SelectResult): SelectResult {
    return latest;
  }

  onPush(): void {
    this.host.tally.delivery(null);
  }

  override onClose(): void {
    super.onClose();
    const query = this.#query;
    this.#query = null;
    query?.remove(this.outbox);
    if (query?.size === 0) this.host.dropQuery(query);
  }
}
