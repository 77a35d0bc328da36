import {
  type DefinitionNode,
  type DocumentNode,
  Kind,
  print,
  type SelectionNode,
  type SelectionSetNode,
} from 'graphql';

/** Taken off by the client plugins before they send a document. */
const CLIENT_DIRECTIVES: readonly string[] = ['live'];

/**
 * A text that is equal for documents that ask for the same: without the `__typename` that clients add to each selection, without the
 * directives of the client plugins, and with definitions and selections in one order. Order shows in answers but costs nothing.
 */
export function canonicalText(document: DocumentNode): string {
  return document.definitions
    .map((definition) => print(canonicalDefinition(definition)))
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

function canonicalDefinition(definition: DefinitionNode): DefinitionNode {
  if (definition.kind !== Kind.OPERATION_DEFINITION && definition.kind !== Kind.FRAGMENT_DEFINITION) {
    return definition;
  }
  const directives = definition.directives?.filter(({ name }) => !CLIENT_DIRECTIVES.includes(name.value));
  return { ...definition, directives, selectionSet: canonicalSet(definition.selectionSet) };
}

function canonicalSet(set: SelectionSetNode): SelectionSetNode {
  const shown = set.selections.filter((selection) => !isAdded(selection));
  const selections = (shown.length > 0 ? shown : set.selections.slice(0, 1)).map(canonicalSelection);
  const printed = new Map(selections.map((selection) => [print(selection), selection]));
  return {
    ...set,
    selections: [...printed].sort(([one], [other]) => (one < other ? -1 : 1)).map(([, each]) => each),
  };
}

function canonicalSelection(selection: SelectionNode): SelectionNode {
  if (selection.kind === Kind.FRAGMENT_SPREAD || !selection.selectionSet) return selection;
  return { ...selection, selectionSet: canonicalSet(selection.selectionSet) };
}

function isAdded(selection: SelectionNode): boolean {
  return (
    selection.kind === Kind.FIELD &&
    selection.name.value === '__typename' &&
    selection.alias === undefined &&
    (selection.directives ?? []).length === 0
  );
}
