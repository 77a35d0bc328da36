import type { CachedField } from './cache.js';
import type { RowFact } from './message-facts.js';
import type { ReductionContext } from './reduction-context.js';
import { compareKeys } from './row.js';

/** Plans the root fields by the stream's own scope. */
export function planRootFields(reduction: ReductionContext): void {
  for (const field of reduction.cache.fields(null)) {
    if (field.kind === 'one') planRootRow(reduction, field);
    else planRootList(reduction, field);
  }
}

/**
 * A root field of one row keeps its row whatever becomes of it; an empty one takes the first that
 * comes.
 */
function planRootRow(reduction: ReductionContext, field: CachedField): void {
  const { cache, facts, options, plans, rows } = reduction;
  const members = cache.members(field);
  // The same key in another spelling (citext) is a row that went and one that came.
  if (!members?.every((key) => rows.fact({ table: field.table, key })?.gone)) return;
  const { schema } = reduction;
  const table = schema.model.table(field.table);
  const keys: string[] = [];
  for (const { table: of, kind, key } of facts.root) {
    if (of !== field.table || kind === 'LEAVE') continue;
    const isAsked = options.id === undefined ? 'equal' : compareKeys(table, options.id, key);
    // Another text of the same key (citext), maybe.
    if (isAsked === 'database') plans.of(field).refetch = true;
    else if (isAsked === 'equal' && rows.exists(field.table, key)) keys.push(key);
  }
  const [first] = keys.sort();
  if (first !== undefined) plans.planMember(field, first, true);
}

function planRootList(reduction: ReductionContext, field: CachedField): void {
  const { facts, options, plans, rows, fields } = reduction;
  const rule = fields.rule(field);
  for (const { table, kind, key } of facts.root) {
    if (table !== field.table) continue;
    const fact = rows.fact({ table: field.table, key })!;
    const held = reduction.holds(field, key);
    if (kind === 'LEAVE' || fact.gone) {
      plans.planMember(field, key, !held && rule.offset > 0 ? undefined : false);
      continue;
    }
    const decided = rule.condition.evaluate(rows.view(field.table, key));
    const belongs = options.follows === 'value' ? decided !== false : decided;
    if (!held && isOutside(reduction, field, fact)) {
      plans.planOutside(field, key, belongs);
      continue;
    }
    const isSteady = held || !isWindow(reduction, field);
    if (belongs === undefined && isSteady && !rows.mayHaveChanged(fact, rule.condition.columns)) continue;
    const mayShift = !held && rule.offset > 0 && kind === 'UPDATE';
    plans.planMember(field, key, mayShift ? undefined : belongs);
  }
}

/** True if rows may belong to the list without being shown in it. */
export function isWindow(reduction: ReductionContext, field: CachedField): boolean {
  const { limit, offset } = reduction.fields.rule(field);
  const size = reduction.cache.members(field)?.length ?? 0;
  return offset > 0 || (limit !== null && size >= limit);
}

/** True for a row that is not in a window, of which nothing changed that could bring it there. */
export function isOutside(reduction: ReductionContext, field: CachedField, fact: RowFact): boolean {
  const { fields, rows } = reduction;
  const rule = fields.rule(field);
  if (!isWindow(reduction, field) || fact.kind !== 'UPDATE') return false;
  const own = field.relation ? reduction.schema.conditions(field.relation).target.columns : [];
  const ends = field.relation ? field.relation.to : [];
  const order = rule.order.map((term) => term.column);
  return !rows.mayHaveChanged(fact, [...rule.condition.columns, ...own, ...ends, ...order]);
}
