import { and, EVERYTHING, NOTHING, normalize, or } from '../../../shared/filter/normalize.js';
import type { Filter } from '../../../shared/filter/types.js';
import type {
  Model,
  ModelColumn,
  ModelParent,
  ModelRelation,
  ModelTable,
} from '../../../shared/model/types.js';
import type { AccessRights } from '../../policy/types.js';
import type { ReferenceCheck } from '../../query/write-check.js';

/**
 * The references of a written row that a client chose, by sending one of their columns at least.
 * Each must name a row that the client may read, as it was before the statement; a row of an insert
 * may also refer to another row of the same batch, which has to be readable itself. A missing
 * parent and a hidden one fail alike.
 */
export function referenceChecks(
  model: Model,
  rights: AccessRights,
  table: ModelTable,
  sent: ReadonlySet<ModelColumn>,
  isInsert: boolean,
): readonly ReferenceCheck[] {
  return table.parents.flatMap((parent) => {
    const named = parent.from.filter((column) => sent.has(column));
    if (named.length === 0) return [];
    if (parent.from.some((column) => rights.refersFreely(table, column))) return [];
    const filter = filterOf(model, rights, table, parent);
    if (filter === undefined) return [];
    const own = isInsert ? parent.targets.find((target) => target.table === table.name) : undefined;
    return [{ columns: parent.from, sent: named, filter, ...(own && { siblings: own.to }) }];
  });
}

/** `undefined` if the foreign key itself checks as much. */
function filterOf(
  model: Model,
  rights: AccessRights,
  table: ModelTable,
  parent: ModelParent,
): Filter | undefined {
  const isEmpty = parent.from
    .filter((column) => !column.notNull)
    .map((column): Filter => ({ kind: 'isNull', column }));
  const readable = parent.targets.map(({ table: target, to }) => readableBy(rights, model.table(target), to));
  const found = parent.targets.map(({ table: target, to }, place): Filter => {
    const read = readable[place]!;
    return read === NOTHING ? NOTHING : related(table, parent.from, target, to, read);
  });
  const isOpen = readable.every((read) => read === EVERYTHING);
  if (parent.isConstraint && parent.targets.length > 0 && isOpen) return undefined;
  return normalize(or(...isEmpty, ...found));
}

/**
 * The rows that the client may read by these columns:a client that may name a row by a column
 * learns the column's value.
 */
function readableBy(rights: AccessRights, target: ModelTable, columns: readonly ModelColumn[]): Filter {
  const isShown = columns.every((column) => rights.canReadColumn(target, column));
  return isShown ? rights.filter(target, 'read') : NOTHING;
}

function related(
  table: ModelTable,
  from: readonly ModelColumn[],
  target: string,
  to: readonly ModelColumn[],
  filter: Filter,
): Filter {
  const name = `parent ${target} ${from.map((column) => column.name).join(' ')}`;
  const relation: ModelRelation = { name, kind: 'one', source: table.name, target, from, to };
  return { kind: 'related', relation, filter: and(filter) };
}
