import {
  type ApolloCache,
  type ApolloClient,
  type ApolloLink,
  gql,
  type ObservableQuery,
  type StoreObject,
} from '@apollo/client';
import { print } from '@apollo/client/utilities';
import type { DocumentNode, GraphQLFormattedError } from 'graphql';
import {
  ChangedRowFinder,
  type ClientLiveQueries,
  type ExecuteQuery,
  hasLiveDirective,
  type LiveResult,
  type LiveWatch,
  stableText,
} from '../core/live/index.js';

/** Somebody who waits for one answer. */
export interface AnswerObserver {
  next(result: ApolloLink.Result): void;
  error(error: unknown): void;
}

interface FollowedEntry {
  readonly client: ApolloClient;
  readonly query: DocumentNode;
  readonly variables: Record<string, unknown>;
  readonly requests: Set<AnswerObserver>;
  /** Its watchers at the last fetch. */
  readonly watchers: WeakSet<ObservableQuery>;
  watch: LiveWatch | undefined;
  isAnswered: boolean;
  /** The data written last; `undefined` if other data may have been written since. */
  written: Record<string, unknown> | undefined;
  readonly rows: ChangedRowFinder;
}

/**
 * The live queries of Apollo Clients. Each is followed as long as a watched query shows it from the
 * cache. Apollo Client tells nobody when that ends, nor when a query is shown for which the cache
 * had everything, so both are looked at with each change and every `checkMs`.
 */
export class FollowedQueries {
  readonly #live: ClientLiveQueries;
  readonly #checkMs: number;
  readonly #entries = new Map<ApolloClient, Map<string, FollowedEntry>>();
  readonly #known = new Set<WeakRef<ApolloClient>>();
  #timer: ReturnType<typeof setInterval> | undefined;
  /** While results come that belong together: what is to be done with them. */
  #answers: (() => void)[] = [];
  #writes: { readonly entry: FollowedEntry; readonly data: Record<string, unknown> }[] = [];

  /** `open` is handed what makes one write of the results that belong together. */
  constructor(open: (batch: (emit: () => void) => void) => ClientLiveQueries, checkMs: number) {
    this.#live = open((emit) => this.#together(emit));
    this.#checkMs = checkMs;
  }

  get live(): ClientLiveQueries {
    return this.#live;
  }

