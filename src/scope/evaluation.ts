import { isPassing } from '../database/retry.js';
import type { Database, Queryable } from '../database/types.js';
import { filterToSql } from '../filter/sql.js';
import type { Cells, Filter } from '../filter/types.js';
import type { Snapshot } from '../log/snapshot.js';
import type { Model, ModelTable } from '../model/types.js';
import { decodeRow, type JsonRow } from '../query/decode.js';
import { rowsToSql } from '../query/rows.js';
import { runExpressions } from '../query/select.js';
import { imagesSource } from '../query/source.js';
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

/**
 * One scope's questions of one round. Answers are readable once the round has run; they all hold in `snapshot`.
 * A question that cannot be answered makes `error`, and then none of this asker's answers are readable.
 */
export interface Asker {
  /** For each image its row, with what hangs from it now, where the filter is true on it; else `null`. */
  images(question: ImagesQuestion): Answer<readonly (RowNode | null)[]>;
  /** The rows of a plan as they are now. */
  rows(plan: SelectPlan): Answer<readonly RowNode[]>;
  /** The keys of the rows that satisfy a filter now; at most `limit` of them, in no order. */
  keys(table: ModelTable, filter: Filter, limit: number | null): Answer<readonly string[]>;
  readonly snapshot: Snapshot;
  readonly error: unknown;
}

/** The questions of many scopes, asked as one statement in one snapshot. */
export interface Round {
  asker(): Asker;
  /**
   * Asks; does nothing where nothing was asked. If Postgres refuses the statement, each asker's questions are asked for
   * themselves, so that one bad scope costs only itself. Rejects only when waiting for the database was given up.
   */
  run(): Promise<void>;
}

export interface Evaluator {
  /** `reading` says where to ask instead of in the pool, as of now. */
  round(reading?: Reading): Round;
}

/** A transaction to read in, and the tables as they are to be read. */
export interface Reading {
  readonly database: Queryable;
  readonly params: () => Params;
}

/** Repeats a reading that failed for a passing reason until it is answered; see `untilAnswered`. */
export type Retry = <T>(work: () => Promise<T>) => Promise<T>;

export function createEvaluator(database: Database, model: Model, retry: Retry): Evaluator {
  const now: Reading = { database, params: () => new Params() };
  return {
    // A transaction that failed cannot be asked again: whoever opened it starts over.
    round: (reading) => new SqlRound(reading ?? now, model, reading ? (work) => work() : retry),
  };
}

interface Question {
  /** Text and parameters are made when asked, since parameters are numbered through the whole statement. */
  readonly sql: (params: Params) => string;
  readonly read: (json: string) => void;
}

class SqlRound implements Round {
  readonly #reading: Reading;
  readonly #model: Model;
  readonly #retry: Retry;
  readonly #askers: SqlAsker[] = [];

  constructor(reading: Reading, model: Model, retry: Retry) {
    this.#reading = reading;
    this.#model = model;
    this.#retry = retry;
  }

  asker(): Asker {
    const asker = new SqlAsker(this.#model);
    this.#askers.push(asker);
    return asker;
  }

  async run(): Promise<void> {
    const askers = this.#askers.filter((asker) => asker.questions.length > 0);
    if (askers.length === 0) return;
    try {
      await this.#ask(askers);
    } catch (error) {
      if (isPassing(error)) throw error;
      if (askers.length === 1) askers[0]!.error = error;
      else for (const asker of askers) await this.#askAlone(asker);
    }
  }

  async #askAlone(asker: SqlAsker): Promise<void> {
    try {
      await this.#ask([asker]);
    } catch (error) {
      if (isPassing(error)) throw error;
      asker.error = error;
    }
  }

  async #ask(askers: readonly SqlAsker[]): Promise<void> {
    const questions = askers.flatMap((asker) => asker.questions);
    const params = this.#reading.params();
    const expressions = questions.map(({ sql }) => sql(params));
    const { values, snapshot } = await this.#retry(() =>
      runExpressions(this.#reading.database, expressions, params),
    );
    for (const [at, question] of questions.entries()) question.read(values[at]!);
    for (const asker of askers) asker.answeredIn = snapshot;
  }
}

class SqlAsker implements Asker {
  readonly questions: Question[] = [];
  readonly #model: Model;
  answeredIn: Snapshot | null = null;
  error: unknown = null;

  constructor(model: Model) {
    this.#model = model;
  }

  get snapshot(): Snapshot {
    if (!this.answeredIn) throw new TypeError('the round has not run');
    return this.answeredIn;
  }

  images({ table, filter, images, related }: ImagesQuestion): Answer<readonly (RowNode | null)[]> {
    const plan = { table, filter, orderBy: [], limit: null, offset: 0, related };
    return this.#ask(
      (params) => rowsToSql(this.#model, plan, params, imagesSource(table, images, params)),
      (rows: readonly JsonRow[]) => {
        const nodes: (RowNode | null)[] = images.map(() => null);
        for (const row of rows) nodes[row[2]! - 1] = decodeRow(table, related, row);
        return nodes;
      },
    );
  }

  rows(plan: SelectPlan): Answer<readonly RowNode[]> {
    return this.#ask(
      (params) => rowsToSql(this.#model, plan, params),
      (rows: readonly JsonRow[]) => rows.map((row) => decodeRow(plan.table, plan.related, row)),
    );
  }

  keys(table: ModelTable, filter: Filter, limit: number | null): Answer<readonly string[]> {
    const cells = table.key.map((column) => `t0.${quoteIdent(column.sqlName)}::text`);
    return this.#ask(
      (params) => {
        const where = filterToSql(this.#model, filter, 't0', params);
        const most = limit === null ? '' : ` limit ${params.cast(String(limit), 'bigint')}`;
        const from = params.from(table, 't0');
        const rows = `select array[${cells.join(', ')}] as k from ${from} where ${where}${most}`;
        return `(select coalesce(json_agg(r.k), '[]'::json) from (${rows}) as r)`;
      },
      (keys: readonly string[][]) =>
        keys.map((values) => {
          const row: (string | null)[] = [];
          for (const [at, column] of table.key.entries()) row[column.index] = values[at]!;
          return keyOf(table, row);
        }),
    );
  }

  #ask<Raw, T>(sql: Question['sql'], decode: (raw: Raw) => T): Answer<T> {
    let answer: { readonly value: T } | null = null;
    this.questions.push({
      sql,
      read: (json) => {
        answer = { value: decode(JSON.parse(json) as Raw) };
      },
    });
    return {
      get value(): T {
        if (!answer) throw new TypeError('the round has not run');
        return answer.value;
      },
    };
  }
}
