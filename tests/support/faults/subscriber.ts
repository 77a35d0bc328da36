import { setTimeout as delay } from 'node:timers/promises';
import type { ExecutionResult } from 'graphql';
import {
  isLive,
  type Message,
  type Plan,
  queryOf,
  readMessage,
  readState,
  type State,
  subscriptionOf,
} from './plans.js';
import { overEventStream, overWebSocket, type Stream } from './transports.js';

/** What a subscriber took note of, in order. */
export type Note =
  /** It fetched; what it had is replaced. `why`: `null` at first, else the reset that made it. */
  | { readonly kind: 'fetched'; readonly at: number; readonly state: State; readonly why: string | null }
  | { readonly kind: 'told'; readonly at: number; readonly message: Message }
  /** Of a live query. */
  | { readonly kind: 'answered'; readonly at: number; readonly state: State };

export interface SubscriberOptions {
  readonly plan: Plan;
  readonly token: string;
  /** Where to connect next, `http://…/graphql`. */
  readonly url: () => string;
  /** No sign of life for so long, pings included: the link is taken for dead, cut and made anew. Default: never. */
  readonly idleMs?: number;
}

const FIRST_WAIT_MS = 50;
const LONGEST_WAIT_MS = 1_000;
const FETCH_WITHIN_MS = 10_000;
const KEPT_BREAKS = 20;

/**
 * One application that follows one set of rows: it fetches, streams from the answer's cursor, and, where the stream breaks, goes on at the
 * cursor of its last message, wherever `url` says. Where it is told to fetch again it does. Everything is noted.
 */
export class Subscriber {
  readonly plan: Plan;
  readonly #options: SubscriberOptions;
  readonly #notes: Note[] = [];
  #cursor: string | null = null;
  #why: string | null = null;
  #stream: Stream | null = null;
  #idle: NodeJS.Timeout | undefined;
  #stopped = false;
  #running: Promise<void> = Promise.resolve();
  #messages = 0;
  #reconnects = 0;
  #wasSlow = false;
  readonly #breaks: string[] = [];
  readonly #resets = new Map<string, number>();
  readonly #troubles: string[] = [];

  constructor(options: SubscriberOptions) {
    this.plan = options.plan;
    this.#options = options;
  }

  /** Messages and answers that came. */
  get messages(): number {
    return this.#messages;
  }

  get reconnects(): number {
    return this.#reconnects;
  }

  /** Why it had to connect again, in words, the last few times. */
  get breaks(): readonly string[] {
    return this.#breaks;
  }

  /** How often it was told to fetch again, by reason. */
  get resets(): ReadonlyMap<string, number> {
    return this.#resets;
  }

  /** Errors of GraphQL that it was told since the last call: a fault may break a connection, but is no reason for these. */
  takeTroubles(): readonly string[] {
    return this.#troubles.splice(0);
  }

  get cursor(): string | null {
    return this.#cursor;
  }

  /** Hands out the notes since the last call. */
  takeNotes(): readonly Note[] {
    return this.#notes.splice(0);
  }

  /** Whether it was a slow reader since the last call. */
  takeWasSlow(): boolean {
    const wasSlow = this.#wasSlow;
    this.#wasSlow = false;
    return wasSlow;
  }

  get notes(): readonly Note[] {
    return this.#notes;
  }

  start(): void {
    this.#running = this.#run();
  }

  /** Breaks the connection; the subscriber makes another one. */
  cut(): void {
    this.#stream?.cut();
  }

  /** Stops reading, as a slow consumer; over WebSockets only. */
  pause(): void {
    this.#wasSlow = true;
    clearTimeout(this.#idle);
    this.#stream?.pause();
  }

  resume(): void {
    this.#stream?.resume();
  }

  /** As a process that ended before it had saved its last `count` messages, and came back with what it had before them. */
  forget(count: number): void {
    for (
      let i = 0;
      i < count && this.#notes.at(-1)?.kind === 'told' && this.#notes.at(-2)?.kind === 'told';
      i++
    ) {
      this.#notes.pop();
      this.#messages--;
    }
    const last = this.#notes.at(-1);
    if (last?.kind !== 'told') return;
    this.#cursor = last.message.cursor;
    this.cut();
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    this.cut();
    await this.#running;
  }

  /** What the plan asks for as it is now, from whichever node answers. */
  async fetchNow(): Promise<{ readonly state: State; readonly cursor: string }> {
    const response = await fetch(this.#options.url(), {
      method: 'POST',
      headers: { 'content-type': 'application/json', authorization: `Bearer ${this.#options.token}` },
      body: JSON.stringify({ query: queryOf(this.plan) }),
      signal: AbortSignal.timeout(FETCH_WITHIN_MS),
    });
    const { data, errors, extensions } = (await response.json()) as {
      data?: Readonly<Record<string, unknown>> | null;
      errors?: ExecutionResult['errors'];
      extensions?: { rivulet: { cursor: string } };
    };
    if (!data || errors) throw new Error(JSON.stringify(errors));
    return { state: readState(this.plan, data), cursor: extensions!.rivulet.cursor };
  }

