import type { ModelRelation } from '../../shared/model/types.js';
import type { CachedField } from './cache.js';
import { includesKey } from './plan-junction-rows.js';
import type { ReductionContext } from './reduction-context.js';

export interface FieldContent {
  readonly keys: readonly string[];
  /**
   * True where the keys are what the field shows, in its order and within its window; false where
   * they are all there are.
   */
  readonly isFinal: boolean;
  /** The field that this was taken from; what is needed there is needed here. */
  readonly source?: CachedField;
}

/**
 * The content of a field below a row that was just placed; `null` if it is not known. In this
 * order: the rows sent inside of the row; the content of the same field of the same row at another
 * place; the links of this message; and the columns, if they decide alone: only rows of this
 * message can refer to a row that is new in the database.
 */
export function contentOf(reduction: ReductionContext, field: CachedField): FieldContent | null {
  const { facts, rows } = reduction;
  const relation = field.relation!;
  const parent = field.parent!;
  const fact = rows.fact(parent);
  const nested = fact?.related.get(relation.name);
  if (nested) return { keys: nested.filter((key) => rows.exists(field.table, key)), isFinal: true };
  const copy = contentFromSameRelation(reduction, field);
  if (copy) return { keys: copy.keys, isFinal: true, source: copy.field };
  if (reduction.governs(field)) {
    const where = reduction.fields.rule(field).condition.key;
    const links = facts.links.find(
      (each) =>
        each.relation === relation && each.newParents.has(parent.key) && reduction.whereOf(each) === where,
    );
    const keys = links && [...(links.enter.get(parent.key) ?? [])];
    return keys?.every((key) => rows.exists(field.table, key)) ? { keys, isFinal: false } : null;
  }
  if (relation.from.length === 0) return null;
  const keys = byColumns(reduction, field, relation, fact?.inserted ?? false);
  return keys && { keys, isFinal: false };
}

function contentFromSameRelation(
  reduction: ReductionContext,
  field: CachedField,
): { readonly field: CachedField; readonly keys: readonly string[] } | undefined {
  const { cache, fields } = reduction;
  const { key } = fields.rule(field);
  for (const other of cache.fields(field.parent!)) {
    if (other === field || other.relation !== field.relation || fields.rule(other).key !== key) continue;
    const keys = cache.members(other);
    if (keys) return { field: other, keys };
  }
  return undefined;
}

function byColumns(
  reduction: ReductionContext,
  field: CachedField,
  relation: ModelRelation,
  isNew: boolean,
): readonly string[] | null {
  const { rows, schema } = reduction;
  const parent = reduction.parentView(field);
  const source = schema.conditions(relation).source.evaluate(parent);
  const join = reduction.joinOf(parent, relation.from);
  if (join === null || source === false) return [];
  if (join === undefined || source === undefined) return null;
  const target = schema.model.table(relation.target);
  const candidates = relation.through
    ? farEnds(reduction, relation, join, isNew)
    : rows.keysBy(target, relation.to, join);
  if (!candidates) return null;
  const isUnique = relation.kind === 'one' && !relation.through && candidates.length > 0;
  const hasAll = isNew && includesKey(relation.from, schema.model.table(relation.source));
  // A row that is pointed at may be there and not be known; one that points at a new row must have
  // come with it.
  const isPointer = includesKey(relation.to, target) && !relation.through;
  if (!isUnique && (!hasAll || isPointer || rows.mayMiss(target, relation.to))) return null;
  const belong = candidates.map((key) =>
    reduction.conditionsHold(field, parent, rows.view(target.name, key)),
  );
  return belong.includes(undefined) ? null : candidates.filter((_, index) => belong[index]);
}

/** The rows at the far end of a new row's junction rows; `null` where one of them is not known. */
function farEnds(
  reduction: ReductionContext,
  relation: ModelRelation,
  join: string,
  isNew: boolean,
): readonly string[] | null {
  const { rows, schema } = reduction;
  const { table, from, to } = relation.through!;
  const junction = schema.model.table(table);
  const target = schema.model.table(relation.target);
  if (!isNew || rows.mayMiss(junction, [...from, ...to])) return null;
  const found = new Set<string>();
  for (const key of rows.keysBy(junction, from, join)) {
    const end = reduction.joinOf(rows.view(table, key), to);
    const keys = typeof end === 'string' ? rows.keysBy(target, relation.to, end) : [];
    const isAll = includesKey(relation.to, target) ? keys.length > 0 : rows.fact({ table, key })?.inserted;
    if (end !== null && !isAll) return null;
    for (const each of keys) found.add(each);
  }
  return [...found];
}
