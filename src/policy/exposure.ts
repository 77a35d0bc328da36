import type { Model, ModelColumn, ModelRelation, ModelTable } from '../model/types.js';
import type { Policies } from './rules.js';
import type { Action } from './types.js';

/** What clients may know to exist, whoever they are: what the GraphQL schema is made of. */
export interface Exposure {
  readonly tables: readonly ModelTable[];
  has(table: ModelTable): boolean;
  columns(table: ModelTable): readonly ModelColumn[];
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
        const rules = rulesOf(table)?.columns?.[column.name];
        return column.isKey || rules?.read !== false || (rules.write !== false && rules.write !== undefined);
      }),
    relations: (table) => table.relations.filter((relation) => has(model.table(relation.target))),
    allows: (table, action) => {
      if (policies === undefined) return true;
      const rule = rulesOf(table)?.[action];
      return rule !== undefined && rule !== false;
    },
  };
}
