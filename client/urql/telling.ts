import { makeOperation, type Operation, type OperationResult } from '@urql/core';
import { type DocumentNode, Kind } from 'graphql';
import type { Manifest } from '../../src/manifest/types.js';
import { readManifest } from '../core/index.js';
import { type Asked, type Carried, carrying, Listener, resumingBy, type Told } from '../core/lists/index.js';
import type { LiveQueries } from '../core/live/index.js';
import { isObject } from '../core/row.js';
import { type RowWrite, withRows } from './row-write.js';

/** Tells the cache what streams and mutations say, whoever asked for them. */
export interface Telling {
  /** Before a query is sent. `question` stands for this one time. */
  ask(operation: Operation, question: object): void;
  /** A stream that is resumed where it is, each time its client asks for it again. */
  resuming(operation: Operation): Operation;
  /** Before the cache gets a result: it carries what it says. */
  read(result: OperationResult): OperationResult;
  /** After the cache got the answer of a query: what it may not know. */
  repeat(operation: Operation, question: object): void;
  /** Nobody waits for it any more. */
  forget(operation: Operation, questions: Iterable<object>): void;
}

/** Marks the results that nobody asked for. */
export const UNASKED = 'rivuletTold';

/**
 * `tell` hands a result to the cache that stands for no operation: it only carries what has to be told.
 */
export function createTelling(
  manifest: Manifest,
  live: () => LiveQueries,
  report: (error: unknown) => void,
  tell: (result: OperationResult) => void,
): Telling & {
  live(told: readonly Told[]): void;
  /** Rows that a live query shows. */
  rows(write: RowWrite, operation: Operation): void;
} {
  const listener = new Listener(readManifest(manifest), () => live().covered(), report);
  const field = manifest.tables[0]?.fields.changes;
  const query = field === undefined ? undefined : document(field);
  const send = (loaded: (data: object) => object, like: Operation | undefined): void => {
    if (field !== undefined && query)
      tell(messenger(query, loaded({ __typename: 'Subscription', [field]: null }), like));
  };
  const deliver = (carried: Carried | undefined, operation: Operation | undefined): void => {
    if (carried && carried.told.length > 0) send((data) => carrying(data, carried), operation);
  };
  let any: Operation | undefined;

  return {
    live: (told) => deliver(listener.live(told), any),
    rows: (write, operation) => send((data) => withRows(data, write), operation),
    ask: (operation, question) => {
      any = operation;
      listener.recent.ask(question);
    },
    resuming: (operation) => {
      const { key, kind, context } = operation;
      const asked = asAsked(operation);
      const resuming = resumingBy(asked, operation.extensions, () => listener.cursorOf(key));
      return makeOperation(kind, { ...operation, ...resuming }, context);
    },
    read: (result) => {
      const { operation, data } = result;
      if (!isObject(data)) return result;
      const { kind, key, extensions } = operation;
      if (kind === 'subscription') {
        return withCarried(result, data, listener.message(key, asAsked(operation), data));
      }
      const mutationId: unknown = extensions?.mutationId;
      if (kind !== 'mutation' || typeof mutationId !== 'string') return result;
      return withCarried(result, data, listener.mutation(asAsked(operation), data, mutationId));
    },
    repeat: (operation, question) => deliver(listener.missed(question), operation),
    forget: ({ key }, questions) => {
      listener.forget(key);
      for (const question of questions) listener.recent.answered(question);
    },
  };
}

function withCarried(result: OperationResult, data: object, carried: Carried | undefined): OperationResult {
  return carried ? { ...result, data: carrying(data, carried) } : result;
}

function asAsked({ query, variables }: Operation): Asked {
  return {
    query: query as DocumentNode,
    variables: (variables ?? {}) as Record<string, unknown>,
  };
}

/** A message of a stream that nobody follows. */
function messenger(query: DocumentNode, data: object, like: Operation | undefined): OperationResult {
  const operation = makeOperation(
    'subscription',
    { key: MESSENGER_KEY, query, variables: {} },
    { ...(like?.context ?? { url: '' }), requestPolicy: 'network-only', [UNASKED]: true },
  );
  return { operation, data, error: undefined, extensions: undefined, stale: false, hasNext: false };
}

/** No operation of urql has a negative key. */
const MESSENGER_KEY = -1;

function document(field: string): DocumentNode {
  const name = { kind: Kind.NAME, value: field } as const;
  const nothing = { kind: Kind.NAME, value: '__typename' } as const;
  return {
    kind: Kind.DOCUMENT,
    definitions: [
      {
        kind: Kind.OPERATION_DEFINITION,
        operation: 'subscription' as never,
        selectionSet: {
          kind: Kind.SELECTION_SET,
          selections: [
            {
              kind: Kind.FIELD,
              name,
              selectionSet: {
                kind: Kind.SELECTION_SET,
                selections: [{ kind: Kind.FIELD, name: nothing }],
              },
            },
          ],
        },
      },
    ],
  };
}