  /**
   * Answers once: from the network, or with what is known where one more begins to show the same.
   * Throws where it cannot be live.
   */
  query(
    { client, query, variables }: ApolloLink.Operation,
    execute: ExecuteQuery,
    request: AnswerObserver,
  ): () => void {
    this.addClient(client);
    const entries = this.#entriesOf(client);
    const name = nameOf(query, variables);
    const known = entries.get(name);
    const entry = known ?? this.#entry(client, query, variables);
    const isNewcomer = this.#hasNewcomer(entry, name);
    entry.requests.add(request);
    if (known) {
      if (isNewcomer) known.watch?.repeatOrRefetch();
      else known.watch?.refetch();
    } else {
      const receive = (result: LiveResult) => this.#receive(entry, result);
      entry.watch = this.#live.watch(query, variables, execute, receive, () =>
        inCache(client, query, variables),
      );
      entries.set(name, entry);
    }
    return () => {
      if (!entry.requests.delete(request) || entry.requests.size > 0 || entry.isAnswered) return;
      if (entries.get(name) === entry) this.#drop(entry, name);
    };
  }

  /** To be told of each client, so that it is known where live queries may be shown. */
  addClient(client: ApolloClient): void {
    for (const known of this.#known) if (known.deref() === client) return;
    this.#known.add(new WeakRef(client));
    // Cleared data must not be written again: watchers fetch anew.
    const forget = async () => this.#forget(client);
    client.onClearStore(forget);
    client.onResetStore(forget);
    this.#timer ??= setInterval(() => this.check(), this.#checkMs);
    // In Node a timer would keep the process.
    (this.#timer as { readonly unref?: () => void }).unref?.();
  }

  /**
   * Stops following what nobody watches any more, and begins with what is watched without having
   * been asked for.
   */
  check(): void {
    for (const known of this.#known) {
      const client = known.deref();
      if (client) this.#check(client);
      else this.#known.delete(known);
    }
    if (this.#known.size > 0) return;
    clearInterval(this.#timer);
    this.#timer = undefined;
  }

  #check(client: ApolloClient): void {
    const entries = this.#entries.get(client);
    const names = new Set<string>();
    for (const watcher of watchersOf(client)) {
      const name = nameOfWatcher(watcher);
      names.add(name);
      if (!entries?.has(name) && isMarked(watcher) && watcher.getCurrentResult().dataState === 'complete') {
        const { query, variables, options } = watcher;
        // The watchers receive its error.
        client
          .query({ query, variables, context: options.context ?? {}, fetchPolicy: 'network-only' })
          .catch(() => {});
      }
    }
    for (const [name, entry] of entries ?? []) {
      if (entry.isAnswered && entry.requests.size === 0 && !names.has(name)) this.#drop(entry, name);
    }
  }

  #entry(client: ApolloClient, query: DocumentNode, variables: Record<string, unknown>): FollowedEntry {
    const requests = new Set<AnswerObserver>();
    return {
      client,
      query,
      variables,
      requests,
      watchers: new WeakSet(),
      watch: undefined,
      isAnswered: false,
      written: undefined,
      rows: new ChangedRowFinder(query, (row) => client.cache.identify(row as StoreObject)),
    };
  }

  #entriesOf(client: ApolloClient): Map<string, FollowedEntry> {
    const known = this.#entries.get(client);
    if (known) return known;
    const entries = new Map<string, FollowedEntry>();
    this.#entries.set(client, entries);
    return entries;
  }

  /** True if the query has a watcher that it did not have at the last fetch. */
  #hasNewcomer({ client, watchers }: FollowedEntry, name: string): boolean {
    let isNew = false;
    for (const watcher of watchersOf(client)) {
      if (watchers.has(watcher) || nameOfWatcher(watcher) !== name) continue;
      watchers.add(watcher);
      isNew = true;
    }
    return isNew;
  }

  #forget(client: ApolloClient): void {
    for (const [name, entry] of [...(this.#entries.get(client) ?? [])]) this.#drop(entry, name);
  }

  #drop(entry: FollowedEntry, name: string): void {
    const entries = this.#entries.get(entry.client);
    entries?.delete(name);
    if (entries?.size === 0) this.#entries.delete(entry.client);
    entry.watch?.stop();
  }

  #receive(entry: FollowedEntry, result: LiveResult): void {
    const requests = result.isAnswer || !entry.isAnswered ? [...entry.requests] : [];
    entry.isAnswered = true;
    if (requests.length > 0 || result.isAnswer || result.isRepeat) entry.written = undefined;
    if (requests.length > 0) {
      entry.requests.clear();
      this.#answers.push(() => {
        for (const request of requests) answer(request, result);
      });
    } else if (isObject(result.data) && !result.errors?.length) {
      this.#writes.push({ entry, data: result.data });
    }
    if (!this.#isTogether) this.#settleUp();
  }

  #isTogether = false;

  #together(emit: () => void): void {
    this.#isTogether = true;
    try {
      emit();
    } finally {
      this.#isTogether = false;
      this.#settleUp();
    }
  }

  /** One write for each client, after which all that show some of it are told in one go. */
  #settleUp(): void {
    for (const give of this.#answers.splice(0)) give();
    const writes = this.#writes.splice(0);
    if (writes.length === 0) return;
    for (const client of new Set(writes.map(({ entry }) => entry.client))) {
      this.#check(client);
      const own = writes.filter(({ entry }) => entry.client === client && this.#isFollowed(entry));
      if (own.length === 0) continue;
      client.cache.batch({
        update: (cache) => {
          for (const { entry, data } of own) write(cache, entry, data);
        },
      });
      // Changes nothing; it is what makes watched queries look at once instead of each in its own
      // time.
      client.writeFragment({ id: 'ROOT_QUERY', fragment: NOTHING, data: { __typename: 'Query' } });
    }
  }

  #isFollowed({ client, query, variables }: FollowedEntry): boolean {
    return this.#entries.get(client)?.has(nameOf(query, variables)) ?? false;
  }
}

/** Rows by themselves where nothing else changed: a whole list costs as much as it is long. */
function write(cache: ApolloCache, entry: FollowedEntry, data: Record<string, unknown>): void {
  const { query, variables, written, rows } = entry;
  const changed = written && rows.between(written, data);
  if (changed) for (const each of changed) cache.writeFragment({ ...each, variables });
  else cache.writeQuery({ query, variables, data });
  entry.written = data;
}

const NOTHING = gql`fragment RivuletNothing on Query { __typename }`;

function answer(request: AnswerObserver, { data, errors, extensions, problem }: LiveResult): void {
  const broken = problem ?? errors?.find((error) => error instanceof Error && !('extensions' in error));
  if (broken) {
    request.error(broken);
    return;
  }
  request.next({
    data: data as Record<string, unknown> | null,
    ...(errors && errors.length > 0 ? { errors: errors as readonly GraphQLFormattedError[] } : {}),
    ...(extensions ? { extensions: extensions as Record<string, unknown> } : {}),
  });
}

/** A query's data in the cache, without optimistic layers; `undefined` if it is incomplete. */
function inCache(client: ApolloClient, query: DocumentNode, variables: Record<string, unknown>): unknown {
  const { complete, result } = client.cache.diff({ query, variables, optimistic: false });
  return complete ? result : undefined;
}

/** Those that show what is in the cache. */
function* watchersOf(client: ApolloClient): Generator<ObservableQuery> {
  for (const watcher of client.getObservableQueries('active')) {
    if (watcher.options.fetchPolicy !== 'no-cache') yield watcher;
  }
}

function isMarked({ query, options }: ObservableQuery): boolean {
  return options.fetchPolicy !== 'cache-only' && (options.context?.live === true || hasLiveDirective(query));
}

function nameOfWatcher({ query, variables }: ObservableQuery): string {
  return nameOf(query, variables as Record<string, unknown>);
}

function nameOf(query: DocumentNode, variables: Record<string, unknown> | undefined): string {
  return `${print(query)} ${stableText(variables ?? {})}`;
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null;
}
