import type { FieldNode } from 'graphql';
import type { ModelRelation, ModelTable } from '../../../shared/model/types.js';
import type { ListArgs } from '../cache.js';
import type { ClientSchema } from '../schema.js';
import type { ListShape } from '../tree-shape.js';
import { type DocumentOperation, type DocumentVariables, selectionsOf } from './document.js';

/** The columns and relations that a query shows at one place, with their names. */
export interface RowReading {
  readonly table: ModelTable;
  /** Columns, `id`, `nodeId` and `__typename`. */
  readonly columns: readonly ColumnReading[];
  readonly relations: readonly RelationReading[];
  readonly args: ListArgs;
}

export interface ColumnReading {
  readonly name: string;
  readonly responseKey: string;
  /** False for what was added for the reducer: it is read from answers, never shown. */
  readonly shown: boolean;
}

export interface RelationReading {
  readonly relation: ModelRelation;
  readonly responseKey: string;
  readonly row: RowReading;
}

/** Fields to add to the selection, by the node below which they belong: response key → field. */
export type AddedSelections = Map<FieldNode, Map<string, string>>;

export interface SelectionReader {
  readonly schema: ClientSchema;
  readonly operation: DocumentOperation;
  readonly additions: AddedSelections;
}

/** Reads the presentation of the rows below some nodes of one field. */
export function readRows(
  reader: SelectionReader,
  table: ModelTable,
  nodes: readonly FieldNode[],
  args: ListArgs,
): RowReading {
  const fields = reader.operation.fields(table.typeName, selectionsOf(nodes));
  const columns: ColumnReading[] = [];
  const relations: RelationReading[] = [];
  for (const [responseKey, found] of fields) {
    const name = found[0]!.name.value;
    const relation = table.findColumn(name) ? undefined : table.findRelation(name);
    if (!relation) columns.push({ name, responseKey, shown: true });
    else {
      const inner = relation.kind === 'many' ? listArgs(reader.operation.arguments(found[0]!)) : {};
      const target = reader.schema.model.table(relation.target);
      relations.push({ relation, responseKey, row: readRows(reader, target, found, inner) });
    }
  }
  const has = (name: string) => columns.some((each) => each.name === name);
  for (const name of ['id', ...orderColumns(args)]) {
    if (has(name)) continue;
    const responseKey = fields.has(name) ? `rivulet_${name}` : name;
    columns.push({ name, responseKey, shown: false });
    add(reader.additions, nodes[0]!, responseKey, name);
  }
  return { table, columns, relations, args };
}

/**
 * The arguments of a list as the reducer wants them: `limit: null` is no limit there, and the
 * default on the server.
 */
export function listArgs({ where, orderBy, limit, offset }: DocumentVariables): ListArgs {
  const terms = Array.isArray(orderBy) || orderBy == null ? orderBy : [orderBy];
  return {
    ...(where == null ? {} : { where: where as NonNullable<ListArgs['where']> }),
    ...(terms == null ? {} : { orderBy: terms as NonNullable<ListArgs['orderBy']> }),
    ...(typeof limit === 'number' ? { limit } : {}),
    ...(typeof offset === 'number' ? { offset } : {}),
  };
}

export function orderColumns({ orderBy }: ListArgs): readonly string[] {
  return [...new Set((orderBy ?? []).flatMap((term) => Object.keys(term)))];
}

/**
 * The shape that the reducer keeps; `undefined` where one relation is asked for with different
 * arguments.
 */
export function shapeOf(row: RowReading): ListShape | undefined {
  const inner: Record<string, ListShape> = {};
  const seen = new Map<string, string>();
  for (const { relation, row: below } of row.relations) {
    const shape = shapeOf(below);
    const text = JSON.stringify(below.args);
    if (!shape || (seen.get(relation.name) ?? text) !== text) return undefined;
    seen.set(relation.name, text);
    inner[relation.name] = mergeShapes(inner[relation.name], shape);
  }
  return { ...row.args, columns: [...new Set(row.columns.map(({ name }) => name))], with: inner };
}

function mergeShapes(one: ListShape | undefined, other: ListShape): ListShape {
  if (!one) return other;
  const inner: Record<string, ListShape> = { ...one.with };
  for (const [name, shape] of Object.entries(other.with ?? {})) inner[name] = mergeShapes(inner[name], shape);
  return { ...one, columns: [...new Set([...(one.columns ?? []), ...(other.columns ?? [])])], with: inner };
}

function add(additions: AddedSelections, node: FieldNode, responseKey: string, name: string): void {
  const known = additions.get(node);
  if (known) known.set(responseKey, name);
  else additions.set(node, new Map([[responseKey, name]]));
}
