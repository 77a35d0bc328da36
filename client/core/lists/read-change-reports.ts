import type { DocumentNode, FieldNode } from 'graphql';
import type { ModelRelation, ModelTable } from '../../../shared/model/types.js';
import type { ChangeKind, ChangeOp, Link } from '../../../shared/protocol/messages.js';
import type { ListArgs, RowFields } from '../cache.js';
import {
  type DocumentOperation,
  type DocumentVariables,
  readOperation,
  selectionsOf,
} from '../live/document.js';
import { listArgs } from '../live/row-reading.js';
import type { ReadChange } from '../read-message.js';
import { checkKey, readImage, readRow } from '../read-row.js';
import { isObject } from '../row.js';
import type { ClientSchema } from '../schema.js';
import { below, listAt, type MessagePlace, objectAt, oneOf } from '../untrusted-input.js';
import {
  type ChangeReport,
  EMPTY_REPORT,
  type ReportedMessage,
  type ReportedScope,
} from './change-reports.js';

const KINDS = ['ENTER', 'UPDATE', 'LEAVE'] as const;
const LINK_KINDS = ['ENTER', 'LEAVE'] as const;
const OPS = ['INSERT', 'UPDATE', 'DELETE'] as const;

/** One change-stream document, read once and used for each of its messages. */
export interface StreamReader {
  /** Tables in its scopes, whatever their depth. */
  readonly tables: ReadonlySet<string>;
  /** Throws `MESSAGE_INVALID` on what no server of this schema sends. */
  read(data: unknown): ChangeReport;
}

/**
 * Reads what a subscription brings, under whatever names its document asked for it. `undefined` for
 * a document without change streams.
 *
 * What the document did not ask for is not guessed: without `kind` and `key` the table counts as
 * changed in an unknown way, without `op` no row counts as new or deleted, and what stands inside
 * of a `node` besides its columns is left to the cache.
 */
export function streamReader(
  schema: ClientSchema,
  document: DocumentNode,
  variables: DocumentVariables,
): StreamReader | undefined {
  const operation = readOperation(document, variables, 'subscription');
  if (!operation) return undefined;
  const roots: { readonly responseKey: string; readonly plan: ScopePlan }[] = [];
  for (const [responseKey, nodes] of operation.fields('Subscription', [operation.node.selectionSet])) {
    const table = schema.byChangesField(nodes[0]!.name.value);
    if (!table) continue;
    const args = listArgs(operation.arguments(nodes[0]!));
    roots.push({
      responseKey,
      plan: planScope(schema, operation, `${table.typeName}Changes`, table, null, args, nodes),
    });
  }
  if (roots.length === 0) return undefined;
  const tables = new Set(roots.flatMap(({ plan }) => tablesOf(plan)));
  return { tables, read: (data) => readData(schema, roots, data) };
}

/** The selection of one scope, by response key. */
interface ScopePlan {
  readonly table: ModelTable;
  readonly relation: ModelRelation | null;
  readonly args: ListArgs;
  readonly changes: readonly { readonly responseKey: string; readonly names: ChangeNames }[];
  readonly links: readonly { readonly responseKey: string; readonly names: Names }[];
  readonly related: readonly {
    readonly responseKey: string;
    readonly scopes: readonly { readonly responseKey: string; readonly plan: ScopePlan }[];
  }[];
  /** `cursor`, `reset` and `transaction`. */
  readonly own: Names;
  readonly transaction: Names;
}

/** Field → response key. */
type Names = ReadonlyMap<string, string>;

interface ChangeNames {
  readonly own: Names;
  readonly node: Names;
  readonly previous: Names;
}

