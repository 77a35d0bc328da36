import {
  type DocumentNode,
  type FieldNode,
  type GraphQLSchema,
  getOperationAST,
  getVariableValues,
  type SubscriptionArgs,
} from 'graphql';
import type { Model, ModelColumn, ModelTable } from '../../../shared/model/types.js';
import type { SelectResult } from '../../query/types.js';
import type { ScopeMessage } from '../../scope/messages/types.js';
import { assertTotalRows } from '../plan/plan-limits.js';
import { conditionsOf, fieldsOf, selectionOf } from '../plan/selection.js';
import type { QueryLimits } from '../schema/query-limits.js';
import { changesText } from './changes-text.js';
import type { RivuletContext } from './context.js';
import { listText, NeedsExecution, nullable, type TextWriter } from './object-text.js';
import { type RowWriterContext, rowText } from './row-text.js';

/**
 * Facts in a subscription field's `extensions.rivulet`, by which its events are written without
 * execution.
 */
export interface EventField {
  readonly kind: 'changes' | 'one' | 'many';
  readonly table: ModelTable;
  readonly model: Model;
  readonly limits: QueryLimits;
}

/**
 * An event's result as JSON text, byte for byte equal to `JSON.stringify` of graphql-js's result.
 * Throws if that result would have errors: then graphql-js has to execute the event.
 * `cursor` becomes `extensions` of a live query's result.
 */
export interface EventText {
  (event: object, context: RivuletContext, cursor: (() => string) | undefined): string;
  /**
   * All columns that are selected anywhere. Rights decide only which of them a subscriber may read.
   */
  readonly columns: ReadonlyMap<ModelColumn, ModelTable>;
}

/** `null` for fields that only graphql-js can execute because Rivulet did not make them. */
export function compileEvent(args: SubscriptionArgs): EventText | null {
  const { schema, document } = args;
  const operation = getOperationAST(document, args.operationName);
  const rootType = schema.getSubscriptionType();
  if (!operation || !rootType) return null;
  const { coerced } = getVariableValues(
    schema,
    operation.variableDefinitions ?? [],
    args.variableValues ?? {},
  );
  if (!coerced) return null;
  const info = { schema, fragments: fragmentsOf(document), variableValues: conditionsOf(coerced) };
  const [root, ...others] = fieldsOf(info, rootType.name, [operation.selectionSet]);
  if (!root || others.length > 0) return null;
  const [responseKey, nodes] = root;
  const field = eventFieldOf(schema, nodes[0]!);
  if (!field) return null;
  const columns = new Map<ModelColumn, ModelTable>();
  const writer = dataText({ info, model: field.model, columns }, field, nodes);
  if (!writer) return null;
  const head = `{"data":{${JSON.stringify(responseKey)}:`;
  const text = (event: object, context: RivuletContext, cursor: (() => string) | undefined): string => {
    for (const [column, table] of columns) {
      if (!context.rights.canReadColumn(table, column)) throw new NeedsExecution('not for this reader');
    }
    const data = writer({ event, context });
    const isAnswer = cursor !== undefined && 'snapshot' in event;
    const extensions = isAnswer ? `,"extensions":{"rivulet":{"cursor":${JSON.stringify(cursor())}}}` : '';
    return `${head}${data}}${extensions}}`;
  };
  return Object.assign(text, { columns });
}

interface EventFacts {
  readonly event: object;
  readonly context: RivuletContext;
}

function dataText(
  compiling: RowWriterContext,
  { kind, table, limits }: EventField,
  nodes: readonly FieldNode[],
): TextWriter<EventFacts> | null {
  const selection = selectionOf(nodes);
  if (kind === 'changes') {
    const writer = changesText(compiling, table, selection);
    return (
      writer &&
      (({ event, context }) => {
        if (!context.live) throw new NeedsExecution('no cursors');
        return writer({ message: event as ScopeMessage, cursors: context.live.cursors });
      })
    );
  }
  const row = rowText(compiling, table, selection);
  if (!row) return null;
  const [one, many] = [nullable(row), listText(row)];
  return ({ event }) => {
    const { rows } = event as SelectResult;
    assertTotalRows(limits, rows);
    return kind === 'one' ? one(rows[0] ?? null) : many(rows);
  };
}

function eventFieldOf(schema: GraphQLSchema, node: FieldNode): EventField | undefined {
  const field = schema.getSubscriptionType()?.getFields()[node.name.value];
  return field?.extensions.rivulet as EventField | undefined;
}

export function fragmentsOf(document: DocumentNode) {
  const fragments: Record<
    string,
    Extract<DocumentNode['definitions'][number], { kind: 'FragmentDefinition' }>
  > = Object.create(null);
  for (const definition of document.definitions) {
    if (definition.kind === 'FragmentDefinition') fragments[definition.name.value] = definition;
  }
  return fragments;
}
