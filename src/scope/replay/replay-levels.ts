import { compilePredicate } from '../../../shared/filter/predicate.js';
import type { Filter, RowPredicate } from '../../../shared/filter/types.js';
import type { Model, ModelColumn, ModelTable } from '../../../shared/model/types.js';
import type { Link } from '../../../shared/protocol/messages.js';
import { relationPaths, tablesOf } from '../../filter/paths.js';
import type { RelatedPlan } from '../../query/types.js';
import type { TransactionContext } from '../evaluate/transaction-context.js';
import type { ChangeSpec, RelatedSpec, ScopeChange } from '../messages/types.js';
import type { ScopeDelta } from '../views/scope.js';
import { soughtTables } from './replay-sought.js';

/** The scope itself, or one below it, as far as rights go. */
export interface ReplayLevel {
  /** Different for each level of a scope. */
  readonly name: string;
  readonly table: ModelTable;
  /** The read policy of the table, for the subscriber. */
  readonly rights: Filter;
  /** Decides the rights on an image; `null` where only Postgres can. */
  readonly predicate: RowPredicate | null;
  /** Tables that the rights read besides the row itself. */
  readonly rightsTables: ReadonlySet<string>;
  /** As of `soughtTables`. */
  readonly sought: ReadonlySet<string>;
  readonly hidden: ReadonlySet<ModelColumn>;
  /** The relations that each node carries, and the tables that they come from. */
  readonly related: readonly RelatedPlan[];
  readonly relatedTables: ReadonlySet<string>;
  readonly below: ReadonlyMap<string, ReplayLevel>;
}

/** One transaction of a replay, as history has it. */
export interface ReplayedStep {
  readonly context: TransactionContext;
  readonly delta: ScopeDelta;
}

/** `null` where the scope has no rights: its messages are for server code. */
export function replayLevels(model: Model, spec: ChangeSpec): ReplayLevel | null {
  return spec.rights ? levelOf(model, '', spec.table, spec, spec.rights) : null;
}

function levelOf(
  model: Model,
  name: string,
  table: ModelTable,
  {
    filter,
    hidden,
    related,
    graph,
  }: Pick<ChangeSpec | RelatedSpec, 'filter' | 'hidden' | 'related' | 'graph'>,
  rights: Filter,
): ReplayLevel {
  const relatedTables = new Set<string>();
  for (const plan of related) collectTables(plan, relatedTables);
  const below = graph.map((inner): [string, ReplayLevel] => {
    const target = model.table(inner.relation.target);
    const path = `${name}/${inner.responseKey}`;
    return [inner.responseKey, levelOf(model, path, target, inner, inner.rights ?? inner.filter)];
  });
  return {
    name,
    table,
    rights,
    predicate: compilePredicate(rights),
    rightsTables: tablesOf(rights),
    sought: soughtTables(filter, rights),
    hidden,
    related,
    relatedTables,
    below: new Map(below),
  };
}

function collectTables({ relation, via, plan }: RelatedPlan, into: Set<string>): void {
  into.add(relation.target);
  if (relation.through) into.add(relation.through.table);
  for (const filter of [via, plan.filter]) for (const table of tablesOf(filter)) into.add(table);
  for (const path of relationPaths(via)) into.add(path.at(-1)!.target);
  for (const inner of plan.related) collectTables(inner, into);
}

type Visit = (level: ReplayLevel, changes: readonly ScopeChange[], links: readonly Link[]) => void;

/** Visits the changes and links of each level that a delta has changes on. */
export function eachLevel(top: ReplayLevel, { changes, related }: ScopeDelta, visit: Visit): void {
  visit(top, changes, []);
  visitBelow(top, related, visit);
}

function visitBelow({ below }: ReplayLevel, related: ScopeDelta['related'], visit: Visit): void {
  for (const [name, message] of related) {
    const level = below.get(name)!;
    visit(level, message.changes, message.links);
    visitBelow(level, message.related, visit);
  }
}

/** The delta with each change replaced by `replace`; the same object if nothing was replaced. */
export function mapChanges(
  { below }: ReplayLevel,
  delta: ScopeDelta,
  replace: (change: ScopeChange) => ScopeChange,
): ScopeDelta {
  const changes = mapped(delta.changes, replace);
  const related = mapRelated(below, delta.related, replace);
  if (changes === delta.changes && related === delta.related) return delta;
  return { ...delta, changes, related };
}

function mapRelated(
  below: ReplayLevel['below'],
  related: ScopeDelta['related'],
  replace: (change: ScopeChange) => ScopeChange,
): ScopeDelta['related'] {
  let isNew = false;
  const entries = [...related].map(([name, message]) => {
    const changes = mapped(message.changes, replace);
    const deeper = mapRelated(below.get(name)!.below, message.related, replace);
    if (changes === message.changes && deeper === message.related) return [name, message] as const;
    isNew = true;
    return [name, { ...message, changes, related: deeper }] as const;
  });
  return isNew ? new Map(entries) : related;
}

function mapped(
  changes: readonly ScopeChange[],
  replace: (change: ScopeChange) => ScopeChange,
): readonly ScopeChange[] {
  const replaced = changes.map(replace);
  return replaced.every((change, at) => change === changes[at]) ? changes : replaced;
}
