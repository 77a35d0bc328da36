import type { Model, ModelColumn } from '../../shared/model/types.js';
import { formIn, type JoinFamily, joinFamily } from '../../shared/value/equality.js';

/**
 * A value's text in a form that equal values share; `null`: only PostgreSQL can tell whether two
 * texts are equal values.
 */
export type JoinText = ((text: string) => string) | null;

/**
 * The forms by which columns that relations join are compared, alike for all columns that are
 * joined with each other, directly or through others. Columns that no relation joins have their
 * own.
 */
export function joinTexts(model: Model): ReadonlyMap<ModelColumn, JoinText> {
  const groups = new Map<ModelColumn, Set<ModelColumn>>();
  const join = (left: readonly ModelColumn[], right: readonly ModelColumn[]) => {
    for (const [at, column] of left.entries()) unite(groups, column, right[at]!);
  };
  for (const { relations } of model.tables) {
    for (const { from, to, through } of relations) {
      if (through) {
        join(from, through.from);
        join(through.to, to);
      } else join(from, to);
    }
  }
  const texts = new Map<ModelColumn, JoinText>();
  for (const { columns } of model.tables) {
    for (const column of columns) texts.set(column, textOf(column, groups.get(column) ?? new Set([column])));
  }
  return texts;
}

function unite(groups: Map<ModelColumn, Set<ModelColumn>>, left: ModelColumn, right: ModelColumn): void {
  const group = new Set([left, right, ...(groups.get(left) ?? []), ...(groups.get(right) ?? [])]);
  for (const column of group) groups.set(column, group);
}

/** The form that serves all comparisons within the group; `null` where none does. */
function textOf(column: ModelColumn, group: ReadonlySet<ModelColumn>): JoinText {
  const families = new Set<JoinFamily>();
  for (const one of group) {
    for (const other of group) {
      const family = joinFamily(one, other);
      if (family === null) return null;
      families.add(family);
    }
  }
  // Whole numbers and days are the same ones as decimals and instants.
  if (families.has('decimal')) families.delete('int');
  if (families.has('instant')) families.delete('day');
  if (families.has('text')) for (const each of ['varchar', 'custom']) families.delete(each);
  const [family, another] = families;
  return family !== undefined && another === undefined ? formIn(family, column) : null;
}
