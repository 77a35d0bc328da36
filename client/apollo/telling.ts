import { type ApolloClient, type ApolloLink, InMemoryCache } from '@apollo/client';
import type { DocumentNode } from 'graphql';
import type { Manifest } from '../../src/manifest/types.js';
import { readManifest } from '../core/index.js';
import {
  type Asked,
  type Carried,
  type Completed,
  complete,
  keepLists,
  Listener,
  type Resuming,
  resumingBy,
  Shapes,
  type Told,
} from '../core/lists/index.js';
import type { LiveQueries } from '../core/live/index.js';
import { ApolloLists, ApolloStore, applyEdits } from './apollo-store.js';

/** Tells the caches of the clients that use a link what streams and mutations say, whoever asked for them. */
export class Telling {
  readonly #lists: ApolloLists;
  readonly #listener: Listener;
  readonly #shapes: Shapes;
  readonly #completed = new WeakMap<DocumentNode, Completed | null>();
  readonly #clients = new Set<ApolloClient>();

  constructor(manifest: Manifest, live: () => LiveQueries, report: (error: unknown) => void) {
    const schema = readManifest(manifest);
    this.#lists = new ApolloLists(schema);
    this.#shapes = new Shapes(schema);
    this.#listener = new Listener(schema, () => live().covered(), report);
  }

  /** What the streams of live queries say. */
  live(told: readonly Told[]): void {
    const carried = this.#listener.live(told);
    for (const client of this.#clients) this.#apply(client, carried);
  }

  /** A document that asks for what tells what changed; `undefined` where nothing is missing. */
  completed(document: DocumentNode): Completed | undefined {
    let completed = this.#completed.get(document);
    if (completed === undefined) {
      completed = complete(this.#shapes, document) ?? null;
      this.#completed.set(document, completed);
    }
    return completed ?? undefined;
  }

  meet(client: ApolloClient): void {
    this.#clients.add(client);
  }

  mutation(operation: ApolloLink.Operation, data: unknown, mutationId: string): void {
    this.#apply(operation.client, this.#listener.mutation(asAsked(operation), data, mutationId));
  }

  message(operation: ApolloLink.Operation, data: unknown): void {
    this.#apply(operation.client, this.#listener.message(operation, asAsked(operation), data));
  }

  /** What has a stream resumed where it is, each time its client asks for it again; `stream` is what its messages come for. */
  resuming(operation: ApolloLink.Operation, stream: () => ApolloLink.Operation): Resuming {
    return resumingBy(asAsked(operation), operation.extensions, () => this.#listener.cursorOf(stream()));
  }

  ask(operation: ApolloLink.Operation): void {
    this.#listener.recent.ask(operation);
  }

  /** The answer is in the cache: what it may not know is told once more. */
  answered(operation: ApolloLink.Operation): void {
    this.#apply(operation.client, this.#listener.missed(operation));
  }

  forget(operation: ApolloLink.Operation): void {
    this.#listener.forget(operation);
    this.#listener.recent.answered(operation);
  }

  #apply({ cache }: ApolloClient, carried: Carried | undefined): void {
    if (!carried || !(cache instanceof InMemoryCache)) return;
    for (const told of carried.told) {
      const store = new ApolloStore(this.#lists, cache);
      applyEdits(this.#lists, cache, keepLists(this.#lists.schema, store, told, carried.covered));
    }
  }
}

function asAsked({ query, variables }: ApolloLink.Operation): Asked {
  return { query, variables };
}
