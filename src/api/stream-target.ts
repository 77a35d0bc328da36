import { is } from 'drizzle-orm';
import { PgTable } from 'drizzle-orm/pg-core';
import type { Model, ModelColumn, ModelTable } from '../../shared/model/types.js';
import { findByDrizzle } from '../model/drizzle.js';
import type { WatchLabel } from '../watch/types.js';
import { invalidOption, unknownOption } from './errors.js';

/** The target of a stream: a table, and the columns that count if a label names them. */
export interface StreamTarget {
  readonly table: ModelTable;
  /** `null`: all. */
  readonly columns: readonly ModelColumn[] | null;
  /** The columns of which updates are logged; `null`: all. */
  readonly logged: readonly ModelColumn[] | null;
}

/**
 * A Drizzle table, or a watcher's label. Throws `CHANGES_UNKNOWN_TABLE`, `CHANGES_UNKNOWN_LABEL` or
 * `CHANGES_INVALID`.
 */
export function resolveTarget(model: Model, labels: readonly WatchLabel[], target: unknown): StreamTarget {
  if (typeof target === 'string') return labelled(model, labels, target);
  if (!is(target, PgTable)) throw invalidOption("Changes are of a Drizzle table, or of a watcher's label.");
  const table = findByDrizzle(model, target);
  if (table) return { table, columns: null, logged: null };
  const known = model.tables.map((each) => each.name);
  throw unknownOption('CHANGES_UNKNOWN_TABLE', 'The given table is not in the relations config', known, {});
}

function labelled(model: Model, labels: readonly WatchLabel[], name: string): StreamTarget {
  const found = labels.find(({ label }) => label === name);
  if (!found) {
    const known = labels.map(({ label }) => label);
    throw unknownOption('CHANGES_UNKNOWN_LABEL', `No watcher has the label ${name}`, known, { label: name });
  }
  const { sqlSchema, sqlName, columns, logged } = found;
  const table = model.tables.find((each) => each.sqlSchema === sqlSchema && each.sqlName === sqlName);
  if (!table) throw new TypeError(`the table of the label ${name} is in no model`);
  const named = (names: readonly string[] | null) =>
    names && table.columns.filter((column) => names.includes(column.sqlName));
  return { table, columns: named(columns), logged: named(logged) };
}
