import { RivuletError } from '../../../shared/errors.js';
import { and, EVERYTHING, NOTHING, normalize } from '../../../shared/filter/normalize.js';
import type { Filter } from '../../../shared/filter/types.js';
import type { ModelTable } from '../../../shared/model/types.js';
import { formatKey } from '../../../shared/value/key.js';
import type { QueryRunner, TextRow } from '../../database/types.js';
import type { PolicyAction } from '../../policy/types.js';
import type { WriteAction } from '../../policy/write-rule.js';
import { countRows } from '../../query/decode.js';
import { keysPredicate } from '../../query/key.js';
import { runSelect } from '../../query/select.js';
import type { RowNode, SelectPlan } from '../../query/types.js';
import {
  deleteSql,
  insertSql,
  lockRowsSql,
  mutationIdSql,
  updateSql,
  type WrittenValues,
} from '../../query/write.js';
import type { WriteCheck } from '../../query/write-check.js';
import type { Statement } from '../../sql/statement.js';
import { type PlanContext, planRows } from '../plan/list-plan.js';
import { rowCapOf } from '../plan/plan-limits.js';
import type { SelectionSets } from '../plan/selection.js';
import type { SchemaTypes } from '../schema/schema-types.js';
import type { RivuletContext } from './context.js';
import { WriteErrorTranslation, writeForbidden } from './write-errors.js';
import { referenceChecks } from './write-references.js';
import { insertRefusal, updateRefusal } from './write-refusal.js';
import { type ClientValues, insertValues, sentColumns, updateValues } from './write-values.js';

/** PostgreSQL's wire protocol counts the parameters of a statement in 16 bits. */
const MAX_PARAMS = 65_535;

/** One mutation field: its table, its context and the selection of its result. */
export interface WriteRequest {
  readonly types: SchemaTypes;
  readonly table: ModelTable;
  readonly context: RivuletContext;
  readonly planning: PlanContext;
  readonly selection: SelectionSets;
  /** Largest number of rows that the field may write. */
  readonly most: number;
}

/**
 * Inserts rows in one transaction. The new rows, with all that defaults and triggers made of them,
 * must satisfy the insert policy, which reads other rows as they were before, and be readable; else
 * `WRITE_FORBIDDEN` and nothing is written. Rows of one batch do not see each other. Answers in the
 * order of `inputs`.
 */
export async function createRows(
  writing: WriteRequest,
  inputs: readonly ClientValues[],
): Promise<readonly RowNode[]> {
  const { table, types, context } = writing;
  assertWrites(writing, inputs.length);
  const plan = answerPlan(writing, inputs.length);
  const presets = context.rights.presets(table, 'insert');
  const rows = inputs.map((input) => insertValues(context.rights, table, input, presets));
  for (const [place, row] of rows.entries()) addValues(writing, row, inputs[place]!);
  if (rows.length === 0) return [];
  const check = checkOf(writing, 'insert', inputs);
  if (check.policy === NOTHING || !presets) throw writeForbidden(table, 'inserted');
  const statement = insertSql(types.model, table, rows, check);
  assertParameters(statement);
  const denial = new WriteErrorTranslation(context.rights, table, 'inserted', check, () =>
    insertRefusal(context.database, types.model, table, check, rows),
  );
  return transaction(writing, denial, async (tx) => {
    const keys = keysOf(table, await tx.query(statement));
    // A trigger may have moved a row to another table, where no policy was evaluated on it.
    if (keys.length !== rows.length) throw writeForbidden(table, 'inserted');
    const found = new Map((await readBack(tx, writing, plan, keys)).map((row) => [row.key, row]));
    return keys.map((key) => {
      const row = found.get(key);
      if (!row) throw writeForbidden(table, 'inserted');
      return row;
    });
  });
}

/**
 * Updates the rows on which `filter` is true and that may be read and updated, in one transaction.
 * Each row must satisfy the update policy afterwards too, else `WRITE_FORBIDDEN` and nothing is
 * written. Both times the policy reads other rows as they were before. Answers those that may still
 * be read, in the order of their keys.
 */
