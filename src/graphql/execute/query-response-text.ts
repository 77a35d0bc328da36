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
import { RecordingRights } from '../../policy/recording-rights.js';
import { rowsToSql } from '../../query/rows.js';
import { decodeSelect } from '../../query/select.js';
import { type TextShape, textToSql } from '../../query/text.js';
import type { RowNode, SelectPlan } from '../../query/types.js';
import type { StatementParams } from '../../sql/statement.js';
import { conditionsOf, fieldsOf, type SelectionInfo, selectionOf } from '../plan/selection.js';
import type { QueryLimits } from '../schema/query-limits.js';
import { fragmentsOf } from './compile-event.js';
import type { RivuletContext } from './context.js';
import { listText, nullable, type TextWriter } from './object-text.js';
import { type PreparedStatement, PreparedStatements } from './prepared-statements.js';
import { type RootField, rootFieldOf } from './query-fields.js';
import type { ReadExtent, RequestReader } from './request-reader.js';
import { rowShape } from './row-shape.js';
import { type RowWriterContext, rowText } from './row-text.js';

/** One root field of a query, with its plan and the writer of its rows. */
interface RootFieldPart {
  readonly responseKey: string;
  readonly nodes: readonly FieldNode[];
  readonly field: GraphQLField<unknown, unknown>;
  readonly root: RootField;
  /**
   * Made after the first plan, which refuses selections that are too large: fragments can make a
   * short document huge.
   */
  write: RowsWriter | null | undefined;
  /** The shape by which Postgres writes the rows. */
  shape: TextShape | null | undefined;
}

type RowsWriter = TextWriter<readonly RowNode[]>;

/**
 * A query's whole response as JSON text, byte for byte equal to `JSON.stringify` of graphql-js's
 * response, with the cursor in `extensions`. One statement reads all rows. Postgres writes them as
 * they are sent; rows with values that Postgres would write otherwise are written here. Nothing is
 * executed field by field. `null` for operations that only graphql-js can execute. Rejects if the
 * response has errors: then graphql-js has to execute it, because it knows their paths.
 *
 * The document must be valid.
 */
