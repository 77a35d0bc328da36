import type { ModelRelation, ModelTable } from '../../shared/model/types.js';
import type { ChangeKind } from '../../shared/protocol/messages.js';
import type { EntityReference, ListArgs, RowFields } from './cache.js';
import type { ReadChange, ReadMessage, ReadScope } from './read-message.js';
import type { ReadRow } from './read-row.js';

/** The facts of a message about one row, from all of its scopes. */
export interface RowFact extends EntityReference {
  readonly model: ModelTable;
  /** Deleted, or not to be seen any more by this reader. */
  gone: boolean;
  /** New in the database: nothing could point at it before this message. */
  inserted: boolean;
  /** The change of the row itself; `null` where it was only sent along inside of another row. */
  kind: ChangeKind | null;
  /** Columns now. */
  fields: RowFields;
  /** Columns before, as far as they were sent. */
  previous: RowFields | null;
  /** Names of the columns that differ; `null`: not known. */
  changed: ReadonlySet<string> | null;
  /** Relations as they were sent inside of the row, by name: the keys. */
  readonly related: Map<string, readonly string[]>;
}

/** Pairs of rows whose relation began or ended, in one related scope. */
export interface LinkFacts {
  readonly relation: ModelRelation;
  /** The table of the stream, and the names of relations from there to this scope. */
  readonly root: ModelTable;
  readonly path: readonly string[];
  /** The arguments of the scope, if they are known. */
  readonly args?: ListArgs | undefined;
  /** By parent: the children. */
  readonly enter: ReadonlyMap<string, ReadonlySet<string>>;
  readonly leave: ReadonlyMap<string, ReadonlySet<string>>;
  /** Parents that came into their scope with this message: `enter` has all of their pairs. */
  readonly newParents: ReadonlySet<string>;
}

/** The facts of a stream's own scope about a row. */
export interface RootFact {
  readonly table: string;
  readonly kind: ChangeKind;
  readonly key: string;
}

export interface MessageFacts {
  readonly rows: ReadonlyMap<string, RowFact>;
  /** In the order of the message. */
  readonly root: readonly RootFact[];
  readonly links: readonly LinkFacts[];
}

/** One text for a row of any table. */
export function entityId(table: string, key: string): string {
  return `${table}\0${key}`;
}

/**
 * Gathers what the messages of one transaction say, by row and by relation. `hides` tells whether a
 * row that left a stream's own scope without having been deleted is gone for this reader
 * altogether.
 */
export function gatherFacts(
  messages: readonly ReadMessage[],
  hides: (message: ReadMessage) => boolean,
): MessageFacts {
  const rows = new Map<string, RowFact>();
  const links: LinkFacts[] = [];
  for (const message of messages) {
    gatherScope({ message, hides: hides(message), rows, links }, message.root, [], NOBODY);
  }
  for (const fact of rows.values()) {
    // A row that left one scope and is in another is there.
    if (fact.kind === 'LEAVE' && Object.keys(fact.fields).length > 0) fact.kind = 'UPDATE';
  }
  const root = messages.flatMap(({ root: { table, changes } }) =>
    changes.map(({ kind, key }): RootFact => ({ table: table.name, kind, key })),
  );
  return { rows, root, links };
}

const NOBODY = { entering: new Set<string>(), leaving: new Set<string>() } as const;

interface FactGathering {
  readonly message: ReadMessage;
  readonly hides: boolean;
  readonly rows: Map<string, RowFact>;
  readonly links: LinkFacts[];
}

function gatherScope(
  gathering: FactGathering,
  scope: ReadScope,
  path: readonly string[],
  parents: { readonly entering: ReadonlySet<string>; readonly leaving: ReadonlySet<string> },
): void {
  const hides = gathering.hides && path.length === 0;
  for (const change of scope.changes) gatherChange(scope, change, hides, gathering.rows);
  if (scope.relation && scope.links) {
    const enter = new Map<string, Set<string>>();
    const leave = new Map<string, Set<string>>();
    for (const { kind, parent, child } of scope.links) {
      // A pair that ends with a leaving row is no news about the pair.
      if (kind === 'LEAVE' && parents.leaving.has(parent)) continue;
      add(kind === 'ENTER' ? enter : leave, parent, child);
    }
    const root = gathering.message.root.table;
    gathering.links.push({
      relation: scope.relation,
      root,
      path,
      args: scope.args,
      enter,
      leave,
      newParents: parents.entering,
    });
  }
  const keysOf = (wanted: ChangeKind) =>
    new Set(scope.changes.filter(({ kind }) => kind === wanted).map(({ key }) => key));
  const keys = { entering: keysOf('ENTER'), leaving: keysOf('LEAVE') };
  for (const inner of scope.related) {
    gatherScope(gathering, inner, [...path, inner.relation!.name], keys);
  }
}

function gatherChange(
  scope: ReadScope,
  change: ReadChange,
  hides: boolean,
  rows: Map<string, RowFact>,
): void {
  const fact = factOf(rows, scope.table, change.key);
  if (change.node) gatherRow(change.node, rows);
  if (change.kind !== 'LEAVE' || fact.kind === null) fact.kind = change.kind;
  if (change.op === 'INSERT' && change.kind === 'ENTER') fact.inserted = true;
  if (change.kind === 'LEAVE' && (change.op === 'DELETE' || hides)) fact.gone = true;
  if (change.previous) fact.previous = { ...fact.previous, ...change.previous };
  if (change.changed) fact.changed = change.changed;
}

/**
 * Rows inside of rows are not on the way: what they hold is true now, whatever brought them here.
 */
function gatherRow(row: ReadRow, rows: Map<string, RowFact>): void {
  const fact = factOf(rows, row.table, row.key);
  fact.fields = { ...fact.fields, ...row.fields };
  for (const [name, inner] of row.related) {
    fact.related.set(
      name,
      inner.map(({ key }) => key),
    );
    for (const each of inner) gatherRow(each, rows);
  }
}

function factOf(rows: Map<string, RowFact>, table: ModelTable, key: string): RowFact {
  const id = entityId(table.name, key);
  const known = rows.get(id);
  if (known) return known;
  const fact: RowFact = {
    table: table.name,
    key,
    model: table,
    gone: false,
    inserted: false,
    kind: null,
    fields: {},
    previous: null,
    changed: null,
    related: new Map(),
  };
  rows.set(id, fact);
  return fact;
}

function add(sets: Map<string, Set<string>>, name: string, item: string): void {
  const set = sets.get(name);
  if (set) set.add(item);
  else sets.set(name, new Set([item]));
}
