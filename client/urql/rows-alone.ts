import type { Exchange, Operation } from '@urql/core';
import type { DocumentNode } from 'graphql';
import type { ClientSchema } from '../core/index.js';
import { idOf } from '../core/lists/index.js';
import {
  ChangedRowFinder,
  type DocumentVariables,
  type LiveResult,
  variablesOf,
} from '../core/live/index.js';
import { isObject } from '../core/row.js';
import { keyOfRow } from './cache.js';
import type { ResultLedger } from './result-ledger.js';
import { RowWrite } from './row-write.js';

/**
 * Hands the cache rows by themselves where nothing else of a live query changed: a whole list costs
 * as much as it is long.
 */
export interface RowsAlone {
  /** False where the cache has to be handed the whole result: nothing of it was shown. */
  show(operation: Operation, result: LiveResult): boolean;
  /** The cache, which leaves it to `show` to read the query again whose rows it is handed. */
  readonly cache: Exchange;
}

export interface RowsAloneOptions {
  readonly schema: ClientSchema;
  readonly cache: Exchange;
  readonly shown: Pick<ResultLedger, 'given' | 'reading'>;
  /** Hands the cache rows that belong to the operation's query. */
  readonly tell: (write: RowWrite, operation: Operation) => void;
}

export function createRowsAlone({ schema, cache, shown, tell }: RowsAloneOptions): RowsAlone {
  const known = new WeakMap<object, ChangedRowFinder>();
  /** Key of the query that the plugin reads again. */
  let own: number | undefined;

  const identify = (row: Readonly<Record<string, unknown>>): string | undefined => {
    const table = typeof row.__typename === 'string' ? schema.byTypeName(row.__typename) : undefined;
    const key = keyOfRow(row);
    return table && key !== null ? idOf(schema, { table: table.name, key }) : undefined;
  };
  const rowsOf = (query: DocumentNode): ChangedRowFinder => {
    const rows = known.get(query) ?? new ChangedRowFinder(query, identify);
    known.set(query, rows);
    return rows;
  };
  const isWritten = (operation: Operation, before: unknown, data: unknown): boolean => {
    if (!isObject(before) || !isObject(data)) return false;
    const query = operation.query as DocumentNode;
    const rows = rowsOf(query).between(before, data) ?? [];
    if (rows.length === 0) return false;
    const write = new RowWrite(rows, variablesOf(query, (operation.variables ?? {}) as DocumentVariables));
    own = operation.key;
    try {
      tell(write, operation);
    } finally {
      own = undefined;
    }
    return write.isDone;
  };

  return {
    show: (operation, { data, errors, extensions, stale, isAnswer, isRepeat }) => {
      const { key } = operation;
      if (isAnswer || isRepeat || stale || (errors && errors.length > 0)) return false;
      return (
        isWritten(operation, shown.given(key), data) &&
        shown.reading(key, data, extensions as Record<string, unknown> | undefined)
      );
    },
    cache: (input) => {
      const reexecuteOperation = (operation: Operation): void => {
        const { key, context } = operation;
        if (key !== own || context.requestPolicy !== 'cache-first')
          input.client.reexecuteOperation(operation);
      };
      const client = Object.create(input.client, { reexecuteOperation: { value: reexecuteOperation } });
      return cache({ ...input, client });
    },
  };
}
