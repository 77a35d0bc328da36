import { RivuletError } from '../../shared/errors.js';
import { and, filterKey, normalize } from '../../shared/filter/normalize.js';
import { relationFilter, relationSourceFilter } from '../../shared/filter/parse.js';
import type { Filter, OrderTerm } from '../../shared/filter/types.js';
import type { Model, ModelColumn, ModelRelation, ModelTable } from '../../shared/model/types.js';
import type { AccessRights } from './types.js';

type RelatedFilter = Extract<Filter, { kind: 'related' }>;

/**
 * Narrows a client's filter to what the client may see (see `Rights.guard`). A relation's own
 * `where` is the schema's, not the client's: it may name hidden columns.
 */
export function guardFilter(model: Model, rights: AccessRights, table: ModelTable, filter: Filter): Filter {
  return normalize(guard(filter, table, new Set()));

  function guard(node: Filter, owner: ModelTable, own: ReadonlySet<string>): Filter {
    if (own.has(filterKey(node))) return node;
    switch (node.kind) {
      case 'const':
        return node;
      case 'and': {
        const parts = new Set(own);
        for (const part of node.filters) {
          if (part.kind === 'related')
            for (const key of ownParts(model, part.relation, 'source')) parts.add(key);
        }
        return { kind: 'and', filters: node.filters.map((part) => guard(part, owner, parts)) };
      }
      case 'or':
        return { kind: 'or', filters: node.filters.map((part) => guard(part, owner, NONE)) };
      case 'not':
        return { kind: 'not', filter: guard(node.filter, owner, NONE) };
      case 'related':
        return guardRelated(node, owner);
      case 'compare':
      case 'in':
      case 'isNull':
      case 'like':
      case 'array':
        assertReadable(rights, owner, node.column);
        return node;
    }
  }

  function guardRelated(node: RelatedFilter, owner: ModelTable): Filter {
    const target = model.table(node.relation.target);
    if (!rights.isExposed(target)) {
      throw new RivuletError('FILTER_UNKNOWN_FIELD', `${owner.typeName} has no field ${node.relation.name}`, {
        type: owner.typeName,
        field: node.relation.name,
      });
    }
    const own = new Set(ownParts(model, node.relation, 'target'));
    const inner = and(guard(node.filter, target, own), rights.filter(target, 'read'));
    const junction = junctionFilter(model, rights, node.relation);
    if (!junction) return { ...node, filter: inner };
    return { ...node, filter: inner, via: node.via ? and(node.via, junction) : junction };
  }
}

/**
 * The read policy of a relation's junction rows; `undefined` where there is no junction, or its
 * table has no policy.
 */
export function junctionFilter(
  model: Model,
  rights: AccessRights,
  relation: ModelRelation,
): Filter | undefined {
  if (!relation.through) return undefined;
  const junction = model.table(relation.through.table);
  return rights.isExposed(junction) ? rights.filter(junction, 'read') : undefined;
}

/** Throws `COLUMN_FORBIDDEN` where the column may not be read; the same error whatever the rows. */
export function assertReadable(rights: AccessRights, table: ModelTable, column: ModelColumn): void {
  if (!rights.canReadColumn(table, column)) throw forbidden(table, column);
}

export function forbidden(table: ModelTable, column: ModelColumn, access = 'read'): RivuletError {
  return new RivuletError('COLUMN_FORBIDDEN', `You may not ${access} ${table.typeName}.${column.name}`, {
    type: table.typeName,
    field: column.name,
  });
}

/** Throws `COLUMN_FORBIDDEN` on an order by a column that may not be read. */
export function guardOrder(rights: AccessRights, table: ModelTable, terms: readonly OrderTerm[]): void {
  for (const term of terms) assertReadable(rights, table, term.column);
}

const NONE: ReadonlySet<string> = new Set();

/** The conjuncts of a relation's own `where`, by their canonical text. */
function ownParts(model: Model, relation: ModelRelation, on: 'source' | 'target'): readonly string[] {
  if (relation.where?.on !== on) return [];
  const own = on === 'source' ? relationSourceFilter(model, relation) : relationFilter(model, relation);
  return [own, ...(own.kind === 'and' ? own.filters : [])].map(filterKey);
}
