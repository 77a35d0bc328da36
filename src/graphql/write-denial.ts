import type { Database } from '../database/types.js';
import { RivuletError } from '../errors.js';
import { EVERYTHING, not } from '../filter/normalize.js';
import type { Cells, Filter } from '../filter/types.js';
import type { Model, ModelTable } from '../model/types.js';
import { countToSql, runExpressions, runSelect } from '../query/select.js';
import { imagesSource } from '../query/source.js';
import type { Values } from '../query/write.js';
import { Params } from '../sql/statement.js';

/**
 * A violated constraint is told before a policy could be asked, and would say which rows exist: a task in a project that is not
 * there violates the foreign key, one in a project that is merely not yours does not. So where the policy would have refused the row anyway,
 * it is the policy that is told.
 */
export async function forbiddenInsert(
  database: Database,
  model: Model,
  table: ModelTable,
  policy: Filter,
  rows: readonly Values[],
): Promise<RivuletError | undefined> {
  const images = rows.map((row) => table.columns.map((column) => row.get(column) ?? null));
  return refusal(database, model, table, policy, images, 'inserted');
}

/** The same for an update of the rows on which `target` is true. */
export async function forbiddenUpdate(
  database: Database,
  model: Model,
  table: ModelTable,
  target: Filter,
  policy: Filter,
  set: Values,
  limit: number,
): Promise<RivuletError | undefined> {
  const plan = { table, filter: target, orderBy: [], limit, offset: 0, related: [] };
  const { rows } = await runSelect(database, model, plan);
  const images = rows.map(({ cells }) =>
    table.columns.map((column) => (set.has(column) ? set.get(column)! : (cells[column.index] ?? null))),
  );
  return refusal(database, model, table, policy, images, 'updated');
}

/** Asks for rows on which the policy is false, not unknown: values that the database would have filled in are not there yet. */
async function refusal(
  database: Database,
  model: Model,
  table: ModelTable,
  policy: Filter,
  images: readonly Cells[],
  done: string,
): Promise<RivuletError | undefined> {
  if (policy === EVERYTHING) return undefined;
  const params = new Params();
  const source = imagesSource(table, images, params);
  const refused = countToSql(model, table, not(policy), params, source);
  const { values } = await runExpressions(database, [refused], params);
  if (Number(values[0]) === 0) return undefined;
  return new RivuletError('WRITE_FORBIDDEN', `A row of ${table.typeName} may not be ${done} like this`, {
    type: table.typeName,
  });
}
