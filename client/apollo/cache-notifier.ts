import { type ApolloClient, type ApolloLink, InMemoryCache } from '@apollo/client';
import type { DocumentNode } from 'graphql';
import type { Manifest } from '../../shared/manifest/types.js';
import { readManifest } from '../core/index.js';
import {
  type ChangeReport,
  type ClientOperation,
  type CompletedDocument,
  completeDocument,
  FieldShapes,
  ResponseListener,
  type ResumeParameters,
  resumeParametersOf,
  type SidePayload,
  updateCachedLists,
} from '../core/lists/index.js';
import type { ClientLiveQueries } from '../core/live/index.js';
import { ApolloLists, ApolloStore, applyEdits } from './apollo-store.js';

/**
 * Tells the caches of the clients that use a link what streams and mutations say, whoever asked for
 * them.
 */
export class ApolloCacheNotifier {
  readonly #lists: ApolloLists;
  readonly #listener: ResponseListener;
  readonly #shapes: FieldShapes;
  readonly #completed = new WeakMap<DocumentNode, CompletedDocument | null>();
  readonly #clients = new Set<ApolloClient>();

  constructor(manifest: Manifest, live: () => ClientLiveQueries, report: (error: unknown) => void) {
    const schema = readManifest(manifest);
    this.#lists = new ApolloLists(schema);
    this.#shapes = new FieldShapes(schema);
    this.#listener = new ResponseListener(schema, () => live().covered(), report);
  }

  /** Takes the reports of live queries' streams. */
  live(told: readonly ChangeReport[]): void {
    const carried = this.#listener.live(told);
    for (const client of this.#clients) this.#apply(client, carried);
  }

  /** A document that asks for what tells what changed; `undefined` where nothing is missing. */
  completed(document: DocumentNode): CompletedDocument | undefined {
    let completed = this.#completed.get(document);
    if (completed === undefined) {
      completed = completeDocument(this.#shapes, document) ?? null;
      this.#completed.set(document, completed);
    }
    return completed ?? undefined;
  }

  meet(client: ApolloClient): void {
    this.#clients.add(client);
  }

  mutation(operation: ApolloLink.Operation, data: unknown, mutationId: string): void {
    this.#apply(operation.client, this.#listener.mutation(clientOperationOf(operation), data, mutationId));
  }

  message(operation: ApolloLink.Operation, data: unknown): void {
    this.#apply(operation.client, this.#listener.message(operation, clientOperationOf(operation), data));
  }

  /**
   * The parameters that resume a stream at its position each time its client subscribes again.
   * `stream` identifies its messages.
   */
  withResumePosition(operation: ApolloLink.Operation, stream: () => ApolloLink.Operation): ResumeParameters {
    return resumeParametersOf(clientOperationOf(operation), operation.extensions, () =>
      this.#listener.cursorOf(stream()),
    );
  }

  querySent(operation: ApolloLink.Operation): void {
    this.#listener.recent.querySent(operation);
  }

  /** The answer is in the cache: what it may not know is told once more. */
  repeatMissed(operation: ApolloLink.Operation): void {
    this.#apply(operation.client, this.#listener.missed(operation));
  }

  forget(operation: ApolloLink.Operation): void {
    this.#listener.forget(operation);
    this.#listener.recent.queryAnswered(operation);
  }

  #apply({ cache }: ApolloClient, carried: SidePayload | undefined): void {
    if (!carried || !(cache instanceof InMemoryCache)) return;
    for (const told of carried.reports) {
      const store = new ApolloStore(this.#lists, cache);
      applyEdits(this.#lists, cache, updateCachedLists(this.#lists.schema, store, told, carried.coverage));
    }
  }
}

function clientOperationOf({ query, variables }: ApolloLink.Operation): ClientOperation {
  return { query, variables };
}
