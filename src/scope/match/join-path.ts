import { EVERYTHING } from '../../../shared/filter/normalize.js';
import type { Filter } from '../../../shared/filter/types.js';
import type { Model, ModelColumn, ModelRelation, ModelTable } from '../../../shared/model/types.js';
import { type RelationPath, relationPaths } from '../../filter/paths.js';
import type { RelatedPlan, RowNode } from '../../query/types.js';
import { ColumnDependencies } from './column-dependencies.js';
import { equalityConditionsOf, relatedEqualityConditions } from './equality-conditions.js';
import type { MatchTarget } from './match-index.js';
import { type PathAtom, pathConditionsOf } from './path-conditions.js';

/** The end of a join: a column at the end of a chain of relations. */
export type JoinEnd = Pick<PathAtom, 'path' | 'column'>;

/**
 * The joins from the rows of a table to the filter's values: one for all filters that differ only
 * in values.
 */
export interface JoinPath {
  readonly table: ModelTable;
  readonly places: readonly JoinEnd[];
  /**
   * Tables whose changes it finds subscribers for: the table itself, and tables whose rows do not
   * name the value themselves.
   */
  readonly tables: ReadonlySet<string>;
  readonly paths: readonly RelationPath[];
  readonly lookedAt: ColumnDependencies;
}

/** The values that one filter requires at the ends of a join path. */
export interface RelationTarget {
  /** Name of its join path: equal for equal paths. */
  readonly name: string;
  /**
   * For each place of the way the values of which one is reached by every row that satisfies the
   * filter.
   */
  readonly values: readonly (readonly string[])[];
  /** Made on demand, because most paths are known already. */
  way(): JoinPath;
}

/** `null` if the filter requires no such values, or the row itself decides. */
export function relationTargetOf(matchable: MatchTarget): RelationTarget | null {
  const { table, filter, tables, isOwnTableElsewhere, isFilterAlone = false } = matchable;
  if (isOwnTableElsewhere || equalityConditionsOf(filter) !== null) return null;
  const atoms = pathConditionsOf(filter);
  if (!atoms) return null;
  const places = new Map<string, JoinEnd & { readonly values: string[] }>();
  for (const { path, column, values } of atoms) {
    const name = `${pathName(path)} ${column.index}`;
    const known = places.get(name);
    if (known) known.values.push(...values);
    else places.set(name, { path, column, values: [...values] });
  }
  return {
    name: [table.name, isFilterAlone, ...tables, '', ...places.keys(), '', exactShape(filter)].join(' '),
    values: [...places.values()].map(({ values }) => values),
    way: () => {
      const told = new Set([table.name]);
      if (isFilterAlone) for (const name of tables) if (!isToldByRow(matchable, name)) told.add(name);
      return {
        table,
        places: [...places.values()].map(({ path, column }) => ({ path, column })),
        tables: told,
        paths: relationPaths(filter),
        lookedAt: new ColumnDependencies(table, filter),
      };
    },
  };
}

function isToldByRow({ table, filter }: MatchTarget, name: string): boolean {
  return name !== table.name && (relatedEqualityConditions(filter, name)?.length ?? 0) > 0;
}

function pathName(path: RelationPath): string {
  return path.map(relationName).join('/');
}

function relationName({ source, name }: ModelRelation): string {
  return `${source}.${name}`;
}

/**
 * Equal only for filters that differ in nothing but values, and in these not as to whether
 * something can be found by them.
 */
function exactShape(filter: Filter): string {
  switch (filter.kind) {
    case 'const':
      return String(filter.value);
    case 'and':
    case 'or':
      return `${filter.kind}(${filter.filters.map(exactShape).join()})`;
    case 'not':
      return `not(${exactShape(filter.filter)})`;
    case 'related': {
      const via = filter.via ? `;${exactShape(filter.via)}` : '';
      return `${relationName(filter.relation)}(${exactShape(filter.filter)}${via})`;
    }
    default:
      return `${filter.column.index}${equalityConditionsOf(filter) ? '=' : '~'}`;
  }
}

/** The rows to read below a row to find the values it reaches; at most `most` rows below each. */
export function reachingPlans(model: Model, { places }: JoinPath, most: number): readonly RelatedPlan[] {
  return plansOf(
    model,
    places.filter(({ path }) => path.length > 0),
    most,
  );
}

function plansOf(model: Model, places: readonly JoinEnd[], most: number): readonly RelatedPlan[] {
  return [...byFirst(places)].map(([responseKey, { relation, rest }]) => {
    const ending = rest.filter(({ path }) => path.length === 0);
    return {
      responseKey,
      // All of them: a filter is satisfied by any, also where a field shows one.
      relation: { ...relation, kind: 'many' as const },
      via: EVERYTHING,
      plan: {
        table: model.table(relation.target),
        filter: EVERYTHING,
        orderBy: [],
        limit: most,
        offset: 0,
        columns: new Set<ModelColumn>(ending.map(({ column }) => column)),
        related: plansOf(
          model,
          rest.filter(({ path }) => path.length > 0),
          most,
        ),
      },
    };
  });
}

function byFirst(
  places: readonly JoinEnd[],
): ReadonlyMap<string, { relation: ModelRelation; rest: JoinEnd[] }> {
  const firsts = new Map<string, { relation: ModelRelation; rest: JoinEnd[] }>();
  for (const { path, column } of places) {
    const [relation, ...rest] = path;
    const name = relationName(relation!);
    const known = firsts.get(name) ?? { relation: relation!, rest: [] };
    known.rest.push({ path: rest, column });
    firsts.set(name, known);
  }
  return firsts;
}

/**
 * The values that a row reaches at a place; `null` where as many rows were found somewhere as were
 * asked for.
 */
export function reachedValues(
  node: RowNode,
  { path, column }: JoinEnd,
  most: number,
): readonly string[] | null {
  let rows: readonly RowNode[] = [node];
  for (const relation of path) {
    const below: RowNode[] = [];
    for (const row of rows) {
      const found = row.related.get(relationName(relation)) as readonly RowNode[];
      if (found.length >= most) return null;
      below.push(...found);
    }
    rows = below;
  }
  return rows.flatMap(({ cells }) => cells[column.index] ?? []);
}
