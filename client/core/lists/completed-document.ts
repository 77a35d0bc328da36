import {
  type DocumentNode,
  type FieldNode,
  type FragmentDefinitionNode,
  Kind,
  type OperationDefinitionNode,
  type SelectionNode,
  type SelectionSetNode,
  valueFromASTUntyped,
} from 'graphql';
import type { RowFields } from '../cache.js';
import { type DocumentVariables, withDefaults } from '../live/document.js';
import type { FieldShape, FieldShapes } from './field-shapes.js';

/**
 * A document that asks for what a cache needs besides, and how what was not asked for is taken out
 * again.
 */
export interface CompletedDocument {
  readonly document: DocumentNode;
  /**
   * The data as the original document asked for it. The same objects give the same objects, and
   * what has nothing added is itself.
   */
  strip(data: unknown): unknown;
}

/** Response keys that were added, by the response keys that lead there. */
interface AddedFields {
  readonly keys: Set<string>;
  readonly below: Map<string, AddedFields>;
  readonly known: WeakMap<object, unknown>;
}

/** The fields added for each kind of object. */
const NEEDED: Readonly<Record<FieldShape['kind'], readonly string[]>> = {
  row: ['id'],
  change: ['kind', 'op', 'key', 'changedColumns'],
  link: ['kind', 'parent', 'child'],
  scope: [],
  message: ['cursor', 'reset', 'transaction'],
  other: [],
};

/** The selection below an added field. */
const BELOW: Readonly<Record<string, readonly string[]>> = { transaction: ['xid', 'mutationId'] };

/**
 * Completes a document: rows have their `id`, so that the cache can tell them apart, and the
 * columns that their list is ordered by, so that others find their places among them; changes have
 * what says what they are. `undefined` where nothing is missing, or where the document has more
 * than one operation.
 */
export function completeDocument(
  shapes: FieldShapes,
  document: DocumentNode,
  variables: DocumentVariables = {},
): CompletedDocument | undefined {
  const operations = document.definitions.filter((each) => each.kind === Kind.OPERATION_DEFINITION);
  const [operation] = operations;
  if (!operation || operations.length > 1) return undefined;
  const writer = new CompletionWriter(shapes, document, operation, variables);
  const root = writer.root();
  if (writer.additions.size === 0) return undefined;
  return {
    document: extended(document, writer.additions),
    strip: (data) => stripped(data, root),
  };
}

class CompletionWriter {
  /** By the node below which they belong: response key → field. */
  readonly additions = new Map<FieldNode, Map<string, string>>();
  readonly #shapes: FieldShapes;
  readonly #variables: Record<string, unknown>;
  readonly #operation: OperationDefinitionNode;
  readonly #fragments = new Map<string, FragmentDefinitionNode>();

  constructor(
    shapes: FieldShapes,
    document: DocumentNode,
    operation: OperationDefinitionNode,
    variables: DocumentVariables,
  ) {
    this.#shapes = shapes;
    this.#variables = withDefaults(operation, variables);
    this.#operation = operation;
    for (const each of document.definitions) {
      if (each.kind === Kind.FRAGMENT_DEFINITION) this.#fragments.set(each.name.value, each);
    }
  }

  root(): AddedFields {
    const { operation, selectionSet } = this.#operation;
    return this.#below([selectionSet], (name) => this.#shapes.root(operation, name));
  }

  #below(sets: readonly SelectionSetNode[], shapeOf: (name: string) => FieldShape | undefined): AddedFields {
    const below = new Map<string, AddedFields>();
    for (const [responseKey, nodes] of this.#collect(sets)) {
      const shape = shapeOf(nodes[0]!.name.value);
      if (shape) below.set(responseKey, this.#object(shape, nodes));
    }
    return { keys: new Set(), below, known: new WeakMap() };
  }

  #object(shape: FieldShape, nodes: readonly FieldNode[]): AddedFields {
    const sets = nodes.flatMap(({ selectionSet }) => selectionSet ?? []);
    const added = this.#below(sets, (name) => this.#shapes.below(shape, name));
    const fields = this.#collect(sets);
    if (fields.size === 0) return added;
    const asked = [...fields].filter(([, found]) => found.every((each) => !isConditional(each)));
    for (const name of [...NEEDED[shape.kind], ...this.#orderColumns(shape, nodes[0]!)]) {
      // A transaction's name is always needed.
      if (!Object.hasOwn(BELOW, name) && asked.some(([, found]) => found[0]!.name.value === name)) continue;
      const responseKey = fields.has(name) ? `rivulet_${name}` : name;
      const additions = this.additions.get(nodes[0]!) ?? new Map<string, string>();
      additions.set(responseKey, name);
      this.additions.set(nodes[0]!, additions);
      added.keys.add(responseKey);
    }
    return added;
  }

