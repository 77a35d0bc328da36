import { makeOperation, type Operation, type OperationResult } from '@urql/core';
import { type DocumentNode, Kind } from 'graphql';
import type { Manifest } from '../../shared/manifest/types.js';
import { readManifest } from '../core/index.js';
import {
  type ChangeReport,
  type ClientOperation,
  ResponseListener,
  resumeParametersOf,
  type SidePayload,
  withSidePayload,
} from '../core/lists/index.js';
import type { ClientLiveQueries } from '../core/live/index.js';
import { isObject } from '../core/row.js';
import { type RowWrite, withRows } from './row-write.js';

/** Tells the cache what streams and mutations say, whoever asked for them. */
export interface UrqlCacheNotifier {
  /** Before a query is sent. `question` stands for this one time. */
  querySent(operation: Operation, question: object): void;
  /** A stream that is resumed where it is, each time its client asks for it again. */
  withResumePosition(operation: Operation): Operation;
  /** Before the cache gets a result: it carries what it says. */
  readResult(result: OperationResult): OperationResult;
  /** After the cache got the answer of a query: what it may not know. */
  repeatMissed(operation: Operation, question: object): void;
  /** Nobody waits for it any more. */
  forget(operation: Operation, questions: Iterable<object>): void;
}

/** Marks the results that nobody asked for. */
export const UNSOLICITED = 'rivuletTold';

/**
 * `tell` hands a result to the cache that stands for no operation: it only carries what has to be
 * told.
 */
export function createCacheNotifier(
  manifest: Manifest,
  live: () => ClientLiveQueries,
  report: (error: unknown) => void,
  tell: (result: OperationResult) => void,
): UrqlCacheNotifier & {
  live(told: readonly ChangeReport[]): void;
  /** Rows that a live query shows. */
  rows(write: RowWrite, operation: Operation): void;
} {
  const listener = new ResponseListener(readManifest(manifest), () => live().covered(), report);
  const field = manifest.tables[0]?.fields.changes;
  const query = field === undefined ? undefined : document(field);
  const send = (loaded: (data: object) => object, like: Operation | undefined): void => {
    if (field !== undefined && query)
      tell(payloadResult(query, loaded({ __typename: 'Subscription', [field]: null }), like));
  };
  const deliver = (carried: SidePayload | undefined, operation: Operation | undefined): void => {
    if (carried && carried.reports.length > 0) send((data) => withSidePayload(data, carried), operation);
  };
  let any: Operation | undefined;

  return {
    live: (told) => deliver(listener.live(told), any),
    rows: (write, operation) => send((data) => withRows(data, write), operation),
    querySent: (operation, question) => {
      any = operation;
      listener.recent.querySent(question);
    },
    withResumePosition: (operation) => {
      const { key, kind, context } = operation;
      const asked = clientOperationOf(operation);
      const resuming = resumeParametersOf(asked, operation.extensions, () => listener.cursorOf(key));
      return makeOperation(kind, { ...operation, ...resuming }, context);
    },
    readResult: (result) => {
      const { operation, data } = result;
      if (!isObject(data)) return result;
      const { kind, key, extensions } = operation;
      if (kind === 'subscription') {
        return withResultPayload(result, data, listener.message(key, clientOperationOf(operation), data));
      }
      const mutationId: unknown = extensions?.mutationId;
      if (kind !== 'mutation' || typeof mutationId !== 'string') return result;
      return withResultPayload(
        result,
        data,
        listener.mutation(clientOperationOf(operation), data, mutationId),
      );
    },
    repeatMissed: (operation, question) => deliver(listener.missed(question), operation),
    forget: ({ key }, questions) => {
      listener.forget(key);
      for (const question of questions) listener.recent.queryAnswered(question);
    },
  };
}

function withResultPayload(
  result: OperationResult,
  data: object,
  carried: SidePayload | undefined,
): OperationResult {
  return carried ? { ...result, data: withSidePayload(data, carried) } : result;
}

function clientOperationOf({ query, variables }: Operation): ClientOperation {
  return {
    query: query as DocumentNode,
    variables: (variables ?? {}) as Record<string, unknown>,
  };
}

/** A message of a stream that nobody follows. */
function payloadResult(query: DocumentNode, data: object, like: Operation | undefined): OperationResult {
  const operation = makeOperation(
    'subscription',
    { key: MESSENGER_KEY, query, variables: {} },
    { ...(like?.context ?? { url: '' }), requestPolicy: 'network-only', [UNSOLICITED]: true },
  );
  return { operation, data, stale: false, hasNext: false };
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
