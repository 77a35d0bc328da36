import type { PgTable } from 'drizzle-orm/pg-core';
import type { ImageShape } from './names.js';

/** A table that no Drizzle schema describes. Names are SQL names. */
export interface PlainTable {
  /** Default `public`. */
  readonly sqlSchema?: string;
  readonly sqlName: string;
  /** Every column to log; the key's are added. */
  readonly columns: readonly string[];
  readonly key: readonly string[];
}

/** A Drizzle table, its name in the relations config, or a plain description. */
export type TableReference = PgTable | string | PlainTable;

/** Relations to follow, by name, to any depth: `{ posts: { comments: true } }`. */
export interface WithRelations {
  readonly [relation: string]: true | WithRelations;
}

/**
 * Stands for the tables that are watched where nothing is declared; made by `watchers.defaults()`.
 */
export interface DefaultTables {
  readonly defaults: true;
}

export interface WatcherOptions {
  /** Also watch the tables that these relations reach, junction tables included. */
  readonly with?: WithRelations;
  /**
   * Columns that travel with the event. A Drizzle table's all do; for a plain one these are added.
   */
  readonly extraColumns?: readonly string[];
  /**
   * Columns of which the label's stream delivers updates. It needs a `label`, and narrows that
   * stream alone: all changes of a table in the relations config are logged, because rights,
   * filters and other streams may depend on any column.
   * @default every column; so does an empty list
   */
  readonly columns?: readonly string[];
  /** Names a stream of the server API: `rivulet.changes('renamed')`. @default none */
  readonly label?: string;
}

/** One declaration, plain data; `planWatchers` checks it. */
export interface WatcherSpec extends WatcherOptions {
  readonly table: TableReference | DefaultTables;
}

/** The watchers to install: one entry a table, sorted by schema and name. */
export interface WatchPlan {
  readonly tables: readonly WatchedTable[];
  readonly labels: readonly WatchLabel[];
}

/** SQL names throughout; `columns` in the order of the images. */
export interface WatchedTable extends ImageShape {
  /**
   * Id of the shape in `rivulet.shape`: a hash of what it stands for, so that it is known before
   * installing.
   */
  readonly shape: string;
}

export interface WatchLabel {
  readonly label: string;
  readonly sqlSchema: string;
  readonly sqlName: string;
  /** SQL names; `null`: every change. */
  readonly columns: readonly string[] | null;
  /** SQL names of the columns of which the table's updates are logged; `null`: all. */
  readonly logged: readonly string[] | null;
}
