import {
  type DocumentNode,
  type FragmentDefinitionNode,
  Kind,
  type SelectionNode,
  type SelectionSetNode,
} from 'graphql';

/** Sizes of a document that limits are compared with. */
export interface DocumentSize {
  /** Characters of its text. */
  readonly characters: number;
  readonly tokens: number;
  /**
   * Fields nested in one another, in the deepest operation; below introspection fields nothing
   * counts.
   */
  readonly depth: number;
  /** Aliases of the operation that has most, those of fragments counted at each use. */
  readonly aliases: number;
  /** Fields of all operations, those of fragments counted at each use. */
  readonly fields: number;
  /** Root fields of the operation that has most, repeated ones and those of fragments included. */
  readonly rootFields: number;
  /** Fragment definitions. */
  readonly fragments: number;
  /**
   * Fragment spreads and inline fragments of all operations, those of fragments counted at each
   * use.
   */
  readonly spreads: number;
  /** Directives in the text. */
  readonly directives: number;
  /** Variables of the operation that has most. */
  readonly variables: number;
  /** A fragment contains itself: validation refuses the document. */
  readonly isCyclic: boolean;
}

interface Size {
  readonly depth: number;
  readonly aliases: number;
  readonly fields: number;
  readonly spreads: number;
}

interface SetSize extends Size {
  /** Fields of the set itself. */
  readonly width: number;
}

const NOTHING: SetSize = { depth: 0, aliases: 0, fields: 0, spreads: 0, width: 0 };

/**
 * Measures a document in time that grows with its text, not with its expansion: each fragment is
 * measured once, and its size added at each use. Sizes can exceed what an integer holds exactly;
 * they only grow.
 */
export function measureDocument(document: DocumentNode, text: string): DocumentSize {
  const measuring = new Measuring(document);
  const fragments = document.definitions.filter(({ kind }) => kind === Kind.FRAGMENT_DEFINITION).length;
  let [depth, aliases, fields, rootFields, spreads, variables] = [0, 0, 0, 0, 0, 0];
  for (const definition of document.definitions) {
    if (definition.kind !== Kind.OPERATION_DEFINITION) continue;
    const size = measuring.selections(definition.selectionSet);
    depth = Math.max(depth, size.depth);
    aliases = Math.max(aliases, size.aliases);
    rootFields = Math.max(rootFields, size.width);
    variables = Math.max(variables, definition.variableDefinitions?.length ?? 0);
    fields += size.fields;
    spreads += size.spreads;
  }
  return {
    characters: text.length,
    tokens: document.tokenCount ?? 0,
    depth,
    aliases,
    fields,
    rootFields,
    fragments,
    spreads,
    directives: directivesOf(document),
    variables,
    isCyclic: measuring.isCyclic,
  };
}

class Measuring {
  readonly #fragments = new Map<string, FragmentDefinitionNode>();
  readonly #sizes = new Map<string, SetSize | 'measuring'>();
  isCyclic = false;

  constructor(document: DocumentNode) {
    for (const definition of document.definitions) {
      if (definition.kind === Kind.FRAGMENT_DEFINITION)
        this.#fragments.set(definition.name.value, definition);
    }
  }

  selections(set: SelectionSetNode | undefined): SetSize {
    if (set === undefined) return NOTHING;
    let [depth, aliases, fields, spreads, width] = [0, 0, 0, 0, 0];
    for (const selection of set.selections) {
      const size = this.#selection(selection);
      depth = Math.max(depth, size.depth);
      aliases += size.aliases;
      fields += size.fields;
      spreads += size.spreads;
      width += size.width;
    }
    return { depth, aliases, fields, spreads, width };
  }

  #selection(selection: SelectionNode): SetSize {
    switch (selection.kind) {
      case Kind.FIELD: {
        const below = this.selections(selection.selectionSet);
        const isIntrospection = selection.name.value === '__schema' || selection.name.value === '__type';
        return {
          depth: isIntrospection ? 0 : below.depth + 1,
          aliases: below.aliases + (selection.alias === undefined ? 0 : 1),
          fields: below.fields + 1,
          spreads: below.spreads,
          width: 1,
        };
      }
      case Kind.INLINE_FRAGMENT:
        return spread(this.selections(selection.selectionSet));
      case Kind.FRAGMENT_SPREAD:
        return spread(this.#fragment(selection.name.value));
    }
  }

  #fragment(name: string): SetSize {
    const known = this.#sizes.get(name);
    if (known === 'measuring') {
      this.isCyclic = true;
      return NOTHING;
    }
    if (known !== undefined) return known;
    this.#sizes.set(name, 'measuring');
    const size = this.selections(this.#fragments.get(name)?.selectionSet);
    this.#sizes.set(name, size);
    return size;
  }
}

function spread(size: SetSize): SetSize {
  return { ...size, spreads: size.spreads + 1 };
}

/** Every place that may have directives, in the text and not in its expansion. */
function directivesOf(document: DocumentNode): number {
  let count = 0;
  const visit = (node: {
    readonly directives?: readonly unknown[] | undefined;
    readonly selectionSet?: SelectionSetNode | undefined;
  }): void => {
    count += node.directives?.length ?? 0;
    for (const selection of node.selectionSet?.selections ?? []) visit(selection);
  };
  for (const definition of document.definitions) {
    visit(definition as Parameters<typeof visit>[0]);
    if (definition.kind !== Kind.OPERATION_DEFINITION) continue;
    for (const variable of definition.variableDefinitions ?? []) count += variable.directives?.length ?? 0;
  }
  return count;
}
