import { isPlainObject } from '../filter/parse-state.js';
import type { Model, ModelColumn, ModelTable } from '../model/types.js';
import { exposureOf } from './exposure.js';
import type { Policies } from './rules.js';
import { standInContext } from './stand-in.js';
import type { Action } from './types.js';
import { type WriteAction, writeRuleOf } from './write-rule.js';

/** A column that decides about rights, and that clients may set. */
export interface TrustedColumn {
  readonly table: ModelTable;
  readonly column: ModelColumn;
  /** The policies that read it: `tasks.update`. */
  readonly readBy: readonly string[];
  readonly setBy: readonly WriteAction[];
}

const ACTIONS: readonly Action[] = ['read', 'insert', 'update', 'delete'];

/**
 * Every column that some policy reads, itself or on its way through a relation, and that a client may set. A policy's function is called
 * with a stand-in for the context, so of one that branches only one branch is seen.
 */
export function trustedColumns(model: Model, policies: Policies): readonly TrustedColumn[] {
  const readers = new Map<ModelColumn, Set<string>>();
  const exposure = exposureOf(model, policies);
  for (const table of exposure.tables) {
    for (const action of ACTIONS) {
      const note = (column: ModelColumn) => {
        const places = readers.get(column) ?? new Set();
        readers.set(column, places.add(`${table.name}.${action}`));
      };
      walk(model, table, answerOf(table, policies[table.name]?.[action]), note);
    }
  }
  return exposure.tables.flatMap((table) =>
    table.columns.flatMap((column) => {
      const readBy = readers.get(column);
      const setBy = (['insert', 'update'] as const).filter(
        (action) => exposure.allows(table, action) && exposure.writable(table, action).includes(column),
      );
      return readBy && setBy.length > 0 ? [{ table, column, readBy: [...readBy], setBy }] : [];
    }),
  );
}

function answerOf(table: ModelTable, rule: unknown): unknown {
  try {
    const check: unknown = writeRuleOf(table, rule)?.check ?? rule;
    return typeof check === 'function' ? check(standInContext()) : check;
  } catch {
    return undefined;
  }
}

function walk(model: Model, table: ModelTable, filter: unknown, note: (column: ModelColumn) => void): void {
  if (Array.isArray(filter)) for (const part of filter) walk(model, table, part, note);
  if (!isPlainObject(filter)) return;
  for (const [name, value] of Object.entries(filter)) {
    const column = table.findColumn(name);
    const relation = table.findRelation(name);
    if (column) note(column);
    else if (relation) {
      const ends = [
        ...relation.from,
        ...relation.to,
        ...(relation.through?.from ?? []),
        ...(relation.through?.to ?? []),
      ];
      ends.forEach(note);
      walk(model, model.table(relation.target), value, note);
    } else walk(model, table, value, note);
  }
}
