import type { FilterOperator } from '../filter/operators.js';
import type { OrderDirection } from '../filter/types.js';
import type { ColumnEquality } from '../model/types.js';

/**
 * Raised when the manifest or the messages get another form; clients refuse a version that they do
 * not know.
 */
export const MANIFEST_VERSION = 1;

/**
 * The facts of a schema that a client needs to keep its cache correct: plain JSON, the same text
 * for the same schema. It names only what clients may know to exist; no SQL name is in it.
 */
export interface Manifest {
  readonly version: typeof MANIFEST_VERSION;
  /**
   * Hash of everything else here: equal hashes, equal manifests. It distinguishes versions and does
   * not protect against forgery.
   */
  readonly hash: string;
  /** In the order of the relations config. */
  readonly tables: readonly ManifestTable[];
  readonly orderDirections: readonly OrderDirection[];
  readonly limits: ManifestLimits;
}

export interface ManifestLimits {
  /** Rows of a list that names no `limit`. */
  readonly defaultRows: number;
  /** Largest `limit`. */
  readonly maxRows: number;
  /** Levels of rows in a selection. */
  readonly maxDepth: number;
}

export interface ManifestTable {
  /** Drizzle's key of the table: `taskLabels`. */
  readonly name: string;
  /** `TaskLabel`. */
  readonly typeName: string;
  /** `taskLabel`, `taskLabels`, `taskLabelChanges`, `taskLabelsConnection`. */
  readonly fields: {
    readonly one: string;
    readonly many: string;
    readonly changes: string;
    readonly connection: string;
  };
  /** Names of the key's columns, in the key's order. */
  readonly key: readonly string[];
  readonly columns: readonly ManifestColumn[];
  readonly relations: readonly ManifestRelation[];
}

export interface ManifestColumn {
  /** Its name in GraphQL. */
  readonly name: string;
  /** Drizzle's name, where that is another one: `id` of a column that GraphQL calls `idColumn`. */
  readonly property?: string;
  readonly type: ManifestType;
  readonly notNull: boolean;
  /** Shown as GraphQL's `ID`, as Postgres's text: keys and what points at keys. */
  readonly id: boolean;
  readonly operators: readonly FilterOperator[];
  readonly orderable: boolean;
  /**
   * The equality of values, if the type alone does not decide it; `database`: the client must ask
   * the server.
   */
  readonly equality?: ColumnEquality;
}

/** `ColumnType` without the database's names. */
export type ManifestType =
  | { readonly kind: 'int'; readonly bits: 16 | 32 | 64 }
  | { readonly kind: 'float'; readonly bits: 32 | 64 }
  | { readonly kind: 'text'; readonly variant: 'text' | 'varchar' | 'char' }
  | { readonly kind: 'time' | 'timestamp'; readonly zone: boolean }
  | { readonly kind: 'json'; readonly binary: boolean }
  | { readonly kind: 'inet'; readonly variant: 'inet' | 'cidr' | 'macaddr' | 'macaddr8' }
  | {
      readonly kind: 'numeric' | 'bool' | 'uuid' | 'date' | 'interval' | 'bytea' | 'point' | 'other';
    }
  | {
      readonly kind: 'enum';
      readonly name: string;
      /** Labels in their sort order. */
      readonly values: readonly string[];
      /** The GraphQL names of the labels; left out if they are the labels themselves. */
      readonly names?: readonly string[];
    }
  | { readonly kind: 'array'; readonly of: ManifestType; readonly dimensions: number };

/**
 * `hidden`: the rule of the relation names something that clients may not know (a column, the
 * junction table), so that only the server can say which rows belong to which.
 */
export type ManifestRelation =
  | {
      readonly rule: 'known';
      readonly name: string;
      readonly kind: 'one' | 'many';
      /** Name of the table at the other end. */
      readonly target: string;
      /** Columns of the source, pairwise equal to `to`, or to `through.from`. */
      readonly from: readonly string[];
      /** Columns of the target, pairwise equal to `from`, or to `through.to`. */
      readonly to: readonly string[];
      readonly through?: {
        readonly table: string;
        readonly from: readonly string[];
        readonly to: readonly string[];
      };
      /**
       * The relation's own condition in the language of `where`, enum labels as the database has
       * them.
       */
      readonly where?: {
        readonly on: 'source' | 'target';
        readonly filter: Readonly<Record<string, unknown>>;
      };
    }
  | {
      readonly rule: 'hidden';
      readonly name: string;
      readonly kind: 'one' | 'many';
      readonly target: string;
    };
