import { assertOptions } from '../../../shared/options/assert.js';
import {
  callback,
  either,
  filledText,
  milliseconds,
  type OptionChecks,
  oneOf,
  recordOf,
  text,
} from '../../../shared/options/checks.js';

export interface SseClientOptions {
  /** `https://api.example.com/graphql`, or `/graphql` on a page. */
  readonly url: string;
  /**
   * Sent with each request; a function is asked anew for each connection, so that a new token is
   * used.
   */
  readonly headers?: HeaderRecord | (() => HeaderRecord | Promise<HeaderRecord>);
  /** Mode of cookies. Default: that of `fetch`. */
  readonly credentials?: 'omit' | 'same-origin' | 'include';
  /** Default: the global one. */
  readonly fetch?: FetchLike;
  /** The wait before a broken connection is tried again; doubled each time. Default: 250. */
  readonly retryFirstMs?: number;
  /** Its largest. Default: 30000. */
  readonly retryMostMs?: number;
  /**
   * A stream that is silent for so long is broken: servers send something every 12 seconds.
   * Default: 30000.
   */
  readonly silenceMs?: number;
  /** So long the connection is kept when nothing is subscribed to any more. Default: 1000. */
  readonly lingerMs?: number;
}

type HeaderRecord = Readonly<Record<string, string>>;

export type FetchLike = (url: string, init: RequestInit) => Promise<Response>;

export type ResolvedOptions = Required<Omit<SseClientOptions, 'credentials'>> &
  Pick<SseClientOptions, 'credentials'>;

export function resolved(options: SseClientOptions): ResolvedOptions {
  return {
    headers: {},
    fetch: (url, init) => fetch(url, init),
    retryFirstMs: 250,
    retryMostMs: 30_000,
    silenceMs: 30_000,
    lingerMs: 1_000,
    // An option that is undefined counts as left out.
    ...(Object.fromEntries(
      Object.entries(options).filter(([, value]) => value !== undefined),
    ) as unknown as SseClientOptions),
  };
}

const CHECKS: OptionChecks<SseClientOptions> = {
  url: filledText,
  headers: either((value) => typeof value === 'function', callback, recordOf(text)),
  credentials: oneOf(['omit', 'same-origin', 'include']),
  fetch: callback,
  retryFirstMs: milliseconds(0),
  retryMostMs: milliseconds(0),
  silenceMs: milliseconds(1),
  lingerMs: milliseconds(0),
};

/** Throws `OPTIONS_INVALID` with every problem of the options. */
export function checkSseOptions(options: unknown): void {
  assertOptions<SseClientOptions>('createSseClient', options, CHECKS, ['url']);
}
