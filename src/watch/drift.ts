import type { ErrorCode } from '../../shared/errors.js';

export type DriftKind =
  /** No change log in this database, or only part of one. */
  | 'log-missing'
  /**
   * The log is that of an earlier version; `install` brings it up to this one, and keeps what is in
   * it.
   */
  | 'log-outdated'
  /** A table of the log has other columns than this version writes. */
  | 'log-altered'
  /** Every role of the database may call functions of the log, or look names up in its schema. */
  | 'log-public'
  /** The watched table, or a column of it, does not exist. */
  | 'table-missing'
  /** A column has a type that does not read as the schema's. */
  | 'column-type'
  /** An enum has labels that the schema does not know, or lacks some. */
  | 'labels'
  /** Nothing in the database keeps rows apart by the schema's key. */
  | 'key'
  /** Rows come by logical replication, which fires no triggers for statements. */
  | 'replicated'
  /** A trigger, its function or its shape does not exist. */
  | 'missing'
  /** It exists, but is another one than declared. */
  | 'altered'
  /** The watcher of another declaration, which logs everything that this one asks for. */
  | 'other'
  | 'disabled'
  /** Installed, but not declared. */
  | 'leftover'
  /**
   * The catalog says something of the table with which it cannot be served right; `code` says what.
   */
  | 'refused'
  /** No difference: the table is served, but its operator should know something of it. */
  | 'noted';

/** One difference between what is declared and what is installed. */
export interface WatcherDrift {
  readonly kind: DriftKind;
  readonly table: { readonly sqlSchema: string; readonly sqlName: string } | null;
  /** With which a server refuses to start, where it is not `WATCHERS_DRIFTED`. */
  readonly code?: ErrorCode;
  /** A sentence that names the thing. */
  readonly message: string;
  /** A sentence that says what mends it, with the command where there is one. */
  readonly mend: string;
  /**
   * `unseen`: changes may go by without being logged. `unread`: the table, or what is logged of it,
   * cannot be shown as the schema says. `none`: neither.
   */
  readonly effect: 'unseen' | 'unread' | 'none';
}

/** Differences that `install` repairs. Others need another remedy. */
export const INSTALLABLE: ReadonlySet<DriftKind> = new Set([
  'log-missing',
  'log-outdated',
  'log-public',
  'missing',
  'altered',
  'other',
  'disabled',
]);

export const MIGRATE = 'Run `rivulet migrate`.';
export const GENERATE = 'Run `rivulet generate`, then `rivulet migrate`.';
export const PRUNE = 'Run `rivulet migrate --prune`.';
