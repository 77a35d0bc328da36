import type { Model, ModelTable } from '../../shared/model/types.js';
import { problemsOfRule } from './check-rule.js';
import { type WriteAction, writeAccessOf } from './write-rule.js';

/** The problems of a table's `insert` or `update`, in either form. */
export function problemsOfWriteRule(
  model: Model,
  table: ModelTable,
  action: WriteAction,
  rule: unknown,
): readonly string[] {
  try {
    return problemsOfRule(model, table, action, writeAccessOf(table, action, rule).check);
  } catch (error) {
    return [`policies.${table.name}.${action}: ${(error as Error).message}`];
  }
}
