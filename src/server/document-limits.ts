import {
  type DocumentNode,
  type FragmentDefinitionNode,
  type GraphQLError,
  Kind,
  type SelectionSetNode,
} from 'graphql';
import { RivuletError } from '../errors.js';
import type { Limits } from './config.js';
import { clientError } from './mask.js';

interface Cost {
  /** Fields nested in one another. */
  readonly depth: number;
  readonly aliases: number;
}

/**
 * The limits of depth and aliases, checked before validation, which is the costlier of the two. Returns the errors; none
 * where the document may go on.
 *
 * Each fragment is measured once, so that the time is that of the document's length, not of its expansion; an alias in a
 * fragment counts at each use. Introspection has limits of its own (graphql's `MaxIntrospectionDepthRule`) and is left out.
 */
export function checkDocument(
  document: DocumentNode,
  limits: Pick<Limits, 'depth' | 'aliases'>,
): readonly GraphQLError[] {
  const measure = new Measure(document);
  for (const definition of document.definitions) {
    if (definition.kind !== Kind.OPERATION_DEFINITION) continue;
    const cost = measure.selections(definition.selectionSet);
    if (cost.depth > limits.depth) {
      const message = `fields are nested ${cost.depth} deep; at most ${limits.depth} are accepted`;
      return [clientError(new RivuletError('DOCUMENT_TOO_DEEP', message))];
    }
    if (cost.aliases > limits.aliases) {
      const message = `there are more than ${limits.aliases} aliases`;
      return [clientError(new RivuletError('DOCUMENT_TOO_MANY_ALIASES', message))];
    }
  }
  return [];
}

const NOTHING: Cost = { depth: 0, aliases: 0 };

class Measure {
  readonly #fragments = new Map<string, FragmentDefinitionNode>();
  readonly #costs = new Map<string, Cost>();

  constructor(document: DocumentNode) {
    for (const definition of document.definitions) {
      if (definition.kind === Kind.FRAGMENT_DEFINITION)
        this.#fragments.set(definition.name.value, definition);
    }
  }

  selections(set: SelectionSetNode | undefined): Cost {
    if (set === undefined) return NOTHING;
    let depth = 0;
    let aliases = 0;
    for (const selection of set.selections) {
      const cost = this.#selection(selection);
      depth = Math.max(depth, cost.depth);
      aliases += cost.aliases;
    }
    return { depth, aliases };
  }

  #selection(selection: SelectionSetNode['selections'][number]): Cost {
    switch (selection.kind) {
      case Kind.FIELD: {
        if (selection.name.value === '__schema' || selection.name.value === '__type') return NOTHING;
        const below = this.selections(selection.selectionSet);
        return { depth: below.depth + 1, aliases: below.aliases + (selection.alias === undefined ? 0 : 1) };
      }
      case Kind.INLINE_FRAGMENT:
        return this.selections(selection.selectionSet);
      case Kind.FRAGMENT_SPREAD:
        return this.#fragment(selection.name.value);
    }
  }

  #fragment(name: string): Cost {
    const known = this.#costs.get(name);
    if (known !== undefined) return known;
    // While a fragment is measured it counts as nothing: one that contains itself ends, and is refused by validation.
    this.#costs.set(name, NOTHING);
    const cost = this.selections(this.#fragments.get(name)?.selectionSet);
    this.#costs.set(name, cost);
    return cost;
  }
}
