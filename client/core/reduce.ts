import type { CachedField, ReducerCache } from './cache.js';
import type { FetchNeed } from './fetch-needs.js';
import { contentOf } from './field-content.js';
import type { FieldPlan } from './field-plans.js';
import { gatherFacts, type RowFact } from './message-facts.js';
import { planAsFarEnd, planAsJunction } from './plan-junction-rows.js';
import { planLinks } from './plan-links.js';
import { planRootFields } from './plan-root-fields.js';
import { planAsChild, planAsParent, planGone, planMoved, planNested } from './plan-rows.js';
import type { ReadMessage } from './read-message.js';
import { type ReduceOptions, ReductionContext } from './reduction-context.js';
import type { ClientSchema } from './schema.js';
import { type ListRows, type SettledList, settleList, settleNew, settleOne } from './settle-lists.js';

/**
 * Applies the messages of one transaction to a cache and says what could not be decided.
 *
 * Where the message has links for a relation, they alone say what belongs to what. Everywhere else
 * columns, junction rows and conditions do: the stream is then taken to bring the changes of every
 * table concerned. All that is read of the cache's fields is read before anything is linked;
 * applying the same message again changes nothing, but in fields that have to be fetched.
 */
export function reduce(
  schema: ClientSchema,
  cache: ReducerCache,
  messages: readonly ReadMessage[],
  options: ReduceOptions,
): readonly FetchNeed[] {
  const facts = gatherFacts(messages, (message) => hides(cache, message, options));
  const reduction = new ReductionContext(schema, cache, facts, options);
  const needs = new FetchNeeds(cache);
  for (const { reset } of messages) if (reset !== null) needs.add({ kind: 'reset', reason: reset });

  for (const fact of facts.rows.values()) writeRow(reduction, fact, needs);
  planAll(reduction);

  const empty: CachedField[] = [];
  for (const [field, plan] of reduction.plans.entries()) {
    const settled = settle(reduction, field, plan);
    const need = plan.refetch && !plan.exact ? 'refetch' : settled.need;
    if (need) needs.addField(need, field);
    place(cache, field, settled.members, empty, needs);
  }
  for (const fact of facts.rows.values()) if (fact.gone) cache.drop(fact);
  fillAll(reduction, empty, needs);
  return needs.list();
}

/**
 * A row that left the stream without being deleted is hidden, unless it only left the `where` of
 * the list that the stream follows.
 */
function hides(cache: ReducerCache, message: ReadMessage, options: ReduceOptions): boolean {
  return !cache
    .fields(null)
    .some(
      ({ table, kind, args }) =>
        options.follows === 'value' &&
        table === message.root.table.name &&
        kind === 'many' &&
        Object.keys(args.where ?? {}).length > 0,
    );
}

function writeRow(reduction: ReductionContext, fact: RowFact, needs: FetchNeeds): void {
  if (fact.gone) return;
  const held = reduction.rows.heldFields(fact);
  if (Object.keys(fact.fields).length > 0) reduction.cache.write(fact, fact.fields);
  if (!held || fact.kind === null || fact.kind === 'LEAVE') return;
  const old = fact.model.columns.some(
    (column) =>
      !column.isKey &&
      Object.hasOwn(held, column.name) &&
      !Object.hasOwn(fact.fields, column.name) &&
      (fact.changed === null || fact.changed.has(column.name)),
  );
  if (old) needs.add({ kind: 'row', entity: { table: fact.table, key: fact.key } });
}

function planAll(reduction: ReductionContext): void {
  planRootFields(reduction);
  planLinks(reduction);
  for (const fact of reduction.facts.rows.values()) {
    if (fact.gone) planGone(reduction, fact);
    else {
      planMoved(reduction, fact);
      planNested(reduction, fact);
    }
    if (fact.kind === null) continue;
    planAsJunction(reduction, fact);
    // A row that only left a scope says nothing about its columns.
    if (fact.gone || fact.kind === 'LEAVE') continue;
    planAsChild(reduction, fact);
    planAsFarEnd(reduction, fact);
    planAsParent(reduction, fact);
  }
}

