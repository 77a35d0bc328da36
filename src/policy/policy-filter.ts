import type { AnyRelations } from 'drizzle-orm';

/** Drizzle's relational filter for a table of the schema, without `RAW`, and readonly. */
export type PolicyFilter<TRelations extends AnyRelations, TTable extends keyof TRelations> = {
  readonly [C in keyof PolicyColumns<TRelations, TTable>]?: ColumnFilter<
    DataOf<PolicyColumns<TRelations, TTable>[C]>
  >;
} & {
  readonly [R in keyof TRelations[TTable]['relations']]?:
    | boolean
    | PolicyFilter<TRelations, TRelations[TTable]['relations'][R]['targetTableName']>;
} & {
  readonly AND?: readonly PolicyFilter<TRelations, TTable>[];
  readonly OR?: readonly PolicyFilter<TRelations, TTable>[];
  readonly NOT?: PolicyFilter<TRelations, TTable>;
};

export type ColumnFilter<T> = T | Operators<T>;

interface Operators<T> {
  readonly eq?: T;
  readonly ne?: T;
  readonly gt?: T;
  readonly gte?: T;
  readonly lt?: T;
  readonly lte?: T;
  readonly in?: readonly T[];
  readonly notIn?: readonly T[];
  readonly like?: string;
  readonly ilike?: string;
  readonly notLike?: string;
  readonly notIlike?: string;
  readonly isNull?: true;
  readonly isNotNull?: true;
  readonly arrayContains?: T;
  readonly arrayContained?: T;
  readonly arrayOverlaps?: T;
  readonly AND?: readonly Operators<T>[];
  readonly OR?: readonly Operators<T>[];
  readonly NOT?: Operators<T>;
}

/** The columns of a table of the schema, by property name. */
export type PolicyColumns<
  TRelations extends AnyRelations,
  TTable extends keyof TRelations,
> = TRelations[TTable]['table'] extends {
  _: { columns: infer TColumns };
}
  ? TColumns
  : Record<never, never>;

export type DataOf<TColumn> = TColumn extends { _: { data: infer TData } } ? TData : unknown;
