import type { Model, ModelColumn, ModelRelation, ModelTable } from '../model/types.js';
import type { Policies } from './rules.js';
import type { Action } from './types.js';

/** What clients may know to exist, whoever they are: what the GraphQL schema is made of. */
export interface Exposure {
  readonly tables: readonly ModelTable[];
  has(table: ModelTable): boolean;
  /** Columns whose `read` is not the constant `false`. */
  columns(table: ModelTable): readonly ModelColumn[];
  /** Columns that a write may set: neither generated nor with a `write` that is the constant `false`. */
  writable(table: ModelTable): readonly ModelColumn[];
  /** Relations whose target exists for clients. */
  relations(table: ModelTable): readonly ModelRelation[];
  /** False where the rule is missing or the constant `false`. */
  allows(table: ModelTable, action: Action): boolean;
}

/** Without policies everything exists: for tools that print a schema, never for serving one. */
export function exposureOf(model: Model, policies: Policies | undefined): Exposure {
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
    writable: (table) =>
      table.columns.filter(
        (column) => column.generated !== 'always' && rulesOf(table)?.columns?.[column.name]?.write !== false,
      ),
    relations: (table) => table.relations.filter((relation) => has(model.table(relation.target))),
    allows: (table, action) => {
      if (policies === undefined) return true;
      const rule = rulesOf(table)?.[action];
      return rule !== undefined && rule !== false;
    },
  };
}