  async #run(): Promise<void> {
    let waitMs = FIRST_WAIT_MS;
    while (!this.#stopped) {
      const before = this.#messages;
      try {
        if (!isLive(this.plan) && this.#cursor === null) await this.#fetch();
        this.#broke(await this.#follow());
      } catch (error) {
        // A node that is not there, or has no database.
        this.#broke(error);
      }
      if (this.#stopped) return;
      this.#reconnects++;
      waitMs = this.#messages > before ? FIRST_WAIT_MS : Math.min(waitMs * 2, LONGEST_WAIT_MS);
      await delay(waitMs * (0.5 + Math.random()));
    }
  }

  async #fetch(): Promise<void> {
    const { state, cursor } = await this.fetchNow();
    this.#notes.push({ kind: 'fetched', at: performance.now(), state, why: this.#why });
    this.#cursor = cursor;
    this.#why = null;
  }

  #broke(why: unknown): void {
    this.#breaks.push(describeEnd(why));
    if (this.#breaks.length > KEPT_BREAKS) this.#breaks.shift();
  }

  /** Resolves when the stream has ended, to what ended it. */
  #follow(): Promise<unknown> {
    const { token, plan } = { ...this.#options };
    const transport = plan.transport === 'ws' ? overWebSocket : overEventStream;
    return new Promise((resolve) => {
      let isOver = false;
      const end = (why: unknown): void => {
        isOver = true;
        clearTimeout(this.#idle);
        resolve(why);
      };
      const stream = transport({
        url: this.#options.url(),
        token,
        query: subscriptionOf(plan),
        variables: isLive(plan) ? {} : { after: this.#cursor },
        ...(this.#options.idleMs !== undefined && { askEveryMs: this.#options.idleMs / 3 }),
        onAlive: () => {
          if (!isOver) this.#watchIdle(stream);
        },
        onNext: (result) => {
          // What is still on its way when the stream was given up is not looked at: it will come again.
          if (isOver) return;
          if (!this.#receive(result)) {
            end(`reset: ${this.#why}`);
            stream.cut();
          }
        },
        onEnd: (error) => {
          if (Array.isArray(error)) this.#trouble(error);
          end(error);
        },
      });
      this.#stream = {
        ...stream,
        cut: () => {
          stream.cut();
          end('cut');
        },
      };
      if (this.#stopped) this.#stream.cut();
      else this.#watchIdle(stream);
    });
  }

  /** False: continuity is lost, and the stream is of no use. */
  #receive({ data, errors }: ExecutionResult): boolean {
    if (!data || errors) {
      this.#trouble(errors);
      return true;
    }
    this.#messages++;
    const at = performance.now();
    if (isLive(this.plan)) {
      this.#notes.push({ kind: 'answered', at, state: readState(this.plan, data) });
      return true;
    }
    const message = readMessage(this.plan, data);
    this.#notes.push({ kind: 'told', at, message });
    this.#cursor = message.cursor;
    if (message.reset === null) return true;
    this.#resets.set(message.reset, (this.#resets.get(message.reset) ?? 0) + 1);
    this.#why = message.reset;
    this.#cursor = null;
    return false;
  }

  #watchIdle(stream: Stream): void {
    clearTimeout(this.#idle);
    const { idleMs } = this.#options;
    if (idleMs !== undefined) this.#idle = setTimeout(() => this.#stream?.cut() ?? stream.cut(), idleMs);
  }

  #trouble(errors: unknown): void {
    const codes = (errors as ExecutionResult['errors'])?.map(
      (error) => `${String(error.extensions?.code)}: ${error.message}`,
    );
    this.#troubles.push(codes?.join() ?? 'no data');
  }
}

function describeEnd(why: unknown): string {
  if (why === undefined) return 'complete';
  if (typeof why === 'string') return why;
  const { code, reason, message, cause } = why as Partial<{
    code: number;
    reason: string;
    message: string;
    cause: unknown;
  }>;
  if (reason !== undefined) return `closed with ${code} ${reason}`;
  if (message === undefined) return JSON.stringify(why);
  return cause instanceof Error ? `${message}: ${cause.message}` : message;
}
