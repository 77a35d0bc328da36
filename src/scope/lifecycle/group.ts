import type { ResetReason } from '../../../shared/protocol/messages.js';
import type { Snapshot } from '../../log/snapshot.js';
import type { BatchClient } from '../evaluate/batch-evaluator.js';
import { asOne, type TransactionContext } from '../evaluate/transaction-context.js';
import type { SharedChanges } from '../messages/shared-changes.js';
import type { ChangeSpec, ListedScope, ScopeChange, ScopeMessage } from '../messages/types.js';
import { NOTHING_RELATED } from '../messages/types.js';
import type { ReplayedStep } from '../replay/replay-levels.js';
import type { Scope, ScopeDelta } from '../views/scope.js';
import { specWeight } from '../views/spec-weight.js';
import { GROUP_TRANSITIONS, type GroupDeed, type GroupEvent, type GroupState } from './group-state.js';
import type { ChangeSubscriber } from './subscriber.js';

/** A backlog of no more transactions is evaluated one by one. */
const BACKLOG_STEPS = 16;

/**
 * Subscribers of one scope, which is loaded once and evaluated once for all of them. It runs the
 * table of `group-state.ts`.
 */
export class SubscriberGroup {
  /** Set by its owner: nobody may join any more. */
  onClose: () => void = () => {};
  /** Set by its owner: transactions of the feed are evaluated, or wait. */
  isFollowing = false;
  readonly scope: Scope;
  readonly spec: ChangeSpec;
  readonly #plain: SharedChanges;
  readonly #subscribers = new Set<ChangeSubscriber>();
  #state: GroupState = 'loading';
  #isEvaluating = false;
  #backlog: TransactionContext[] = [];
  #backlogChanges = 0;
  #waiting: (() => void)[] = [];
  #weight = 0;
  /** Evaluated steps wait here instead of being delivered. */
  #collected: ReplayedStep[] | null = null;

  constructor(spec: ChangeSpec, scope: Scope, plain: SharedChanges) {
    this.spec = spec;
    this.#plain = plain;
    this.scope = scope;
  }

  /** Moves to the next state, and returns what has to be done. */
  #on(event: GroupEvent): GroupDeed {
    const { next, deed } = GROUP_TRANSITIONS[this.#state][event];
    this.#state = next;
    return deed;
  }

  get isLive(): boolean {
    return this.#state === 'live';
  }

  get isOpen(): boolean {
    return this.#state !== 'ended';
  }

  get size(): number {
    return this.#subscribers.size;
  }

  /** About how much Postgres has to evaluate for it; see `specWeight`. */
  get weight(): number {
    this.#weight ||= specWeight(this.spec);
    return this.#weight;
  }

  /**
   * Owners of its subscribers, each once; `null` if one of them is nobody's, or if there are more
   * than `most`.
   */
  owners(most: number): readonly string[] | null {
    const owners = new Set<string>();
    for (const { owner } of this.#subscribers) {
      if (owner === undefined) return null;
      owners.add(owner);
      if (owners.size > most) return null;
    }
    return owners.size === 0 ? null : [...owners];
  }

