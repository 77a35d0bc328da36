import { RivuletError } from '../../../shared/errors.js';
import type { SelectedMessage } from '../../../shared/protocol/selected.js';
import { isObject } from '../row.js';
import type { ClientSchema } from '../schema.js';
import { syncWithNeeds } from '../sync.js';
import { cursorOf, eventOf, isGone, isRefilled, textOf } from './answer-signals.js';
import type { StreamRequest } from './change-stream-request.js';
import { CoveredFields } from './covered-fields.js';
import type { AppliedRoot, LivePlan, LiveRoot } from './derive.js';
import type { DocumentVariables } from './document.js';
import { HeldRows } from './held-rows.js';
import type { LiveTimes } from './options.js';
import { ResponseProjection, treeOf } from './response-projection.js';
import { type LiveAction, type LiveEvent, type LiveState, transition } from './state.js';
import { streamEndOf } from './stream-error.js';
import { touchedBy } from './touched-rows.js';
import type { BarrierStream, TransactionBarrier } from './transaction-barrier.js';
import type { ExecuteQuery, LiveAnswer, LiveResult, StreamClient } from './transport.js';

export interface LiveSessionOptions {
  readonly schema: ClientSchema;
  readonly plan: LivePlan;
  readonly variables: DocumentVariables;
  readonly execute: ExecuteQuery;
  readonly client: StreamClient;
  readonly times: LiveTimes;
  readonly barrier: TransactionBarrier;
  /**
   * Called when there is something to emit; the owner calls `flush` soon, together with others' .
   */
  readonly schedule: (session: LiveSession) => void;
  readonly emit: (result: LiveResult) => void;
  /** True if the next emission may be older than what other live queries know of the same rows. */
  readonly changed: () => void;
  /** A message came, whatever it makes of the answer. */
  readonly heard: (stream: StreamRequest, message: unknown) => void;
  /** A message of an own mutation came. */
  readonly echoed: (mutationId: string) => void;
  /** The verifier that compares it with the network. */
  readonly observer?: LiveSessionObserver | undefined;
  /** Called with errors that belong to no result. */
  readonly report: (error: unknown) => void;
}

export interface LiveSessionObserver {
  messageReceived(message: Readonly<Record<string, unknown>>): void;
  /** A message was applied, or the query was answered. */
  stateChanged(): void;
}

/**
 * The life of one live query: an answer, then the streams from its cursor on, applied to it;
 * another answer where a change cannot be decided here. Nothing that came before an answer is
 * applied to it. `state.ts` says what follows on what.
 */
export class LiveSession {
  #state: LiveState = 'idle';
  readonly #options: LiveSessionOptions;
  readonly #projection = new ResponseProjection();
  /** By root. */
  readonly #trees = new Map<LiveRoot, unknown>();
  readonly #cursors = new Map<LiveRoot, string>();
  #data: Readonly<Record<string, unknown>> | null = null;
  #answer: LiveAnswer | undefined;
  #lastAnswer: LiveAnswer | undefined;
  #cancel: (() => void) | undefined;
  #streams: (() => void)[] = [];
  #fetches = 0;
  #generation = 0;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #attempts = 0;
  #fetchedAt = Number.NEGATIVE_INFINITY;
  #pending: Omit<LiveResult, 'isAnswer' | 'isRepeat'> | undefined;
  #isAnswered = false;
  #isRepeat = false;
  #problem: unknown;
  #isConnected = true;
  #wasUnplaced = false;
  #epoch = 0;
  #lastShown: unknown;
  readonly #lastTransactions = new Map<LiveRoot, string>();
  /** The streams whose messages are applied. */
  readonly #followers: ReadonlyMap<AppliedRoot, BarrierStream>;
  readonly #held = new Map<AppliedRoot, { readonly tree: unknown; readonly rows: HeldRows }>();

