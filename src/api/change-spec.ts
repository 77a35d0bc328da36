import { RivuletError } from '../../shared/errors.js';
import { and, EVERYTHING, normalize } from '../../shared/filter/normalize.js';
import { parseOrder } from '../../shared/filter/order.js';
import { parseFilter, relationFilter, relationSourceFilter } from '../../shared/filter/parse.js';
import type { Filter } from '../../shared/filter/types.js';
import type { Model, ModelColumn, ModelTable } from '../../shared/model/types.js';
import type { ChangeOp } from '../../shared/protocol/messages.js';
import { ownColumns } from '../filter/paths.js';
import { assertReadable, junctionFilter } from '../policy/guard-filter.js';
import type { AccessRights } from '../policy/types.js';
import type { FilterTrials } from '../query/filter-trials.js';
import { keysPredicate } from '../query/key.js';
import type { RelatedPlan } from '../query/types.js';
import type { ChangeSpec, RelatedSpec } from '../scope/messages/types.js';
import { fromDrizzleValue } from '../value/codec.js';
import { invalidOption, unknownOption } from './errors.js';
import { type FollowedRelation, parseWith } from './parse-with.js';
import { keyOfReference } from './row-key.js';
import type { StreamTarget } from './stream-target.js';
import type { LabelOptions } from './types.js';

/** The viewer of a stream. `rights` are those of its `as`; `null` reads everything. */
export interface StreamViewer {
  readonly model: Model;
  readonly rights: AccessRights | null;
  /** Collects what only PostgreSQL can say of the filters. */
  readonly trials?: FilterTrials;
}

const OPS: readonly ChangeOp[] = ['INSERT', 'UPDATE', 'DELETE'];

/**
 * The spec of a stream with these options. Throws the errors that `RivuletApi.changes` documents.
 */
export function changeSpec(viewer: StreamViewer, target: StreamTarget, options: LabelOptions): ChangeSpec {
  const { table, columns } = target;
  const { model, rights } = viewer;
  if (rights && !rights.isExposed(table)) {
    const known = model.tables.filter((each) => rights.isExposed(each)).map(({ name }) => name);
    throw unknownOption('CHANGES_UNKNOWN_TABLE', `${table.name} has no policy`, known, { table: table.name });
  }
  const follows = parseWith(model, rights, table, options.with);
  const rows = rowsFilter(table, options.rows);
  const filter = normalize(and(rows ?? EVERYTHING, readable(viewer, table, options.where, 'where')));
  assertLogged(target, filter);
  return {
    table,
    filter,
    rights: rights && normalize(rights.filter(table, 'read')),
    ops: opsOf(options.ops, rows !== null),
    columns: columnsOf(viewer, table, options.columns, columns),
    hidden: hiddenColumns(viewer, table),
    related: follows.map((each) => relatedPlan(viewer, each)),
    graph: follows.map((each) => relatedSpec(viewer, each)),
  };
}

/**
 * Refuses filters on columns whose updates are not logged because only labels watch the table: they
 * would go wrong unseen.
 */
function assertLogged({ logged }: StreamTarget, filter: Filter): void {
  const unseen =
    logged && [...ownColumns(filter)].find((column) => !column.isKey && !logged.includes(column));
  if (!unseen) return;
  const message = `Updates of ${unseen.name} are not logged for this label: add it to the label's \`columns\`, or leave them out.`;
  throw invalidOption(message, { column: unseen.name });
}

function relatedSpec(viewer: StreamViewer, follow: FollowedRelation): RelatedSpec {
  const { relation, below } = follow;
  const { model, rights } = viewer;
  const target = model.table(relation.target);
  return {
    responseKey: relation.name,
    relation,
    filter: rowsBelow(viewer, follow),
    rights: rights && normalize(rights.filter(target, 'read')),
    via: (rights && junctionFilter(model, rights, relation)) ?? EVERYTHING,
    onSource: relationSourceFilter(model, relation),
    hidden: hiddenColumns(viewer, target),
    related: below.map((each) => relatedPlan(viewer, each)),
    graph: below.map((each) => relatedSpec(viewer, each)),
  };
}

