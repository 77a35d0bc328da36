import { EVERYTHING } from '../../shared/filter/normalize.js';
import type { Filter } from '../../shared/filter/types.js';
import type { Model, ModelColumn } from '../../shared/model/types.js';
import { codeOf, SQLSTATE } from '../database/errors.js';
import { pairsSql } from '../filter/column-sql.js';
import { ownColumns } from '../filter/paths.js';
import { filterToSql } from '../filter/sql.js';
import type { StatementParams } from '../sql/statement.js';

/** The conditions that a written row must satisfy, evaluated by the statement that writes it. */
export interface WriteCheck {
  readonly policy: Filter;
  readonly references: readonly ReferenceCheck[];
}

/**
 * One reference of the row to a parent. `filter` is true on a row that refers to nothing, or to a
 * row that the writer may read.
 */
export interface ReferenceCheck {
  readonly columns: readonly ModelColumn[];
  /** The part of `columns` that the writer sent. It may not know the others. */
  readonly sent: readonly ModelColumn[];
  readonly filter: Filter;
  /** The columns of the same table that `columns` may equal in another row of the batch. */
  readonly siblings?: readonly ModelColumn[];
}

/**
 * The condition that a row failed: the policy, or the reference with this place in
 * `WriteCheck.references`.
 */
export type WriteRefusal = 'policy' | number;

const MARK = 'rivulet refuses this write: ';

/** True where every row passes, so that there is nothing to evaluate. */
export function isUnchecked({ policy, references }: WriteCheck): boolean {
  return policy === EVERYTHING && references.length === 0;
}

/**
 * The first condition that the row does not satisfy, as a text expression: `policy` or the
 * reference's place; NULL where it satisfies all. `batch` is a FROM item of the rows that are
 * written together.
 */
export function refusalToSql(
  model: Model,
  { policy, references }: WriteCheck,
  alias: string,
  params: StatementParams,
  batch: (alias: string) => string,
): string {
  const failed = (filter: Filter) => `(${filterToSql(model, filter, alias, params)}) is not true`;
  const cases = references.map(({ filter, siblings, columns }, place) => {
    const alone = siblings
      ? ` and not exists (select 1 from ${batch('s0')} where ${pairsSql('s0', siblings, alias, columns)})`
      : '';
    return `when ${failed(filter)}${alone} then '${place}'`;
  });
  if (policy !== EVERYTHING) cases.unshift(`when ${failed(policy)} then 'policy'`);
  return `case ${cases.join(' ')} end`;
}

/**
 * An expression that fails the statement where the row is refused, and is NULL elsewhere. It fails
 * while rows are returned, and so before foreign keys and AFTER triggers, which run at the end of
 * the statement, can show what a refused row would have met. `key` is the text of some column: with
 * it Postgres cannot evaluate the expression while it plans.
 */
export function refuseSql(refusal: string, key: string): string {
  return `('${MARK}' || left(${key}, 0) || ${refusal})::integer`;
}

/** The refusal that `refuseSql` failed the statement with; `undefined`: another error. */
export function refusalOf(error: unknown): WriteRefusal | undefined {
  if (codeOf(error) !== SQLSTATE.invalidTextRepresentation) return undefined;
  const found = /rivulet refuses this write: (policy|\d+)/.exec(String((error as Error).message))?.[1];
  return found === undefined ? undefined : readRefusal(found);
}

/** A refusal from the text that `refusalToSql` gave. */
export function readRefusal(text: string): WriteRefusal {
  return text === 'policy' ? text : Number(text);
}

/** The row's own columns that the check reads. */
export function checkedColumns({ policy, references }: WriteCheck): ReadonlySet<ModelColumn> {
  const filters = [policy, ...references.map(({ filter }) => filter)];
  const referring = references.flatMap(({ columns }) => columns);
  return new Set([...filters.flatMap((each) => [...ownColumns(each)]), ...referring]);
}

/** The columns of other rows of the batch that the check reads. */
export function siblingColumns({ references }: WriteCheck): readonly ModelColumn[] {
  return references.flatMap(({ siblings = [] }) => siblings);
}
