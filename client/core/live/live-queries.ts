import { type DocumentNode, print } from 'graphql';
import { RivuletError } from '../../../shared/errors.js';
import type { Manifest } from '../../../shared/manifest/types.js';
import type { ChangeReport } from '../lists/change-reports.js';
import type { LiveCoverage } from '../lists/list-store.js';
import { type ClientSchema, readManifest } from '../schema.js';
import { derive } from './derive.js';
import type { DocumentVariables } from './document.js';
import { DEFAULT_TIMES, type LiveTimes } from './options.js';
import { OwnWrites } from './own-writes.js';
import { PendingReports } from './pending-reports.js';
import { LiveSession, type LiveSessionOptions } from './session.js';
import { stableText } from './stable-text.js';
import type { LiveState } from './state.js';
import { TransactionBarrier } from './transaction-barrier.js';
import type { ExecuteQuery, LiveResult, StreamClient } from './transport.js';
import { type LoadedVerifier, loadVerifier } from './verify/load-verifier.js';
import type { VerifyOptions } from './verify/options.js';

export interface ClientLiveOptions {
  readonly manifest: Manifest;
  /** A `Client` of graphql-ws or graphql-sse. */
  readonly client: StreamClient;
  readonly times?: Partial<LiveTimes> | undefined;
  /** Called with errors that belong to no query's result. Default: `console.warn`. */
  readonly onError?: ((error: unknown) => void) | undefined;
  /** Runs the emissions that are due together. Default: one after the other. */
  readonly batch?: ((emit: () => void) => void) | undefined;
  /**
   * Called with the reports of their streams, for all data that they do not update themselves;
   * after the emissions of the same batch.
   */
  readonly tell?: ((told: readonly ChangeReport[]) => void) | undefined;
  /**
   * For development: live queries are compared with the network from time to time. Default: false.
   */
  readonly verify?: boolean | VerifyOptions | undefined;
}

/** A watched query. */
export interface LiveWatch {
  /** Asks for a fresh answer, unless one is on its way. */
  refetch(): void;
  /** Shows what is known once more, where its streams keep it true; else as `refetch`. */
  repeatOrRefetch(): void;
  stop(): void;
}

/**
 * The live queries of one GraphQL client: the same document with the same variables is one session,
 * whoever watches it.
 */
export interface ClientLiveQueries {
  /**
   * Throws `LIVE_NOT_FOLLOWED` on what is no query. A watcher that is not the first gets the last
   * result soon. `shown`: what the cache has of the query, to be verified; `undefined`: nothing
   * whole.
   */
  watch(
    document: DocumentNode,
    variables: DocumentVariables,
    execute: ExecuteQuery,
    watcher: (result: LiveResult) => void,
    shown?: () => unknown,
  ): LiveWatch;
  /**
   * The answer of something else, asked for at `askedAt` (`Date.now()`), was written into the
   * cache. What live queries were told since then it may not know, so they repeat it at once; and
   * all of them repeat what they know after a while.
   */
  settle(askedAt?: number): void;
  /** Own mutations, by the `mutationId` that they were sent with. */
  readonly writes: Pick<OwnWrites, 'begin' | 'answered' | 'hasEcho'>;
  /** The fields and rows that they update now. */
  covered(): Omit<LiveCoverage, 'isOwnWrite'>;
  /** Number of sessions by state. */
  states(): Readonly<Partial<Record<LiveState, number>>>;
  stop(): void;
}

interface SharedSession {
  readonly session: LiveSession;
  readonly verifier: LoadedVerifier | undefined;
  readonly watchers: Set<(result: LiveResult) => void>;
  last: LiveResult | undefined;
}

