import type { Model, ModelColumn, ModelRelation, ModelTable } from '../../shared/model/types.js';
import type { Policies } from './rules.js';
import type { PolicyAction } from './types.js';
import { type WriteAction, writeAccessOf } from './write-rule.js';

/**
 * The tables, columns and relations that clients may know to exist. The GraphQL schema is made of
 * them.
 */
export interface SchemaExposure {
  readonly tables: readonly ModelTable[];
  has(table: ModelTable): boolean;
  /** Columns whose `read` is not the constant `false`. */
  columns(table: ModelTable): readonly ModelColumn[];
  /**
   * Columns that a client may set by this write: those that its rule leaves to clients, without
   * those whose `write` is the constant `false`.
   */
  writable(table: ModelTable, action: WriteAction): readonly ModelColumn[];
  /** Relations whose target exists for clients. */
  relations(table: ModelTable): readonly ModelRelation[];
  /** False where the rule is missing or the constant `false`. */
  allows(table: ModelTable, action: PolicyAction): boolean;
}

/** Without policies everything exists: for tools that print a schema, never for serving one. */
export function exposureOf(model: Model, policies: Policies | undefined): SchemaExposure {
  const rulesOf = (table: ModelTable) =>
    policies && Object.hasOwn(policies, table.name) ? policies[table.name] : undefined;
  const has = (table: ModelTable) => policies === undefined || rulesOf(table) !== undefined;
  return {
    tables: model.tables.filter(has),
    has,
    columns: (table) =>
      table.columns.filter((column) => {
        return column.isKey || rulesOf(table)?.columns?.[column.name]?.read !== false;
      }),
    writable: (table, action) => {
      const rules = rulesOf(table);
      const { settable } = writeAccessOf(table, action, rules?.[action] ?? true);
      return table.columns.filter(
        (column) => settable.has(column) && rules?.columns?.[column.name]?.write !== false,
      );
    },
    relations: (table) => table.relations.filter((relation) => has(model.table(relation.target))),
    allows: (table, action) => {
      if (policies === undefined) return true;
      const rule: unknown = rulesOf(table)?.[action];
      if (rule === undefined) return false;
      const isWrite = action === 'insert' || action === 'update';
      return (isWrite ? writeAccessOf(table, action, rule).check : rule) !== false;
    },
  };
}
