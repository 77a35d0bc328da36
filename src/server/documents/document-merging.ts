import {
  type ASTVisitor,
  type FieldNode,
  type FragmentDefinitionNode,
  GraphQLError,
  type GraphQLOutputType,
  getNamedType,
  isInterfaceType,
  isLeafType,
  isListType,
  isNonNullType,
  isObjectType,
  Kind,
  print,
  type SelectionSetNode,
  typeFromAST,
  type ValidationContext,
  type ValueNode,
} from 'graphql';

/** A selection set, and the type whose fields it selects. */
interface TypedSet {
  readonly parent: ParentType;
  readonly set: SelectionSetNode;
}

interface FieldEntry {
  readonly parent: ParentType;
  readonly node: FieldNode;
  readonly type: GraphQLOutputType | undefined;
}

type ParentType = ReturnType<typeof getNamedType> | undefined;

/**
 * GraphQL's rule "fields in set can merge", with the verdicts of graphql-js and another order of
 * work: fields of one response name are compared with the first of them instead of with each other,
 * since both relations, equal fields and equal shapes, are transitive. The time grows with the
 * fields of the expanded operations, which a limit bounds beforehand; graphql-js needs their
 * square.
 *
 * The document must contain no fragment that contains itself.
 */
export function mergingRule(context: ValidationContext): ASTVisitor {
  return {
    OperationDefinition(operation) {
      const parent = context.getSchema().getRootType(operation.operation) ?? undefined;
      const merging = new Merging(context);
      const sets = [{ parent, set: operation.selectionSet }];
      merging.compareShapes(sets);
      merging.compareFields(sets);
      return false;
    },
    FragmentDefinition: () => false,
  };
}

class Merging {
  readonly #context: ValidationContext;
  readonly #arguments = new Map<FieldNode, string>();

  constructor(context: ValidationContext) {
    this.#context = context;
  }

  /** Fields of one response name have the same shape, whatever objects they belong to. */
  compareShapes(sets: readonly TypedSet[]): void {
    for (const [name, entries] of this.#fields(sets)) {
      const known = entries.find(({ type }) => type !== undefined);
      const other = entries.find(({ type }) => type && known?.type && !haveSameShape(known.type, type));
      if (known && other) {
        const reason = `they return conflicting types "${known.type}" and "${other.type}"`;
        this.#report(name, reason, known, other);
      } else if (entries.length > 1 || entries[0]!.node.selectionSet) this.compareShapes(childrenOf(entries));
    }
  }

  /**
   * Fields of one response name that can meet on one object are the same field with the same
   * arguments.
   */
  compareFields(sets: readonly TypedSet[]): void {
    for (const [name, entries] of this.#fields(sets)) {
      for (const group of meeting(entries)) {
        const [first] = group;
        const other = group.find((each) => this.#differ(first!, each) !== null);
        if (first && other) this.#report(name, this.#differ(first, other)!, first, other);
        else this.compareFields(childrenOf(group));
      }
    }
  }

  #differ(one: FieldEntry, other: FieldEntry): string | null {
    if (one === other) return null;
    const [oneName, otherName] = [one.node.name.value, other.node.name.value];
    if (oneName !== otherName) return `"${oneName}" and "${otherName}" are different fields`;
    return this.#argumentsOf(one.node) === this.#argumentsOf(other.node)
      ? null
      : 'they have differing arguments';
  }

  #report(name: string, reason: string, one: FieldEntry, other: FieldEntry): void {
    const message = `Fields "${name}" conflict because ${reason}. Use different aliases on the fields to fetch both if this was intentional.`;
    this.#context.reportError(new GraphQLError(message, { nodes: [one.node, other.node] }));
  }

  #argumentsOf(node: FieldNode): string {
    let text = this.#arguments.get(node);
    if (text === undefined) {
      const named = (node.arguments ?? []).map(({ name, value }) => `${name.value}: ${print(sorted(value))}`);
      text = named.sort().join();
      this.#arguments.set(node, text);
    }
    return text;
  }

  /** The fields of some sets by response name, fragments spread; each fragment once. */
  #fields(sets: readonly TypedSet[]): Map<string, FieldEntry[]> {
    const fields = new Map<string, FieldEntry[]>();
    const spread = new Set<string>();
    const collect = ({ parent, set }: TypedSet): void => {
      for (const selection of set.selections) {
        if (selection.kind === Kind.FIELD) {
          const name = selection.alias?.value ?? selection.name.value;
          const entry = { parent, node: selection, type: typeOf(parent, selection) };
          const known = fields.get(name);
          if (known) known.push(entry);
          else fields.set(name, [entry]);
        } else if (selection.kind === Kind.INLINE_FRAGMENT) {
          const { typeCondition, selectionSet } = selection;
          collect({ parent: typeCondition ? this.#named(typeCondition) : parent, set: selectionSet });
        } else if (!spread.has(selection.name.value)) {
          spread.add(selection.name.value);
          const fragment = this.#context.getFragment(selection.name.value);
          if (fragment) collect({ parent: this.#named(fragment.typeCondition), set: fragment.selectionSet });
        }
      }
    };
    for (const each of sets) collect(each);
    return fields;
  }

  #named(condition: FragmentDefinitionNode['typeCondition']): ParentType {
    return typeFromAST(this.#context.getSchema(), condition);
  }
}

/** None for `__typename` and introspection, whose shapes graphql-js does not compare either. */
function typeOf(parent: ParentType, { name }: FieldNode): GraphQLOutputType | undefined {
  return isObjectType(parent) || isInterfaceType(parent) ? parent.getFields()[name.value]?.type : undefined;
}

function childrenOf(entries: readonly FieldEntry[]): TypedSet[] {
  return entries.flatMap(({ node, type }) =>
    node.selectionSet ? [{ parent: type && getNamedType(type), set: node.selectionSet }] : [],
  );
}

/** Fields of different object types never meet; those of an interface meet all. */
function meeting(entries: readonly FieldEntry[]): Iterable<readonly FieldEntry[]> {
  if (entries.length === 1) return [entries];
  const everywhere = entries.filter(({ parent }) => !isObjectType(parent));
  const byType = new Map<ParentType, FieldEntry[]>();
  for (const entry of entries) {
    if (!isObjectType(entry.parent)) continue;
    const known = byType.get(entry.parent);
    if (known) known.push(entry);
    else byType.set(entry.parent, [...everywhere, entry]);
  }
  return byType.size === 0 ? [everywhere] : byType.values();
}

function haveSameShape(one: GraphQLOutputType, other: GraphQLOutputType): boolean {
  if (isListType(one)) return isListType(other) && haveSameShape(one.ofType, other.ofType);
  if (isNonNullType(one)) return isNonNullType(other) && haveSameShape(one.ofType, other.ofType);
  if (isListType(other) || isNonNullType(other)) return false;
  return isLeafType(one) || isLeafType(other) ? one === other : true;
}

/** The value with the fields of its objects in one order. */
function sorted(value: ValueNode): ValueNode {
  if (value.kind === Kind.LIST) return { ...value, values: value.values.map(sorted) };
  if (value.kind !== Kind.OBJECT) return value;
  const fields = value.fields.map((field) => ({ ...field, value: sorted(field.value) }));
  return { ...value, fields: fields.sort((one, other) => compareText(one.name.value, other.name.value)) };
}

function compareText(one: string, other: string): number {
  if (one === other) return 0;
  return one < other ? -1 : 1;
}