export function createLiveQueries(options: ClientLiveOptions): ClientLiveQueries {
  const schema: ClientSchema = readManifest(options.manifest);
  const times: LiveTimes = { ...DEFAULT_TIMES, ...options.times };
  const report = options.onError ?? ((error: unknown) => console.warn(error));
  const batch = options.batch ?? ((emit: () => void) => emit());
  const shared = new Map<string, SharedSession>();
  const due = new Set<LiveSession>();
  let flushTimer: ReturnType<typeof setTimeout> | undefined;
  let hearTimer: ReturnType<typeof setTimeout> | undefined;
  let settleTimer: ReturnType<typeof setTimeout> | undefined;

  const flush = (): void => {
    clearTimeout(flushTimer);
    flushTimer = undefined;
    if (writes.isHolding) return;
    const sessions = [...due].filter((session) => !session.isBehind);
    for (const session of sessions) due.delete(session);
    const told = options.tell ? heard.take() : [];
    if (sessions.length === 0 && told.length === 0) return;
    batch(() => {
      for (const session of sessions) session.flush();
      if (told.length > 0) guarded(() => options.tell?.(told));
    });
  };
  // All messages that came in one turn are one emission.
  const schedule = (session: LiveSession): void => {
    due.add(session);
    flushSoon();
  };
  const heard = new PendingReports(schema, report);
  // With what it does to live queries, where it does something to them.
  const hear: LiveSessionOptions['heard'] = (stream, message) => {
    if (!options.tell) return;
    heard.add(stream, message);
    hearTimer ??= setTimeout(() => {
      hearTimer = undefined;
      if (!heard.isEmpty) flush();
    }, times.togetherMs);
  };
  const settle = (): void => {
    settleTimer ??= setTimeout(() => {
      settleTimer = undefined;
      const left = [...shared.values()].filter(({ session }) => !session.repeat());
      if (left.length > 0) settle();
    }, times.settleMs);
  };
  const tell = (entry: SharedSession, result: LiveResult): void => {
    entry.last = result;
    for (const watcher of [...entry.watchers]) guarded(() => watcher(result));
  };
  const guarded = (run: () => void): void => {
    try {
      run();
    } catch (error) {
      report(error);
    }
  };
  const flushSoon = (): void => {
    flushTimer ??= setTimeout(flush, 0);
  };
  const together = new TransactionBarrier(times, () => {
    if (due.size > 0) flushSoon();
  });
  const writes = new OwnWrites(times.echoMs, flushSoon);
  const stopListening = listen(options.client, (isConnected) => {
    for (const { session } of shared.values()) session.connection(isConnected);
  });

  const open = (
    document: DocumentNode,
    variables: DocumentVariables,
    execute: ExecuteQuery,
    shown: (() => unknown) | undefined,
  ): SharedSession => {
    const plan = derive(schema, document, variables);
    if (!plan) throw new RivuletError('LIVE_NOT_FOLLOWED', 'Only a document with one query can be live.');
    for (const name of plan.unfollowed) {
      report(new RivuletError('LIVE_NOT_FOLLOWED', `Nothing tells when \`${name}\` changes.`));
    }
    const sessionOptions: LiveSessionOptions = {
      schema,
      plan,
      variables,
      execute,
      client: options.client,
      times,
      barrier: together,
      schedule,
      emit: (result) => tell(entry, result),
      // A row may have left the query that wrote it last, with an older value than another query
      // shows.
      changed: () => {
        if (shared.size > 1) settle();
      },
      heard: hear,
      echoed: (mutationId) => writes.echoed(mutationId),
      report,
      observer: options.verify
        ? { messageReceived: (message) => verifier?.heard(message), stateChanged: () => verifier?.moved() }
        : undefined,
    };
    const session = new LiveSession(sessionOptions);
    const verifier = options.verify
      ? loadVerifier(session, sessionOptions, shown, options.verify)
      : undefined;
    const entry: SharedSession = { session, verifier, watchers: new Set(), last: undefined };
    return entry;
  };

  return {
    watch: (document, variables, execute, watcher, shown) => {
      const key = `${print(document)} ${stableText(variables)}`;
      let entry = shared.get(key);
      if (entry?.last) {
        const { last } = entry;
        queueMicrotask(() => {
          if (entry?.watchers.has(own) && entry.last === last) own(last);
        });
      }
      const isNew = !entry;
      entry ??= open(document, variables, execute, shown);
      const own = (result: LiveResult) => watcher(result);
      const joined = entry;
      joined.watchers.add(own);
      if (isNew) {
        shared.set(key, joined);
        joined.session.start();
      }
      return {
        refetch: () => joined.session.refetch(),
        repeatOrRefetch: () => joined.session.again(),
        stop: () => {
          if (!joined.watchers.delete(own) || joined.watchers.size > 0) return;
          joined.session.stop();
          joined.verifier?.stop();
          due.delete(joined.session);
          shared.delete(key);
        },
      };
    },
    settle: (askedAt) => {
      if (askedAt !== undefined && together.hasNewsSince(askedAt) && !writes.isHolding) {
        for (const { session } of shared.values()) session.repeat();
        flush();
      }
      settle();
    },
    writes,
    covered: () => {
      const open = [...shared.values()].filter(({ session }) => session.state !== 'refused');
      const covers = open.map(({ session }) => session.covers);
      return {
        field: (field) => covers.some((each) => each.field(field)),
        row: (entity) => covers.some((each) => each.row(entity)),
        column: (entity, name) => covers.some((each) => each.column(entity, name)),
      };
    },
    states: () => {
      const counts: Partial<Record<LiveState, number>> = {};
      for (const { session } of shared.values()) counts[session.state] = (counts[session.state] ?? 0) + 1;
      return counts;
    },
    stop: () => {
      clearTimeout(flushTimer);
      clearTimeout(hearTimer);
      clearTimeout(settleTimer);
      writes.stop();
      together.stop();
      stopListening();
      for (const { session, verifier } of shared.values()) {
        verifier?.stop();
        session.stop();
      }
      shared.clear();
    },
  };
}

/** graphql-ws reconnects by itself; what is shown is stale meanwhile. */
function listen(client: StreamClient, tell: (isConnected: boolean) => void): () => void {
  if (typeof client.on !== 'function') return () => {};
  const on = client.on.bind(client) as (event: string, listener: () => void) => () => void;
  const stops = [on('closed', () => tell(false)), on('connected', () => tell(true))];
  return () => {
    for (const stop of stops) stop();
  };
}
