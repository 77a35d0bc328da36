import type { ModelRelation } from '../../../shared/model/types.js';
import { readList } from '../list-rule.js';
import type { LinkFacts } from '../message-facts.js';
import { all, type ReductionContext } from '../reduction-context.js';
import { implies } from './filter-implication.js';

/**
 * Plans the fields that links of streams concern. A pair that began or ended concerns the fields of
 * that relation below the parent, whatever their filter, and those of the relation that leads back
 * through the same junction.
 */
export function planPairs(reduction: ReductionContext, links: readonly LinkFacts[]): void {
  for (const each of links) {
    const back = inverseOf(reduction, each.relation);
    for (const [parent, children] of each.enter) {
      for (const child of children) {
        planBegunPair(reduction, each, parent, child);
        if (back) planInverse(reduction, back, child, parent, true);
      }
    }
    for (const [parent, children] of each.leave) {
      for (const child of children) {
        planEndedPair(reduction, each, parent, child);
        if (back) planInverse(reduction, back, child, parent, isPlain(reduction, each) ? false : undefined);
      }
    }
  }
}

function fieldsOfParent({ fields }: ReductionContext, relation: ModelRelation, parent: string) {
  return fields.of(relation).filter((field) => field.parent!.key === parent);
}

function conditionOf({ schema }: ReductionContext, { relation, args }: LinkFacts) {
  return readList(schema, schema.model.table(relation.target), args ?? {}).condition;
}

/**
 * True if the pair ended only because the rows are no longer related, and not because of a filter.
 */
function isPlain(reduction: ReductionContext, links: LinkFacts): boolean {
  const { source, target } = reduction.schema.conditions(links.relation);
  return conditionOf(reduction, links).always && source.always && target.always;
}

function planBegunPair(reduction: ReductionContext, links: LinkFacts, parent: string, child: string): void {
  const { fields, plans, rows } = reduction;
  const told = conditionOf(reduction, links);
  for (const field of fieldsOfParent(reduction, links.relation, parent)) {
    const fact = rows.fact({ table: field.table, key: child });
    if (fact?.gone) continue;
    const { condition } = fields.rule(field);
    const holds = implies(told, condition) || condition.evaluate(rows.view(field.table, child));
    if (holds !== false && !rows.exists(field.table, child)) plans.of(field).refetch = true;
    else plans.planMember(field, child, holds);
  }
}

function planEndedPair(reduction: ReductionContext, links: LinkFacts, parent: string, child: string): void {
  const { fields, plans } = reduction;
  const told = conditionOf(reduction, links);
  for (const field of fieldsOfParent(reduction, links.relation, parent)) {
    const { condition, offset } = fields.rule(field);
    if (offset > 0 && !reduction.holds(field, child)) plans.of(field).refetch = true;
    else if (implies(condition, told)) plans.planMember(field, child, false);
    else if (reduction.holds(field, child)) plans.of(field).refetch = true;
  }
}

/** The relation that leads back from the far end through the same junction. */
function inverseOf({ schema }: ReductionContext, relation: ModelRelation): ModelRelation | undefined {
  const { through } = relation;
  if (!through) return undefined;
  const isSame = (left: readonly unknown[], right: readonly unknown[]) =>
    left.length === right.length && left.every((each, at) => each === right[at]);
  return schema
    .into(schema.model.table(relation.source))
    .find(
      (other) =>
        other.source === relation.target &&
        other.through?.table === through.table &&
        isSame(other.through.from, through.to) &&
        isSame(other.through.to, through.from) &&
        isSame(other.from, relation.to) &&
        isSame(other.to, relation.from),
    );
}

function planInverse(
  reduction: ReductionContext,
  relation: ModelRelation,
  parent: string,
  child: string,
  isPair: boolean | undefined,
): void {
  const { plans, rows } = reduction;
  for (const field of fieldsOfParent(reduction, relation, parent)) {
    const shifts = reduction.fields.rule(field).offset > 0 && !reduction.holds(field, child);
    const view = rows.view(field.table, child);
    const holds = all([isPair, reduction.conditionsHold(field, reduction.parentView(field), view)]);
    if (shifts || (holds !== false && !rows.exists(field.table, child))) plans.of(field).refetch = true;
    else if (holds !== undefined || isPair || reduction.holds(field, child))
      plans.planMember(field, child, holds);
  }
}