function planScope(
  schema: ClientSchema,
  operation: DocumentOperation,
  type: string,
  table: ModelTable,
  relation: ModelRelation | null,
  args: ListArgs,
  nodes: readonly FieldNode[],
): ScopePlan {
  const fields = [...operation.fields(type, selectionsOf(nodes))];
  const named = (name: string) => fields.filter(([, found]) => found[0]!.name.value === name);
  const transaction = named('transaction').at(-1)?.[1] ?? [];
  return {
    table,
    relation,
    args,
    changes: named('changes').map(([responseKey, found]) => ({
      responseKey,
      names: changeNames(operation, table, found),
    })),
    links: named('links').map(([responseKey, found]) => ({
      responseKey,
      names: namesOf(operation, 'Link', found),
    })),
    related: named('related').map(([responseKey, found]) => ({
      responseKey,
      scopes: [...operation.fields(`${table.typeName}Related`, selectionsOf(found))].flatMap(
        ([key, inner]) => {
          const next = table.findRelation(inner[0]!.name.value);
          if (!next) return [];
          const target = schema.model.table(next.target);
          const innerArgs = listArgs(operation.arguments(inner[0]!));
          const innerType = `${target.typeName}Scope`;
          return [
            {
              responseKey: key,
              plan: planScope(schema, operation, innerType, target, next, innerArgs, inner),
            },
          ];
        },
      ),
    })),
    own: new Map(fields.map(([responseKey, found]) => [found[0]!.name.value, responseKey])),
    transaction: namesOf(operation, 'ChangeTransaction', transaction),
  };
}

function changeNames(
  operation: DocumentOperation,
  table: ModelTable,
  nodes: readonly FieldNode[],
): ChangeNames {
  const fields = [...operation.fields(`${table.typeName}Change`, selectionsOf(nodes)).values()].flat();
  const below = (name: string) => fields.filter((each) => each.name.value === name);
  return {
    own: namesOf(operation, `${table.typeName}Change`, nodes),
    node: columnNames(operation, table, below('node')),
    previous: namesOf(operation, `${table.typeName}Image`, below('previous')),
  };
}

function namesOf(operation: DocumentOperation, type: string, nodes: readonly FieldNode[]): Names {
  const found = operation.fields(type, selectionsOf(nodes));
  return new Map([...found].map(([responseKey, fields]) => [fields[0]!.name.value, responseKey]));
}

/** The columns and the id that are selected below some nodes of one row, by response key. */
export function columnNames(
  operation: DocumentOperation,
  table: ModelTable,
  nodes: readonly FieldNode[],
): Names {
  const names = namesOf(operation, table.typeName, nodes);
  return new Map([...names].filter(([name]) => name === 'id' || table.findColumn(name) !== undefined));
}

function tablesOf({ table, related }: ScopePlan): readonly string[] {
  return [
    table.name,
    ...related.flatMap(({ scopes }) => scopes.flatMap(({ plan: inner }) => tablesOf(inner))),
  ];
}

interface ReportReading {
  readonly schema: ClientSchema;
  readonly unknown: Set<string>;
}

function readData(
  schema: ClientSchema,
  roots: readonly { readonly responseKey: string; readonly plan: ScopePlan }[],
  data: unknown,
): ChangeReport {
  const at: MessagePlace = { path: 'message', depth: 0, maxDepth: 8 + 4 * schema.manifest.limits.maxDepth };
  const object = objectAt(data, at);
  const reading: ReportReading = { schema, unknown: new Set() };
  const messages: ReportedMessage[] = [];
  let xid: string | null = null;
  let cursor: string | null = null;
  let mutationId: string | null = null;
  for (const { responseKey, plan } of roots) {
    const message = object[responseKey];
    if (message === null || message === undefined) continue;
    const inner = below(at, responseKey);
    const fields = objectAt(message, inner);
    const reset = named(fields, plan.own, 'reset');
    if (typeof reset === 'string') for (const table of tablesOf(plan)) reading.unknown.add(table);
    cursor = textOrNull(named(fields, plan.own, 'cursor'));
    const transaction = named(fields, plan.own, 'transaction');
    if (isObject(transaction)) {
      xid = textOrNull(named(transaction, plan.transaction, 'xid'));
      mutationId = textOrNull(named(transaction, plan.transaction, 'mutationId'));
    }
    if (plan.changes.length === 0) reading.unknown.add(plan.table.name);
    messages.push({ reset: textOrNull(reset), root: readScope(reading, plan, fields, inner) });
  }
  if (messages.length === 0) return EMPTY_REPORT;
  return { xid, cursor, mutationId, messages, unknown: reading.unknown };
}

