import type { ReductionContext } from './reduction-context.js';

/** The links of the server's message. */
export function planLinks(reduction: ReductionContext): void {
  const { facts, fields, plans, rows } = reduction;
  for (const links of facts.links) {
    const where = reduction.whereOf(links);
    for (const field of fields.of(links.relation)) {
      if (fields.rule(field).condition.key !== where) continue;
      const parent = field.parent!.key;
      for (const key of links.leave.get(parent) ?? []) {
        // A row that leaves from before a window moves it.
        if (fields.rule(field).offset > 0 && !reduction.holds(field, key)) plans.of(field).refetch = true;
        plans.planMember(field, key, false);
      }
      for (const key of links.enter.get(parent) ?? []) {
        const fact = rows.fact({ table: field.table, key });
        if (fact?.gone) continue;
        if (rows.exists(field.table, key)) plans.planMember(field, key, true);
        else plans.of(field).refetch = true;
      }
    }
  }
}
