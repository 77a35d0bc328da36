import { RivuletError } from '../../shared/errors.js';
import type { ModelRelation, ModelTable } from '../../shared/model/types.js';
import type { ChangeKind, ChangeOp, Link } from '../../shared/protocol/messages.js';
import type { ListArgs, RowFields } from './cache.js';
import { checkKey, type ReadRow, readImage, readRow } from './read-row.js';
import { isObject } from './row.js';
import type { ClientSchema } from './schema.js';
import { below, invalid, listAt, type MessagePlace, objectAt, oneOf, own } from './untrusted-input.js';

/** A message whose every part is what the manifest says it can be. */
export interface ReadMessage {
  readonly reset: string | null;
  readonly root: ReadScope;
}

export interface ReadScope {
  /** `null`: the scope of the stream itself. */
  readonly relation: ModelRelation | null;
  readonly table: ModelTable;
  readonly changes: readonly ReadChange[];
  /** `null` where links were not selected. */
  readonly links: readonly Link[] | null;
  readonly related: readonly ReadScope[];
  /** The arguments of the scope, if they are known. */
  readonly args?: ListArgs;
}

export interface ReadChange {
  readonly kind: ChangeKind;
  readonly op: ChangeOp | null;
  readonly key: string;
  /** `null` exactly on LEAVE. */
  readonly node: ReadRow | null;
  readonly previous: RowFields | null;
  /** Names of columns; `null`: not known. */
  readonly changed: ReadonlySet<string> | null;
}

const KINDS = ['ENTER', 'UPDATE', 'LEAVE'] as const;
const LINK_KINDS = ['ENTER', 'LEAVE'] as const;
const OPS = ['INSERT', 'UPDATE', 'DELETE'] as const;

/**
 * Reads what change streams sent: a message, the `data` that contains it, or a list of these. The
 * messages of one `data` belong to one transaction, and come back as one group.
 *
 * A message names its table by its `__typename`, by its `table` (messages of the server API), or by
 * the field of `data` that it is the value of. `table` is the table of messages that name none;
 * without it such a message is `TABLE_UNKNOWN`.
 *
 * The input is not trusted. Only what the manifest names is taken over, from own properties.
 * `MESSAGE_INVALID` is thrown on a message that names two tables, a row of another type or with
 * another id than its change, an id that cannot be one, and nesting past the manifest's depth.
 */
export function readMessages(
  schema: ClientSchema,
  input: unknown,
  table?: ModelTable,
): readonly (readonly ReadMessage[])[] {
  return (Array.isArray(input) ? input : [input]).map((part) => readOne(schema, part, table));
}

function readOne(
  schema: ClientSchema,
  input: unknown,
  table: ModelTable | undefined,
): readonly ReadMessage[] {
  // Each level of rows is two of the message's: the relation and the place in its list; the scopes
  // above it are two each.
  const at: MessagePlace = { path: 'message', depth: 0, maxDepth: 8 + 4 * schema.manifest.limits.maxDepth };
  const object = objectAt(input, at);
  // The one field of `data` may have the alias `changes`: then its value is a message, and not a
  // list.
  if (Object.hasOwn(object, 'changes') && !isObject(object.changes)) {
    return [readMessage(schema, object, tableOf(schema, object, table, at), at)];
  }
  return Object.keys(object)
    .filter((name) => name !== '__typename')
    .map((name) => {
      const inner = below(at, name);
      const message = objectAt(object[name], inner);
      // An alias may have the name of another table's stream: what the message itself says comes
      // first.
      const found = namedTable(schema, message, inner) ?? schema.byChangesField(name);
      if (!found) throw invalid(at, `${name.slice(0, 60)} is no change stream of this schema`);
      return readMessage(schema, message, found, inner);
    });
}

function tableOf(
  schema: ClientSchema,
  message: RowFields,
  fallback: ModelTable | undefined,
  at: MessagePlace,
): ModelTable {
  const found = namedTable(schema, message, at) ?? fallback;
  if (found) return found;
  throw new RivuletError(
    'TABLE_UNKNOWN',
    'The message names no table. Pass the `data` that it came in, or select `__typename` in the subscription.',
    { path: at.path },
  );
}

