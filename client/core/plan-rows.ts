import type { ModelRelation } from '../../shared/model/types.js';
import type { CachedField } from './cache.js';
import type { RowFact } from './message-facts.js';
import { isOutside, isWindow } from './plan-root-fields.js';
import { all, type ReductionContext } from './reduction-context.js';

/** A row that is gone leaves every field but the root field that shows it alone. */
export function planGone(reduction: ReductionContext, fact: RowFact): void {
  const { cache, fields, plans, rows, schema } = reduction;
  for (const field of cache.holders(fact)) {
    if (field.parent !== null || field.kind === 'many') plans.planMember(field, fact.key, false);
  }
  // A row that went before a window moves the window, though it was never in it.
  for (const relation of schema.into(fact.model)) {
    for (const field of fields.of(relation)) {
      if (fields.rule(field).offset === 0 || reduction.holds(field, fact.key)) continue;
      const join = reduction.joinOf(rows.previous(fact), relation.to);
      const parent = reduction.joinOf(reduction.parentView(field), relation.from);
      if (relation.through || join === undefined || join === parent) plans.of(field).refetch = true;
    }
  }
}

/**
 * A member whose order columns changed may stand elsewhere now. Where they are not loaded, it
 * stays: whether it moved cannot be told, nor whether it was moved before.
 */
export function planMoved(reduction: ReductionContext, fact: RowFact): void {
  const { cache, fields, plans, rows } = reduction;
  for (const field of cache.holders(fact)) {
    if (field.kind !== 'many') continue;
    for (const { column } of fields.rule(field).order) {
      const held = rows.held(fact.table, fact.key)(column);
      const now = rows.view(fact.table, fact.key)(column);
      if (held === now && held !== undefined) continue;
      if (!rows.mayHaveChanged(fact, [column]) || (fact.kind === null && now === undefined)) continue;
      if (held === undefined || now === undefined) plans.of(field).unsure = true;
      else plans.of(field).moved.add(fact.key);
    }
  }
}

/** Rows sent inside of a row are the content of its fields. */
export function planNested(reduction: ReductionContext, fact: RowFact): void {
  const { cache, plans } = reduction;
  for (const field of cache.fields(fact)) {
    const keys = fact.related.get(field.relation!.name);
    if (keys) plans.of(field).exact = keys;
  }
}

/** The row as a child: relations that lead to its table by columns of its own. */
export function planAsChild(reduction: ReductionContext, fact: RowFact): void {
  const { cache, fields, rows, schema } = reduction;
  const view = rows.view(fact.table, fact.key);
  for (const relation of schema.into(fact.model)) {
    if (relation.through || relation.to.length === 0) continue;
    const join = reduction.joinOf(view, relation.to);
    const holders = cache.holders(fact).filter((field) => field.relation === relation);
    if (join === undefined) {
      planByConditions(reduction, fact, relation, holders);
      continue;
    }
    const { certain, possible } = fields.below(relation, join);
    const shifting = fact.inserted
      ? []
      : fields.of(relation).filter((field) => fields.rule(field).offset > 0);
    for (const field of new Set([...holders, ...certain, ...possible, ...shifting])) {
      if (reduction.governs(field)) {
        planInWindow(
          reduction,
          fact,
          field,
          certain.includes(field) ? true : possible.includes(field) ? undefined : false,
        );
      } else planChild(reduction, fact, field, join);
    }
  }
}

function planChild(
  reduction: ReductionContext,
  fact: RowFact,
  field: CachedField,
  join: string | null,
): void {
  const { plans, rows, schema } = reduction;
  const relation = field.relation!;
  const held = reduction.holds(field, fact.key);
  const rule = reduction.fields.rule(field);
  const parent = reduction.joinOf(reduction.parentView(field), relation.from);
  const belongs = all([
    join === null || parent === null ? false : parent === undefined ? undefined : parent === join,
    reduction.conditionsHold(field, reduction.parentView(field), rows.view(fact.table, fact.key)),
  ]);
  if (!held && isOutside(reduction, field, fact)) {
    plans.planOutside(field, fact.key, belongs);
    return;
  }
  if (belongs === undefined && (held || !isWindow(reduction, field))) {
    const own = schema.conditions(relation).target.columns;
    if (!rows.mayHaveChanged(fact, [...relation.to, ...own, ...rule.condition.columns])) return;
  }
  const before = rule.offset > 0 && !held ? wasChild(reduction, fact, field) : false;
  plans.planMember(field, fact.key, before === false ? belongs : undefined);
}

/** A member whose key columns were not sent is still a member, as long as the conditions hold. */
function planByConditions(
  reduction: ReductionContext,
  fact: RowFact,
  relation: ModelRelation,
  holders: readonly CachedField[],
): void {
  const { fields, plans, rows, schema } = reduction;
  const own = schema.conditions(relation).target.columns;
  for (const field of fields.of(relation)) {
    if (reduction.governs(field)) {
      planInWindow(reduction, fact, field, undefined);
      continue;
    }
    const rule = fields.rule(field);
    const columns = [...relation.to, ...own, ...rule.condition.columns];
    const isHolder = holders.includes(field);
    // For a row outside of a window the order counts as well.
    const isShown = isHolder || !isWindow(reduction, field);
    if (isShown ? !rows.mayHaveChanged(fact, columns) : isOutside(reduction, field, fact)) continue;
    const mayMove = rows.mayHaveChanged(fact, relation.to);
    const holds = reduction.conditionsHold(
      field,
      reduction.parentView(field),
      rows.view(fact.table, fact.key),
    );
    const mayShift = rule.offset > 0 && !isHolder && !fact.inserted;
    if (holds === false && mayShift) plans.of(field).refetch = true;
    if (holds === false) plans.planMember(field, fact.key, false);
    else if (!isHolder || mayMove || holds === undefined) plans.planMember(field, fact.key, undefined);
  }
}

