import { RivuletError } from '../../../src/errors.js';
import type { ChangeMessage } from '../messages.js';
import { isObject } from '../row.js';
import type { ClientSchema } from '../schema.js';
import { syncWithNeeds } from '../sync.js';
import type { AppliedRoot, LivePlan, LiveRoot } from './derive.js';
import type { Variables } from './document.js';
import type { LiveTimes } from './options.js';
import { type LiveAction, type LiveEvent, type LiveState, transition } from './state.js';
import { streamEndOf } from './stream-error.js';
import type { Execute, LiveAnswer, LiveResult, StreamClient } from './transport.js';
import { Projection, treeOf } from './tree.js';

export interface SessionOptions {
  readonly schema: ClientSchema;
  readonly plan: LivePlan;
  readonly variables: Variables;
  readonly execute: Execute;
  readonly client: StreamClient;
  readonly times: LiveTimes;
  /** Called when there is something to emit; the owner calls `flush` soon, together with others' . */
  readonly schedule: (session: LiveSession) => void;
  readonly emit: (result: LiveResult) => void;
  /** What will be emitted may be older than what others know of the same rows. */
  readonly changed: () => void;
  /** A message of an own mutation came. */
  readonly echoed: (mutationId: string) => void;
  /** What goes wrong without an answer to show it in. */
  readonly report: (error: unknown) => void;
}

/**
 * The life of one live query: an answer, then the streams from its cursor on, applied to it; another answer where a change cannot be
 * decided here. Nothing that came before an answer is applied to it. `state.ts` says what follows on what.
 */
export class LiveSession {
  #state: LiveState = 'idle';
  readonly #options: SessionOptions;
  readonly #projection = new Projection();
  /** By root. */
  readonly #trees = new Map<LiveRoot, unknown>();
  readonly #cursors = new Map<LiveRoot, string>();
  #data: Readonly<Record<string, unknown>> | null = null;
  #answer: LiveAnswer | undefined;
  #lastAnswer: LiveAnswer | undefined;
  #cancel: (() => void) | undefined;
  #streams: (() => void)[] = [];
  #generation = 0;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #attempts = 0;
  #fetchedAt = Number.NEGATIVE_INFINITY;
  #pending: LiveResult | undefined;
  #problem: unknown;
  #isConnected = true;

