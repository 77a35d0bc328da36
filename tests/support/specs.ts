import { and, EVERYTHING, normalize } from '../../shared/filter/normalize.js';
import { parseFilter, relationFilter, relationSourceFilter } from '../../shared/filter/parse.js';
import type { Filter } from '../../shared/filter/types.js';
import type { ModelTable } from '../../shared/model/types.js';
import { junctionFilter } from '../../src/policy/guard-filter.js';
import { resolveRights } from '../../src/policy/resolve-rights.js';
import type { AccessRights } from '../../src/policy/types.js';
import type { ChangeSpec, RelatedSpec } from '../../src/scope/messages/types.js';
import { examplePolicies, exampleModel as model } from './example.js';

/** A selection of relations: `{ comments: {}, labels: { where: …, with: { tasks: {} } } }`. */
export interface With {
  readonly [relation: string]: { readonly where?: object; readonly with?: With };
}

function filterOf(rights: AccessRights | null, table: ModelTable, where: object): Filter {
  const own = parseFilter(model, table, where);
  return normalize(rights ? and(rights.guard(table, own), rights.filter(table, 'read')) : own);
}

function rightsOf(rights: AccessRights | null, table: ModelTable): Filter | null {
  return rights && normalize(rights.filter(table, 'read'));
}

function graphOf(rights: AccessRights | null, table: ModelTable, selected: With): RelatedSpec[] {
  return Object.entries(selected).map(([name, { where = {}, with: below = {} }]) => {
    const relation = table.findRelation(name)!;
    const target = model.table(relation.target);
    return {
      responseKey: name,
      relation,
      filter: normalize(and(filterOf(rights, target, where), relationFilter(model, relation))),
      rights: rightsOf(rights, target),
      via: (rights && junctionFilter(model, rights, relation)) ?? EVERYTHING,
      onSource: relationSourceFilter(model, relation),
      hidden: new Set(),
      related: [],
      graph: graphOf(rights, target, below),
    };
  });
}

/** What a user of the example (`null`: server code, without policies) watches. */
export function specOf(
  tableName: string,
  userId: number | null,
  where: object,
  selected: With = {},
): ChangeSpec {
  const table = model.table(tableName);
  const rights = userId === null ? null : resolveRights(model, examplePolicies, { userId });
  return {
    table,
    filter: filterOf(rights, table, where),
    rights: rightsOf(rights, table),
    ops: null,
    columns: null,
    hidden: new Set(),
    related: [],
    graph: graphOf(rights, table, selected),
  };
}