function settle(reduction: ReductionContext, field: CachedField, plan: FieldPlan): SettledList {
  const { cache, fields } = reduction;
  const rows = rowsOf(reduction, field);
  const before = cache.members(field) ?? [];
  if (plan.exact) {
    return { members: plan.exact.filter((key) => reduction.rows.exists(field.table, key)), need: null };
  }
  return field.kind === 'many'
    ? settleList(fields.rule(field), before, plan, rows)
    : settleOne(fields.rule(field), before[0], plan, reduction.governs(field), rows);
}

function rowsOf(reduction: ReductionContext, field: CachedField): ListRows {
  return {
    view: (key) => reduction.rows.view(field.table, key),
    viewBefore: (key) => reduction.rows.held(field.table, key),
  };
}

/** Makes the field hold these rows in this order, by as few calls as it takes. */
function place(
  cache: ReducerCache,
  field: CachedField,
  members: readonly string[],
  empty: CachedField[],
  needs: FetchNeeds,
): void {
  if (members === cache.members(field)) return;
  const wanted = new Set(members);
  const now = [...(cache.members(field) ?? [])];
  for (const key of now.filter((each) => !wanted.has(each))) {
    cache.unlink(field, key);
    now.splice(now.indexOf(key), 1);
  }
  for (const [at, key] of members.entries()) {
    if (now[at] === key) continue;
    const old = now.indexOf(key);
    if (old !== -1) {
      cache.unlink(field, key);
      now.splice(old, 1);
    }
    const linked = cache.link(field, key, at);
    now.splice(at, 0, key);
    empty.push(...linked.empty);
    if (!linked.complete) needs.add({ kind: 'row', entity: { table: field.table, key } });
  }
}

/**
 * Each filled field may bring rows with fields of their own, as deep as the readers of the place
 * look.
 */
function fillAll(reduction: ReductionContext, empty: CachedField[], needs: FetchNeeds): void {
  const { cache, fields } = reduction;
  for (let next = empty.shift(); next !== undefined; next = empty.shift()) {
    const content = contentOf(reduction, next);
    if (!content) {
      needs.addField('refetch', next);
      continue;
    }
    cache.fill(next);
    const settled = content.isFinal
      ? { members: content.keys, need: null }
      : settleNew(fields.rule(next), next.kind, content.keys, rowsOf(reduction, next));
    if (settled.need) needs.addField(settled.need, next);
    if (content.source) needs.repeat(content.source, next);
    place(cache, next, settled.members, empty, needs);
  }
}

/** Collects needs, each once, and forgets those about fields that nobody can reach any more. */
class FetchNeeds {
  readonly #cache: ReducerCache;
  readonly #plain: FetchNeed[] = [];
  readonly #fields: { readonly kind: 'refetch' | 'order' | 'refill'; readonly field: CachedField }[] = [];

  constructor(cache: ReducerCache) {
    this.#cache = cache;
  }

  add(need: FetchNeed): void {
    this.#plain.push(need);
  }

  addField(kind: 'refetch' | 'order' | 'refill', field: CachedField): void {
    this.#fields.push({ kind, field });
  }

  /** A need of one field is also a need of fields that were filled from it. */
  repeat(from: CachedField, to: CachedField): void {
    for (const { kind, field } of [...this.#fields]) if (field === from) this.addField(kind, to);
  }

  list(): readonly FetchNeed[] {
    const reachable = this.#fields.filter(({ field }) => this.#cache.isReachable(field));
    const all: FetchNeed[] = [
      ...this.#plain,
      ...reachable.map(
        ({ kind, field: { parent, relation } }): FetchNeed => ({
          kind,
          field: {
            parent: parent && { table: parent.table, key: parent.key },
            relation: relation?.name ?? null,
          },
        }),
      ),
    ];
    return [...new Map(all.map((need) => [JSON.stringify(need), need])).values()];
  }
}
