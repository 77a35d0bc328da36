import { type DocumentNode, type FieldNode, Kind } from 'graphql';

/** Rows of a query's data, to be written by themselves. */
export interface ChangedRow {
  readonly id: string;
  readonly fragment: DocumentNode;
  readonly fragmentName: string;
  readonly data: Record<string, unknown>;
}

/**
 * Finds the new part of a query's data if only rows changed: the same rows stand at the same places
 * of the root fields, and data below them is written with them. `undefined` if lists changed, or a
 * row has no id.
 */
export class ChangedRowFinder {
  readonly #query: DocumentNode;
  readonly #identify: (row: Record<string, unknown>) => string | undefined;
  readonly #fragments = new Map<string, DocumentNode | undefined>();

  /** `identify`: the cache's id of an object. */
  constructor(query: DocumentNode, identify: (row: Record<string, unknown>) => string | undefined) {
    this.#query = query;
    this.#identify = identify;
  }

  between(
    before: Record<string, unknown>,
    after: Record<string, unknown>,
  ): readonly ChangedRow[] | undefined {
    const changed: ChangedRow[] = [];
    const names = Object.keys(after);
    if (names.length !== Object.keys(before).length) return undefined;
    for (const name of names) {
      const [old, now] = [before[name], after[name]];
      if (old === now) continue;
      const isList = Array.isArray(old) && Array.isArray(now) && old.length === now.length;
      const pairs = isList ? now.map((row, at) => [old[at], row]) : [[old, now]];
      for (const [one, row] of pairs) {
        if (one === row) continue;
        const written = this.#row(name, one, row);
        if (!written) return undefined;
        changed.push(written);
      }
    }
    return changed;
  }

  #row(name: string, before: unknown, row: unknown): ChangedRow | undefined {
    if (!isRow(before) || !isRow(row)) return undefined;
    const id = this.#identify(row);
    const typeName = row.__typename;
    if (id === undefined || id !== this.#identify(before) || typeof typeName !== 'string') return undefined;
    const fragment = this.#fragment(name, typeName);
    return fragment && { id, fragment, fragmentName: NAME, data: row };
  }

  #fragment(name: string, typeName: string): DocumentNode | undefined {
    const key = `${name} ${typeName}`;
    if (!this.#fragments.has(key)) this.#fragments.set(key, fragmentOf(this.#query, name, typeName));
    return this.#fragments.get(key);
  }
}

/** No document of a user has one of this name. */
const NAME = 'RivuletChangedRow';

const KEYS = new Set(['id', '_id', '__typename']);

/**
 * The selection below one of a query's root fields; `undefined` if it is not written out at the
 * root.
 */
function fragmentOf(query: DocumentNode, name: string, typeName: string): DocumentNode | undefined {
  const roots = query.definitions.flatMap((each) =>
    each.kind === Kind.OPERATION_DEFINITION ? each.selectionSet.selections : [],
  );
  if (!roots.every((each): each is FieldNode => each.kind === Kind.FIELD)) return undefined;
  const own = roots.filter((each) => (each.alias ?? each.name).value === name);
  const selections = own.flatMap(({ selectionSet }) => selectionSet?.selections ?? []);
  // Under such a name another column would be taken for what it is.
  if (selections.some((each) => each.kind === Kind.FIELD && KEYS.has(each.alias?.value ?? '')))
    return undefined;
  return {
    kind: Kind.DOCUMENT,
    definitions: [
      {
        kind: Kind.FRAGMENT_DEFINITION,
        name: { kind: Kind.NAME, value: NAME },
        typeCondition: { kind: Kind.NAMED_TYPE, name: { kind: Kind.NAME, value: typeName } },
        selectionSet: { kind: Kind.SELECTION_SET, selections },
      },
      ...query.definitions.filter((each) => each.kind === Kind.FRAGMENT_DEFINITION),
    ],
  };
}

function isRow(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
