import { isPlainObject } from '../../shared/filter/parse-state.js';
import type { Model, ModelColumn, ModelTable } from '../../shared/model/types.js';
import { resultsOfBranches } from './placeholder-context.js';
import { ignoreRejections } from './promise.js';
import type { Policies } from './rules.js';
import { exposureOf } from './schema-exposure.js';
import type { PolicyAction } from './types.js';
import { type WriteAction, writeRuleOf } from './write-rule.js';

/** A column that decides about rights, and that clients may set. */
export interface TrustedColumn {
  readonly table: ModelTable;
  readonly column: ModelColumn;
  /** The policies that read it: `tasks.update`. */
  readonly readBy: readonly string[];
  readonly setBy: readonly WriteAction[];
}

const ACTIONS: readonly PolicyAction[] = ['read', 'insert', 'update', 'delete'];

/**
 * Every column that some policy reads, itself or on its way through a relation, and that a client
 * may set. A policy's function is called with stand-ins for the context: of branches by a
 * comparison with a value only one is seen.
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
      for (const answer of ruleResults(table, policies[table.name]?.[action]))
        walk(model, table, answer, note);
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

function ruleResults(table: ModelTable, rule: unknown): readonly unknown[] {
  let check = rule;
  try {
    check = writeRuleOf(table, rule)?.check ?? rule;
  } catch {
    return [];
  }
  if (typeof check !== 'function') return [check];
  const answers = resultsOfBranches(check as (context: unknown) => unknown);
  ignoreRejections(answers);
  return answers;
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
      const { where } = relation;
      if (where)
        walk(model, where.on === 'source' ? table : model.table(relation.target), where.filter, note);
      walk(model, model.table(relation.target), value, note);
    } else walk(model, table, value, note);
  }
}