/**
 * In a field that links govern, a row that belongs to it may still come into the window when its
 * order changes.
 */
export function planInWindow(
  reduction: ReductionContext,
  fact: RowFact,
  field: CachedField,
  joined: boolean | undefined,
): void {
  const { fields, plans, rows } = reduction;
  const rule = fields.rule(field);
  if (joined === false || fact.kind !== 'UPDATE' || reduction.holds(field, fact.key)) return;
  const order = rule.order.map(({ column }) => column);
  if (!rows.mayHaveChanged(fact, order)) return;
  const size = reduction.cache.members(field)?.length ?? 0;
  if (rule.offset === 0 && (rule.limit === null || size < rule.limit)) return;
  const view = rows.view(fact.table, fact.key);
  const holds = all([joined, reduction.conditionsHold(field, reduction.parentView(field), view)]);
  if (holds !== false) plans.planMember(field, fact.key, rule.offset > 0 ? undefined : holds);
}

function wasChild(reduction: ReductionContext, fact: RowFact, field: CachedField): boolean | undefined {
  if (fact.inserted) return false;
  const { rows } = reduction;
  const previous = rows.previous(fact);
  const join = reduction.joinOf(previous, field.relation!.to);
  const parent = reduction.joinOf(reduction.parentView(field), field.relation!.from);
  const joined = join === undefined || parent === undefined ? undefined : join !== null && join === parent;
  return all([joined, reduction.conditionsHold(field, reduction.parentView(field), previous)]);
}

/** The row as a parent: its own fields, where its columns decide what they hold. */
export function planAsParent(reduction: ReductionContext, fact: RowFact): void {
  const { cache, rows, schema } = reduction;
  for (const field of cache.fields(fact)) {
    const relation = field.relation!;
    if (cache.members(field) === undefined || relation.from.length === 0) continue;
    if (reduction.governs(field) || fact.related.has(relation.name)) continue;
    const { source } = schema.conditions(relation);
    if (!rows.mayHaveChanged(fact, [...relation.from, ...source.columns])) continue;
    if (relation.kind === 'one' && !relation.through) planOneField(reduction, fact, field);
    else planManyField(reduction, fact, field);
  }
}

function planOneField(reduction: ReductionContext, fact: RowFact, field: CachedField): void {
  const { cache, plans, rows, schema } = reduction;
  const relation = field.relation!;
  const view = rows.view(fact.table, fact.key);
  const join = reduction.joinOf(view, relation.from);
  const source = schema.conditions(relation).source.evaluate(view);
  const members = cache.members(field)!;
  if (join === null || source === false) {
    for (const key of members) plans.planMember(field, key, false);
    return;
  }
  if (join === undefined || source === undefined) {
    plans.of(field).refetch = true;
    return;
  }
  const target = schema.model.table(relation.target);
  const matching = rows.keysBy(target, relation.to, join);
  for (const key of members) {
    if (matching.includes(key)) continue;
    const of = reduction.joinOf(rows.view(target.name, key), relation.to);
    plans.planMember(field, key, of === undefined ? undefined : false);
  }
  for (const key of matching) {
    plans.planMember(field, key, reduction.conditionsHold(field, view, rows.view(target.name, key)));
  }
  if (matching.length > 0) return;
  // A row that is not known here may be there all the same, and one that was not seen before may
  // still not be.
  const wasNobody = members.length === 0 && !rows.differs(fact, [...relation.from]);
  if (!wasNobody && !isKnownGone(reduction, relation, join)) plans.of(field).refetch = true;
}

function isKnownGone(reduction: ReductionContext, relation: ModelRelation, join: string): boolean {
  for (const other of reduction.facts.rows.values()) {
    if (other.table !== relation.target || !other.gone) continue;
    if (reduction.joinOf(reduction.rows.previous(other), relation.to) === join) return true;
  }
  return false;
}

function planManyField(reduction: ReductionContext, fact: RowFact, field: CachedField): void {
  const { cache, plans, rows, schema } = reduction;
  const relation = field.relation!;
  const { source } = schema.conditions(relation);
  const now = rows.view(fact.table, fact.key);
  const held = rows.held(fact.table, fact.key);
  const join = reduction.joinOf(now, relation.from);
  const holds = source.evaluate(now);
  if (join === null || holds === false) {
    for (const key of cache.members(field)!) plans.planMember(field, key, false);
    return;
  }
  const same = join !== undefined && join === reduction.joinOf(held, relation.from);
  if (same && (source.always || source.evaluate(held) === true) && holds) return;
  if (join === undefined && !rows.mayHaveChanged(fact, relation.from) && source.always) return;
  plans.of(field).refetch = true;
}
