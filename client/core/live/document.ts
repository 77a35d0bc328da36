import {
  type DirectiveNode,
  type DocumentNode,
  type FieldNode,
  type FragmentDefinitionNode,
  Kind,
  type OperationDefinitionNode,
  type SelectionSetNode,
  type ValueNode,
  valueFromASTUntyped,
} from 'graphql';

/** `query Tasks @live { … }` */
export const LIVE_DIRECTIVE = 'live';

export type DocumentVariables = Readonly<Record<string, unknown>>;

/**
 * One operation with its variables: its fields as the server will collect them, its arguments as
 * plain values.
 */
export interface DocumentOperation {
  readonly node: OperationDefinitionNode;
  /**
   * The fields of an object type by response key: fragments spread, `@skip` and `@include` obeyed.
   */
  fields(typeName: string, sets: readonly SelectionSetNode[]): ReadonlyMap<string, readonly FieldNode[]>;
  /** The arguments, variables filled in; an argument whose variable has no value is left out. */
  arguments(field: FieldNode): DocumentVariables;
}

/** The operation of a document; `undefined` where it is of another kind, or one of several. */
export function readOperation(
  document: DocumentNode,
  variables: DocumentVariables,
  kind: 'query' | 'mutation' | 'subscription' = 'query',
): DocumentOperation | undefined {
  const operations = document.definitions.filter((each) => each.kind === Kind.OPERATION_DEFINITION);
  const node = operations[0];
  if (!node || operations.length > 1 || node.operation !== kind) return undefined;
  const fragments = new Map<string, FragmentDefinitionNode>();
  for (const each of document.definitions) {
    if (each.kind === Kind.FRAGMENT_DEFINITION) fragments.set(each.name.value, each);
  }
  const values = withDefaults(node, variables);
  const plainOf = (value: ValueNode): unknown => withoutUndefined(valueFromASTUntyped(value, values));
  const isTrue = (
    field: { readonly directives?: readonly DirectiveNode[] },
    name: string,
    fallback: boolean,
  ) => {
    const directive = field.directives?.find((each) => each.name.value === name);
    const condition = directive?.arguments?.find((each) => each.name.value === 'if');
    return condition ? plainOf(condition.value) === true : fallback;
  };

  return {
    node,
    fields: (typeName, sets) => {
      const found = new Map<string, FieldNode[]>();
      const spread = new Set<string>();
      const applies = (condition: string | undefined) =>
        condition === undefined || condition === typeName || condition === 'Node';
      const collect = (set: SelectionSetNode): void => {
        for (const each of set.selections) {
          if (isTrue(each, 'skip', false) || !isTrue(each, 'include', true)) continue;
          if (each.kind === Kind.FIELD) {
            const key = responseKeyOf(each);
            found.set(key, [...(found.get(key) ?? []), each]);
          } else if (each.kind === Kind.INLINE_FRAGMENT) {
            if (applies(each.typeCondition?.name.value)) collect(each.selectionSet);
          } else if (!spread.has(each.name.value)) {
            spread.add(each.name.value);
            const fragment = fragments.get(each.name.value);
            if (fragment && applies(fragment.typeCondition.name.value)) collect(fragment.selectionSet);
          }
        }
      };
      for (const set of sets) collect(set);
      return found;
    },
    arguments: (field) => {
      const found: Record<string, unknown> = {};
      for (const { name, value } of field.arguments ?? []) {
        const plain = plainOf(value);
        if (plain !== undefined) found[name.value] = plain;
      }
      return found;
    },
  };
}

export function responseKeyOf(field: FieldNode): string {
  return field.alias?.value ?? field.name.value;
}

/** The selection below some nodes of one field. */
export function selectionsOf(fields: readonly FieldNode[]): readonly SelectionSetNode[] {
  return fields.flatMap(({ selectionSet }) => selectionSet ?? []);
}

/** The variables with the operation's defaults. */
export function withDefaults(
  node: OperationDefinitionNode,
  variables: DocumentVariables,
): Record<string, unknown> {
  const values: Record<string, unknown> = { ...variables };
  for (const { variable, defaultValue } of node.variableDefinitions ?? []) {
    const name = variable.name.value;
    if (values[name] === undefined && defaultValue) values[name] = valueFromASTUntyped(defaultValue);
  }
  return values;
}

/** Those that a document's operation is run with. */
export function variablesOf(document: DocumentNode, variables: DocumentVariables): Record<string, unknown> {
  const node = document.definitions.find((each) => each.kind === Kind.OPERATION_DEFINITION);
  return node ? withDefaults(node, variables) : { ...variables };
}

/**
 * As GraphQL reads a variable without a value inside of an input object: the field is not there.
 */
function withoutUndefined(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutUndefined);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).flatMap(([name, inner]) =>
      inner === undefined ? [] : [[name, withoutUndefined(inner)]],
    ),
  );
}

/** True if the query has the directive. */
export function hasLiveDirective(document: DocumentNode): boolean {
  return document.definitions.some(
    (each) =>
      each.kind === Kind.OPERATION_DEFINITION &&
      each.directives?.some(({ name }) => name.value === LIVE_DIRECTIVE),
  );
}
