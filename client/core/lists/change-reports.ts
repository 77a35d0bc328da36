import type { ModelTable } from '../../../shared/model/types.js';
import type { ListArgs } from '../cache.js';
import type { ReadMessage, ReadScope } from '../read-message.js';
import type { ReadRow } from '../read-row.js';
import type { ClientSchema } from '../schema.js';

/** A scope of a message, with the arguments that its stream was asked with. */
export interface ReportedScope extends ReadScope {
  readonly args: ListArgs;
  readonly related: readonly ReportedScope[];
}

export interface ReportedMessage extends ReadMessage {
  readonly root: ReportedScope;
}

/**
 * One transaction as a stream's message or a mutation's result reports it.
 *
 * It is a part of the transaction: rows outside of the scopes are not reported, and LEAVE without
 * DELETE only means that a row is no longer in that scope.
 */
export interface ChangeReport {
  /** Equal for messages of one transaction; `null`: not known. */
  readonly xid: string | null;
  /** The stream's position after it. */
  readonly cursor: string | null;
  /** The own mutation that did it, or `null`. */
  readonly mutationId: string | null;
  readonly messages: readonly ReportedMessage[];
  /**
   * Tables of which something changed that is not told: continuity was lost, or the document did
   * not ask for it.
   */
  readonly unknown: ReadonlySet<string>;
}

export const EMPTY_REPORT: ChangeReport = Object.freeze({
  xid: null,
  cursor: null,
  mutationId: null,
  messages: [],
  unknown: new Set<string>(),
});

/** Several messages of one transaction as one. */
export function mergeReports(told: readonly ChangeReport[]): ChangeReport {
  const [first, ...rest] = told;
  if (!first) return EMPTY_REPORT;
  if (rest.length === 0) return first;
  return {
    xid: first.xid,
    cursor: null,
    mutationId: told.find(({ mutationId }) => mutationId !== null)?.mutationId ?? null,
    messages: told.flatMap(({ messages }) => messages),
    unknown: new Set(told.flatMap(({ unknown }) => [...unknown])),
  };
}

/** In the order in which they came; what several streams say of one transaction together. */
export function groupReports(told: readonly ChangeReport[]): readonly ChangeReport[] {
  const groups = new Map<unknown, ChangeReport[]>();
  for (const each of told) {
    const name = each.xid ?? each;
    const group = groups.get(name);
    if (group) group.push(each);
    else groups.set(name, [each]);
  }
  return [...groups.values()].map(mergeReports);
}

/**
 * The same, said in the tables and relations of one reading of the manifest, whichever it was read
 * with.
 */
export function reportInSchema(schema: ClientSchema, told: ChangeReport): ChangeReport {
  const scopeIn = (scope: ReportedScope, parent: ModelTable | null): ReportedScope => {
    const table = schema.model.table(scope.table.name);
    const relation = scope.relation && parent ? (parent.findRelation(scope.relation.name) ?? null) : null;
    const rowIn = (node: ReadRow): ReadRow => ({ ...node, table });
    return {
      ...scope,
      table,
      relation,
      changes: scope.changes.map((change) => ({ ...change, node: change.node && rowIn(change.node) })),
      related: scope.related.map((inner) => scopeIn(inner, table)),
    };
  };
  const isIn = told.messages.every(({ root }) => schema.model.table(root.table.name) === root.table);
  if (isIn) return told;
  return { ...told, messages: told.messages.map((each) => ({ ...each, root: scopeIn(each.root, null) })) };
}
