import type { CachedField } from '../cache.js';
import { entityId, type RowFact } from '../message-facts.js';
import { includesKey } from '../plan-junction-rows.js';
import { isOutside, isWindow } from '../plan-root-fields.js';
import type { ReductionContext } from '../reduction-context.js';
import { viewOf } from '../row.js';
import type { RowCondition } from '../row-condition.js';
import { implies } from './filter-implication.js';
import type { StoredField } from './list-store.js';
import type { RowKnowledge, RowKnowledgeMap } from './row-knowledge.js';
import type { StoreCache } from './store-cache.js';

/** The root fields of the row's table. */
export function planCachedRoots(reduction: ReductionContext, known: RowKnowledgeMap, fact: RowFact): void {
  const { cache, fields, plans, rows } = reduction;
  const knowledge = known.get(entityId(fact.table, fact.key));
  for (const field of cache.fields(null)) {
    if (field.table !== fact.table) continue;
    const rule = fields.rule(field);
    const held = reduction.holds(field, fact.key);
    if (fact.gone) {
      const wasIn = held || rule.condition.evaluate(rows.previous(fact)) !== false;
      plans.planMember(field, fact.key, !held && rule.offset > 0 && wasIn ? undefined : false);
      continue;
    }
    const belongs = evaluateWithKnowledge(rule.condition, knowledge, () =>
      rule.condition.evaluate(rows.view(fact.table, fact.key)),
    );
    if (field.kind === 'one') {
      if (belongs !== undefined) plans.planMember(field, fact.key, belongs);
      // Only PostgreSQL knows whether it is the row that was asked for: the same key in another
      // spelling.
      else if (fact.kind === 'ENTER' && isEmptied(reduction, field)) plans.of(field).refetch = true;
      continue;
    }
    if (!held && isOutside(reduction, field, fact)) {
      plans.planOutside(field, fact.key, belongs);
      continue;
    }
    const isSteady = held || !isWindow(reduction, field);
    if (belongs === undefined && isSteady && !rows.mayHaveChanged(fact, rule.condition.columns)) continue;
    const mayShift = !held && rule.offset > 0 && !fact.inserted;
    plans.planMember(field, fact.key, mayShift ? undefined : belongs);
  }
}

/** True if a field shows no row, or shows one that is gone with this message. */
function isEmptied({ cache, rows }: ReductionContext, field: CachedField): boolean {
  const members = cache.members(field) ?? [];
  return members.every((key) => rows.fact({ table: field.table, key })?.gone);
}

/** Streams may have decided what the row's columns leave open. */
function evaluateWithKnowledge(
  condition: RowCondition,
  knowledge: RowKnowledge | undefined,
  byColumns: () => boolean | undefined,
): boolean | undefined {
  if (knowledge?.left.some((left) => implies(condition, left))) return false;
  const decided = byColumns();
  if (decided !== undefined) return decided;
  return knowledge?.within.some((within) => implies(within, condition)) ? true : undefined;
}

/**
 * A row that left a set of rows, and of which nothing else is known: it may have any columns now.
 * It is out of the lists whose filter implies that of the set; every other list of its table where
 * its key does not decide has to be asked for.
 */
export function planLeft(reduction: ReductionContext, known: RowKnowledgeMap, fact: RowFact): void {
  const { cache, fields, plans, schema } = reduction;
  if (!forgetLeft(cache as StoreCache, known, fact)) return;
  const knowledge = known.get(entityId(fact.table, fact.key))!;
  const onlyKey = viewOf(schema, fact.model, fact.key, {});
  const roots = cache.fields(null).filter(({ table }) => table === fact.table);
  const below = schema.into(fact.model).flatMap((relation) => fields.of(relation));
  for (const field of [...roots, ...below]) {
    const { condition } = fields.rule(field);
    if (knowledge.left.some((left) => implies(condition, left))) plans.planMember(field, fact.key, false);
    else if (condition.evaluate(onlyKey) === false) continue;
    else if (reduction.holds(field, fact.key) || mayHoldNow(reduction, field as StoredField, fact)) {
      plans.of(field).refetch = true;
    }
  }
  // As a junction it may link others now, or nobody that may be seen.
  for (const relation of schema.through(fact.model)) {
    for (const field of fields.of(relation)) plans.of(field).refetch = true;
  }
}

/**
 * The columns of a row that left a set of rows, and of which nothing else is known. False: it is no
 * such row.
 */
export function forgetLeft(cache: StoreCache, known: RowKnowledgeMap, { table, key }: RowFact): boolean {
  const knowledge = known.get(entityId(table, key));
  if (!knowledge || (knowledge.left.length === 0 && !knowledge.moved)) return false;
  cache.markColumnsStale({ table, key }, () => true);
  return true;
}

/**
 * True if a field without a row may contain it after the row's columns changed. The row was visible
 * before.
 */
function mayHoldNow({ fields, schema }: ReductionContext, field: StoredField, { model }: RowFact): boolean {
  const { relation } = field;
  if (relation === null || (!relation.through && !includesKey(relation.to, model))) return true;
  return !fields.rule(field).condition.always || !schema.conditions(relation).target.always;
}

/**
 * A member whose order columns changed is put where it belongs; where its place is not known, the
 * list is asked for.
 */
export function planPlace(reduction: ReductionContext, fact: RowFact): void {
  const { cache, fields, plans, rows } = reduction;
  for (const field of cache.holders(fact)) {
    if (field.kind !== 'many') continue;
    const columns = fields.rule(field).order.map(({ column }) => column);
    if (!rows.mayHaveChanged(fact, columns)) continue;
    const now = rows.view(fact.table, fact.key);
    if (columns.some((column) => now(column) === undefined)) plans.of(field).refetch = true;
    else plans.of(field).moved.add(fact.key);
  }
}