export async function updateRows(
  writing: WriteRequest,
  filter: Filter,
  input: ClientValues,
): Promise<readonly RowNode[]> {
  const { table, types, context, most } = writing;
  const plan = answerPlan(writing, most);
  const presets = context.rights.presets(table, 'update');
  const set = updateValues(context.rights, table, input, presets);
  addValues(writing, set, input);
  writing.planning.trials.addFilter(types.model, table, filter);
  const check = checkOf(writing, 'update', [input]);
  const target = normalize(and(filter, policyOf(writing, 'read'), check.policy));
  if (target === NOTHING) return [];
  if (!presets) throw writeForbidden(table, 'updated');
  const denial = new WriteErrorTranslation(context.rights, table, 'updated', check, () =>
    updateRefusal(context.database, types.model, table, target, check, set, most),
  );
  return transaction(writing, denial, async (tx) => {
    const locked = keysOf(table, await tx.query(lockRowsSql(types.model, table, target, most + 1)));
    assertWrites(writing, locked.length);
    if (locked.length === 0 || set.size === 0) return readBack(tx, writing, plan, locked);
    // Other rows may have changed while the lock was awaited: a statement of its own sees them.
    const rows = normalize(and(keysPredicate(table, locked), target));
    const statement = updateSql(types.model, table, rows, set, check);
    assertParameters(statement);
    return readBack(tx, writing, plan, keysOf(table, await tx.query(statement)));
  });
}

/**
 * Deletes the rows on which `filter` is true and that may be read and deleted, in one transaction.
 * Answers them as they were.
 */
export async function deleteRows(writing: WriteRequest, filter: Filter): Promise<readonly RowNode[]> {
  const { table, types, most } = writing;
  const plan = answerPlan(writing, most);
  writing.planning.trials.addFilter(types.model, table, filter);
  const target = normalize(and(filter, policyOf(writing, 'read'), policyOf(writing, 'delete')));
  if (target === NOTHING) return [];
  return transaction(writing, undefined, async (tx) => {
    const keys = keysOf(table, await tx.query(lockRowsSql(types.model, table, target, most + 1)));
    assertWrites(writing, keys.length);
    const rows = await readBack(tx, writing, plan, keys);
    // A row that the lock waited for may have changed meanwhile: only what was read back is
    // deleted.
    const seen = keysPredicate(
      table,
      rows.map((row) => row.key),
    );
    const deleted = new Set(keysOf(table, await tx.query(deleteSql(types.model, table, and(seen, target)))));
    return rows.filter((row) => deleted.has(row.key));
  });
}

/**
 * Only what the client sent: an error of the server's own values would name columns that the client
 * may not know of.
 */
function addValues({ planning, table }: WriteRequest, values: WrittenValues, input: ClientValues): void {
  for (const column of sentColumns(table, [input]))
    planning.trials.addValue(table, column, values.get(column) ?? null);
}

async function transaction<T>(
  { context }: WriteRequest,
  denial: WriteErrorTranslation | undefined,
  work: (tx: QueryRunner) => Promise<T>,
): Promise<T> {
  const { database, mutationId } = context;
  try {
    return await database.transaction(async (tx) => {
      if (mutationId != null) await tx.query(mutationIdSql(mutationId));
      return work(tx);
    });
  } catch (error) {
    throw denial ? await denial.of(error) : error;
  }
}

/** Planned before anything is written, so that a bad selection writes nothing. */
function answerPlan({ planning, table, selection }: WriteRequest, count: number): SelectPlan {
  return planRows(planning, table, EVERYTHING, selection, count);
}

async function readBack(
  tx: QueryRunner,
  { types, table, context }: WriteRequest,
  plan: SelectPlan,
  keys: readonly string[],
): Promise<readonly RowNode[]> {
  if (keys.length === 0) return [];
  const filter = normalize(and(keysPredicate(table, keys), plan.filter));
  const { maxTotalRows } = types.limits;
  const left = maxTotalRows - (context.rowsRead?.count ?? 0);
  const { rows } = await runSelect(tx, types.model, { ...plan, filter }, rowCapOf([plan], left));
  if (context.rowsRead) context.rowsRead.count += countRows(rows);
  return rows;
}

function checkOf(writing: WriteRequest, action: WriteAction, inputs: readonly ClientValues[]): WriteCheck {
  const { table, types, context } = writing;
  const sent = sentColumns(table, inputs);
  return {
    policy: policyOf(writing, action),
    references: referenceChecks(types.model, context.rights, table, sent, action === 'insert'),
  };
}

function assertParameters({ params }: Statement): void {
  if (params.length <= MAX_PARAMS) return;
  const message = `At most ${MAX_PARAMS} different values can be written at once`;
  throw new RivuletError('WRITE_TOO_LARGE', message, { maximum: MAX_PARAMS });
}

function policyOf({ context, table }: WriteRequest, action: PolicyAction): Filter {
  return context.rights.filter(table, action);
}

function assertWrites({ most }: WriteRequest, count: number): void {
  if (count <= most) return;
  throw new RivuletError('WRITE_TOO_LARGE', `At most ${most} rows can be written at once`, { maximum: most });
}

/** The ids of written rows. Cells after the key's columns are not part of them. */
function keysOf(table: ModelTable, rows: readonly TextRow[]): readonly string[] {
  return rows.map((row) => formatKey(row.slice(0, table.key.length) as readonly string[]));
}
