import type { ModelRelation, ModelTable } from '../../shared/model/types.js';
import type { CachedField } from './cache.js';
import type { RowFact } from './message-facts.js';
import { isOutside, isWindow } from './plan-root-fields.js';
import { planInWindow } from './plan-rows.js';
import type { ReductionContext } from './reduction-context.js';
import type { CellReader } from './row.js';

/** A relation through a junction table, with what is needed of it at hand. */
interface JunctionRelation {
  readonly relation: ModelRelation;
  readonly through: NonNullable<ModelRelation['through']>;
  readonly junction: ModelTable;
  readonly target: ModelTable;
}

/** The row as a junction: it links the rows at both of its ends. */
export function planAsJunction(reduction: ReductionContext, fact: RowFact): void {
  for (const way of waysThrough(reduction, reduction.schema.through(fact.model))) {
    const { through } = way;
    const ends = [...through.from, ...through.to];
    if (fact.kind === 'UPDATE' && !fact.gone && !reduction.rows.mayHaveChanged(fact, ends)) continue;
    if (!fact.inserted) planUnlinkedPair(reduction, fact, way);
    if (!fact.gone) planLinkedPair(reduction, fact, way);
  }
}

/** The pair that the junction row linked before. */
function planUnlinkedPair(reduction: ReductionContext, fact: RowFact, way: JunctionRelation): void {
  const { fields, plans, rows } = reduction;
  const { relation, through } = way;
  const previous = rows.previous(fact);
  const [from, to] = [reduction.joinOf(previous, through.from), reduction.joinOf(previous, through.to)];
  if (from === null || to === null) return;
  const now = rows.view(fact.table, fact.key);
  if (!fact.gone && from === reduction.joinOf(now, through.from) && to === reduction.joinOf(now, through.to))
    return;
  const isKnown = from !== undefined && to !== undefined;
  if (!isKnown && fact.kind === 'ENTER') return;
  const { certain, possible } = fields.below(relation, from ?? null);
  for (const field of isKnown ? possible : fields.of(relation)) {
    if (!reduction.governs(field)) plans.of(field).refetch = true;
  }
  if (!isKnown || isLinkedOtherwise(reduction, way, from, to)) return;
  for (const field of certain) {
    if (!reduction.governs(field)) unlinkEnded(reduction, field, to, linksOnce(way));
  }
}

/** If two junction rows can link the same pair, an unknown one may be left. */
function unlinkEnded(reduction: ReductionContext, field: CachedField, to: string, once: boolean): void {
  const { cache, fields, plans, rows } = reduction;
  const plan = plans.of(field);
  for (const key of cache.members(field)!) {
    const end = reduction.joinOf(rows.view(field.table, key), field.relation!.to);
    if (end === undefined) plan.refetch = true;
    if (end !== to) continue;
    plan.leave.add(key);
    if (!once) plan.refetch = true;
  }
  if (fields.rule(field).offset > 0) plan.refetch = true;
}

/** The pair that the junction row links now. */
function planLinkedPair(reduction: ReductionContext, fact: RowFact, way: JunctionRelation): void {
  const { fields, plans, rows } = reduction;
  const { relation, through, target } = way;
  const view = rows.view(fact.table, fact.key);
  const [from, to] = [reduction.joinOf(view, through.from), reduction.joinOf(view, through.to)];
  if (from === null || to === null) return;
  const { certain, possible } = fields.below(relation, from ?? null);
  for (const field of from === undefined ? fields.of(relation) : possible) {
    if (!reduction.governs(field)) plans.of(field).refetch = true;
  }
  for (const field of certain) {
    if (reduction.governs(field)) continue;
    const keys = to === undefined ? [] : rows.keysBy(target, relation.to, to);
    for (const key of keys) {
      plans.planMember(
        field,
        key,
        reduction.conditionsHold(field, reduction.parentView(field), rows.view(target.name, key)),
      );
    }
    const isAll = includesKey(relation.to, target)
      ? keys.length > 0 || isGone(reduction, way, to)
      : fact.inserted && includesKey(through.to, way.junction);
    if (!isAll) plans.of(field).refetch = true;
  }
}

