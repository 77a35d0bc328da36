import {
  type DirectiveNode,
  type FieldNode,
  type FragmentDefinitionNode,
  GraphQLIncludeDirective,
  type GraphQLResolveInfo,
  GraphQLSkipDirective,
  getDirectiveValues,
  Kind,
  print,
  type SelectionSetNode,
} from 'graphql';
import { RivuletError } from '../../../shared/errors.js';

/** The part of `GraphQLResolveInfo` that reading a selection needs. */
export type SelectionInfo = Pick<GraphQLResolveInfo, 'fragments' | 'variableValues' | 'schema'>;

/** The same for a resolver's field. */
export type FieldInfo = SelectionInfo & Pick<GraphQLResolveInfo, 'fieldNodes'>;

/** The selection sets below some field nodes, with fragments not yet spread. */
export type SelectionSets = readonly SelectionSetNode[];

export function selectionOf(fields: readonly FieldNode[]): SelectionSets {
  return fields.flatMap((field) => (field.selectionSet ? [field.selectionSet] : []));
}

/**
 * The fields that a selection has on an object type, by response key, as the executor would collect
 * them: fragments spread (each once, however often it is named), `@skip` and `@include` obeyed.
 *
 * Throws `SELECTION_CONFLICT` if one response key stands for two fields, or for one field with
 * different arguments. Validation excludes that within one selection, but not in selections that a
 * plan puts together.
 */
export function fieldsOf(
  info: SelectionInfo,
  typeName: string,
  selection: SelectionSets,
): ReadonlyMap<string, readonly FieldNode[]> {
  const fields = new Map<string, FieldNode[]>();
  const spread = new Set<string>();
  for (const set of selection) collect(set);
  return fields;

  function collect(set: SelectionSetNode): void {
    for (const node of set.selections) {
      if (!isIncluded(info, node)) continue;
      if (node.kind === Kind.FIELD) add(node);
      else if (node.kind === Kind.INLINE_FRAGMENT) {
        if (applies(node.typeCondition?.name.value)) collect(node.selectionSet);
      } else if (!spread.has(node.name.value)) {
        spread.add(node.name.value);
        const fragment: FragmentDefinitionNode | undefined = info.fragments[node.name.value];
        if (fragment && applies(fragment.typeCondition.name.value)) collect(fragment.selectionSet);
      }
    }
  }

  function add(node: FieldNode): void {
    const key = node.alias?.value ?? node.name.value;
    const known = fields.get(key);
    if (!known) fields.set(key, [node]);
    else {
      assertSame(key, known[0]!, node);
      known.push(node);
    }
  }

  /** Only interfaces can stand between; each that we have is implemented by every row type. */
  function applies(condition: string | undefined): boolean {
    return condition === undefined || condition === typeName || condition === 'Node';
  }
}

/** The selection below a path of field names, all aliases of each name together. */
export function selectionAt(
  info: SelectionInfo,
  selection: SelectionSets,
  path: readonly { readonly type: string; readonly field: string }[],
): SelectionSets {
  let current = selection;
  for (const { type, field } of path) {
    const fields = [...fieldsOf(info, type, current).values()].flat();
    current = selectionOf(fields.filter((node) => node.name.value === field));
  }
  return current;
}

/**
 * The variables that can decide which fields are included, and no others: a compiled document
 * outlives the request whose variables it was compiled with.
 */
export function conditionsOf(
  variableValues: Readonly<Record<string, unknown>>,
): Readonly<Record<string, unknown>> {
  return Object.fromEntries(Object.entries(variableValues).filter(([, value]) => typeof value === 'boolean'));
}

function isIncluded(info: SelectionInfo, node: { readonly directives?: readonly DirectiveNode[] }): boolean {
  if (!node.directives || node.directives.length === 0) return true;
  const { variableValues } = info;
  if (getDirectiveValues(GraphQLSkipDirective, node, variableValues)?.if === true) return false;
  return getDirectiveValues(GraphQLIncludeDirective, node, variableValues)?.if !== false;
}

function assertSame(key: string, one: FieldNode, other: FieldNode): void {
  if (one === other) return;
  if (one.name.value === other.name.value && argumentsOf(one) === argumentsOf(other)) return;
  throw new RivuletError('SELECTION_CONFLICT', `\`${key}\` stands for two different fields`, { field: key });
}

function argumentsOf(node: FieldNode): string {
  return (node.arguments ?? []).map(print).sort().join(' ');
}
