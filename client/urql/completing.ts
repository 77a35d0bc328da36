import { type Exchange, makeOperation, type Operation, type OperationResult } from '@urql/core';
import type { DocumentNode } from 'graphql';
import { map, pipe } from 'wonka';
import type { Manifest } from '../../src/manifest/types.js';
import { readManifest } from '../core/index.js';
import { type Completed, complete, Shapes } from '../core/lists/index.js';

interface Asked {
  readonly query: Operation['query'];
  readonly completed: Completed;
}

/**
 * Stands before the cache: lets it see documents in which rows have an `id`, and changes what says what they are. Who asked sees the data and
 * the document as they asked for it.
 */
export function completingExchange(manifest: Manifest): Exchange {
  const shapes = new Shapes(readManifest(manifest));
  const known = new WeakMap<object, Completed | null>();
  const completedOf = (query: DocumentNode): Completed | undefined => {
    let completed = known.get(query);
    if (completed === undefined) {
      completed = complete(shapes, query) ?? null;
      known.set(query, completed);
    }
    return completed ?? undefined;
  };
  const fuller = (operation: Operation): Operation => {
    if (operation.kind === 'teardown' || askedOf(operation)) return operation;
    const completed = completedOf(operation.query as DocumentNode);
    if (!completed) return operation;
    const asked: Asked = { query: operation.query, completed };
    const query = completed.document as Operation['query'];
    return makeOperation(operation.kind, { ...operation, query }, { ...operation.context, [ASKED]: asked });
  };
  const asAsked = (result: OperationResult): OperationResult => {
    const { operation, data } = result;
    const asked = askedOf(operation);
    if (!asked) return result;
    const { [ASKED]: _, ...context } = operation.context;
    return {
      ...result,
      operation: makeOperation(
        operation.kind,
        { ...operation, query: asked.query },
        context as Operation['context'],
      ),
      data: asked.completed.strip(data),
    };
  };
  return ({ forward }) =>
    (operations$) =>
      pipe(forward(pipe(operations$, map(fuller))), map(asAsked));
}

/** In the context of an operation whose document was completed. */
const ASKED = 'rivuletAsked';

function askedOf({ context }: Operation): Asked | undefined {
  return context[ASKED] as Asked | undefined;
}