  readonly #actions: Readonly<Record<LiveAction, () => void>> = {
    fetch: () => this.#fetch(),
    fetchSoon: () => this.#later(this.#fetchedAt + this.#options.times.refetchGapMs - Date.now()),
    fetchSpread: () => this.#later(Math.random() * this.#options.times.resetSpreadMs),
    adopt: () => this.#adopt(),
    subscribe: () => this.#subscribe(),
    unsubscribe: () => this.#unsubscribe(),
    resubscribe: () => this.#resubscribe(),
    emit: () => this.#show(false),
    emitStale: () => this.#show(true),
    emitErrors: () => this.#showErrors(),
    waitLonger: () => this.#waitLonger(),
    settle: () => this.#later(this.#options.times.catchUpMs),
    report: () => this.#reportRefusal(),
    reportUnplaced: () => this.#reportUnplaced(),
    cleanUp: () => this.#cleanUp(),
  };

  constructor(options: LiveSessionOptions) {
    this.#options = options;
    const applied = options.plan.roots.filter((root) => root.kind === 'applied');
    this.#followers = new Map(applied.map((root) => [root, this.#follower(root)]));
  }

  get state(): LiveState {
    return this.#state;
  }

  /** Its streams run and reach us. */
  get isFollowing(): boolean {
    return (this.#state === 'streaming' || this.#state === 'renewing') && this.#isConnected;
  }

  /** True if its data would take back what another live query shows. */
  get isBehind(): boolean {
    const { barrier: together } = this.#options;
    return [...this.#followers.values()].some((follower) => together.isBehind(follower));
  }

  /** Its streams run, and nothing was asked since. */
  get isSteady(): boolean {
    return this.#state === 'streaming' && this.#isConnected;
  }

  /** Number of responses so far. */
  get epoch(): number {
    return this.#epoch;
  }

  /** The data of the last emission. */
  get lastShown(): unknown {
    return this.#lastShown;
  }

  treeOf(root: LiveRoot): unknown {
    return root.kind === 'applied' ? this.#trees.get(root) : this.#data?.[root.responseKey];
  }

  cursorOf(root: LiveRoot): string | undefined {
    return this.#cursors.get(root);
  }

  /** The last transaction of a stream since the query's response. */
  lastTransaction(root: LiveRoot): string | null {
    return this.#lastTransactions.get(root) ?? null;
  }

  /** The fields and rows that it updates. */
  get covers(): CoveredFields {
    return new CoveredFields(this.#options.plan, (root) => this.#trees.get(root));
  }

  start(): void {
    this.#dispatch('start');
  }

  /** Asks for a fresh answer, unless one is on its way. */
  refetch(): void {
    this.#dispatch('refetch');
  }

  /**
   * Shows what is known, where that is true; else asks for a fresh answer, unless one is on its
   * way.
   */
  again(): void {
    if (this.isFollowing) {
      this.#isAnswered = true;
      this.#show(false);
    } else this.refetch();
  }

  stop(): void {
    this.#dispatch('stop');
  }

  /**
   * Emits what is known once more; false where that is not known to be true now, or is about to be
   * emitted anyhow.
   */
  repeat(): boolean {
    if (this.#state === 'refused' || this.#state === 'ended') return true;
    if (!this.isFollowing || this.#pending || this.isBehind) return false;
    this.#show(false);
    this.#isRepeat = true;
    return true;
  }

  /** The connection of the streams broke, or is there again; they resume by themselves. */
  connection(isConnected: boolean): void {
    if (this.#isConnected === isConnected) return;
    this.#isConnected = isConnected;
    if (this.#state !== 'streaming' && this.#state !== 'renewing') return;
    if (isConnected) this.#act('settle');
    else this.#show(true);
  }

  /** Emits what is due. */
  flush(): void {
    const result = this.#pending;
    const isAnswer = this.#isAnswered;
    const isRepeat = this.#isRepeat && !isAnswer;
    this.#pending = undefined;
    if (!result || this.#state === 'ended') return;
    this.#isAnswered = false;
    this.#lastShown = result.data;
    this.#options.emit({ ...result, isAnswer, isRepeat });
  }

  #dispatch(event: LiveEvent): void {
    const next = transition(this.#state, event);
    if (!next) return;
    this.#state = next.to;
    if (ANSWERS.has(event)) this.#isAnswered = true;
    for (const action of next.actions) this.#act(action);
  }

  #act(action: LiveAction): void {
    this.#actions[action]();
  }

  #fetch(): void {
    this.#stopTimer();
    this.#cancel?.();
    this.#fetchedAt = Date.now();
    const fetch = ++this.#fetches;
    let isDone = false;
    const cancel = this.#options.execute(this.#options.plan.document, this.#options.variables, (answer) => {
      if (isDone || fetch !== this.#fetches) return;
      isDone = true;
      this.#cancel = undefined;
      this.#answer = answer;
      const event = eventOf(answer);
      // Without streams no cursor is missed.
      this.#dispatch(event === 'unplaced' && this.#options.plan.roots.length === 0 ? 'answer' : event);
    });
    if (!isDone) this.#cancel = cancel;
  }

  #later(delayMs: number): void {
    this.#stopTimer();
    this.#timer = setTimeout(() => this.#dispatch('timer'), Math.max(0, delayMs));
  }

  /** Half of the wait is fixed, half is random. */
  #waitLonger(): void {
    const { retryFirstMs, retryMostMs } = this.#options.times;
    const most = Math.min(retryMostMs, retryFirstMs * 2 ** Math.min(this.#attempts++, 20));
    this.#later(most / 2 + (Math.random() * most) / 2);
  }

  #stopTimer(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }

  #adopt(): void {
    // Waiting messages of the old streams do not apply to the new response.
    this.#generation++;
    const answer = this.#answer!;
    this.#lastAnswer = answer;
    this.#epoch++;
    this.#lastTransactions.clear();
    this.#options.changed();
    const data = answer.data as Readonly<Record<string, unknown>>;
    const cursor = cursorOf(answer);
    if (cursor !== undefined) this.#attempts = 0;
    this.#data = data;
    for (const root of this.#options.plan.roots) {
      if (cursor !== undefined) this.#cursors.set(root, cursor);
      if (root.kind !== 'applied') continue;
      const before = this.#heldBy(root);
      this.#trees.set(root, treeOf(root.reading, data[root.responseKey]));
      this.#options.barrier.answered(this.#followers.get(root)!, this.#fetchedAt, before);
    }
    this.#options.observer?.stateChanged();
  }

  #subscribe(): void {
    const generation = ++this.#generation;
    for (const root of this.#options.plan.roots) {
      if (!this.#cursors.has(root)) continue;
      if (generation !== this.#generation) return;
      const follower = root.kind === 'applied' ? this.#followers.get(root) : undefined;
      if (follower) this.#options.barrier.follow(follower);
      this.#streams.push(this.#open(root, generation));
    }
    if (generation !== this.#generation) this.#closeStreams();
  }

  /**
   * The new streams begin before the old ones end, so that what they share on the server is kept.
   */
  #resubscribe(): void {
    const old = this.#streams.splice(0);
    this.#subscribe();
    for (const close of old) close();
  }

  #open(root: LiveRoot, generation: number): () => void {
    const cursors = this.#cursors;
    const isCurrent = () => generation === this.#generation;
    const end = (error: unknown) => {
      if (!isCurrent()) return;
      this.#hurry();
      if (!isCurrent()) return;
      this.#problem = error;
      this.#dispatch(streamEndOf(error));
    };
    const { query, variables, field } = root.stream;
    const request = {
      query,
      variables: {
        ...variables,
        // Read each time the request is sent: a client that reconnects by itself resumes where the
        // stream is.
        get after() {
          return cursors.get(root);
        },
      },
    };
    return this.#options.client.subscribe(request, {
      next: (result) => {
        if (!isCurrent()) return;
        const message: unknown = isObject(result.data) ? result.data[field] : undefined;
        if (isObject(message)) this.#receive(root, message, isCurrent);
        else end(result.errors ?? result);
      },
      error: end,
      complete: () => end(undefined),
    });
  }

  #receive(root: LiveRoot, message: Readonly<Record<string, unknown>>, isCurrent: () => boolean): void {
    this.#attempts = 0;
    this.#options.observer?.messageReceived(message);
    if (typeof message.cursor === 'string') this.#cursors.set(root, message.cursor);
    const { transaction } = message;
    const { xid, mutationId } = isObject(transaction) ? transaction : {};
    const tell = () => {
      this.#options.heard(root.stream, message);
      if (typeof mutationId === 'string') this.#options.echoed(mutationId);
    };
    if (typeof message.reset === 'string' || root.kind === 'asked') {
      this.#dispatch(typeof message.reset === 'string' ? 'reset' : 'need');
      tell();
      return;
    }
    const apply = () => {
      if (isCurrent()) {
        if (typeof xid === 'string') this.#lastTransactions.set(root, xid);
        this.#apply(root, message);
        this.#options.observer?.stateChanged();
      }
      tell();
    };
    if (typeof xid !== 'string') {
      this.#hurry();
      apply();
    } else {
      const touched = touchedBy(root.reading, message);
      this.#options.barrier.bring(this.#followers.get(root)!, xid, touched, apply);
    }
  }

  #apply(root: AppliedRoot, message: Readonly<Record<string, unknown>>): void {
    const { shape, id, reading } = root;
    const before = this.#trees.get(root);
    try {
      const { value, needs } = syncWithNeeds(
        before,
        { ...(message as unknown as SelectedMessage), table: reading.table.name },
        {
          ...shape,
          manifest: this.#options.schema,
          table: reading.table.name,
          ...(id === undefined ? {} : { id }),
        },
      );
      // The reducer leaves the row of a root field where it is.
      const after = id !== undefined && isGone(message) ? null : value;
      this.#trees.set(root, after);
      if (after !== before) this.#options.changed();
      if (needs.length > 0 || isRefilled(message)) this.#dispatch('need');
      else if (after !== before) this.#dispatch('message');
    } catch (error) {
      this.#options.report(error);
      this.#dispatch('need');
    }
  }

  #follower(root: AppliedRoot): BarrierStream {
    const isFollowing = () => this.isFollowing;
    const held = () => this.#heldBy(root);
    return {
      get isFollowing() {
        return isFollowing();
      },
      get held() {
        return held();
      },
    };
  }

  #heldBy(root: AppliedRoot): HeldRows {
    const tree = this.#trees.get(root);
    const known = this.#held.get(root);
    if (known?.tree === tree && known) return known.rows;
    const rows = HeldRows.in(root.reading, tree);
    this.#held.set(root, { tree, rows });
    return rows;
  }

  #hurry(): void {
    for (const follower of this.#followers.values()) this.#options.barrier.hurry(follower);
  }

  #reportUnplaced(): void {
    if (this.#wasUnplaced) return;
    this.#wasUnplaced = true;
    const why = 'The answer has no `extensions.rivulet.cursor`; the query is asked again from time to time.';
    this.#options.report(new RivuletError('LIVE_NOT_FOLLOWED', why));
  }

  #reportRefusal(): void {
    const problem = textOf(this.#problem);
    this.#options.report(new RivuletError('LIVE_REFUSED', `The server refused a change stream: ${problem}`));
  }

  #unsubscribe(): void {
    this.#generation++;
    this.#closeStreams();
    for (const follower of this.#followers.values()) this.#options.barrier.leave(follower);
  }

  #closeStreams(): void {
    for (const close of this.#streams.splice(0)) close();
  }

  #show(stale: boolean): void {
    if (!this.#data) return;
    const data: Record<string, unknown> = { ...this.#data };
    for (const root of this.#options.plan.roots) {
      if (root.kind === 'applied')
        data[root.responseKey] = this.#projection.show(root.reading, this.#trees.get(root));
    }
    this.#schedule({
      data,
      errors: this.#lastAnswer?.errors,
      extensions: this.#lastAnswer?.extensions,
      stale: stale || !this.#isConnected,
      ...(this.#answer?.unreachable ? { problem: this.#answer.errors?.[0] } : {}),
    });
  }

  #showErrors(): void {
    const { errors, extensions } = this.#answer!;
    this.#schedule({ data: null, errors: errors ?? [], extensions, stale: false });
  }

  #schedule(result: Omit<LiveResult, 'isAnswer' | 'isRepeat'>): void {
    this.#pending = result;
    this.#isRepeat = false;
    this.#options.schedule(this);
  }

  #cleanUp(): void {
    this.#stopTimer();
    this.#unsubscribe();
    this.#cancel?.();
    this.#cancel = undefined;
    this.#pending = undefined;
  }
}

/** After these nobody waits for an answer any more. */
const ANSWERS: ReadonlySet<LiveEvent> = new Set(['answer', 'unplaced', 'failure', 'refusal', 'denied']);