function relatedPlan(viewer: StreamViewer, follow: FollowedRelation): RelatedPlan {
  const { relation, below } = follow;
  const { model, rights } = viewer;
  const table = model.table(relation.target);
  return {
    responseKey: relation.name,
    relation,
    via: (rights && junctionFilter(model, rights, relation)) ?? EVERYTHING,
    onSource: relationSourceFilter(model, relation),
    plan: {
      table,
      filter: rowsBelow(viewer, follow),
      orderBy: parseOrder(table, undefined),
      limit: relation.kind === 'one' ? 1 : null,
      offset: 0,
      related: below.map((each) => relatedPlan(viewer, each)),
    },
  };
}

function rowsBelow(viewer: StreamViewer, { relation, where, path }: FollowedRelation): Filter {
  const target = viewer.model.table(relation.target);
  return normalize(and(relationFilter(viewer.model, relation), readable(viewer, target, where, path)));
}

/** The caller's `where`, and what may be read. */
function readable(
  { model, rights, trials }: StreamViewer,
  table: ModelTable,
  where: unknown,
  path: string,
): Filter {
  const own = where === undefined ? EVERYTHING : parseFilter(model, table, where, { path, encode });
  trials?.addFilter(model, table, own);
  return rights ? and(rights.guard(table, own), rights.filter(table, 'read')) : own;
}

/** Values are Drizzle's: a custom type's are encoded by the type. */
function encode(column: ModelColumn, value: unknown): string {
  const text = fromDrizzleValue(column, value);
  if (text !== null) return text;
  throw new RivuletError('FILTER_INVALID', 'null equals nothing, not even null; use isNull or isNotNull');
}

function rowsFilter(table: ModelTable, rows: LabelOptions['rows']): Filter | null {
  if (rows === undefined) return null;
  const list: readonly unknown[] = Array.isArray(rows) ? rows : [rows];
  return keysPredicate(
    table,
    list.map((row) => keyOfReference(table, row)),
  );
}

/** Streams of given rows report no ENTER, because the caller knows that the rows exist. */
function opsOf(ops: readonly ChangeOp[] | undefined, ofRows: boolean): ReadonlySet<ChangeOp> | null {
  const wanted = ofRows ? (ops ?? OPS).filter((op) => op !== 'INSERT') : ops;
  if (wanted === undefined) return null;
  if (wanted.length > 0) return new Set(wanted);
  throw invalidOption(
    ofRows
      ? '`rows` tells of updates and deletes only, and `ops` leaves none of them.'
      : '`ops` is empty; leave it out to hear of all.',
  );
}

function columnsOf(
  { rights }: StreamViewer,
  table: ModelTable,
  names: readonly string[] | undefined,
  labelled: readonly ModelColumn[] | null,
): ReadonlySet<ModelColumn> | null {
  if (names === undefined) return labelled && new Set(labelled);
  const columns = names.map((name) => {
    const column = table.findColumn(name);
    if (!column) {
      const known = table.columns.map((each) => each.name);
      const what = `${table.name} has no column ${name}`;
      throw unknownOption('CHANGES_UNKNOWN_COLUMN', what, known, { table: table.name, column: name });
    }
    if (rights) assertReadable(rights, table, column);
    return column;
  });
  if (columns.length === 0) throw invalidOption('`columns` is empty; leave it out to hear of all.');
  const uncounted = labelled && columns.find((column) => !labelled.includes(column));
  if (uncounted) {
    throw invalidOption(`Changes of ${uncounted.name} do not count for this label.`, {
      column: uncounted.name,
    });
  }
  return new Set(columns);
}

function hiddenColumns({ rights }: StreamViewer, table: ModelTable): ReadonlySet<ModelColumn> {
  return new Set(rights ? table.columns.filter((column) => !rights.canReadColumn(table, column)) : []);
}