  /** Units that wait for its subscribers. */
  get queued(): number {
    let queued = 0;
    for (const { outbox } of this.#subscribers) queued += outbox.weight;
    return queued;
  }

  list(): ListedScope {
    const isLive = this.#state === 'live';
    return {
      kind: 'changes',
      spec: this.spec,
      subscribers: this.size,
      state: isLive ? 'live' : 'loading',
      holds: (table, key) => (isLive ? this.scope.holds(table, key) : null),
    };
  }

  add(subscriber: ChangeSubscriber): void {
    this.#subscribers.add(subscriber);
  }

  remove(subscriber: ChangeSubscriber): void {
    this.#subscribers.delete(subscriber);
    this.taken();
  }

  /** False: one of its subscribers should be waited for. */
  get hasRoom(): boolean {
    for (const { outbox } of this.#subscribers) if (!outbox.hasRoom) return false;
    return true;
  }

  withoutRoom(): readonly ChangeSubscriber[] {
    return [...this.#subscribers].filter(({ outbox }) => !outbox.hasRoom);
  }

  /** Resolves when there is room, or nobody to have it. */
  room(): Promise<void> {
    if (this.hasRoom) return Promise.resolve();
    return new Promise((resolve) => this.#waiting.push(resolve));
  }

  /** A subscriber took something that waited. */
  taken(): void {
    if (this.#waiting.length === 0 || !this.hasRoom) return;
    for (const resolve of this.#waiting.splice(0)) resolve();
  }

  /** Hands its subscribers over to another group of the same spec. */
  handOver(to: SubscriberGroup): void {
    for (const subscriber of [...this.#subscribers]) subscriber.join(to);
    this.end();
  }

  /** Makes the group live and hands over what came while it was loading, in order. */
  takeBacklog(): readonly TransactionContext[] {
    if (this.#on('loaded') !== 'take backlog') return [];
    const backlog: TransactionContext[] = [];
    const many = this.#step();
    while (this.#backlog.length > 0) backlog.push(asOne(this.#backlog.splice(0, many)));
    this.#backlogChanges = 0;
    return backlog;
  }

  /** Changes that came while it was loading, or is behind. */
  get backlog(): number {
    return this.#backlogChanges;
  }

  /** True while a query of the group has no result. */
  get isEvaluating(): boolean {
    return this.#isEvaluating;
  }

  /** From now on what comes waits until it is taken with `takeNext`. */
  fallBehind(): void {
    this.#on('slow');
  }

  /** The transaction waits until it is taken; for a group that is behind. */
  wait(context: TransactionContext): void {
    this.#backlog.push(context);
    this.#backlogChanges += context.transaction.changes.length;
  }

  /** The waiting transactions, from the first on, as far as they are among these. */
  takeAmong(contexts: ReadonlySet<TransactionContext>): readonly TransactionContext[] {
    const rest = this.#backlog.findIndex((context) => !contexts.has(context));
    const taken = this.#backlog.splice(0, rest === -1 ? this.#backlog.length : rest);
    for (const { transaction } of taken) this.#backlogChanges -= transaction.changes.length;
    return taken;
  }

  /** A group that is behind is live again if nothing waits. */
  comeBack(): void {
    if (this.#backlog.length === 0) this.#on('drained');
  }

  /** Removes the first waiting transaction. The group is live again when none is left. */
  takeNext(): TransactionContext | null {
    if (this.#on('next') !== 'take next') return null;
    const taken = this.#backlog.splice(0, this.#step());
    if (taken.length === 0) {
      this.comeBack();
      return null;
    }
    const next = asOne(taken);
    this.#backlogChanges -= next.transaction.changes.length;
    return next;
  }

  /**
   * Number of waiting transactions that are evaluated as one. If Postgres is queried, each
   * evaluation takes back what came after its read point, so one by one a group that is behind
   * would fall further behind.
   */
  #step(): number {
    return this.scope.held ? Math.max(1, Math.ceil(this.#backlog.length / BACKLOG_STEPS)) : 1;
  }

  /**
   * Evaluates a transaction and tells the subscribers, where that takes no database; or has it wait
   * until it is its turn. False: it has to be evaluated with `evaluate`. A replay comes while the
   * group is still loading, or behind.
   */
  evaluateInMemory(context: TransactionContext, isReplay: boolean): boolean {
    if (!this.#isTurnOf(context, isReplay)) return true;
    const delta = this.scope.evaluateInMemory(context.net);
    if (delta) this.tell(context, delta);
    return delta !== undefined;
  }

  /** Evaluates a transaction that memory could not decide; a generator like `Scope.evaluate`. */
  *evaluate(context: TransactionContext, client: BatchClient): Generator<void, void, BatchClient> {
    this.#isEvaluating = true;
    try {
      const delta = yield* this.scope.evaluate(context.net, client);
      if (delta) this.tell(context, delta);
    } finally {
      this.#isEvaluating = false;
    }
  }

  /** False: the transaction is passed over, or waits. */
  #isTurnOf(context: TransactionContext, isReplay: boolean): boolean {
    const deed = this.#on(isReplay ? 'replayed' : 'transaction');
    if (deed === 'wait') this.wait(context);
    return deed === 'evaluate';
  }

  reset(reason: ResetReason, cursor: Snapshot): void {
    const message = resetMessage(reason, cursor);
    for (const { outbox } of this.#subscribers) outbox.push(message);
  }

  fail(error: unknown): void {
    if (this.#on('ended') === 'drop backlog') this.#backlog = [];
    for (const { outbox } of [...this.#subscribers]) outbox.fail(error);
  }

  end(): void {
    if (this.#on('ended') === 'drop backlog') this.#backlog = [];
    for (const { outbox } of [...this.#subscribers]) outbox.end();
  }

  /** Runs a replay, and returns what it would have told the subscribers. */
  async collect(replay: () => Promise<void>): Promise<readonly ReplayedStep[]> {
    const collected: ReplayedStep[] = [];
    this.#collected = collected;
    try {
      await replay();
    } finally {
      this.#collected = null;
    }
    return collected;
  }

  tell(context: TransactionContext, delta: ScopeDelta): void {
    if (this.#collected) this.#collected.push({ context, delta });
    else this.#tell(context, delta);
  }

  #tell({ transaction, told }: TransactionContext, { reset, changes, related }: ScopeDelta): void {
    const wanted = changes.filter((change) => this.#wants(change));
    if (wanted.length === 0 && related.size === 0 && reset === null) return;
    const { cursor } = transaction;
    const message =
      reset === null && related.size === 0
        ? this.#plain.message(cursor, told, wanted)
        : { cursor, reset, transaction: told, changes: wanted, related };
    for (const { outbox } of this.#subscribers) outbox.push(message);
  }

  #wants(change: ScopeChange): boolean {
    const { ops, columns } = this.spec;
    if (change.kind === 'UPDATE') {
      if (change.changedColumns.length === 0) return false;
      if (columns && !change.changedColumns.some((column) => columns.has(column))) return false;
    }
    if (ops === null) return true;
    return ops.has(change.op ?? 'UPDATE');
  }
}

/** A message that says only that continuity is lost. */
export function resetMessage(reset: ResetReason, cursor: Snapshot): ScopeMessage {
  return { cursor, reset, transaction: null, changes: [], related: NOTHING_RELATED };
}