export class QueryResponseTexts {
  /** Parts that do not depend on variables, by document. */
  readonly #known = new WeakMap<DocumentNode, Map<string, readonly RootFieldPart[] | null>>();
  readonly #prepared = new PreparedStatements();

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
    const found = await this.#found(info, parts, context, context.reader, document);
    if (found === null) return null;
    const fields = parts.map(({ responseKey }, at) => `${JSON.stringify(responseKey)}:${found.texts[at]!}`);
    const cursor = context.live ? cursorText(context.live.cursors.encode(found.snapshot)) : '';
    return `{"data":{${fields.join(',')}}${cursor}}`;
  }

  async #found(
    info: SelectionInfo,
    parts: readonly RootFieldPart[],
    context: RivuletContext,
    reader: RequestReader,
    document: DocumentNode,
  ): Promise<Found | null> {
    const { limits } = context;
    // The limits decide a plan as variables do.
    const given = limits === undefined ? info.variableValues : { values: info.variableValues, limits };
    let prepared = this.#prepared.find(parts, given, context.rights);
    if (!prepared) {
      const rights = new RecordingRights(parts[0]!.root.model, context.rights);
      const plans = plansOf(info, parts, { ...context, rights });
      const shapes = parts.map((part) => shapeOf(info, part));
      if (!shapes.every((shape) => shape !== null)) return read(info, parts, plans, reader, limits);
      prepared = prepare(parts, plans, shapes, reader, limits);
      if (this.#isKnown(document, parts)) this.#prepared.keep(parts, given, rights, prepared);
    }
    return (
      (await written(prepared, reader)) ?? read(info, parts, plansOf(info, parts, context), reader, limits)
    );
  }

  /** False for parts that depend on variables. */
  #isKnown(document: DocumentNode, parts: readonly RootFieldPart[]): boolean {
    return [...(this.#known.get(document)?.values() ?? [])].includes(parts);
  }

  #partsOf(
    info: SelectionInfo,
    document: DocumentNode,
    operation: OperationDefinitionNode,
  ): readonly RootFieldPart[] | null {
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

type StatementSnapshot = Parameters<typeof decodeSelect>[2];

interface Found {
  readonly texts: readonly string[];
  readonly snapshot: StatementSnapshot;
}

/** Rows as Postgres wrote them; `null` if they cannot be sent as they are. */
async function written({ made, count }: PreparedStatement, reader: RequestReader): Promise<Found | null> {
  const [answer] = await reader.execute(made);
  const { values, snapshot } = answer!;
  // An expression may be NULL, whatever the type says.
  const texts = (values as readonly (string | null)[]).filter((value) => value !== null);
  return texts.length < count ? null : { texts, snapshot };
}

function plansOf(
  info: SelectionInfo,
  parts: readonly RootFieldPart[],
  context: RivuletContext,
): readonly SelectPlan[] {
  return parts.map(({ field, nodes, root }) =>
    root.plan(getArgumentValues(field, nodes[0]!, info.variableValues), context, {
      ...info,
      fieldNodes: nodes,
    }),
  );
}

function prepare(
  parts: readonly RootFieldPart[],
  plans: readonly SelectPlan[],
  shapes: readonly TextShape[],
  reader: RequestReader,
  own: QueryLimits | undefined,
): PreparedStatement {
  const texts = (params: StatementParams): readonly string[] =>
    parts.map(({ root: { model, kind } }, at) => textToSql(model, plans[at]!, shapes[at]!, kind, params));
  return { made: reader.make([texts], extentOf(parts, plans, own)), count: parts.length };
}

function extentOf(
  [part]: readonly RootFieldPart[],
  plans: readonly SelectPlan[],
  own: QueryLimits | undefined,
): ReadExtent {
  return { limits: own ?? part!.root.limits, plans };
}

/** Rows that are written here. */
async function read(
  info: SelectionInfo,
  parts: readonly RootFieldPart[],
  plans: readonly SelectPlan[],
  reader: RequestReader,
  own: QueryLimits | undefined,
): Promise<Found | null> {
  const writers = parts.map((part) => writerOf(info, part));
  if (!writers.every((writer) => writer !== null)) return null;
  const { values, snapshot } = await reader.read(
    (params) => plans.map((plan, at) => rowsToSql(parts[at]!.root.model, plan, params)),
    extentOf(parts, plans, own),
  );
  const texts = plans.map((plan, at) => writers[at]!(decodeSelect(plan, values[at]!, snapshot).rows));
  return { texts, snapshot };
}

function cursorText(cursor: string): string {
  return `,"extensions":{"rivulet":{"cursor":${JSON.stringify(cursor)}}}`;
}

function partsOf(info: SelectionInfo, operation: OperationDefinitionNode): readonly RootFieldPart[] | null {
  const queryType = info.schema.getQueryType()!;
  const parts: RootFieldPart[] = [];
  for (const [responseKey, nodes] of fieldsOf(info, queryType.name, [operation.selectionSet])) {
    const field = queryType.getFields()[nodes[0]!.name.value];
    const root = field && rootFieldOf(field);
    if (!root) return null;
    parts.push({ responseKey, nodes, field, root, write: undefined, shape: undefined });
  }
  return parts.length === 0 ? null : parts;
}

function shapeOf(info: SelectionInfo, part: RootFieldPart): TextShape | null {
  if (part.shape === undefined) {
    const { model, table } = part.root;
    part.shape = rowShape(lasting(info), model, table, selectionOf(part.nodes));
  }
  return part.shape;
}

function writerOf(info: SelectionInfo, part: RootFieldPart): RowsWriter | null {
  if (part.write === undefined) {
    const { kind, model, table } = part.root;
    const compiling: RowWriterContext = { info: lasting(info), model, columns: new Map() };
    const row = rowText(compiling, table, selectionOf(part.nodes));
    const one = row && nullable(row);
    part.write = one && (kind === 'one' ? (rows) => one(rows[0] ?? null) : listText(row));
  }
  return part.write;
}

function lasting(info: SelectionInfo): SelectionInfo {
  return { ...info, variableValues: conditionsOf(info.variableValues) };
}

/**
 * `@skip` and `@include` make the selection depend on variables. Other directives are not known
 * here.
 */
function hasConditions(document: DocumentNode): boolean {
  let found = false;
  visit(document, {
    [Kind.DIRECTIVE]: () => {
      found = true;
    },
  });
  return found;
}
