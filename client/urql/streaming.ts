import {
  CombinedError,
  type Exchange,
  makeOperation,
  type Operation,
  type OperationResult,
} from '@urql/core';
import { GraphQLError } from 'graphql';
import { filter, makeSubject, map, merge, pipe, tap } from 'wonka';
import type { Execute, LiveAnswer, LiveQueries, LiveResult, Watch } from '../core/live/index.js';

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
        } else if (isLive(operation)) {
          if (known) {
            known.operation = operation;
            known.watch.refetch();
          } else begin(operation);
        }
      };

      const others$ = pipe(
        operations$,
        tap(take),
        filter((operation) => !isLive(operation)),
        map((operation) => (operation.kind === 'mutation' ? named(operation) : operation)),
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

      function named(operation: Operation): Operation {
        const known: unknown = operation.extensions?.mutationId;
        const mutationId = typeof known === 'string' ? known : randomId();
        live.writes.begin(mutationId, operation.context.optimistic === true);
        const { context } = operation;
        const extensions = { ...operation.extensions, mutationId };
        return makeOperation('mutation', { ...operation, extensions }, context);
      }

      /** The cache takes the result first; then live queries show what they kept back. */
      function follow({ operation: { kind, extensions } }: OperationResult): void {
        const mutationId: unknown = kind === 'mutation' ? extensions?.mutationId : undefined;
        if (typeof mutationId === 'string') queueMicrotask(() => live.writes.answered(mutationId));
        live.settle();
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