/** The table that a message names itself; `undefined` if it names none. */
function namedTable(schema: ClientSchema, message: RowFields, at: MessagePlace): ModelTable | undefined {
  const typeName = own(message, '__typename');
  const name = own(message, 'table');
  const byType = typeof typeName === 'string' ? tableOfMessageType(schema, typeName, at) : undefined;
  if (name === undefined || name === null) return byType;
  const byName = typeof name === 'string' ? schema.model.find(name) : undefined;
  if (!byName) throw invalid(below(at, 'table'), 'no table of this schema');
  if (byType && byType !== byName) throw invalid(at, 'a message that names two tables');
  return byName;
}

function tableOfMessageType(schema: ClientSchema, typeName: string, at: MessagePlace): ModelTable {
  const found = typeName.endsWith('Changes')
    ? schema.byTypeName(typeName.slice(0, -'Changes'.length))
    : undefined;
  if (!found) throw invalid(at, 'a message of a type that the schema does not have');
  return found;
}

function readMessage(
  schema: ClientSchema,
  message: RowFields,
  table: ModelTable,
  at: MessagePlace,
): ReadMessage {
  const reset = own(message, 'reset') ?? null;
  if (reset !== null && typeof reset !== 'string') throw invalid(below(at, 'reset'), 'no text');
  return { reset, root: readScope(schema, null, table, message, at) };
}

function readScope(
  schema: ClientSchema,
  relation: ModelRelation | null,
  table: ModelTable,
  scope: RowFields,
  at: MessagePlace,
): ReadScope {
  const changes = listAt(own(scope, 'changes'), below(at, 'changes')).map((change, index) =>
    readChange(schema, table, change, below(below(at, 'changes'), index)),
  );
  const links = own(scope, 'links');
  const related: ReadScope[] = [];
  const scopes = own(scope, 'related');
  if (scopes !== undefined && scopes !== null) {
    const inner = below(at, 'related');
    for (const [name, value] of Object.entries(objectAt(scopes, inner))) {
      if (name === '__typename') continue;
      const next = table.findRelation(name);
      if (!next) throw invalid(below(inner, name), `no relation of ${table.typeName}`);
      const target = schema.model.table(next.target);
      related.push(readScope(schema, next, target, objectAt(value, below(inner, name)), below(inner, name)));
    }
  }
  return {
    relation,
    table,
    changes,
    links:
      relation && Array.isArray(links)
        ? links.map((link, index) => readLink(schema, relation, link, below(below(at, 'links'), index)))
        : null,
    related,
  };
}

function readChange(schema: ClientSchema, table: ModelTable, input: unknown, at: MessagePlace): ReadChange {
  const change = objectAt(input, at);
  const kind = oneOf(KINDS, own(change, 'kind'), below(at, 'kind'));
  const op = own(change, 'op') ?? null;
  const key = checkKey(table, own(change, 'key'), below(at, 'key'));
  const node = own(change, 'node') ?? null;
  if ((node === null) !== (kind === 'LEAVE')) throw invalid(at, 'a row must be there, but on LEAVE');
  const previous = own(change, 'previous') ?? null;
  return {
    kind,
    op: op === null ? null : oneOf(OPS, op, below(at, 'op')),
    key,
    node: node === null ? null : readRow(schema, table, node, below(at, 'node'), key),
    previous: previous === null ? null : readImage(table, previous, below(at, 'previous')),
    changed: kind === 'UPDATE' ? changedColumns(table, own(change, 'changedColumns')) : null,
  };
}

/** A name that GraphQL had to change is not recognized here, and then nothing is known. */
function changedColumns(table: ModelTable, input: unknown): ReadonlySet<string> | null {
  if (!Array.isArray(input)) return null;
  const names = input.filter((name): name is string => typeof name === 'string' && !!table.findColumn(name));
  return names.length === input.length ? new Set(names) : null;
}

function readLink(schema: ClientSchema, relation: ModelRelation, input: unknown, at: MessagePlace): Link {
  const link = objectAt(input, at);
  const { source, target } = relation;
  return {
    kind: oneOf(LINK_KINDS, own(link, 'kind'), below(at, 'kind')),
    parent: checkKey(schema.model.table(source), own(link, 'parent'), below(at, 'parent')),
    child: checkKey(schema.model.table(target), own(link, 'child'), below(at, 'child')),
  };
}
