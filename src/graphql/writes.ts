import type { Queryable } from '../database/types.js';
import { RivuletError } from '../errors.js';
import { and, EVERYTHING, NOTHING, normalize } from '../filter/normalize.js';
import type { Filter } from '../filter/types.js';
import type { ModelTable } from '../model/types.js';
import type { Action } from '../policy/types.js';
import { keysPredicate } from '../query/key.js';
import { countToSql, runExpressions, runSelect } from '../query/select.js';
import type { RowNode, SelectPlan } from '../query/types.js';
import { deleteSql, insertSql, lockRowsSql, mutationIdSql, updateSql } from '../query/write.js';
import { Params } from '../sql/statement.js';
import { formatKey } from '../value/key.js';
import type { RivuletContext } from './context.js';
import { type Planning, planRows } from './plan.js';
import { assertTotalRows } from './plan-limits.js';
import type { SchemaTypes } from './schema-types.js';
import type { Selection } from './selection.js';
import { forbiddenInsert, forbiddenUpdate } from './write-denial.js';
import { type ClientValues, insertValues, updateValues } from './write-values.js';

/** PostgreSQL's wire protocol counts the parameters of a statement in 16 bits. */
const MAX_PARAMS = 65_535;

/** One mutation field: on what, by whom, and what it is to answer with. */
export interface Writing {
  readonly types: SchemaTypes;
  readonly table: ModelTable;
  readonly context: RivuletContext;
  readonly planning: Planning;
  readonly selection: Selection;
  /** Rows that it may write at most. */
  readonly most: number;
}

/**
 * Inserts rows in one transaction. The new rows, with all that defaults and triggers made of them, must satisfy the insert policy, and be
 * readable; else `WRITE_FORBIDDEN` and nothing is written. Answers in the order of `inputs`.
 */
export async function createRows(
  writing: Writing,
  inputs: readonly ClientValues[],
): Promise<readonly RowNode[]> {
  const { table, types, context } = writing;
  assertWrites(writing, inputs.length);
  const plan = answerPlan(writing, inputs.length);
  const rows = inputs.map((input) => insertValues(context.rights, table, input));
  if (rows.length === 0) return [];
  if (policyOf(writing, 'insert') === NOTHING) throw denied(table, 'inserted');
  const statement = insertSql(table, rows);
  if (statement.params.length > MAX_PARAMS) {
    throw new RivuletError(
      'WRITE_TOO_LARGE',
      `At most ${MAX_PARAMS} different values can be written at once`,
      {
        maximum: MAX_PARAMS,
      },
    );
  }
  return transaction(
    writing,
    async (tx) => {
      const keys = keysOf(await tx.query(statement));
      await assertAllowed(tx, writing, 'insert', keys);
      const found = new Map((await readBack(tx, writing, plan, keys)).map((row) => [row.key, row]));
      return keys.map((key) => {
        const row = found.get(key);
        if (!row) throw denied(table, 'inserted');
        return row;
      });
    },
    () => forbiddenInsert(context.database, types.model, table, policyOf(writing, 'insert'), rows),
  );
}

/**
 * Updates the rows on which `filter` is true and that may be read and updated, in one transaction. Each row must satisfy the update policy
 * afterwards too, else `WRITE_FORBIDDEN` and nothing is written. Answers those that may still be read, in the order of their keys.
 */
export async function updateRows(
  writing: Writing,
  filter: Filter,
  input: ClientValues,
): Promise<readonly RowNode[]> {
  const { table, types, context, most } = writing;
  const plan = answerPlan(writing, most);
  const set = updateValues(context.rights, table, input);
  const target = normalize(and(filter, policyOf(writing, 'read'), policyOf(writing, 'update')));
  if (target === NOTHING) return [];
  return transaction(
    writing,
    async (tx) => {
      const statement =
        set.size === 0
          ? lockRowsSql(types.model, table, target, most + 1)
          : updateSql(types.model, table, target, set, most + 1);
      const keys = keysOf(await tx.query(statement));
      assertWrites(writing, keys.length);
      if (set.size > 0) await assertAllowed(tx, writing, 'update', keys);
      return readBack(tx, writing, plan, keys);
    },
    () =>
      forbiddenUpdate(context.database, types.model, table, target, policyOf(writing, 'update'), set, most),
  );
}

