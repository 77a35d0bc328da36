import { quoteIdent } from '../sql/quote.js';
import { DatabaseSession, type SessionOptions } from './session.js';
import type { DatabaseLogger, QueryRunner } from './types.js';

const FIRST_DELAY_MS = 50;
const MAX_DELAY_MS = 1_500;

/**
 * A connection that only listens never learns by itself that nobody is at the other end: it asks.
 */
const ASK_EVERY_MS = 2_000;
const ANSWER_WITHIN_MS = 2_000;
/** For connecting and LISTEN together. */
const LISTEN_WITHIN_MS = 5_000;

export interface ListenerOptions extends Omit<SessionOptions, 'onLost' | 'onNotify'> {
  readonly log?: DatabaseLogger;
}

export interface ListenerEvents {
  readonly onNotify: (payload: string) => void;
  /** After every LISTEN, with its session; what was notified before it may have been lost. */
  readonly onListen: (session: Pick<QueryRunner, 'query'>) => void;
  readonly onLost?: (() => void) | undefined;
}

/**
 * LISTENs on a session of its own and makes a new one when it is lost, or has not answered for 2
 * seconds when asked every 2: after 50 ms, doubling to 1.5 s while that fails, each wait shortened
 * by up to a half so that nodes do not come back in step. Rejects when the first LISTEN fails. The
 * returned function ends it; twice is fine.
 */
export async function listen(
  url: string,
  channel: string,
  events: ListenerEvents,
  options: ListenerOptions,
): Promise<() => Promise<void>> {
  const listener = new Listener(url, channel, events, options);
  try {
    await listener.open();
  } catch (error) {
    await listener.end();
    throw error;
  }
  return () => listener.end();
}

/**
 * | state      | lost                       | timer fires | end    |
 * | ---------- | -------------------------- | ----------- | ------ |
 * | opening    | waiting (at first: reject) | –           | ended  |
 * | listening  | waiting                    | asks        | ended  |
 * | waiting    | –                          | opening     | ended  |
 * | ended      | –                          | –           | –      |
 */
class Listener {
  readonly #url: string;
  readonly #channel: string;
  readonly #events: ListenerEvents;
  readonly #options: ListenerOptions;
  #state: 'opening' | 'listening' | 'waiting' | 'ended' = 'opening';
  #session: DatabaseSession | null = null;
  #timer: NodeJS.Timeout | undefined;
  #delayMs = FIRST_DELAY_MS;

  constructor(url: string, channel: string, events: ListenerEvents, options: ListenerOptions) {
    this.#url = url;
    this.#channel = channel;
    this.#events = events;
    this.#options = options;
  }

  async open(): Promise<void> {
    const session = new DatabaseSession(this.#url, {
      ...this.#options,
      onNotify: (from, payload) => {
        if (from === this.#channel && this.#state === 'listening') this.#events.onNotify(payload);
      },
      onLost: () => {
        if (this.#state !== 'listening') return;
        this.#events.onLost?.();
        this.#wait();
      },
    });
    this.#session = session;
    await session.query(
      { text: `listen ${quoteIdent(this.#channel)}`, params: [] },
      { prepare: false, silenceMs: LISTEN_WITHIN_MS },
    );
    if (this.#state === 'ended') return;
    this.#state = 'listening';
    this.#delayMs = FIRST_DELAY_MS;
    if (session.lost) return this.#wait();
    this.#askLater(session);
    this.#events.onListen(session);
  }

  async end(): Promise<void> {
    this.#state = 'ended';
    clearTimeout(this.#timer);
    await this.#session?.end().catch(() => {});
  }

  #askLater(session: DatabaseSession): void {
    this.#timer = setTimeout(() => {
      // An answer that stays away loses the session, which says so itself.
      session.query({ text: 'select', params: [] }, { silenceMs: ANSWER_WITHIN_MS }).then(
        () => this.#state === 'listening' && session === this.#session && this.#askLater(session),
        () => {},
      );
    }, ASK_EVERY_MS);
  }

  #wait(): void {
    this.#state = 'waiting';
    clearTimeout(this.#timer);
    const delayMs = Math.round(this.#delayMs * (0.5 + Math.random() / 2));
    this.#delayMs = Math.min(this.#delayMs * 2, MAX_DELAY_MS);
    this.#timer = setTimeout(() => void this.#openAgain(), delayMs);
  }

  async #openAgain(): Promise<void> {
    this.#state = 'opening';
    try {
      await this.open();
    } catch (error) {
      await this.#session?.end().catch(() => {});
      if (this.#hasEnded()) return;
      this.#options.log?.warn({ error: String(error) }, 'the LISTEN connection could not be opened');
      this.#wait();
    }
  }

  #hasEnded(): boolean {
    return this.#state === 'ended';
  }
}
