import type { EntityReference } from '../cache.js';
import type { FieldPlan } from '../field-plans.js';
import { entityId, gatherFacts, type MessageFacts, type RowFact } from '../message-facts.js';
import { planAsFarEnd, planAsJunction } from '../plan-junction-rows.js';
import { planAsChild, planAsParent, planGone } from '../plan-rows.js';
import { ReductionContext } from '../reduction-context.js';
import type { ClientSchema } from '../schema.js';
import { settleList, settleOne } from '../settle-lists.js';
import { type ChangeReport, type ReportedMessage, reportInSchema } from './change-reports.js';
import { readOtherTables } from './filter-implication.js';
import {
  type ListEdits,
  type ListStore,
  type LiveCoverage,
  NOTHING_COVERED,
  type StoredField,
} from './list-store.js';
import { forgetLeft, planCachedRoots, planLeft, planPlace } from './plan-cached-fields.js';
import { planPairs } from './plan-link-pairs.js';
import { gatherKnowledge, hidesLeavingRows, type RowKnowledgeMap, refineFacts } from './row-knowledge.js';
import { StoreCache } from './store-cache.js';

/**
 * Updates every cached list by a report, in one cache transaction.
 *
 * A list is updated if the update is exact: by the columns of the row, the list's filter, order and
 * window, and by the pairs and sets that streams report. Everything else is fetched again; nothing
 * is guessed. The same message again changes nothing but what has to be fetched.
 */
export function updateCachedLists(
  schema: ClientSchema,
  store: ListStore,
  heard: ChangeReport,
  covered: LiveCoverage = NOTHING_COVERED,
): ListEdits {
  const told = reportInSchema(schema, heard);
  const cache = new StoreCache(schema, store);
  const known = gatherKnowledge(schema, told);
  const facts = gatherFacts(told.messages, (message) => hidesLeavingRows(schema, message as ReportedMessage));
  refineFacts(facts, known, cache);
  const before = (fact: RowFact) => heldBefore(cache, fact);
  const options = { follows: 'table', argsAt: () => ({}), before } as const;
  const isOpen = covered.isOwnWrite || hasUncoveredField(schema, store, covered);
  // Links speak for the parents that they name, and for nobody else.
  const reduction = isOpen
    ? new ReductionContext(schema, cache, { ...facts, links: [] }, options)
    : undefined;
  for (const fact of facts.rows.values()) {
    if (!fact.gone && Object.keys(fact.fields).length > 0) cache.write(fact, fact.fields);
    forgetOld(cache, known, fact);
  }
  if (reduction) {
    planPairs(reduction, facts.links);
    for (const fact of facts.rows.values()) planFact(reduction, known, fact);
    for (const [field, plan] of reduction.plans.entries())
      settle(reduction, cache, field as StoredField, plan);
  } else for (const fact of facts.rows.values()) if (hasLeft(fact)) forgetLeft(cache, known, fact);
  for (const fact of facts.rows.values()) if (fact.gone) cache.drop(fact);
  if (reduction) {
    for (const field of fieldsToRefetch(schema, store, reduction, facts, told.unknown))
      cache.markStale(field);
  }
  return without(cache.edits(), covered);
}

/**
 * True if there is a list that no live query updates. Without one, nothing has to be decided about
 * lists.
 */
function hasUncoveredField(schema: ClientSchema, store: ListStore, covered: LiveCoverage): boolean {
  for (const field of allFields(schema, store)) if (!covered.field(field)) return true;
  return false;
}

function* allFields({ model }: ClientSchema, store: ListStore): Generator<StoredField> {
  yield* store.roots();
  for (const { relations } of model.tables) for (const relation of relations) yield* store.below(relation);
}

/** Columns that may be others now and were not sent. */
function forgetOld(
  cache: StoreCache,
  known: RowKnowledgeMap,
  { table, key, gone, kind, inserted, fields, changed }: RowFact,
): void {
  if (gone || inserted || (kind !== 'UPDATE' && kind !== 'ENTER')) return;
  // It entered because of others, and is as it was.
  if (kind === 'ENTER' && known.get(entityId(table, key))?.op === null) return;
  const isOld = (name: string) =>
    !Object.hasOwn(fields, name) && (kind === 'ENTER' || !changed || changed.has(name));
  cache.markColumnsStale({ table, key }, isOld);
}

/** The columns that the message did not change: the cache may have its other ones already. */
function heldBefore(cache: StoreCache, fact: RowFact) {
  const stored = cache.stored(fact);
  if (!stored || fact.gone) return stored && { ...stored, ...fact.previous };
  if (fact.kind === 'UPDATE' && fact.changed) {
    const { changed } = fact;
    const kept = Object.entries(stored).filter(([name]) => !changed.has(name));
    return { ...Object.fromEntries(kept), ...fact.previous };
  }
  return { id: fact.key, ...fact.previous };
}

function planFact(reduction: ReductionContext, known: RowKnowledgeMap, fact: RowFact): void {
  if (fact.kind === null) return;
  if (hasLeft(fact)) planLeft(reduction, known, fact);
  else if (fact.gone) {
    planGone(reduction, fact);
    planAsJunction(reduction, fact);
    planCachedRoots(reduction, known, fact);
  } else {
    planPlace(reduction, fact);
    planAsJunction(reduction, fact);
    planCachedRoots(reduction, known, fact);
    planAsChild(reduction, fact);
    planAsFarEnd(reduction, fact);
    planAsParent(reduction, fact);
  }
}

