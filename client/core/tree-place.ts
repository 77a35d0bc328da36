import type { ModelRelation } from '../../shared/model/types.js';
import type { CachedField, EntityReference, RowFields } from './cache.js';
import type { NestedRelations } from './nested-relations.js';
import type { ListShape, TreeShape } from './tree-shape.js';

/** One place in a tree where a row stands. */
export class TreeRow {
  // Most rows of a long list have neither.
  #changed: Map<string, unknown> | undefined;
  #fields: Map<string, TreeField> | undefined;

  constructor(
    readonly key: string,
    /** The row as it was in the value; `null` for a row that came to this place. */
    readonly source: RowFields | null,
    /** `null`: the row was taken from its place. */
    public holder: TreeField | null,
    /**
     * For a row that came to a place that no row had shown before: the relations that were sent
     * below it.
     */
    readonly carried: NestedRelations | null = null,
  ) {}

  /** Columns that are another than in `source`. */
  get changed(): ReadonlyMap<string, unknown> {
    return this.#changed ?? NONE;
  }

  get fields(): ReadonlyMap<string, TreeField> {
    return this.#fields ?? NONE;
  }

  change(name: string, value: unknown): void {
    this.#changed ??= new Map();
    this.#changed.set(name, value);
  }

  add(name: string, field: TreeField): void {
    this.#fields ??= new Map();
    this.#fields.set(name, field);
  }
}

const NONE: ReadonlyMap<string, never> = new Map<string, never>();

/** One place in a tree where rows are linked. */
export class TreeField implements CachedField {
  readonly table: string;
  readonly args: ListShape;
  readonly parent: EntityReference | null;
  #rows: TreeRow[] | undefined;
  #keys: readonly string[] | undefined;
  /** The rows of `source`, each once. */
  sourceRows: readonly RowFields[] | undefined;
  readonly #left = new Map<string, TreeRow>();

  constructor(
    /** `null`: the root. */
    readonly owner: TreeRow | null,
    readonly relation: ModelRelation | null,
    readonly kind: 'one' | 'many',
    readonly shape: TreeShape,
    /** As it was in the value; `undefined` for a field below a row that came to its place. */
    readonly source: unknown,
  ) {
    this.table = shape.table.name;
    this.args = shape.args;
    this.parent = owner && relation ? { table: relation.source, key: owner.key } : null;
  }

  /** `undefined`: not filled. */
  get rows(): readonly TreeRow[] | undefined {
    return this.#rows;
  }

  /** The place's rows; the same object until they change. */
  get keys(): readonly string[] | undefined {
    this.#keys ??= this.#rows?.map(({ key }) => key);
    return this.#keys;
  }

  fill(rows: TreeRow[]): void {
    this.#rows = rows;
    this.#keys = undefined;
  }

  put(row: TreeRow, at: number): void {
    this.#rows ??= [];
    this.#rows.splice(at, 0, row);
    this.#keys = undefined;
  }

  letGo(key: string): void {
    const at = this.#rows?.findIndex((row) => row.key === key) ?? -1;
    const row = this.#rows?.[at];
    if (!row) return;
    this.#rows!.splice(at, 1);
    this.#keys = undefined;
    row.holder = null;
    this.#left.set(key, row);
  }

  /** A row that was let go of in the same reduction, as it was. */
  takeBack(key: string): TreeRow | undefined {
    const row = this.#left.get(key);
    this.#left.delete(key);
    if (row) row.holder = this;
    return row;
  }
}
