import {
  type DefinitionNode,
  type DocumentNode,
  Kind,
  OperationTypeNode,
  print,
  type SelectionNode,
  type SelectionSetNode,
} from 'graphql';

/** Taken off by the client plugins before they send a document. */
const CLIENT_DIRECTIVES: readonly string[] = ['live'];
const NO_SELECTIONS: SelectionSetNode = { kind: Kind.SELECTION_SET, selections: [] };

/**
 * A text that is equal for documents that ask for the same: without the `__typename` that clients
 * add to each selection, without the directives of the client plugins, and with definitions and
 * selections in one order. Order shows in answers but costs nothing; only the order of a mutation's
 * fields is the order of its writes, and stays.
 */
export function canonicalText(document: DocumentNode): string {
  const isOrdered = document.definitions.some(
    (definition) =>
      definition.kind === Kind.OPERATION_DEFINITION && definition.operation === OperationTypeNode.MUTATION,
  );
  return document.definitions
    .map((definition) => textOfDefinition(definition, isOrdered))
    .sort()
    .join('\n');
}

/** Returns true if every operation asks for nothing but the schema and `__typename`. */
export function isIntrospection({ definitions }: DocumentNode): boolean {
  return definitions.every(
    (definition) =>
      definition.kind === Kind.FRAGMENT_DEFINITION ||
      (definition.kind === Kind.OPERATION_DEFINITION &&
        definition.selectionSet.selections.every(
          (selection) => selection.kind === Kind.FIELD && selection.name.value.startsWith('__'),
        )),
  );
}

function textOfDefinition(definition: DefinitionNode, isOrdered: boolean): string {
  if (definition.kind !== Kind.OPERATION_DEFINITION && definition.kind !== Kind.FRAGMENT_DEFINITION) {
    return print(definition);
  }
  const directives = definition.directives?.filter(({ name }) => !CLIENT_DIRECTIVES.includes(name.value));
  const head = print({ ...definition, ...(directives && { directives }), selectionSet: NO_SELECTIONS });
  return `${head} ${textOfSet(definition.selectionSet, isOrdered)}`;
}

/** Each selection is printed once, and not again with each set that it is within. */
function textOfSet({ selections }: SelectionSetNode, isOrdered: boolean): string {
  const shown = selections.filter((selection) => !isAdded(selection));
  const texts = (shown.length > 0 ? shown : selections.slice(0, 1)).map((selection) =>
    textOfSelection(selection, isOrdered),
  );
  const different = [...new Set(texts)];
  return `{ ${(isOrdered ? different : different.sort()).join(' ')} }`;
}

function textOfSelection(selection: SelectionNode, isOrdered: boolean): string {
  if (selection.kind === Kind.FRAGMENT_SPREAD || !selection.selectionSet) return print(selection);
  const head = print({ ...selection, selectionSet: NO_SELECTIONS });
  return `${head} ${textOfSet(selection.selectionSet, isOrdered)}`;
}

function isAdded(selection: SelectionNode): boolean {
  return (
    selection.kind === Kind.FIELD &&
    selection.name.value === '__typename' &&
    selection.alias === undefined &&
    (selection.directives ?? []).length === 0
  );
}
