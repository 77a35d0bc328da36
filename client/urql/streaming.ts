import {
  CombinedError,
  type Exchange,
  makeOperation,
  type Operation,
  type OperationResult,
} from '@urql/core';
import { GraphQLError } from 'graphql';
import { filter, makeSubject, merge, pipe, tap } from 'wonka';
import type { Execute, LiveAnswer, LiveQueries, LiveResult, Watch } from '../core/live/index.js';

/** How long optimistic mutations keep live queries from showing news, which would cover what is expected of them. */
const HOLD_MOST_MS = 3_000;

export interface StreamingOptions {
  readonly live: LiveQueries;
  readonly isLive: (operation: Operation) => boolean;
  /** The keys of the operations that are live now; kept by this exchange. */
  readonly watched: Set<number>;
}

interface Watched {
  operation: Operation;
  readonly watch: Watch;
}

/** Behind the cache: answers live queries, again and again; fetches for them through what comes behind it. */
export function streamingExchange({ live, isLive, watched }: StreamingOptions): Exchange {
  return ({ forward }) =>
    (operations$) => {
      const fetches = makeSubject<Operation>();
      const results = makeSubject<OperationResult>();
      const entries = new Map<number, Watched>();
      const waiting = new Map<number, (answer: LiveAnswer) => void>();
      const holds = new Map<number, () => void>();
      let lastFetch = 0;

      const execute =
        (operation: Operation): Execute =>
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
          const watch = live.watch(operation.query, variables, execute(operation), (result) => {
            const entry = entries.get(operation.key);
            if (entry) results.next(asResult(entry.operation, result));
          });
          entries.set(operation.key, { operation, watch });
        } catch (error) {
          watched.delete(operation.key);
          results.next(asResult(operation, { data: undefined, errors: [error], stale: false }));
        }
      };

      const take = (operation: Operation): void => {
        const known = entries.get(operation.key);
        if (operation.kind === 'teardown') {
          entries.delete(operation.key);
          watched.delete(operation.key);
          known?.watch.stop();
          holds.get(operation.key)?.();
        } else if (isLive(operation)) {
          if (known) {
            known.operation = operation;
            known.watch.refetch();
          } else begin(operation);
        } else if (operation.kind === 'mutation' && operation.context.optimistic) {
          holds.set(operation.key, live.hold(HOLD_MOST_MS));
        }
      };

      const others$ = pipe(
        operations$,
        tap(take),
        filter((operation) => !isLive(operation)),
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
      );
      return merge([answers$, results.source]);

      /** The cache takes the result first; then live queries show what they kept back. */
      function follow({ operation }: OperationResult): void {
        const release = holds.get(operation.key);
        holds.delete(operation.key);
        if (release) queueMicrotask(release);
        live.settle();
      }
    };
}

function asAnswer({ data, error, extensions }: OperationResult): LiveAnswer {
  if (error?.networkError) return { errors: [error.networkError], extensions, unreachable: true };
  return { data, errors: error?.graphQLErrors, extensions };
}

function asResult(operation: Operation, { data, errors, extensions, stale }: LiveResult): OperationResult {
  return {
    operation,
    data,
    error: errors && errors.length > 0 ? asError(errors) : undefined,
    extensions: extensions as Record<string, unknown> | undefined,
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
