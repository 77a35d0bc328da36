import { type ApolloClient, ApolloLink, CombinedGraphQLErrors, Observable } from '@apollo/client';
import { type DocumentNode, type GraphQLFormattedError, Kind, print } from 'graphql';
import type { Manifest } from '../../src/manifest/types.js';
import {
  createLiveQueries,
  type Execute,
  hasLiveDirective,
  type LiveQueries,
  type LiveResult,
  type LiveTimes,
  type StreamClient,
  stableText,
  type Watch,
} from '../core/live/index.js';

export interface RivuletLinkOptions {
  /** Of the server that is asked: `GET /manifest.json`, or what `rivulet schema --manifest` writes. */
  readonly manifest: Manifest;
  /** A `Client` of graphql-ws or graphql-sse: it carries the change streams. */
  readonly client: StreamClient;
  readonly times?: Partial<LiveTimes>;
  /** How often it is looked whether a live query is still watched. Default: 1000. */
  readonly checkMs?: number;
  /** What goes wrong and is no query's answer. Default: `console.warn`. */
  readonly onError?: (error: unknown) => void;
}

interface Entry {
  readonly client: ApolloClient;
  readonly query: DocumentNode;
  readonly variables: Record<string, unknown>;
  readonly watch: Watch;
  last: LiveResult | undefined;
}

/**
 * Makes queries live: those with `context: { live: true }`, or with the directive `@live`. It stands before the link that fetches.
 *
 * The first answer is the link's. From then on the change streams keep the query's result in the cache true, as long as
 * somebody watches it: Apollo Client tells nobody when a query is watched no more, so that is looked at with each change and every
 * `checkMs`. A query that Apollo does not keep in its cache (`no-cache`) is answered and not followed.
 */
export function rivuletLink(options: RivuletLinkOptions): ApolloLink {
  const live = createLiveQueries(options);
  const entries = new Map<string, Entry>();
  let timer: ReturnType<typeof setInterval> | undefined;

  const drop = (key: string, entry: Entry): void => {
    entries.delete(key);
    entry.watch.stop();
    if (entries.size === 0) {
      clearInterval(timer);
      timer = undefined;
    }
  };
  const check = (): void => {
    const watched = new Map<ApolloClient, ReadonlySet<string>>();
    for (const [key, entry] of [...entries]) {
      const names = watched.get(entry.client) ?? watchedBy(entry.client);
      watched.set(entry.client, names);
      if (entry.last && !names.has(nameOf(entry.query, entry.variables))) drop(key, entry);
    }
  };

  return new ApolloLink((operation, forward) => {
    const { client, query, variables } = operation;
    const context = operation.getContext();
    const isQuery = query.definitions.some(
      (each) => each.kind === Kind.OPERATION_DEFINITION && each.operation === 'query',
    );
    if (!isQuery || !(context.live === true || hasLiveDirective(query))) {
      return passing(live, operation, forward);
    }
    return new Observable((observer) => {
      const execute: Execute = (document, _variables, done) => {
        const request = Object.assign(Object.create(Object.getPrototypeOf(operation)), operation);
        Object.defineProperties(request, Object.getOwnPropertyDescriptors(operation));
        Object.defineProperty(request, 'query', { value: document, enumerable: true });
        const subscription = forward(request).subscribe({
          next: (result) => done(result as never),
          error: (error: unknown) =>
            done(
              CombinedGraphQLErrors.is(error)
                ? { errors: error.errors }
                : { errors: [error], unreachable: true },
            ),
        });
        return () => subscription.unsubscribe();
      };
      const key = nameOf(query, variables);
      let isOpen = true;
      let own: Watch | undefined;
      const answer = (result: LiveResult): void => {
        if (!isOpen) return;
        isOpen = false;
        const broken = result.errors?.find((error) => error instanceof Error && !('extensions' in error));
        if (broken) observer.error(broken);
        else {
          observer.next(asAnswer(result));
          observer.complete();
        }
      };
      const receive = (result: LiveResult): void => {
        const entry = entries.get(key);
        if (!entry) return;
        const isFirst = entry.last === undefined;
        entry.last = result;
        if (isFirst) return;
        check();
        if (entries.has(key)) write(entry, result);
      };
      const known = entries.get(key);
      if (known) drop(key, known);
      try {
        own = live.watch(query, variables, execute, (result) => {
          receive(result);
          answer(result);
        });
        entries.set(key, { client, query, variables, watch: own, last: undefined });
        timer ??= setInterval(check, options.checkMs ?? 1_000);
      } catch (error) {
        observer.error(error);
      }
      return () => {
        const entry = entries.get(key);
        if (isOpen && entry && entry.watch === own) drop(key, entry);
        isOpen = false;
      };
    });
  });
}

function write({ client, query, variables }: Entry, { data, errors }: LiveResult): void {
  if (data === null || data === undefined || (errors && errors.length > 0)) return;
  client.writeQuery({ query, variables, data: data as Record<string, unknown> });
}

/** Everything else: own writes are named, and live queries repeat what they know over what it wrote into the cache. */
function passing(
  live: LiveQueries,
  operation: ApolloLink.Operation,
  forward: ApolloLink.ForwardFunction,
): Observable<ApolloLink.Result> {
  const isMutation = operation.query.definitions.some(
    (each) => each.kind === Kind.OPERATION_DEFINITION && each.operation === 'mutation',
  );
  const known: unknown = operation.extensions.mutationId;
  const mutationId = typeof known === 'string' ? known : randomId();
  if (isMutation) {
    operation.extensions.mutationId = mutationId;
    operation.setContext((context) => ({ http: { ...(context.http as object), includeExtensions: true } }));
    // What is expected of a mutation lies over everything that is written meanwhile.
    live.writes.begin(mutationId, false);
  }
  return new Observable((observer) => {
    const subscription = forward(operation).subscribe({
      next: (result) => {
        observer.next(result);
        if (isMutation) live.writes.answered(mutationId);
        live.settle();
      },
      error: (error: unknown) => {
        if (isMutation) live.writes.answered(mutationId);
        observer.error(error);
      },
      complete: () => observer.complete(),
    });
    return () => subscription.unsubscribe();
  });
}

function asAnswer({ data, errors, extensions }: LiveResult): ApolloLink.Result {
  return {
    data: data as Record<string, unknown> | null,
    ...(errors && errors.length > 0 ? { errors: errors as readonly GraphQLFormattedError[] } : {}),
    ...(extensions ? { extensions: extensions as Record<string, unknown> } : {}),
  };
}

function watchedBy(client: ApolloClient): ReadonlySet<string> {
  const names = new Set<string>();
  for (const { query, variables } of client.getObservableQueries('active')) {
    names.add(nameOf(query, variables as Record<string, unknown>));
  }
  return names;
}

function nameOf(query: DocumentNode, variables: Record<string, unknown> | undefined): string {
  return `${print(query)} ${stableText(variables ?? {})}`;
}

function randomId(): string {
  return Math.random().toString(36).slice(2) + Date.now().toString(36);
}