  #orderColumns({ kind, table }: FieldShape, node: FieldNode): readonly string[] {
    const argument = node.arguments?.find(({ name }) => name.value === 'orderBy');
    if (kind !== 'row' || !argument) return [];
    const orderBy: unknown = valueFromASTUntyped(argument.value, this.#variables);
    const names = (Array.isArray(orderBy) ? orderBy : [orderBy]).flatMap((term) => Object.keys(term ?? {}));
    return [...new Set(names)].filter((name) => name !== 'id' && table.findColumn(name));
  }

  /** By response key, fragments spread. What may be left out is in it. */
  #collect(sets: readonly SelectionSetNode[]): ReadonlyMap<string, readonly FieldNode[]> {
    const found = new Map<string, FieldNode[]>();
    const spread = new Set<string>();
    const visit = (set: SelectionSetNode): void => {
      for (const each of set.selections) {
        if (each.kind === Kind.FIELD) {
          const key = each.alias?.value ?? each.name.value;
          found.set(key, [...(found.get(key) ?? []), each]);
        } else if (each.kind === Kind.INLINE_FRAGMENT) visit(each.selectionSet);
        else if (!spread.has(each.name.value)) {
          spread.add(each.name.value);
          const fragment = this.#fragments.get(each.name.value);
          if (fragment) visit(fragment.selectionSet);
        }
      }
    };
    for (const set of sets) visit(set);
    return found;
  }
}

function isConditional({ directives }: FieldNode): boolean {
  return directives?.some(({ name }) => name.value === 'include' || name.value === 'skip') ?? false;
}

function stripped(data: unknown, added: AddedFields): unknown {
  if (typeof data !== 'object' || data === null) return data;
  if (added.known.has(data)) return added.known.get(data);
  const result = Array.isArray(data) ? strippedList(data, added) : strippedObject(data as RowFields, added);
  added.known.set(data, result);
  return result;
}

function strippedList(list: readonly unknown[], added: AddedFields): readonly unknown[] {
  const items = list.map((item) => stripped(item, added));
  return items.every((item, at) => item === list[at]) ? list : items;
}

function strippedObject(data: RowFields, added: AddedFields): RowFields {
  let result: Record<string, unknown> | undefined;
  for (const [name, inner] of added.below) {
    if (!Object.hasOwn(data, name)) continue;
    const value = stripped(data[name], inner);
    if (value === data[name]) continue;
    result ??= { ...data };
    result[name] = value;
  }
  for (const name of added.keys) {
    if (!Object.hasOwn(data, name)) continue;
    result ??= { ...data };
    delete result[name];
  }
  return result ?? data;
}

function extended(
  document: DocumentNode,
  additions: ReadonlyMap<FieldNode, ReadonlyMap<string, string>>,
): DocumentNode {
  const inSet = (set: SelectionSetNode): SelectionSetNode => ({
    ...set,
    selections: set.selections.map((node): SelectionNode => {
      if (node.kind === Kind.FRAGMENT_SPREAD || !node.selectionSet) return node;
      const inner = inSet(node.selectionSet);
      if (node.kind === Kind.INLINE_FRAGMENT) return { ...node, selectionSet: inner };
      const added = [...(additions.get(node) ?? [])].map(([responseKey, name]) => fieldOf(responseKey, name));
      return { ...node, selectionSet: { ...inner, selections: [...inner.selections, ...added] } };
    }),
  });
  return {
    kind: Kind.DOCUMENT,
    definitions: document.definitions.map((each) =>
      each.kind === Kind.OPERATION_DEFINITION || each.kind === Kind.FRAGMENT_DEFINITION
        ? { ...each, selectionSet: inSet(each.selectionSet) }
        : each,
    ),
  };
}

function fieldOf(responseKey: string, name: string): FieldNode {
  const below = (BELOW[name] ?? []).map((inner) => fieldOf(inner, inner));
  return {
    kind: Kind.FIELD,
    name: { kind: Kind.NAME, value: name },
    ...(responseKey === name ? {} : { alias: { kind: Kind.NAME, value: responseKey } }),
    ...(below.length > 0 ? { selectionSet: { kind: Kind.SELECTION_SET, selections: below } } : {}),
  };
}