/** Deletes the rows on which `filter` is true and that may be read and deleted, in one transaction. Answers them as they were. */
export async function deleteRows(writing: Writing, filter: Filter): Promise<readonly RowNode[]> {
  const { table, types, most } = writing;
  const plan = answerPlan(writing, most);
  const target = normalize(and(filter, policyOf(writing, 'read'), policyOf(writing, 'delete')));
  if (target === NOTHING) return [];
  return transaction(writing, async (tx) => {
    const keys = keysOf(await tx.query(lockRowsSql(types.model, table, target, most + 1)));
    assertWrites(writing, keys.length);
    const rows = await readBack(tx, writing, plan, keys);
    // A row that the lock waited for may have changed meanwhile: only what was read back is deleted.
    const seen = keysPredicate(
      table,
      rows.map((row) => row.key),
    );
    const deleted = new Set(keysOf(await tx.query(deleteSql(types.model, table, and(seen, target)))));
    return rows.filter((row) => deleted.has(row.key));
  });
}

/** `explain` is asked after a constraint was violated: an error that must be told in its place, if any. */
async function transaction<T>(
  { context }: Writing,
  work: (tx: Queryable) => Promise<T>,
  explain: () => Promise<RivuletError | undefined> = async () => undefined,
): Promise<T> {
  const { database, mutationId } = context;
  try {
    return await database.transaction(async (tx) => {
      if (mutationId != null) await tx.query(mutationIdSql(mutationId));
      return work(tx);
    });
  } catch (error) {
    const code = (error as { readonly code?: unknown }).code;
    const isConstraint = typeof code === 'string' && code.startsWith('23');
    throw (isConstraint ? await explain() : undefined) ?? error;
  }
}

/** Planned before anything is written, so that a bad selection writes nothing. */
function answerPlan({ planning, table, selection }: Writing, count: number): SelectPlan {
  return planRows(planning, table, EVERYTHING, selection, count);
}

async function readBack(
  tx: Queryable,
  { types, table }: Writing,
  plan: SelectPlan,
  keys: readonly string[],
): Promise<readonly RowNode[]> {
  if (keys.length === 0) return [];
  const filter = normalize(and(keysPredicate(table, keys), plan.filter));
  const { rows } = await runSelect(tx, types.model, { ...plan, filter });
  assertTotalRows(types.limits, rows);
  return rows;
}

/** Throws `WRITE_FORBIDDEN` unless every one of the rows, as they are now, satisfies the policy. */
async function assertAllowed(
  tx: Queryable,
  writing: Writing,
  action: Action,
  keys: readonly string[],
): Promise<void> {
  const { table, types } = writing;
  const policy = policyOf(writing, action);
  if (policy === EVERYTHING || keys.length === 0) return;
  const params = new Params();
  const filter = normalize(and(keysPredicate(table, keys), policy));
  const { values } = await runExpressions(tx, [countToSql(types.model, table, filter, params)], params);
  if (Number(values[0]) !== keys.length) throw denied(table, action === 'insert' ? 'inserted' : 'updated');
}

function policyOf({ context, table }: Writing, action: Action): Filter {
  return context.rights.filter(table, action);
}

function denied(table: ModelTable, done: string): RivuletError {
  return new RivuletError('WRITE_FORBIDDEN', `A row of ${table.typeName} may not be ${done} like this`, {
    type: table.typeName,
  });
}

function assertWrites({ most }: Writing, count: number): void {
  if (count <= most) return;
  throw new RivuletError('WRITE_TOO_LARGE', `At most ${most} rows can be written at once`, { maximum: most });
}

function keysOf(rows: readonly (readonly (string | null)[])[]): readonly string[] {
  return rows.map((row) => formatKey(row as readonly string[]));
}
