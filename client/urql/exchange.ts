import {
  composeExchanges,
  type Exchange,
  makeOperation,
  type Operation,
  type OperationResult,
} from '@urql/core';
import { makeSubject } from 'wonka';
import type { Manifest } from '../../shared/manifest/types.js';
import { assertOptions } from '../../shared/options/assert.js';
import { callback } from '../../shared/options/checks.js';
import { readManifest } from '../core/index.js';
import {
  createLiveQueries,
  hasLiveDirective,
  LIVE_CHECKS,
  type LiveTimes,
  type StreamClient,
  type VerifyOptions,
} from '../core/live/index.js';
import { createCacheNotifier } from './cache-notifier.js';
import { completingExchange } from './completing-exchange.js';
import { createResultLedger } from './result-ledger.js';
import { createRowsAlone } from './rows-alone.js';
import { streamingExchange } from './streaming-exchange.js';

export interface RivuletExchangeOptions {
  /** The server's manifest: `GET /manifest.json`, or the output of `rivulet schema --manifest`. */
  readonly manifest: Manifest;
  /** A `Client` of graphql-ws or graphql-sse: it carries the change streams. */
  readonly client: StreamClient;
  /** The cache, such as Graphcache's `cacheExchange`. Default: none. */
  readonly cache?: Exchange;
  readonly times?: Partial<LiveTimes>;
  /**
   * For development: live queries are compared with the network from time to time; the first
   * difference is warned of, with the change that should have made it so. Default: false.
   */
  readonly verify?: boolean | VerifyOptions;
  /** Called with errors that belong to no query's result. Default: `console.warn`. */
  readonly onError?: (error: unknown) => void;
}

/**
 * Makes queries live: those with `context: { live: true }`, or with the directive `@live`. It
 * stands where the cache would stand, before the exchange that fetches.
 *
 * A live query is answered by the cache at once, where that can, and by the network. From then on
 * its change streams keep its result true; each new result passes through the cache, as an answer
 * of the same query or, where nothing but rows changed, as these rows, so everything else that
 * shows them follows. All other operations pass untouched. Throws `OPTIONS_INVALID` with all that
 * is wrong with the options.
 */
export function rivuletExchange(options: RivuletExchangeOptions): Exchange {
  const checks = { ...LIVE_CHECKS, cache: callback };
  assertOptions<RivuletExchangeOptions>('rivuletExchange', options, checks, ['manifest', 'client']);
  return (input) => {
    const operations = { watched: new Set<number>(), stale: new Set<number>() };
    const shown = createResultLedger(operations);
    const unasked = makeSubject<OperationResult>();
    const report = options.onError ?? ((error: unknown) => console.warn(error));
    const telling = createCacheNotifier(options.manifest, () => live, report, unasked.next);
    const live = createLiveQueries({
      ...options,
      ...(options.cache ? { tell: telling.live } : {}),
    });
    const isLive = (operation: Operation) => operation.kind === 'query' && isMarked(operation);
    /** The keys of those that were handed to the cache and have not come out of it. */
    const begun = new Set<number>();
    const insisted = makeSubject<Operation>();

    /** Once only: later the cache asks for the query itself when something in it changed. */
    function toNetwork(operation: Operation): Operation {
      const { key, kind, context } = operation;
      if (kind === 'teardown') begun.delete(key);
      if (!isLive(operation) || operations.watched.has(key) || context.requestPolicy === 'network-only')
        return operation;
      begun.add(key);
      setTimeout(() => insist(operation), 0);
      return makeOperation(kind, operation, { ...context, requestPolicy: 'cache-and-network' });
    }

    /**
     * A cache may keep a query to itself for which it has nothing, so that two queries do not ask
     * because of each other for ever.
     */
    function insist(operation: Operation): void {
      const { key, kind, context } = operation;
      if (!begun.delete(key) || operations.watched.has(key)) return;
      insisted.next(makeOperation(kind, operation, { ...context, requestPolicy: 'network-only' }));
    }

    const outside = shown.exchange(toNetwork, insisted.source);
    const rows =
      options.cache &&
      createRowsAlone({
        schema: readManifest(options.manifest),
        cache: options.cache,
        shown,
        tell: telling.rows,
      });
    const streaming = streamingExchange({
      live,
      isLive,
      operations,
      shown,
      rows,
      telling,
      unasked: unasked.source,
    });
    return composeExchanges(
      rows ? [completingExchange(options.manifest), outside, rows.cache, streaming] : [outside, streaming],
    )(input);
  };
}

/** A cache-only operation has no stream to follow. */
function isMarked({ context, query }: Operation): boolean {
  return context.requestPolicy !== 'cache-only' && (context.live === true || hasLiveDirective(query));
}
