import {
  type DocumentNode,
  type ExecutionArgs,
  type FieldNode,
  type GraphQLField,
  getArgumentValues,
  getOperationAST,
  getVariableValues,
  Kind,
  type OperationDefinitionNode,
  OperationTypeNode,
  visit,
} from 'graphql';
import { rowsToSql } from '../query/rows.js';
import { decodeSelect } from '../query/select.js';
import type { RowNode, SelectPlan } from '../query/types.js';
import { fragmentsOf } from './compile-event.js';
import type { RivuletContext } from './context.js';
import { listText, nullable, type TextWriter } from './object-text.js';
import { assertTotalRows } from './plan-limits.js';
import { type RootField, rootFieldOf } from './query-fields.js';
import { type RowCompiling, rowText } from './row-text.js';
import { fieldsOf, type SelectionInfo, selectionOf } from './selection.js';

/** One root field of a query: how it is planned and how its rows are written. */
interface Part {
  readonly responseKey: string;
  readonly nodes: readonly FieldNode[];
  readonly field: GraphQLField<unknown, unknown>;
  readonly root: RootField;
  /** Made after the first plan, which refuses what is too large: fragments make much of a short document. */
  write: Writer | null | undefined;
}

type Writer = TextWriter<readonly RowNode[]>;

/**
 * A query's whole answer as JSON text, byte for byte what `JSON.stringify` makes of what graphql-js answers, `extensions` with the
 * cursor included: one statement, and its rows written as they are, nothing executed field by field. `null` for what only
 * graphql-js can execute. Rejects where the answer has errors: then graphql-js has to be asked, which knows their places.
 *
 * The document must be valid.
 */
export class AnswerTexts {
  /** By document: what does not depend on variables. */
  readonly #known = new WeakMap<DocumentNode, Map<string, readonly Part[] | null>>();

  async answer(args: ExecutionArgs): Promise<string | null> {
    const { schema, document } = args;
    const operation = getOperationAST(document, args.operationName);
    if (operation?.operation !== OperationTypeNode.QUERY) return null;
    const { coerced } = getVariableValues(
      schema,
      operation.variableDefinitions ?? [],
      (args.variableValues ?? {}) as Record<string, unknown>,
    );
    if (!coerced) return null;
    const info = { schema, fragments: fragmentsOf(document), variableValues: coerced };
    const parts = this.#partsOf(info, document, operation);
    const context = args.contextValue as RivuletContext;
    if (!parts || !context.reader) return null;
    const plans = parts.map(({ field, nodes, root }) =>
      root.plan(getArgumentValues(field, nodes[0]!, coerced), context, { ...info, fieldNodes: nodes }),
    );
    const writers = parts.map((part) => writerOf(info, part));
    if (!writers.every((writer) => writer !== null)) return null;
    const { values, snapshot } = await context.reader.read((params) =>
      plans.map((plan, at) => rowsToSql(parts[at]!.root.model, plan, params)),
    );
    const fields = parts.map(
      ({ responseKey, root }, at) =>
        `${JSON.stringify(responseKey)}:${writers[at]!(rowsOf(plans[at]!, values[at]!, snapshot, root))}`,
    );
    const cursor = context.live ? cursorText(context.live.cursors.encode(snapshot)) : '';
    return `{"data":{${fields.join(',')}}${cursor}}`;
  }

  #partsOf(
    info: SelectionInfo,
    document: DocumentNode,
    operation: OperationDefinitionNode,
  ): readonly Part[] | null {
    let known = this.#known.get(document);
    if (!known) {
      known = new Map();
      this.#known.set(document, known);
    }
    const name = operation.name?.value ?? '';
    const parts = known.get(name);
    if (parts !== undefined) return parts;
    if (hasConditions(document)) return partsOf(info, operation);
    const made = partsOf(info, operation);
    known.set(name, made);
    return made;
  }
}

type Snapshot = Parameters<typeof decodeSelect>[2];

function rowsOf(
  plan: SelectPlan,
  value: string,
  snapshot: Snapshot,
  { limits }: RootField,
): readonly RowNode[] {
  const { rows } = decodeSelect(plan, value, snapshot);
  assertTotalRows(limits, rows);
  return rows;
}

function cursorText(cursor: string): string {
  return `,"extensions":{"rivulet":{"cursor":${JSON.stringify(cursor)}}}`;
}

function partsOf(info: SelectionInfo, operation: OperationDefinitionNode): readonly Part[] | null {
  const queryType = info.schema.getQueryType()!;
  const parts: Part[] = [];
  for (const [responseKey, nodes] of fieldsOf(info, queryType.name, [operation.selectionSet])) {
    const field = queryType.getFields()[nodes[0]!.name.value];
    const root = field && rootFieldOf(field);
    if (!root) return null;
    parts.push({ responseKey, nodes, field, root, write: undefined });
  }
  return parts.length === 0 ? null : parts;
}

function writerOf(info: SelectionInfo, part: Part): Writer | null {
  if (part.write === undefined) {
    const { kind, model, table } = part.root;
    const compiling: RowCompiling = { info, model, columns: new Map() };
    const row = rowText(compiling, table, selectionOf(part.nodes));
    const one = row && nullable(row);
    part.write = one && (kind === 'one' ? (rows) => one(rows[0] ?? null) : listText(row));
  }
  return part.write;
}

/** `@skip` and `@include` make the selection depend on variables; whatever else there is, is not known here. */
function hasConditions(document: DocumentNode): boolean {
  let found = false;
  visit(document, {
    [Kind.DIRECTIVE]: () => {
      found = true;
    },
  });
  return found;
}
