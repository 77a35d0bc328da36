import { ApolloLink, CombinedGraphQLErrors, Observable } from '@apollo/client';
import { Kind, type OperationTypeNode } from 'graphql';
import type { Manifest } from '../../shared/manifest/types.js';
import { assertOptions } from '../../shared/options/assert.js';
import { milliseconds } from '../../shared/options/checks.js';
import {
  type ClientLiveQueries,
  createLiveQueries,
  type ExecuteQuery,
  hasLiveDirective,
  LIVE_CHECKS,
  type LiveTimes,
  type StreamClient,
  type VerifyOptions,
} from '../core/live/index.js';
import { ApolloCacheNotifier } from './cache-notifier.js';
import { FollowedQueries } from './followed-queries.js';

export interface RivuletLinkOptions {
  /** The server's manifest: `GET /manifest.json`, or the output of `rivulet schema --manifest`. */
  readonly manifest: Manifest;
  /** A `Client` of graphql-ws or graphql-sse: it carries the change streams. */
  readonly client: StreamClient;
  readonly times?: Partial<LiveTimes>;
  /**
   * Milliseconds between two checks for live queries that are no longer watched, and for watched
   * ones that the cache answered whole, so that nothing was sent. Default: 1000.
   */
  readonly checkMs?: number;
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
 * stands before the link that fetches.
 *
 * The first answer is the link's. From then on the change streams keep the query's result in the
 * cache true, as long as somebody watches it. Whoever begins to show the same query joins what
 * runs; a `refetch` asks the network. After `clearStore` a query is followed again once it is asked
 * again. A query that Apollo does not keep in its cache (`no-cache`) is answered and not followed.
 * Throws `OPTIONS_INVALID` with all that is wrong with the options.
 */
export function rivuletLink(options: RivuletLinkOptions): ApolloLink {
  const checks = { ...LIVE_CHECKS, checkMs: milliseconds(1) };
  assertOptions<RivuletLinkOptions>('rivuletLink', options, checks, ['manifest', 'client']);
  const report = options.onError ?? ((error: unknown) => console.warn(error));
  const telling = new ApolloCacheNotifier(options.manifest, () => followed.live, report);
  const followed: FollowedQueries = new FollowedQueries(
    (batch) => createLiveQueries({ ...options, batch, tell: (told) => telling.live(told) }),
    options.checkMs ?? 1_000,
  );

  return new ApolloLink((operation, forward) => {
    telling.meet(operation.client);
    followed.addClient(operation.client);
    const isLive = operation.getContext().live === true || hasLiveDirective(operation.query);
    if (!isOf(operation, 'query') || !isLive) return passing(followed.live, telling, operation, forward);
    return new Observable((observer) => {
      try {
        return followed.query(operation, executeBy(operation, forward), {
          next: (result) => {
            observer.next(result);
            observer.complete();
          },
          error: (error) => observer.error(error),
        });
      } catch (error) {
        observer.error(error);
        return undefined;
      }
    });
  });
}

/** Fetches with the operation's context, but another document. */
function executeBy(operation: ApolloLink.Operation, forward: ApolloLink.ForwardFunction): ExecuteQuery {
  return (document, _variables, done) => {
    const subscription = forward(asking(operation, { query: document })).subscribe({
      next: (result) => done(result as never),
      error: (error: unknown) =>
        done(
          CombinedGraphQLErrors.is(error) ? { errors: error.errors } : { errors: [error], unreachable: true },
        ),
    });
    return () => subscription.unsubscribe();
  };
}

/** The same operation with another document, or other parts. */
function asking(
  operation: ApolloLink.Operation,
  parts: Partial<Pick<ApolloLink.Operation, 'query' | 'variables' | 'extensions'>>,
): ApolloLink.Operation {
  const request = Object.create(Object.getPrototypeOf(operation));
  Object.defineProperties(request, Object.getOwnPropertyDescriptors(operation));
  return Object.assign(request, parts);
}

/**
 * Everything else: own writes are named, cached lists are told what mutations and streams say, and
 * live queries repeat what they know over what it wrote into the cache.
 */
function passing(
  live: ClientLiveQueries,
  telling: ApolloCacheNotifier,
  operation: ApolloLink.Operation,
  forward: ApolloLink.ForwardFunction,
): Observable<ApolloLink.Result> {
  const isMutation = isOf(operation, 'mutation');
  const known: unknown = operation.extensions.mutationId;
  const mutationId = typeof known === 'string' ? known : randomId();
  const askedAt = Date.now();
  if (isMutation) {
    operation.extensions.mutationId = mutationId;
    operation.setContext((context) => ({ http: { ...(context.http as object), includeExtensions: true } }));
    // The optimistic layer of a mutation lies over everything that is written meanwhile.
    live.writes.begin(mutationId, false);
  }
  const isSubscription = isOf(operation, 'subscription');
  const isQuery = !isMutation && !isSubscription;
  return new Observable((observer) => {
    if (isQuery) telling.querySent(operation);
    const completed = isQuery ? undefined : telling.completed(operation.query);
    const asked: ApolloLink.Operation =
      completed || isSubscription
        ? asking(operation, {
            ...(completed && { query: completed.document }),
            ...(isSubscription && telling.withResumePosition(operation, () => asked)),
          })
        : operation;
    const subscription = forward(asked).subscribe({
      next: (result) => {
        if (isMutation) telling.mutation(asked, result.data, mutationId);
        if (isSubscription) telling.message(asked, result.data);
        observer.next(
          completed
            ? {
                ...result,
                ...('data' in result && {
                  data: completed.strip(result.data) as NonNullable<typeof result.data>,
                }),
              }
            : result,
        );
        if (isQuery) telling.repeatMissed(operation);
        if (isMutation) live.writes.answered(mutationId);
        live.settle(isMutation ? undefined : askedAt);
      },
      error: (error: unknown) => {
        if (isMutation) live.writes.answered(mutationId);
        observer.error(error);
      },
      complete: () => observer.complete(),
    });
    return () => {
      telling.forget(asked);
      subscription.unsubscribe();
    };
  });
}

function isOf({ query }: ApolloLink.Operation, kind: `${OperationTypeNode}`): boolean {
  return query.definitions.some((each) => each.kind === Kind.OPERATION_DEFINITION && each.operation === kind);
}

function randomId(): string {
  return Math.random().toString(36).slice(2) + Date.now().toString(36);
}
