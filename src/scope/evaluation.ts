import type { Database } from '../database/types.js';
import { filterToSql } from '../filter/sql.js';
import type { Cells, Filter } from '../filter/types.js';
import type { Snapshot } from '../log/snapshot.js';
import type { Model, ModelTable } from '../model/types.js';
import { decodeRow, type JsonRow } from '../query/decode.js';
import { rowsToSql } from '../query/rows.js';
import { runExpressions } from '../query/select.js';
import { imagesSource, tableSource } from '../query/source.js';
import type { RelatedPlan, RowNode, SelectPlan } from '../query/types.js';
import { quoteIdent } from '../sql/quote.js';
import { Params } from '../sql/statement.js';
import { keyOf } from '../value/key.js';

/** What Postgres said; readable once the evaluation has run. */
export interface Answer<T> {
  readonly value: T;
}

export interface ImagesQuestion {
  readonly table: ModelTable;
  readonly filter: Filter;
  readonly images: readonly Cells[];
  /** Relations to load for the images on which the filter is true. */
  readonly related: readonly RelatedPlan[];
}

/** Questions to Postgres, collected from many scopes and asked as one statement, in one snapshot. */
export interface Evaluation {
  /** For each image its row, with what hangs from it now, where the filter is true on it; else `null`. */
  images(question: ImagesQuestion): Answer<readonly (RowNode | null)[]>;
  /** The rows of a plan as they are now. */
  rows(plan: SelectPlan): Answer<readonly RowNode[]>;
  /** The keys of the rows that satisfy a filter now; at most `limit` of them, in no order. */
  keys(table: ModelTable, filter: Filter, limit: number | null): Answer<readonly string[]>;
  keyOf(table: ModelTable, cells: Cells): string;
  /** Asks; does nothing where nothing was asked. Rejects with the database's error. */
  run(): Promise<Snapshot>;
  /** The snapshot the questions were answered in. */
  readonly snapshot: Snapshot;
}

export interface Evaluator {
  begin(): Evaluation;
}

/** Retries what failed for want of a connection until it is answered; see `onceConnected`. */
export type Retry = <T>(work: () => Promise<T>) => Promise<T>;

export function createEvaluator(database: Database, model: Model, retry: Retry): Evaluator {
  return { begin: () => new SqlEvaluation(database, model, retry) };
}

class SqlEvaluation implements Evaluation {
  readonly #database: Database;
  readonly #model: Model;
  readonly #retry: Retry;
  readonly #params = new Params();
  readonly #questions: { readonly sql: string; readonly read: (json: string) => void }[] = [];
  #snapshot: Snapshot | null = null;

  constructor(database: Database, model: Model, retry: Retry) {
    this.#database = database;
    this.#model = model;
    this.#retry = retry;
  }

  get snapshot(): Snapshot {
    if (!this.#snapshot) throw new TypeError('the evaluation has asked nothing yet');
    return this.#snapshot;
  }

  keyOf(table: ModelTable, cells: Cells): string {
    return keyOf(table, cells);
  }

  images({ table, filter, images, related }: ImagesQuestion): Answer<readonly (RowNode | null)[]> {
    const plan = { table, filter, orderBy: [], limit: null, offset: 0, related };
    const sql = rowsToSql(this.#model, plan, this.#params, imagesSource(table, images, this.#params));
    return this.#ask(sql, (rows: readonly JsonRow[]) => {
      const nodes: (RowNode | null)[] = images.map(() => null);
      for (const row of rows) nodes[row[2]! - 1] = decodeRow(table, related, row);
      return nodes;
    });
  }

  rows(plan: SelectPlan): Answer<readonly RowNode[]> {
    const sql = rowsToSql(this.#model, plan, this.#params);
    return this.#ask(sql, (rows: readonly JsonRow[]) =>
      rows.map((row) => decodeRow(plan.table, plan.related, row)),
    );
  }

  keys(table: ModelTable, filter: Filter, limit: number | null): Answer<readonly string[]> {
    const cells = table.key.map((column) => `t0.${quoteIdent(column.sqlName)}::text`);
    const where = filterToSql(this.#model, filter, 't0', this.#params);
    const most = limit === null ? '' : ` limit ${this.#params.cast(String(limit), 'bigint')}`;
    const rows = `select array[${cells.join(', ')}] as k from ${tableSource(table).from('t0')} where ${where}${most}`;
    const sql = `(select coalesce(json_agg(r.k), '[]'::json) from (${rows}) as r)`;
    return this.#ask(sql, (keys: readonly string[][]) =>
      keys.map((values) => {
        const row: (string | null)[] = [];
        for (const [at, column] of table.key.entries()) row[column.index] = values[at]!;
        return keyOf(table, row);
      }),
    );
  }

  async run(): Promise<Snapshot> {
    if (this.#questions.length === 0) return { xmin: 0n, xmax: 0n, xip: new Set() };
    const { values, snapshot } = await this.#retry(() =>
      runExpressions(
        this.#database,
        this.#questions.map(({ sql }) => sql),
        this.#params,
      ),
    );
    this.#snapshot = snapshot;
    for (const [at, question] of this.#questions.entries()) question.read(values[at]!);
    return snapshot;
  }

  #ask<Raw, T>(sql: string, decode: (raw: Raw) => T): Answer<T> {
    const answer: { value: T | undefined; asked: boolean } = { value: undefined, asked: false };
    this.#questions.push({
      sql,
      read: (json) => {
        answer.value = decode(JSON.parse(json) as Raw);
        answer.asked = true;
      },
    });
    return {
      get value(): T {
        if (!answer.asked) throw new TypeError('the evaluation has not run');
        return answer.value as T;
      },
    };
  }
}
