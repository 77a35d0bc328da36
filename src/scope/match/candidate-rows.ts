import { and, NOTHING, or } from '../../../shared/filter/normalize.js';
import type { Filter, RowCells } from '../../../shared/filter/types.js';
import type { ModelColumn, ModelRelation } from '../../../shared/model/types.js';
import type { RelationPath } from '../../filter/paths.js';
import type { NetChanges, TableChanges } from '../messages/net-changes.js';

/** Past so many distinct links the whole scope is compared instead. */
const MAX_LINKS = 5_000;

/**
 * Which rows of the root table may have entered or left because rows they depend on changed: a
 * filter on the root table that finds them, `'all'` where they cannot be told one by one, `null`
 * where nothing they depend on changed.
 *
 * Why prefixes suffice: of a chain root → r1 → r2 that broke, take the link that broke first. All
 * links before it still stand when its transaction is evaluated, or their own change is evaluated
 * later; so the root is found through the old image's link value. A chain that came to be is found
 * through its last new link in the same way.
 */
export function candidateFilter(paths: readonly RelationPath[], net: NetChanges): Filter | 'all' | null {
  const found: Filter[] = [];
  for (const path of paths) {
    const last = path.at(-1)!;
    const before = path.slice(0, -1);
    const target = net.get(last.target);
    const junction = last.through && net.get(last.through.table);
    if (target?.truncated || junction?.truncated) return 'all';
    const links: (Filter | 'all' | null)[] = [];
    if (target) {
      const { through } = last;
      if (through) {
        const ends = matching(through.to, target, last.to);
        links.push(ends === 'all' || ends === null ? ends : related(junctionHop(last), ends));
      } else {
        links.push(matching(last.from, target, last.to));
      }
    }
    if (junction) links.push(matching(last.from, junction, last.through!.from));
    for (const link of links) {
      if (link === 'all') return 'all';
      if (link) found.push(lead(before, last, link));
    }
  }
  return found.length === 0 ? null : or(...found);
}

/**
 * Rows whose `columns` equal what `changed` rows hold, or held, in `linked`. NULLs link nothing.
 */
export function matching(
  columns: readonly ModelColumn[],
  changed: TableChanges,
  linked: readonly ModelColumn[],
): Filter | 'all' | null {
  const tuples = new Map<string, readonly string[]>();
  for (const row of changed.rows) {
    for (const cells of [row.old, row.new]) {
      const tuple = cells && tupleOf(linked, cells);
      if (tuple) tuples.set(JSON.stringify(tuple), tuple);
    }
  }
  if (tuples.size === 0) return null;
  return tuples.size > MAX_LINKS ? 'all' : equalToAny(columns, [...tuples.values()], linked);
}

/** The texts of `columns`, or `null` where one of them is NULL and so links nothing. */
export function tupleOf(columns: readonly ModelColumn[], cells: RowCells): readonly string[] | null {
  const tuple: string[] = [];
  for (const column of columns) {
    const cell = cells[column.index];
    if (cell === null || cell === undefined) return null;
    tuple.push(cell);
  }
  return tuple;
}

/**
 * Rows whose `columns` equal one of `tuples`, which are texts of `linked`; none where there is
 * none.
 */
export function equalToAny(
  columns: readonly ModelColumn[],
  tuples: readonly (readonly string[])[],
  linked: readonly ModelColumn[],
): Filter {
  if (tuples.length === 0) return NOTHING;
  // A value that the other type cannot hold (7.5 for an integer) equals nothing, but its cast would
  // fail.
  const casts = columns.map(({ castType }, at) =>
    castType === linked[at]!.castType ? {} : { castType: linked[at]!.castType },
  );
  if (columns.length === 1) {
    const values = new Set(tuples.map(([value]) => value!));
    return { kind: 'in', column: columns[0]!, values: [...values].sort(), ...casts[0] };
  }
  return or(
    ...tuples.map((tuple) =>
      and(
        ...columns.map(
          (column, at): Filter => ({ kind: 'compare', column, op: 'eq', value: tuple[at]!, ...casts[at] }),
        ),
      ),
    ),
  );
}

/**
 * Rows of the root from which the chain `before` leads to rows of `last`'s source that satisfy
 * `filter`.
 */
function lead(before: RelationPath, last: ModelRelation, filter: Filter): Filter {
  let next = last;
  let found = filter;
  for (const relation of before.toReversed()) {
    const { through, target } = relation;
    const onJunction = through?.table === next.source;
    found =
      onJunction && target === next.source
        ? or(related(relation, found), related(junctionHop(relation), found))
        : related(onJunction ? junctionHop(relation) : relation, found);
    next = relation;
  }
  return found;
}

export function related(relation: ModelRelation, filter: Filter): Filter {
  return { kind: 'related', relation, filter };
}

/** The first half of a many-to-many relation: from the source to its junction rows. */
export function junctionHop(relation: ModelRelation): ModelRelation {
  const { table, from } = relation.through!;
  return {
    name: `${relation.name}Links`,
    kind: 'many',
    source: relation.source,
    target: table,
    from: relation.from,
    to: from,
  };
}

/** The second half backwards: from the target to the junction rows that link it. */
export function reverseHop(relation: ModelRelation): ModelRelation {
  const { table, to } = relation.through!;
  const name = `${relation.name}BackLinks`;
  return { name, kind: 'many', source: relation.target, target: table, from: relation.to, to };
}