/** The row at the far end of relations through a junction. */
export function planAsFarEnd(reduction: ReductionContext, fact: RowFact): void {
  const { cache, fields, plans, rows, schema } = reduction;
  const view = rows.view(fact.table, fact.key);
  for (const way of waysThrough(reduction, schema.into(fact.model))) {
    const { relation, through, junction } = way;
    const holders = cache.holders(fact).filter((field) => field.relation === relation);
    const to = reduction.joinOf(view, relation.to);
    const pairs = typeof to === 'string' ? rows.keysBy(junction, through.to, to) : [];
    const parents = new Set(
      pairs.map((key) => reduction.joinOf(rows.view(junction.name, key), through.from)),
    );
    const isAll =
      to === null ||
      (includesKey(through.to, junction) && pairs.length > 0 && !parents.has(undefined)) ||
      (fact.inserted && includesKey(relation.to, fact.model));
    const mayMove = rows.differs(fact, relation.to);

    for (const field of fields.of(relation)) {
      const held = holders.includes(field);
      const parent = reduction.joinOf(reduction.parentView(field), relation.from);
      const linked =
        parent === undefined ? undefined : parents.has(parent) ? true : isAll ? false : undefined;
      if (reduction.governs(field)) {
        planInWindow(reduction, fact, field, linked);
        continue;
      }
      if (held) {
        planHeldFarEnd(reduction, fact, field, linked, mayMove);
        continue;
      }
      const shifts = fields.rule(field).offset > 0 && !fact.inserted;
      if (linked === false && !(shifts && mayMove)) continue;
      const holds = reduction.conditionsHold(field, reduction.parentView(field), view);
      if (isOutside(reduction, field, fact)) {
        plans.planOutside(field, fact.key, linked && holds);
        continue;
      }
      if (shifts) {
        plans.of(field).refetch = true;
        continue;
      }
      const isSteady = !mayMove && !isWindow(reduction, field);
      if (linked === undefined && isSteady && !mayHaveBegun(reduction, fact, field, view)) continue;
      if (holds === false) continue;
      plans.planMember(field, fact.key, linked ? holds : undefined);
    }
  }
}

function planHeldFarEnd(
  reduction: ReductionContext,
  fact: RowFact,
  field: CachedField,
  linked: boolean | undefined,
  mayMove: boolean,
): void {
  const { fields, plans, rows, schema } = reduction;
  const holds = reduction.conditionsHold(field, reduction.parentView(field), rows.view(fact.table, fact.key));
  if (holds === false || linked === false) plans.planMember(field, fact.key, false);
  else if (linked === undefined && mayMove) plans.planMember(field, fact.key, undefined);
  else if (holds === undefined) {
    const own = schema.conditions(field.relation!).target.columns;
    if (rows.mayHaveChanged(fact, [...own, ...fields.rule(field).condition.columns]))
      plans.planMember(field, fact.key, undefined);
  }
}

/**
 * True if an existing row may belong to the field only now: it became visible, or a condition on it
 * became true.
 */
function mayHaveBegun(
  reduction: ReductionContext,
  fact: RowFact,
  field: CachedField,
  view: CellReader,
): boolean {
  const { fields, rows, schema } = reduction;
  if (fact.kind === 'ENTER') return !fact.inserted || !includesKey(field.relation!.to, fact.model);
  const conditions = [schema.conditions(field.relation!).target, fields.rule(field).condition];
  const previous = rows.previous(fact);
  return conditions.some(
    (condition) =>
      !condition.always &&
      rows.mayHaveChanged(fact, condition.columns) &&
      condition.evaluate(view) !== false &&
      condition.evaluate(previous) !== true,
  );
}

function waysThrough(
  reduction: ReductionContext,
  relations: readonly ModelRelation[],
): readonly JunctionRelation[] {
  const { model } = reduction.schema;
  return relations.flatMap((relation) => {
    const { through } = relation;
    if (!through) return [];
    return [
      { relation, through, junction: model.table(through.table), target: model.table(relation.target) },
    ];
  });
}

/** True if a known junction row links the same pair. */
function isLinkedOtherwise(
  reduction: ReductionContext,
  { through, junction }: JunctionRelation,
  from: string,
  to: string,
): boolean {
  return reduction.rows.keysBy(junction, [...through.from, ...through.to], joined(from, to)).length > 0;
}

/** The text that `joinOf` gives for the columns of both. */
function joined(left: string, right: string): string {
  return JSON.stringify([...(JSON.parse(left) as string[]), ...(JSON.parse(right) as string[])]);
}

function isGone(
  reduction: ReductionContext,
  { relation }: JunctionRelation,
  to: string | undefined,
): boolean {
  for (const other of reduction.facts.rows.values()) {
    if (other.table !== relation.target || !other.gone) continue;
    if (reduction.joinOf(reduction.rows.previous(other), relation.to) === to) return true;
  }
  return false;
}

/** True if one combination of values in these columns names at most one row. */
export function includesKey(columns: readonly ModelTable['key'][number][], table: ModelTable): boolean {
  return table.key.every((column) => columns.includes(column));
}

function linksOnce({ through, junction }: JunctionRelation): boolean {
  return includesKey(through.to, junction) || includesKey([...through.from, ...through.to], junction);
}
