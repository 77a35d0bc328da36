import { compilePredicate } from '../../shared/filter/predicate.js';
import type { Filter } from '../../shared/filter/types.js';
import type { Model, ModelColumn, ModelTable } from '../../shared/model/types.js';
import { parseKey } from '../../shared/value/key.js';
import type { Database } from '../database/types.js';
import { filterToSql } from '../filter/sql.js';
import { keyPredicate } from '../query/key.js';
import { runExpressions } from '../query/select.js';
import type { RelatedPlan } from '../query/types.js';
import type { ListedScope, RelatedSpec } from '../scope/messages/types.js';
import { StatementParams } from '../sql/statement.js';
import { filterData } from './filter-data.js';
import type { StreamTarget } from './stream-target.js';
import type { SubscriptionInfo, SubscriptionRelations } from './types.js';

/**
 * Subscriptions to a table, directly or through a relation; for a label, those that receive no
 * other updates than it.
 */
export function scopesConcerning(
  listed: readonly ListedScope[],
  target: StreamTarget,
): readonly ListedScope[] {
  return listed.filter((each) => {
    if (!tablesOf(each).has(target.table.name)) return false;
    if (target.columns === null) return true;
    if (each.kind !== 'changes' || each.spec.table !== target.table) return false;
    const { columns } = each.spec;
    return columns !== null && [...columns].every((column) => target.columns!.includes(column));
  });
}

/** Subscriptions that contain a row, or would report it as it is in the database. */
export async function scopesContaining(
  database: Database,
  model: Model,
  listed: readonly ListedScope[],
  table: ModelTable,
  key: string,
): Promise<readonly ListedScope[]> {
  const answers = listed.map((each) => each.holds(table.name, key) ?? byKeyAlone(each, table, key));
  const asked = listed.filter((_, at) => answers[at] === null);
  if (asked.length > 0) {
    const params = new StatementParams();
    const sql = asked.map((each) => {
      const filter: Filter = { kind: 'and', filters: [keyPredicate(table, key), filterOf(each)] };
      return `exists (select 1 from ${params.from(table, 't0')} where ${filterToSql(model, filter, 't0', params)})`;
    });
    const { values } = await runExpressions(database, sql, params);
    for (const [at, each] of asked.entries()) answers[listed.indexOf(each)] = values[at] === 'true';
  }
  return listed.filter((_, at) => answers[at] === true);
}

export function describeSubscription(listed: ListedScope): SubscriptionInfo {
  const { kind, subscribers, state } = listed;
  const common = { table: tableOf(listed).name, where: filterData(filterOf(listed)), subscribers, state };
  if (kind === 'query')
    return { kind, ...common, ops: null, columns: null, with: ofPlans(listed.plan.related) };
  const { ops, columns, graph } = listed.spec;
  return {
    kind,
    ...common,
    ops: ops && [...ops],
    columns: columns && [...columns].map(({ name }) => name),
    with: ofGraph(graph),
  };
}

/** `null` where the row's other columns have a say too. */
function byKeyAlone(listed: ListedScope, table: ModelTable, key: string): boolean | null {
  if (tableOf(listed) !== table) return false;
  const filter = filterOf(listed);
  const predicate = looksOnlyAt(filter, table.key) ? compilePredicate(filter) : null;
  if (!predicate) return null;
  const cells: (string | null)[] = table.columns.map(() => null);
  for (const [at, part] of parseKey(table, key).entries()) cells[table.key[at]!.index] = part;
  return predicate(cells) === true;
}

function looksOnlyAt(filter: Filter, columns: readonly ModelColumn[]): boolean {
  switch (filter.kind) {
    case 'const':
      return true;
    case 'and':
    case 'or':
      return filter.filters.every((part) => looksOnlyAt(part, columns));
    case 'not':
      return looksOnlyAt(filter.filter, columns);
    case 'related':
      return false;
    default:
      return columns.includes(filter.column);
  }
}

function tableOf(listed: ListedScope): ModelTable {
  return listed.kind === 'changes' ? listed.spec.table : listed.plan.table;
}

function filterOf(listed: ListedScope): Filter {
  return listed.kind === 'changes' ? listed.spec.filter : listed.plan.filter;
}

function tablesOf(listed: ListedScope): ReadonlySet<string> {
  const found = new Set([tableOf(listed).name]);
  const addGraph = (graph: readonly RelatedSpec[]): void => {
    for (const { relation, graph: below } of graph) {
      found.add(relation.target);
      addGraph(below);
    }
  };
  const addPlans = (plans: readonly RelatedPlan[]): void => {
    for (const { plan } of plans) {
      found.add(plan.table.name);
      addPlans(plan.related);
    }
  };
  if (listed.kind === 'changes') addGraph(listed.spec.graph);
  else addPlans(listed.plan.related);
  return found;
}

function ofGraph(graph: readonly RelatedSpec[]): SubscriptionRelations {
  return Object.fromEntries(graph.map((each) => [each.responseKey, ofGraph(each.graph)]));
}

function ofPlans(plans: readonly RelatedPlan[]): SubscriptionRelations {
  return Object.fromEntries(plans.map(({ responseKey, plan }) => [responseKey, ofPlans(plan.related)]));
}
