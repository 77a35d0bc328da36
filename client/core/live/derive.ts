import { type DocumentNode, type FieldNode, Kind, type SelectionNode, type SelectionSetNode } from 'graphql';
import type { ModelTable } from '../../../shared/model/types.js';
import { parseKey } from '../../../shared/value/key.js';
import type { ClientSchema } from '../schema.js';
import type { ListShape } from '../tree-shape.js';
import { type StreamRequest, streamOf } from './change-stream-request.js';
import { type DocumentVariables, LIVE_DIRECTIVE, readOperation, selectionsOf } from './document.js';
import {
  type AddedSelections,
  listArgs,
  type RowReading,
  readRows,
  type SelectionReader,
  shapeOf,
} from './row-reading.js';

/** The plan by which a live query is updated. */
export interface LivePlan {
  /**
   * The document sent to the server: without `@live`, and with the fields that the reducer needs.
   */
  readonly document: DocumentNode;
  readonly roots: readonly LiveRoot[];
  /** Response keys of root fields of which no stream tells anything. */
  readonly unfollowed: readonly string[];
}

/** One root field of a query. */
export type LiveRoot = AppliedRoot | RefetchedRoot;

/** Its messages are applied. */
export interface AppliedRoot {
  readonly kind: 'applied';
  readonly responseKey: string;
  readonly reading: RowReading;
  readonly shape: ListShape;
  /** The `id` it was asked with; absent for a list. */
  readonly id?: string;
  readonly stream: StreamRequest;
}

/** Its messages tell that the query has to be asked again. */
export interface RefetchedRoot {
  readonly kind: 'asked';
  readonly responseKey: string;
  readonly stream: StreamRequest;
}

/** Derives the change streams of a query from its document; `undefined` for what is no query. */
export function derive(
  schema: ClientSchema,
  document: DocumentNode,
  variables: DocumentVariables,
): LivePlan | undefined {
  const operation = readOperation(document, variables);
  if (!operation) return undefined;
  const additions: AddedSelections = new Map();
  const reader: SelectionReader = { schema, operation, additions };
  const roots: LiveRoot[] = [];
  const unfollowed: string[] = [];
  for (const [responseKey, nodes] of operation.fields('Query', [operation.node.selectionSet])) {
    const name = nodes[0]!.name.value;
    if (name.startsWith('__')) continue;
    const found = rootsOf(reader, responseKey, name, nodes);
    if (found) roots.push(...found);
    else unfollowed.push(responseKey);
  }
  return { document: extended(document, additions), roots, unfollowed };
}

function rootsOf(
  reader: SelectionReader,
  responseKey: string,
  name: string,
  nodes: readonly FieldNode[],
): readonly LiveRoot[] | undefined {
  const { schema, operation } = reader;
  const args = operation.arguments(nodes[0]!);
  for (const { name: tableName, fields } of schema.manifest.tables) {
    const table = schema.model.table(tableName);
    if (name === fields.many) {
      const list = listArgs(args);
      const reading = readRows(reader, table, nodes, list);
      return [rootOf(responseKey, reading, list.where ?? undefined, fields.changes)];
    }
    if (name === fields.one) {
      const id = idOf(args.id);
      const where = id === undefined ? undefined : whereKey(table, id);
      if (!where) return undefined;
      return [rootOf(responseKey, readRows(reader, table, nodes, {}), where, fields.changes, id)];
    }
    if (name === fields.connection) {
      const rows = nodesOfConnection(reader, table, nodes);
      const reading = readRows({ ...reader, additions: new Map() }, table, rows, {});
      const { where } = listArgs(args);
      return [
        { kind: 'asked', responseKey, stream: streamOf(reading, where ?? undefined, fields.changes, false) },
      ];
    }
  }
  if (name === 'node') return globalRoots(reader, responseKey, nodes, [args.nodeId]);
  if (name === 'nodes' && Array.isArray(args.nodeIds)) {
    return globalRoots(reader, responseKey, nodes, args.nodeIds);
  }
  return undefined;
}

function rootOf(
  responseKey: string,
  reading: RowReading,
  where: Readonly<Record<string, unknown>> | undefined,
  field: string,
  id?: string,
): LiveRoot {
  const shape = shapeOf(reading);
  if (!shape) return { kind: 'asked', responseKey, stream: streamOf(reading, where, field, false) };
  const stream = streamOf(reading, where, field, true);
  return { kind: 'applied', responseKey, reading, shape, stream, ...(id === undefined ? {} : { id }) };
}