function readScope(
  reading: ReportReading,
  plan: ScopePlan,
  scope: RowFields,
  at: MessagePlace,
): ReportedScope {
  const changes = plan.changes.flatMap(({ responseKey, names }) => {
    const inner = below(at, responseKey);
    const found = listAt(scope[responseKey], inner);
    const isReadable = names.own.has('kind') && names.own.has('key');
    if (found.length > 0 && !isReadable) reading.unknown.add(plan.table.name);
    return isReadable
      ? found.map((each, index) => readChange(reading.schema, plan.table, names, each, below(inner, index)))
      : [];
  });
  const links = plan.links.flatMap(({ responseKey, names }) => {
    const inner = below(at, responseKey);
    const found = listAt(scope[responseKey], inner);
    const isReadable = names.has('kind') && names.has('parent') && names.has('child');
    if (found.length > 0 && !isReadable) reading.unknown.add(plan.table.name);
    return isReadable
      ? found.map((each, index) => readLink(reading.schema, plan.relation!, names, each, below(inner, index)))
      : [];
  });
  const related = plan.related.flatMap(({ responseKey, scopes }) => {
    const inner = below(at, responseKey);
    const object = objectAt(scope[responseKey], inner);
    return scopes.map(({ responseKey: key, plan: next }) =>
      readScope(reading, next, objectAt(object[key], below(inner, key)), below(inner, key)),
    );
  });
  return {
    table: plan.table,
    relation: plan.relation,
    args: plan.args,
    changes,
    links: plan.links.length > 0 ? links : null,
    related,
  };
}

function readChange(
  schema: ClientSchema,
  table: ModelTable,
  names: ChangeNames,
  input: unknown,
  at: MessagePlace,
): ReadChange {
  const change = objectAt(input, at);
  const kind: ChangeKind = oneOf(KINDS, named(change, names.own, 'kind'), below(at, 'kind'));
  const key = checkKey(table, named(change, names.own, 'key'), below(at, 'key'));
  const node = named(change, names.own, 'node');
  const previous = named(change, names.own, 'previous');
  const changed = named(change, names.own, 'changedColumns');
  return {
    kind,
    op: readOp(kind, names.own.has('op'), named(change, names.own, 'op'), at),
    key,
    node: isObject(node) ? readRow(schema, table, renamed(node, names.node), below(at, 'node'), key) : null,
    previous: isObject(previous)
      ? readImage(table, renamed(previous, names.previous), below(at, 'previous'))
      : null,
    changed: kind === 'UPDATE' && Array.isArray(changed) ? new Set(changed.map(String)) : null,
  };
}

/** Not asked for: the row may have changed. */
function readOp(kind: ChangeKind, isSelected: boolean, op: unknown, at: MessagePlace): ChangeOp | null {
  if (!isSelected) return kind === 'LEAVE' ? null : 'UPDATE';
  return op === null || op === undefined ? null : oneOf(OPS, op, below(at, 'op'));
}

function readLink(
  schema: ClientSchema,
  relation: ModelRelation,
  names: Names,
  input: unknown,
  at: MessagePlace,
): Link {
  const link = objectAt(input, at);
  return {
    kind: oneOf(LINK_KINDS, named(link, names, 'kind'), below(at, 'kind')),
    parent: checkKey(schema.model.table(relation.source), named(link, names, 'parent'), below(at, 'parent')),
    child: checkKey(schema.model.table(relation.target), named(link, names, 'child'), below(at, 'child')),
  };
}

function named(object: RowFields, names: Names, name: string): unknown {
  const responseKey = names.get(name);
  return responseKey !== undefined && Object.hasOwn(object, responseKey) ? object[responseKey] : undefined;
}

/** The same values under the fields' own names. */
export function renamed(object: RowFields, names: Names): RowFields {
  const row: Record<string, unknown> = {};
  for (const [name, responseKey] of names) {
    if (Object.hasOwn(object, responseKey)) row[name] = object[responseKey];
  }
  return row;
}

function textOrNull(value: unknown): string | null {
  return typeof value === 'string' ? value : null;
}