  readonly #actions: Readonly<Record<LiveAction, () => void>> = {
    fetch: () => this.#fetch(),
    fetchSoon: () => this.#later(this.#fetchedAt + this.#options.times.refetchGapMs - Date.now()),
    fetchSpread: () => this.#later(Math.random() * this.#options.times.resetSpreadMs),
    adopt: () => this.#adopt(),
    subscribe: () => this.#subscribe(),
    unsubscribe: () => this.#unsubscribe(),
    emit: () => this.#show(false),
    emitStale: () => this.#show(true),
    emitErrors: () => this.#showErrors(),
    waitLonger: () => this.#waitLonger(),
    settle: () => this.#later(this.#options.times.catchUpMs),
    report: () => this.#reportRefusal(),
    cleanUp: () => this.#cleanUp(),
  };

  constructor(options: SessionOptions) {
    this.#options = options;
  }

  get state(): LiveState {
    return this.#state;
  }

  start(): void {
    this.#dispatch('start');
  }

  /** Asks for a fresh answer, unless one is on its way. */
  refetch(): void {
    this.#dispatch('refetch');
  }

  stop(): void {
    this.#dispatch('stop');
  }

  /** Emits what is known once more; false where that is not known to be true now, or is about to be emitted anyhow. */
  repeat(): boolean {
    if (this.#state === 'refused' || this.#state === 'ended') return true;
    if (this.#state !== 'streaming' || !this.#isConnected || this.#pending) return false;
    this.#show(false);
    return true;
  }

  /** The connection of the streams broke, or is there again; they resume by themselves. */
  connection(isConnected: boolean): void {
    if (this.#isConnected === isConnected) return;
    this.#isConnected = isConnected;
    if (this.#state !== 'streaming') return;
    if (isConnected) this.#act('settle');
    else this.#show(true);
  }

  /** Emits what is due. */
  flush(): void {
    const result = this.#pending;
    this.#pending = undefined;
    if (result && this.#state !== 'ended') this.#options.emit(result);
  }

  #dispatch(event: LiveEvent): void {
    const next = transition(this.#state, event);
    if (!next) return;
    this.#state = next.to;
    for (const action of next.actions) this.#act(action);
  }

  #act(action: LiveAction): void {
    this.#actions[action]();
  }

  #fetch(): void {
    this.#stopTimer();
    this.#cancel?.();
    this.#fetchedAt = Date.now();
    const generation = ++this.#generation;
    let isDone = false;
    const cancel = this.#options.execute(this.#options.plan.document, this.#options.variables, (answer) => {
      if (isDone || generation !== this.#generation) return;
      isDone = true;
      this.#cancel = undefined;
      this.#answer = answer;
      this.#dispatch(eventOf(answer));
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
    const answer = this.#answer!;
    this.#lastAnswer = answer;
    this.#attempts = 0;
    this.#options.changed();
    const data = answer.data as Readonly<Record<string, unknown>>;
    const cursor = cursorOf(answer);
    for (const root of this.#options.plan.roots) {
      if (root.kind === 'applied') this.#trees.set(root, treeOf(root.reading, data[root.responseKey]));
      if (cursor !== undefined) this.#cursors.set(root, cursor);
    }
    this.#data = data;
    if (cursor === undefined) {
      this.#options.report(
        new RivuletError('LIVE_NOT_FOLLOWED', 'The answer has no `extensions.rivulet.cursor`.'),
      );
    }
  }

  #subscribe(): void {
    const generation = ++this.#generation;
    for (const root of this.#options.plan.roots) {
      if (!this.#cursors.has(root)) continue;
      if (generation !== this.#generation) return;
      this.#streams.push(this.#open(root, generation));
    }
    if (generation !== this.#generation) this.#closeStreams();
  }

  #open(root: LiveRoot, generation: number): () => void {
    const cursors = this.#cursors;
    const isCurrent = () => generation === this.#generation;
    const end = (error: unknown) => {
      if (!isCurrent()) return;
      this.#problem = error;
      this.#dispatch(streamEndOf(error));
    };
    const { query, variables, field } = root.stream;
    const request = {
      query,
      variables: {
        ...variables,
        // Read each time the request is sent: a client that reconnects by itself resumes where the stream is.
        get after() {
          return cursors.get(root);
        },
      },
    };
    return this.#options.client.subscribe(request, {
      next: (result) => {
        if (!isCurrent()) return;
        const message: unknown = isObject(result.data) ? result.data[field] : undefined;
        if (isObject(message)) this.#receive(root, message);
        else end(result.errors ?? result);
      },
      error: end,
      complete: () => end(undefined),
    });
  }

  #receive(root: LiveRoot, message: Readonly<Record<string, unknown>>): void {
    this.#attempts = 0;
    if (typeof message.cursor === 'string') this.#cursors.set(root, message.cursor);
    if (typeof message.reset === 'string') this.#dispatch('reset');
    else if (root.kind === 'asked') this.#dispatch('need');
    else this.#apply(root, message);
    const { transaction } = message;
    const mutationId = isObject(transaction) ? transaction.mutationId : undefined;
    if (typeof mutationId === 'string') this.#options.echoed(mutationId);
  }

  #apply(root: AppliedRoot, message: Readonly<Record<string, unknown>>): void {
    const { shape, id, reading } = root;
    const before = this.#trees.get(root);
    try {
      const { value, needs } = syncWithNeeds(before, message as unknown as ChangeMessage, {
        ...shape,
        manifest: this.#options.schema,
        table: reading.table.name,
        ...(id === undefined ? {} : { id }),
      });
      // The reducer leaves the row of a root field where it is.
      const after = id !== undefined && isGone(message, id) ? null : value;
      this.#trees.set(root, after);
      if (after !== before) this.#options.changed();
      if (needs.length > 0 || isRefilled(message)) this.#dispatch('need');
      else if (after !== before) this.#dispatch('message');
    } catch (error) {
      this.#options.report(error);
      this.#dispatch('need');
    }
  }

  #reportRefusal(): void {
    const problem = textOf(this.#problem);
    this.#options.report(new RivuletError('LIVE_REFUSED', `The server refused a change stream: ${problem}`));
  }

  #unsubscribe(): void {
    this.#generation++;
    this.#closeStreams();
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
    });
  }

  #showErrors(): void {
    const { errors, extensions } = this.#answer!;
    this.#schedule({ data: null, errors: errors ?? [], extensions, stale: false });
  }

  #schedule(result: LiveResult): void {
    this.#pending = result;
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

function eventOf({ data, errors, unreachable }: LiveAnswer): LiveEvent {
  if (unreachable) return 'failure';
  if (isObject(data)) return 'answer';
  return streamEndOf(errors) === 'cut' ? 'failure' : 'refusal';
}

function cursorOf({ extensions }: LiveAnswer): string | undefined {
  const rivulet: unknown = extensions?.rivulet;
  const cursor: unknown = isObject(rivulet) ? rivulet.cursor : undefined;
  return typeof cursor === 'string' ? cursor : undefined;
}

function textOf(problem: unknown): string {
  const [first] = Array.isArray(problem) ? problem : [problem];
  return isObject(first) && typeof first.message === 'string' ? first.message : String(first);
}

function isGone({ changes }: Readonly<Record<string, unknown>>, id: string): boolean {
  const own = Array.isArray(changes) ? changes.filter((each) => isObject(each) && each.key === id) : [];
  return own.length > 0 && own.every((each) => isObject(each) && each.kind === 'LEAVE');
}

/** A table was emptied and filled again in one transaction: rows leave and come in one message, and what hung from them is not told. */
function isRefilled({ changes }: Readonly<Record<string, unknown>>): boolean {
  const left = new Set<unknown>();
  for (const each of Array.isArray(changes) ? changes : []) {
    if (!isObject(each)) continue;
    if (each.kind === 'LEAVE') left.add(each.key);
    else if (left.has(each.key)) return true;
  }
  return false;
}