/** Each named row is watched for itself. */
function globalRoots(
  reader: SelectionReader,
  responseKey: string,
  nodes: readonly FieldNode[],
  nodeIds: readonly unknown[],
): readonly LiveRoot[] | undefined {
  const roots = nodeIds.map((nodeId): LiveRoot | undefined => {
    const named = typeof nodeId === 'string' ? readNodeId(reader.schema, nodeId) : undefined;
    const where = named && whereKey(named.table, named.key);
    if (!named || !where) return undefined;
    const reading = readRows({ ...reader, additions: new Map() }, named.table, nodes, {});
    return { kind: 'asked', responseKey, stream: streamOf(reading, where, named.changes, false) };
  });
  return roots.every((root) => root !== undefined) ? roots : undefined;
}

/** The row that a global name names. */
export function readNodeId(schema: ClientSchema, nodeId: string) {
  let text: string;
  try {
    const bytes = atob(nodeId.replaceAll('-', '+').replaceAll('_', '/'));
    text = new TextDecoder().decode(Uint8Array.from(bytes, (char) => char.charCodeAt(0)));
  } catch {
    return undefined;
  }
  const colon = text.indexOf(':');
  const described = schema.manifest.tables.find(({ typeName }) => typeName === text.slice(0, colon));
  if (!described) return undefined;
  const { name, fields } = described;
  return { table: schema.model.table(name), key: text.slice(colon + 1), changes: fields.changes };
}

/** The nodes below which a connection shows its rows: `nodes`, and `node` of `edges`. */
function nodesOfConnection({ operation }: SelectionReader, table: ModelTable, nodes: readonly FieldNode[]) {
  const below = (type: string, name: string, of: readonly FieldNode[]) =>
    [...operation.fields(type, selectionsOf(of)).values()].flat().filter((each) => each.name.value === name);
  const type = `${table.typeName}Connection`;
  const edges = below(type, 'edges', nodes);
  const rows = [...below(type, 'nodes', nodes), ...below(`${table.typeName}Edge`, 'node', edges)];
  return rows.length > 0 ? rows : nodes.map(({ selectionSet: _, ...node }) => node);
}

/** The filter that one key satisfies; `undefined` where the text is no key of the table. */
export function whereKey(table: ModelTable, id: string): Readonly<Record<string, unknown>> | undefined {
  try {
    const parts = parseKey(table, id);
    return Object.fromEntries(table.key.map((column, at) => [column.name, { eq: parts[at] }]));
  } catch {
    return undefined;
  }
}

function idOf(value: unknown): string | undefined {
  return typeof value === 'string' || typeof value === 'number' ? String(value) : undefined;
}

/** The document with what was added, and without the directive that only this client knows. */
function extended(document: DocumentNode, additions: AddedSelections): DocumentNode {
  return {
    kind: Kind.DOCUMENT,
    definitions: document.definitions.map((definition) =>
      definition.kind === Kind.OPERATION_DEFINITION || definition.kind === Kind.FRAGMENT_DEFINITION
        ? {
            ...definition,
            directives: (definition.directives ?? []).filter((each) => each.name.value !== LIVE_DIRECTIVE),
            selectionSet: extendedSet(definition.selectionSet, additions),
          }
        : definition,
    ),
  };
}

function extendedSet(set: SelectionSetNode, additions: AddedSelections): SelectionSetNode {
  const selections = set.selections.map((node): SelectionNode => {
    if (node.kind === Kind.FRAGMENT_SPREAD || !node.selectionSet) return node;
    const inner = extendedSet(node.selectionSet, additions);
    if (node.kind === Kind.INLINE_FRAGMENT) return { ...node, selectionSet: inner };
    const added = [...(additions.get(node) ?? [])].map(([responseKey, name]) =>
      addedField(responseKey, name),
    );
    return { ...node, selectionSet: { ...inner, selections: [...inner.selections, ...added] } };
  });
  return { ...set, selections };
}

function addedField(responseKey: string, name: string): FieldNode {
  const field = { kind: Kind.FIELD, name: { kind: Kind.NAME, value: name } } as const;
  return responseKey === name ? field : { ...field, alias: { kind: Kind.NAME, value: responseKey } };
}
