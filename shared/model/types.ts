/**
 * A Drizzle schema as plain frozen data. Everything past `model/` reads this and never Drizzle.
 *
 * Names without a prefix are Drizzle's property names (`taskLabels`, `projectId`): they are what
 * users type in filters and see in GraphQL. Names that start with `sql` are the database's.
 */
export interface Model {
  /** In the order of the relations config. */
  readonly tables: readonly ModelTable[];
  /** By Drizzle's key of the table in the relations config. */
  table(name: string): ModelTable;
  find(name: string): ModelTable | undefined;
}

export interface ModelTable {
  /** The key in the relations config: `taskLabels`. */
  readonly name: string;
  /** The GraphQL object type: `TaskLabel`. */
  readonly typeName: string;
  /** The root fields: `taskLabel(id:)` and `taskLabels(where:)`. */
  readonly fields: { readonly one: string; readonly many: string };
  readonly sqlSchema: string;
  readonly sqlName: string;
  readonly columns: readonly ModelColumn[];
  /** The primary key's columns, in the key's order; never empty. */
  readonly key: readonly ModelColumn[];
  readonly relations: readonly ModelRelation[];
  /** The rows that its rows refer to. */
  readonly parents: readonly ModelParent[];
  column(name: string): ModelColumn;
  findColumn(name: string): ModelColumn | undefined;
  /** By its name in GraphQL. */
  findField(name: string): ModelColumn | undefined;
  findRelation(name: string): ModelRelation | undefined;
}

export interface ModelColumn {
  readonly name: string;
  /**
   * Its name in GraphQL: `name`, except that a column `id` that is not the whole key is `idColumn`,
   * because a row's `id` is its key. If a property has that name already, underscores are appended.
   */
  readonly field: string;
  readonly sqlName: string;
  /** Place in `ModelTable.columns`. */
  readonly index: number;
  readonly type: ColumnType;
  /**
   * The SQL type without modifiers, schema-qualified and quoted where needed, good after `::`:
   * `numeric` for `numeric(6, 2)` (a cast with the modifier would round what is compared).
   */
  readonly castType: string;
  readonly notNull: boolean;
  /**
   * True when an INSERT may leave the column out (DEFAULT, identity, serial, or a Drizzle
   * `$default`).
   */
  readonly hasDefault: boolean;
  /** `always`: clients may never write it (generated, identity always). */
  readonly generated: 'no' | 'byDefault' | 'always';
  /** True when its default takes the next value of a sequence (serial, identity, `nextval`). */
  readonly isFedBySequence: boolean;
  /** Part of the primary key. */
  readonly isKey: boolean;
  /** Part of a foreign key, or used as an end of a relation that points at a key. */
  readonly isReference: boolean;
  /**
   * Facts of the database's catalog; empty until it was read. The only part of a model that is
   * filled later.
   */
  readonly facts: ColumnFacts;
}

export interface ColumnFacts {
  /** The equality of values, if it differs from that of the declared type. */
  equality?: ColumnEquality | undefined;
  /** The quoted name of a nondeterministic collation. */
  collation?: string | undefined;
}

/**
 * The equality of a column's values:
 *
 * - `text`: exactly if their texts are equal (integers, uuids, text under a deterministic
 *   collation);
 * - `canonical`: exactly if their canonical texts are (`numeric` 1.0 and 1, `char(n)` and its
 *   blanks);
 * - `database`: only PostgreSQL can compare (citext, nondeterministic collations, domains, ranges,
 *   json, custom types).
 */
export type ColumnEquality = 'text' | 'canonical' | 'database';

/** A column's type, as far as comparison, text form and GraphQL scalar depend on it. */
export type ColumnType =
  | { readonly kind: 'int'; readonly bits: 16 | 32 | 64 }
  | { readonly kind: 'numeric' }
  | { readonly kind: 'float'; readonly bits: 32 | 64 }
  | { readonly kind: 'bool' }
  /** `char` is blank-padded (`bpchar`): trailing blanks do not count in comparisons. */
  | { readonly kind: 'text'; readonly variant: 'text' | 'varchar' | 'char' }
  | { readonly kind: 'uuid' }
  | { readonly kind: 'date' }
  | { readonly kind: 'time'; readonly zone: boolean }
  | { readonly kind: 'timestamp'; readonly zone: boolean }
  | { readonly kind: 'interval' }
  | { readonly kind: 'json'; readonly binary: boolean }
  | { readonly kind: 'bytea' }
  | {
      readonly kind: 'enum';
      /** GraphQL name of the enum type. */
      readonly name: string;
      readonly sqlSchema: string;
      readonly sqlName: string;
      /** Labels in declared order, which is also their sort order. */
      readonly values: readonly string[];
    }
  | { readonly kind: 'inet'; readonly variant: 'inet' | 'cidr' | 'macaddr' | 'macaddr8' }
  | { readonly kind: 'point' }
  | { readonly kind: 'array'; readonly of: ColumnType; readonly dimensions: number }
  /** Custom types and what is not listed: carried as text, compared by Postgres only. */
  | { readonly kind: 'other'; readonly sqlType: string };

/** The column type of one kind. */
export type ColumnTypeOf<K extends ColumnType['kind']> = Extract<ColumnType, { readonly kind: K }>;

/** Columns of a row that name a row elsewhere, by a foreign key or by a `one` relation. */
export interface ModelParent {
  readonly from: readonly ModelColumn[];
  /**
   * The tables that can have the row: `to` is pairwise equal to `from`. Several, if relations
   * without a foreign key lead from the same columns to different tables; none, if the foreign key
   * leads out of the model.
   */
  readonly targets: readonly { readonly table: string; readonly to: readonly ModelColumn[] }[];
  /** True for a foreign key, which the database checks too. */
  readonly isConstraint: boolean;
}

export interface ModelRelation {
  readonly name: string;
  readonly kind: 'one' | 'many';
  /** Names of tables in the model. */
  readonly source: string;
  readonly target: string;
  /** Columns of the source, pairwise equal to `to` (or to `through.from`). */
  readonly from: readonly ModelColumn[];
  /** Columns of the target, pairwise equal to `from` (or to `through.to`). */
  readonly to: readonly ModelColumn[];
  readonly through?: {
    readonly table: string;
    /** Junction columns equal to `from`. */
    readonly from: readonly ModelColumn[];
    /** Junction columns equal to `to`. */
    readonly to: readonly ModelColumn[];
  };
  /**
   * The relation's own `where`, in Drizzle's filter language, not yet parsed; `undefined`: none.
   * `on` says whose columns it names: a relation that borrowed its definition from the other side
   * filters its source.
   */
  readonly where?: { readonly on: 'source' | 'target'; readonly filter: Readonly<Record<string, unknown>> };
}
