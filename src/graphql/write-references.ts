import { and, EVERYTHING, NOTHING, normalize, or } from '../filter/normalize.js';
import type { Filter } from '../filter/types.js';
import type { Model, ModelColumn, ModelParent, ModelRelation, ModelTable } from '../model/types.js';
import type { Rights } from '../policy/types.js';
import type { ReferenceCheck } from '../query/write-check.js';

/**
 * The references of a written row that a client chose, by sending one of their columns at least. Each must name a row that the client may read, as it
 * was before the statement; a row of an insert may also refer to another row of the same batch, which has to be readable itself. A missing parent and a
 * hidden one fail alike.
 */
export function referenceChecks(
  model: Model,
  rights: Rights,
  table: ModelTable,
  sent: ReadonlySet<ModelColumn>,
  isInsert: boolean,
): readonly ReferenceCheck[] {
  return table.parents.flatMap((parent) => {
    if (!parent.from.some((column) => sent.has(column))) return [];
    if (parent.from.some((column) => rights.refersFreely(table, column))) return [];
    const filter = filterOf(model, rights, table, parent);
    if (filter === undefined) return [];
    const own = isInsert ? parent.targets.find((target) => target.table === table.name) : undefined;
    return [{ columns: parent.from, filter, ...(own && { siblings: own.to }) }];
  });
}

/** `undefined`: the foreign key itself checks as much. */
function filterOf(model: Model, rights: Rights, table: ModelTable, parent: ModelParent): Filter | undefined {
  const isEmpty = parent.from
    .filter((column) => !column.notNull)
    .map((column): Filter => ({ kind: 'isNull', column }));
  const found = parent.targets.map(({ table: target, to }): Filter => {
    const read = rights.filter(model.table(target), 'read');
    return read === NOTHING ? NOTHING : related(table, parent.from, target, to, read);
  });
  const isOpen = parent.targets.every(
    ({ table: target }) => rights.filter(model.table(target), 'read') === EVERYTHING,
  );
  if (parent.isConstraint && parent.targets.length > 0 && isOpen) return undefined;
  return normalize(or(...isEmpty, ...found));
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
