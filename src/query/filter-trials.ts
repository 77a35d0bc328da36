import { RivuletError } from '../../shared/errors.js';
import type { Filter, OrderTerm } from '../../shared/filter/types.js';
import type { Model, ModelColumn, ModelTable } from '../../shared/model/types.js';
import { describeType } from '../../shared/value/describe.js';
import { codeOf, SQLSTATE } from '../database/errors.js';
import type { Database } from '../database/types.js';
import { orderToSql } from '../filter/order-sql.js';
import { filterToSql } from '../filter/sql.js';
import { fromTable, StatementParams } from '../sql/statement.js';
import { runExpressions } from './select.js';

type Condition = Extract<Filter, { readonly column: ModelColumn }>;

/**
 * One thing that a client asked for and that may not exist: a value, an operator on a type, an
 * order.
 */
interface Trial {
  readonly sql: (model: Model, params: StatementParams) => string;
  readonly refusal: (cause: unknown) => RivuletError;
}

/** More are not tried: each is a part of the statement. */
const MOST_TRIALS = 500;

/**
 * A client's conditions and orders on columns whose types Rivulet does not know (custom types,
 * domains, extensions). Only PostgreSQL knows if it has such an operator and can read such a value.
 * A stream is refused when it begins, instead of failing at its first change. A query is explained
 * after it failed. Conditions on PostgreSQL's own types need no trial.
 */
export class FilterTrials {
  readonly #trials: Trial[] = [];

  get isEmpty(): boolean {
    return this.#trials.length === 0;
  }

  /** The conditions of a client's filter on rows of a table. */
  addFilter(model: Model, table: ModelTable, filter: Filter): void {
    switch (filter.kind) {
      case 'const':
      case 'isNull':
        break;
      case 'and':
      case 'or':
        for (const part of filter.filters) this.addFilter(model, table, part);
        break;
      case 'not':
        this.addFilter(model, table, filter.filter);
        break;
      case 'related': {
        const { relation, via } = filter;
        this.addFilter(model, model.table(relation.target), filter.filter);
        if (via && relation.through) this.addFilter(model, model.table(relation.through.table), via);
        break;
      }
      default:
        if (isUnknown(filter.column)) this.#addCondition(table, filter);
    }
  }

  addOrder(table: ModelTable, terms: readonly OrderTerm[]): void {
    for (const term of terms) {
      const { column } = term;
      if (column.isKey || !isUnknown(column)) continue;
      this.#add({
        sql: () =>
          `(select count(*) from (select 1 from ${fromTable(table, 't0')} order by ${orderToSql([term], 't0')} limit 0) as r)`,
        refusal: (cause) =>
          refused(
            'ORDER_INVALID',
            table,
            column,
            `rows cannot be ordered by ${describeType(column.type)}`,
            cause,
          ),
      });
    }
  }

  addValue(table: ModelTable, column: ModelColumn, value: string | null): void {
    if (value === null || !isUnknown(column)) return;
    this.#add({
      sql: (_model, params) => `(${params.cast(value, column.castType)} is null)`,
      refusal: (cause) =>
        refused('VALUE_INVALID', table, column, `this is not a valid ${describeType(column.type)}`, cause),
    });
  }

  /**
   * Tries all in one statement, if there is anything; rejects with a coded error that names the
   * field.
   */
  async run(database: Database, model: Model): Promise<void> {
    if (this.isEmpty) return;
    try {
      await evaluate(database, model, this.#trials);
    } catch (error) {
      throw await this.explain(database, model, error);
    }
  }

  /**
   * The coded error of what PostgreSQL refused, where that is one of these; else the error as it
   * came.
   */
  async explain(database: Database, model: Model, error: unknown): Promise<unknown> {
    if (this.isEmpty || !isRefusal(error)) return error;
    for (const trial of this.#trials) {
      try {
        await evaluate(database, model, [trial]);
      } catch (cause) {
        return isRefusal(cause) ? trial.refusal(cause) : error;
      }
    }
    return error;
  }

  #addCondition(table: ModelTable, condition: Condition): void {
    const { column } = condition;
    for (const value of valuesOf(condition)) this.addValue(table, column, value);
    const operator =
      condition.kind === 'like' ? 'a pattern' : 'op' in condition ? condition.op : condition.kind;
    this.#add({
      sql: (model, params) =>
        `(select count(*) from (select ${filterToSql(model, condition, 't0', params)} from ${fromTable(table, 't0')} limit 0) as r)`,
      refusal: (cause) =>
        refused(
          'FILTER_INVALID',
          table,
          column,
          `PostgreSQL has no ${operator} for ${describeType(column.type)}`,
          cause,
        ),
    });
  }

  #add(trial: Trial): void {
    if (this.#trials.length < MOST_TRIALS) this.#trials.push(trial);
  }
}

function valuesOf(condition: Condition): readonly string[] {
  switch (condition.kind) {
    case 'compare':
    case 'array':
      return [condition.value];
    case 'in':
      return condition.values;
    case 'like':
    case 'isNull':
      return [];
  }
}

/**
 * True if only PostgreSQL knows the operators of the column's type. `citext` reads what text reads,
 * and has its operators.
 */
function isUnknown({ type, facts }: ModelColumn): boolean {
  if (facts.equality === 'text') return false;
  const item = type.kind === 'array' ? type.of : type;
  return item.kind === 'other' && !/^(?:\w+\.)?citext$/i.test(item.sqlType);
}

async function evaluate(database: Database, model: Model, trials: readonly Trial[]): Promise<void> {
  const params = new StatementParams();
  await runExpressions(
    database,
    trials.map(({ sql }) => sql(model, params)),
    params,
  );
}

/**
 * Classes of SQLSTATEs by which PostgreSQL refuses a value or an expression: data, syntax and
 * types, and what functions raise.
 */
const REFUSING = ['22', '42', 'P0'];
/** … which say that the schema or the rights are others than was declared. */
const NOT_OF_VALUES: readonly (string | undefined)[] = [
  SQLSTATE.insufficientPrivilege,
  SQLSTATE.undefinedTable,
  SQLSTATE.undefinedColumn,
];

function isRefusal(error: unknown): boolean {
  const state = codeOf(error);
  if (state === undefined || NOT_OF_VALUES.includes(state)) return false;
  return state === SQLSTATE.checkViolation || (state.length === 5 && REFUSING.includes(state.slice(0, 2)));
}

function refused(
  code: 'FILTER_INVALID' | 'VALUE_INVALID' | 'ORDER_INVALID',
  { typeName }: ModelTable,
  { field }: ModelColumn,
  why: string,
  cause: unknown,
): RivuletError {
  return new RivuletError(code, `${typeName}.${field}: ${why}`, { type: typeName, field }, cause);
}
