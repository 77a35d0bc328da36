import { type Exchange, makeOperation, type Operation, type OperationResult } from '@urql/core';
import type { DocumentNode } from 'graphql';
import { map, pipe } from 'wonka';
import type { Manifest } from '../../shared/manifest/types.js';
import { readManifest } from '../core/index.js';
import { type CompletedDocument, completeDocument, FieldShapes } from '../core/lists/index.js';
import type { DocumentVariables } from '../core/live/index.js';
import { isObject } from '../core/row.js';

interface CompletedOperation {
  readonly query: Operation['query'];
  readonly completed: CompletedDocument;
}

/**
 * Stands before the cache: lets it see documents in which rows have an `id`, and changes what says
 * what they are. Who asked sees the data and the document as they asked for it.
 */
export function completingExchange(manifest: Manifest): Exchange {
  const shapes = new FieldShapes(readManifest(manifest));
  const known = new WeakMap<object, Map<string, CompletedDocument | null>>();
  /** The added fields depend on the order in the variables. */
  const completedOf = (query: DocumentNode, variables: DocumentVariables): CompletedDocument | undefined => {
    const byVariables = known.get(query) ?? new Map<string, CompletedDocument | null>();
    known.set(query, byVariables);
    const text = orderText(variables);
    let completed = byVariables.get(text);
    if (completed === undefined) {
      completed = completeDocument(shapes, query, variables) ?? null;
      byVariables.set(text, completed);
    }
    return completed ?? undefined;
  };
  const fuller = (operation: Operation): Operation => {
    if (operation.kind === 'teardown' || askedOf(operation)) return operation;
    const variables = (operation.variables ?? {}) as DocumentVariables;
    const completed = completedOf(operation.query as DocumentNode, variables);
    if (!completed) return operation;
    const asked: CompletedOperation = { query: operation.query, completed };
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

/** The variables that may be an order: lists of objects with one name each, or one such object. */
function orderText(variables: DocumentVariables): string {
  const orders = Object.entries(variables).map(([name, value]) => {
    const terms = (Array.isArray(value) ? value : [value]).filter(isObject);
    return [name, terms.flatMap((term) => Object.keys(term)).slice(0, MOST_TERMS)];
  });
  return JSON.stringify(orders);
}

const MOST_TERMS = 20;

/** In the context of an operation whose document was completed. */
const ASKED = 'rivuletAsked';

function askedOf({ context }: Operation): CompletedOperation | undefined {
  return context[ASKED] as CompletedOperation | undefined;
}