/** It is there, and in a set of rows no more. */
function hasLeft({ gone, kind }: RowFact): boolean {
  return !gone && kind === 'LEAVE';
}

function settle(reduction: ReductionContext, cache: StoreCache, field: StoredField, plan: FieldPlan): void {
  const { fields, rows } = reduction;
  const before = cache.members(field);
  if (!before) return;
  const views = {
    view: (key: string) => rows.view(field.table, key),
    viewBefore: (key: string) => rows.held(field.table, key),
  };
  const rule = fields.rule(field);
  const settled =
    field.kind === 'many'
      ? settleList(rule, before, plan, views)
      : settleOne(rule, before[0], plan, false, views);
  // Apollo's cache leaves out of lists what it has nothing of, without asking for it.
  const held = new Set(before);
  const isAllThere = settled.members.every((key) => held.has(key) || rows.exists(field.table, key));
  if (plan.refetch || settled.need || !isAllThere) {
    cache.markStale(field);
    return;
  }
  const wanted = new Set(settled.members);
  for (const key of before.filter((each) => !wanted.has(each))) cache.unlink(field, key);
  for (const [at, key] of settled.members.entries()) {
    const now = cache.members(field)!;
    if (now[at] === key) continue;
    if (now.includes(key)) cache.unlink(field, key);
    cache.link(field, key, at);
  }
}

/**
 * Fields that nobody decides: pages of connections whose rows may be others now, lists whose filter
 * reads rows of another table that changed, and everything of a table of which it is not told what
 * changed.
 */
function* fieldsToRefetch(
  schema: ClientSchema,
  store: ListStore,
  reduction: ReductionContext,
  facts: MessageFacts,
  unknown: ReadonlySet<string>,
): Generator<StoredField> {
  const changes = [...facts.rows.values()].filter(
    ({ kind, changed }) => kind !== null && changed?.size !== 0,
  );
  // A pair that began or ended is a change of its junction.
  const junctions = facts.links
    .filter(({ enter, leave }) => enter.size + leave.size > 0)
    .flatMap(({ relation }) => relation.through?.table ?? []);
  const wholly = new Set([...unknown, ...junctions]);
  for (const field of allFields(schema, store)) {
    const changed = () =>
      changes.some((fact) => fact.table === field.table && mayMove(reduction, field, fact));
    const isShownWhole = !field.isOpaque && reduction.cache.members(field) === undefined;
    if (
      unknown.has(field.table) ||
      readsChanged(schema, reduction, field, changes, wholly) ||
      (field.isOpaque && changed()) ||
      (isShownWhole && changes.some(({ table }) => table === field.table))
    ) {
      yield field;
    }
  }
}

/**
 * True if the field's filter, or the condition of its relation, reads a changed row of another
 * table.
 */
function readsChanged(
  schema: ClientSchema,
  { fields }: ReductionContext,
  field: StoredField,
  changes: readonly RowFact[],
  wholly: ReadonlySet<string>,
): boolean {
  const own = field.relation ? Object.values(schema.conditions(field.relation)) : [];
  return [fields.rule(field).condition, ...own].some((condition) => {
    if (condition.always) return false;
    for (const [table, columns] of readOtherTables(condition.filter)) {
      if (wholly.has(table)) return true;
      for (const fact of changes) {
        if (fact.table !== table) continue;
        if (!isPlainUpdate(fact) || intersects(columns, fact.changed!)) return true;
      }
    }
    return false;
  });
}

function isPlainUpdate({ kind, changed }: RowFact): boolean {
  return kind === 'UPDATE' && changed !== null;
}

/** True if the page may contain another row, or the row at another place. */
function mayMove({ fields, rows }: ReductionContext, field: StoredField, fact: RowFact): boolean {
  const { condition, order } = fields.rule(field);
  const was = condition.evaluate(rows.previous(fact)) !== false;
  const is = !fact.gone && condition.evaluate(rows.view(fact.table, fact.key)) !== false;
  if (fact.kind !== 'UPDATE') return fact.inserted ? is : was || is;
  return (
    (was || is) && rows.mayHaveChanged(fact, [...condition.columns, ...order.map(({ column }) => column)])
  );
}

function intersects(left: ReadonlySet<string>, right: ReadonlySet<string>): boolean {
  return [...left].some((each) => right.has(each));
}

function without(edits: ListEdits, covered: LiveCoverage): ListEdits {
  const isOpen = (entity: EntityReference) => !covered.row(entity);
  return {
    rows: edits.rows.filter(({ entity }) => isOpen(entity)),
    lists: edits.lists.filter(({ field }) => covered.isOwnWrite || !covered.field(field)),
    stale: edits.stale.filter((field) => !covered.field(field)),
    staleColumns: edits.staleColumns.flatMap(({ entity, names }) => {
      const open = names.filter((name) => !covered.column(entity, name));
      return open.length > 0 ? [{ entity, names: open }] : [];
    }),
    gone: edits.gone.filter(isOpen),
  };
}
