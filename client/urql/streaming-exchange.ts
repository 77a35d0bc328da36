import {
  CombinedError,
  type Exchange,
  makeOperation,
  type Operation,
  type OperationResult,
} from '@urql/core';
import { GraphQLError } from 'graphql';
import { filter, makeSubject, map, merge, pipe, type Source, tap } from 'wonka';
import type {
  ClientLiveQueries,
  ExecuteQuery,
  LiveAnswer,
  LiveResult,
  LiveWatch,
} from '../core/live/index.js';
import type { UrqlCacheNotifier } from './cache-notifier.js';
import type { LiveOperations, ResultLedger } from './result-ledger.js';
import type { RowsAlone } from './rows-alone.js';

export interface StreamingOptions {
  readonly live: ClientLiveQueries;
  readonly isLive: (operation: Operation) => boolean;
  /** Kept by this exchange. */
  readonly operations: LiveOperations;
  readonly shown: Pick<ResultLedger, 'dataOf' | 'saying' | 'isShown'>;
  /** Set if there is a cache. */
  readonly rows: Pick<RowsAlone, 'show'> | undefined;
  readonly telling: UrqlCacheNotifier;
  /** Results that stand for no operation, for the cache. */
  readonly unasked: Source<OperationResult>;
}

interface WatchedOperation {
  operation: Operation;
  readonly watch: LiveWatch;
}

/** A query that was sent; its answer comes with it. */
interface SentQuery {
  readonly sentAt: number;
}

/**
 * Behind the cache: answers live queries, again and again; fetches for them through what comes
 * behind it.
 */
export function streamingExchange(options: StreamingOptions): Exchange {
  const { live, isLive, operations, shown, rows, telling, unasked } = options;
  return ({ forward }) =>
    (operations$) => {
      const fetches = makeSubject<Operation>();
      const results = makeSubject<OperationResult>();
      const entries = new Map<number, WatchedOperation>();
      const waiting = new Map<number, (answer: LiveAnswer) => void>();
      /**
       * Queries that were sent and have no response yet. A query may be sent again before its
       * response.
       */
      const asked = new Map<number, Set<SentQuery>>();
      const { watched, stale } = operations;
      let lastFetch = 0;

      const execute =
        (operation: Operation): ExecuteQuery =>
        (query, variables, done) => {
          const fetch = ++lastFetch;
          waiting.set(fetch, done);
          fetches.next(
            makeOperation('query', { ...operation, query, variables } as Operation, {
              ...(entries.get(operation.key)?.operation ?? operation).context,
              requestPolicy: 'network-only',
              rivuletFetch: fetch,
            }),
          );
          return () => waiting.delete(fetch);
        };

      const begin = (operation: Operation): void => {
        watched.add(operation.key);
        const variables = (operation.variables ?? {}) as Record<string, unknown>;
        try {
          const watcher = (result: LiveResult): void => {
            const entry = entries.get(operation.key);
            if (entry) show(entry.operation, result);
          };
          const inCache = () => shown.dataOf(operation.key);
          const watch = live.watch(operation.query, variables, execute(operation), watcher, inCache);
          entries.set(operation.key, { operation, watch });
        } catch (error) {
          watched.delete(operation.key);
          const failed = { data: undefined, errors: [error], stale: false, isAnswer: true, isRepeat: false };
          results.next(asResult(operation, failed));
        }
      };

      const show = (operation: Operation, result: LiveResult): void => {
        const { key } = operation;
        // Data that nothing overwrote need not be emitted again.
        if (result.isRepeat && !stale.has(key) && shown.isShown(key, result.data)) return;
        if (result.stale) stale.add(key);
        else stale.delete(key);
        if (rows?.show(operation, result)) return;
        shown.saying(key, result.data, () => results.next(asResult(operation, result)));
      };

      const take = (operation: Operation): void => {
        const known = entries.get(operation.key);
        if (operation.kind === 'teardown') {
          entries.delete(operation.key);
          watched.delete(operation.key);
          stale.delete(operation.key);
          telling.forget(operation, asked.get(operation.key) ?? []);
          asked.delete(operation.key);
          known?.watch.stop();
        } else if (isLive(operation)) {
          if (!known) begin(operation);
          else {
            known.operation = operation;
            if (operation.context.requestPolicy === 'network-only') known.watch.refetch();
            else known.watch.repeatOrRefetch();
          }
        }
      };

      const others$ = pipe(
        operations$,
        tap(take),
        filter((operation) => !isLive(operation)),
        map(prepared),
      );
      const answers$ = pipe(
        forward(merge([others$, fetches.source])),
        filter((result) => {
          const fetch: unknown = result.operation.context.rivuletFetch;
          if (typeof fetch !== 'number') {
            follow(result);
            return true;
          }
          const done = waiting.get(fetch);
          waiting.delete(fetch);
          done?.(asAnswer(result));
          return false;
        }),
        map(telling.readResult),
      );
      return merge([answers$, results.source, unasked]);

      function prepared(operation: Operation): Operation {
        switch (operation.kind) {
          case 'subscription':
            return telling.withResumePosition(operation);
          case 'mutation':
            return named(operation);
          case 'query':
            return asking(operation);
          default:
            return operation;
        }
      }

      function asking(operation: Operation): Operation {
        const { key, context } = operation;
        const question: SentQuery = { sentAt: Date.now() };
        const open = asked.get(key);
        if (open) open.add(question);
        else asked.set(key, new Set([question]));
        telling.querySent(operation, question);
        return makeOperation('query', operation, { ...context, rivuletQuestion: question });
      }

      function named(operation: Operation): Operation {
        const known: unknown = operation.extensions?.mutationId;
        const mutationId = typeof known === 'string' ? known : randomId();
        live.writes.begin(mutationId, operation.context.optimistic === true);
        const { context } = operation;
        const extensions = { ...operation.extensions, mutationId };
        return makeOperation('mutation', { ...operation, extensions }, context);
      }

      /** The cache takes the result first; then live queries show what they kept back. */
      function follow({ operation }: OperationResult): void {
        const { key, kind, extensions, context } = operation;
        const mutationId: unknown = kind === 'mutation' ? extensions?.mutationId : undefined;
        const question = context.rivuletQuestion as SentQuery | undefined;
        queueMicrotask(() => {
          if (typeof mutationId === 'string') live.writes.answered(mutationId);
          if (question) {
            asked.get(key)?.delete(question);
            telling.repeatMissed(operation, question);
          }
          live.settle(question?.sentAt);
        });
      }
    };
}

function randomId(): string {
  return Math.random().toString(36).slice(2) + Date.now().toString(36);
}

function asAnswer({ data, error, extensions }: OperationResult): LiveAnswer {
  if (error?.networkError) return { errors: [error.networkError], extensions, unreachable: true };
  return { data, errors: error?.graphQLErrors, extensions };
}

function asResult(operation: Operation, { data, errors, extensions, stale }: LiveResult): OperationResult {
  return {
    operation,
    data,
    ...(errors && errors.length > 0 && { error: asError(errors) }),
    ...(extensions !== undefined && { extensions: extensions as Record<string, unknown> }),
    stale,
    hasNext: false,
  };
}

function asError(errors: readonly unknown[]): CombinedError {
  const graphQLErrors = errors.filter((error) => error instanceof GraphQLError);
  const other = errors.find((error) => !(error instanceof GraphQLError));
  if (other === undefined) return new CombinedError({ graphQLErrors });
  return new CombinedError({ networkError: other instanceof Error ? other : new Error(String(other)) });
}
