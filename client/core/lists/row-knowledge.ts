import { parseFilter } from '../../../shared/filter/parse.js';
import type { ChangeOp } from '../../../shared/protocol/messages.js';
import { isEqual } from '../equal.js';
import { entityId, type MessageFacts, type RowFact } from '../message-facts.js';
import type { RowCondition } from '../row-condition.js';
import { conditionOf } from '../row-condition.js';
import type { ClientSchema } from '../schema.js';
import type { ChangeReport, ReportedMessage, ReportedScope } from './change-reports.js';
import type { StoreCache } from './store-cache.js';

/** The facts of a message about a row besides its columns. */
export interface RowKnowledge {
  /** The database's operation; `null` if the row itself did not change. */
  op: ChangeOp | null;
  /** Columns that an UPDATE named. */
  updated: ReadonlySet<string> | null;
  /** It is in the sets of rows with these filters now, */
  readonly within: RowCondition[];
  /** and not any more in these. */
  readonly left: RowCondition[];
  /** It stopped being below a row that is still there, by a column of its own. */
  moved: boolean;
}

/** By row. */
export type RowKnowledgeMap = ReadonlyMap<string, RowKnowledge>;

export function gatherKnowledge(schema: ClientSchema, { messages }: ChangeReport): RowKnowledgeMap {
  const known = new Map<string, RowKnowledge>();
  const of = (table: string, key: string): RowKnowledge => {
    const id = entityId(table, key);
    const found = known.get(id) ?? { op: null, updated: null, within: [], left: [], moved: false };
    known.set(id, found);
    return found;
  };
  const visit = (scope: ReportedScope, isRoot: boolean): void => {
    const condition = isRoot ? whereOf(schema, scope) : undefined;
    for (const { kind, op, key, changed } of scope.changes) {
      const knowledge = of(scope.table.name, key);
      knowledge.op = op ?? knowledge.op;
      if (changed) knowledge.updated = changed;
      if (condition && kind === 'LEAVE') knowledge.left.push(condition);
      else if (condition) knowledge.within.push(condition);
    }
    for (const inner of scope.related) {
      const stays = (key: string) => !scope.changes.some((each) => each.kind === 'LEAVE' && each.key === key);
      const isOwn = inner.relation && !inner.relation.through && !pointsAtKey(inner);
      for (const { kind, parent, child } of inner.links ?? []) {
        if (isOwn && kind === 'LEAVE' && stays(parent)) of(inner.table.name, child).moved = true;
      }
      visit(inner, false);
    }
  };
  for (const { root } of messages) visit(root, true);
  return known;
}

/**
 * A stream without a filter tells of everything that may be read: who leaves it without being
 * deleted is hidden.
 */
export function hidesLeavingRows(schema: ClientSchema, message: ReportedMessage): boolean {
  return whereOf(schema, message.root).always;
}

function whereOf(schema: ClientSchema, { table, args }: ReportedScope): RowCondition {
  return conditionOf(table, parseFilter(schema.model, table, args.where ?? {}, { encode: schema.encode }));
}

function pointsAtKey({ relation, table }: ReportedScope): boolean {
  return relation !== null && table.key.every((column) => relation.to.includes(column));
}

/**
 * Makes facts say what is certain for a cache: a row of which an UPDATE is told is as it was, but
 * for the columns that it names and those of which the cache had old values. Of a row that entered
 * and did not change itself nothing is: that the cache knows it may be the doing of an answer that
 * is newer than its lists.
 */
export function refineFacts(facts: MessageFacts, known: RowKnowledgeMap, cache: StoreCache): void {
  for (const fact of facts.rows.values()) {
    if (fact.gone || fact.kind === null || fact.kind === 'LEAVE') continue;
    const knowledge = known.get(entityId(fact.table, fact.key));
    if (!knowledge?.updated) continue;
    const stored = cache.stored(fact);
    fact.kind = 'UPDATE';
    fact.changed = new Set([...knowledge.updated, ...(stored ? differingColumns(fact, stored) : [])]);
  }
}

function differingColumns({ fields }: RowFact, stored: Readonly<Record<string, unknown>>): readonly string[] {
  return Object.keys(fields).filter(
    (name) => Object.hasOwn(stored, name) && !isEqual(stored[name], fields[name]),
  );
}
