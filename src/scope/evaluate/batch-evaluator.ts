import type { Filter, RowCells } from '../../../shared/filter/types.js';
import type { Model, ModelTable } from '../../../shared/model/types.js';
import { keyOf } from '../../../shared/value/key.js';
import { isPassing } from '../../database/retry.js';
import type { Database } from '../../database/types.js';
import type { LogHistory } from '../../feed/log-history.js';
import { filterToSql } from '../../filter/sql.js';
import type { Snapshot } from '../../log/snapshot.js';
import type { LoggedTransaction } from '../../log/types.js';
import { type SqlTable, unseenToSql } from '../../log/unseen.js';
import { type CarryingRow, decodeRow, type JsonRow } from '../../query/decode.js';
import { type ChangedRows, paramsAt } from '../../query/past.js';
import { rowsToSql } from '../../query/rows.js';
import { runExpressions } from '../../query/select.js';
import { imagesSource } from '../../query/source.js';
import type { RelatedPlan, RowNode, SelectPlan } from '../../query/types.js';
import { quoteIdent } from '../../sql/quote.js';
import type { StatementParams } from '../../sql/statement.js';
import { changedRows } from '../messages/net-changes.js';
import { FilterShapes, inBatches } from './image-batches.js';

/** Postgres's result; readable once the batch has run. */
export interface QueryAnswer<T> {
  readonly value: T;
}

export interface ImagesQuestion {
  readonly table: ModelTable;
  readonly filter: Filter;
  readonly images: readonly RowCells[];
  /** Relations to load for the images on which the filter is true. */
  readonly related: readonly RelatedPlan[];
}

/**
 * One scope's questions of one round. Answers are readable once the round has run; they all hold at
 * one moment. A question that cannot be answered makes `error`, and then none of this client's
 * answers are readable.
 */
export interface BatchClient {
  /**
   * For each image its row, with what hangs from it now, where the filter is true on it; else
   * `null`.
   */
  images(question: ImagesQuestion): QueryAnswer<readonly (RowNode | null)[]>;
  /** The rows of a plan as they are now. */
  rows(plan: SelectPlan): QueryAnswer<readonly RowNode[]>;
  /** The keys of the rows that satisfy a filter now; at most `limit` of them, in no order. */
  keys(table: ModelTable, filter: Filter, limit: number | null): QueryAnswer<readonly string[]>;
  readonly error: unknown;
}

/** The questions of many scopes, asked as one statement, about one moment. */
export interface QueryBatch {
  client(): BatchClient;
  /**
   * False where a TRUNCATE had to be taken back: the rows that it took are in no log, and the
   * answers do without them. Also where changes cannot be read, and were not taken back.
   */
  readonly isExact: boolean;
  /**
   * Asks; does nothing where nothing was asked. If Postgres refuses the statement, each client's
   * questions are asked for themselves, so that one bad scope costs only itself. Rejects only when
   * waiting for the database was given up.
   */
  run(): Promise<void>;
}

/**
 * The moment that questions are about: `position` without what `later` did. Both are taken from the
 * feed, whose order is the only order there is: every answer is as if the database had stopped
 * there, whatever has been committed since.
 */
export interface ReadPoint {
  readonly position: Snapshot;
  readonly later: readonly LoggedTransaction[];
}

export interface BatchEvaluator {
  round(moment: ReadPoint): QueryBatch;
}

/** Repeats a reading that failed for a passing reason until it is answered; see `untilAnswered`. */
export type RetryPassing = <T>(work: () => Promise<T>) => Promise<T>;

export interface EvaluatorOptions {
  readonly database: Database;
  readonly model: Model;
  readonly history: LogHistory;
  readonly retry: RetryPassing;
}

export function createEvaluator(options: EvaluatorOptions): BatchEvaluator {
  const shapes = new FilterShapes(options.model);
  return { round: (moment) => new SqlRound(options, shapes, moment) };
}

export interface BatchedQuery {
  /**
   * Text and parameters are made when asked, since parameters are numbered through the whole
   * statement.
   */
  readonly sql: (params: StatementParams) => string;
  readonly read: (json: string) => void;
  /** Set for images whose rows carry no relations, so that the query can be batched with others. */
  readonly plainImages?: PlainImages | undefined;
}

export interface PlainImages {
  readonly question: ImagesQuestion;
  readonly answer: (nodes: readonly (RowNode | null)[]) => void;
}

/** A part of a statement, and what reads its value. */
export interface BatchedExpression {
  readonly sql: string;
  readonly read: (json: string) => void;
}

class SqlRound implements QueryBatch {
  readonly #options: EvaluatorOptions;
  readonly #shapes: FilterShapes;
  readonly #moment: ReadPoint;
  readonly #clients: SqlBatchClient[] = [];
  isExact = true;

  constructor(options: EvaluatorOptions, shapes: FilterShapes, moment: ReadPoint) {
    this.#options = options;
    this.#shapes = shapes;
    this.#moment = moment;
  }

  client(): BatchClient {
    const client = new SqlBatchClient(this.#options.model);
    this.#clients.push(client);
    return client;
  }

  async run(): Promise<void> {
    const clients = this.#clients.filter((client) => client.questions.length > 0);
    if (clients.length === 0) return;
    try {
      await this.#ask(clients);
    } catch (error) {
      if (isPassing(error)) throw error;
      if (clients.length === 1) clients[0]!.error = error;
      else for (const client of clients) await this.#askAlone(client);
    }
  }

  async #askAlone(client: SqlBatchClient): Promise<void> {
    try {
      await this.#ask([client]);
    } catch (error) {
      if (isPassing(error)) throw error;
      client.error = error;
    }
  }

  async #ask(clients: readonly SqlBatchClient[]): Promise<void> {
    const questions = clients.flatMap((client) => client.questions);
    const { expressions, values } = await this.#options.retry(async () => {
      const now = await this.#askNow(questions);
      return 'values' in now ? now : this.#askThen(questions, now.tables);
    });
    for (const [at, { read }] of expressions.entries()) read(values[at]!);
  }

  /**
   * The usual case: nothing was committed since the feed's last reading to the tables that are
   * read. `tables` where something was.
   */
  async #askNow(questions: readonly BatchedQuery[]): Promise<Answered> {
    const { position, later } = this.#moment;
    const tables = new Map<string, SqlTable>();
    const params = this.#paramsWithout(later, tables);
    const expressions = inBatches(questions, this.#shapes, params);
    const read = [...tables.values()];
    const texts = [...expressions.map(({ sql }) => sql), unseenToSql(position, read, params)];
    const { values } = await runExpressions(this.#options.database, texts, params);
    return values.at(-1) === 'false' ? { expressions, values } : { tables: read };
  }

  /** Reads later commits in the same snapshot as the queries, and takes them back. */
  #askThen(questions: readonly BatchedQuery[], tables: readonly SqlTable[]): Promise<Answers> {
    const { database, history } = this.#options;
    const { position, later } = this.#moment;
    return database.transaction(
      async (tx) => {
        const unseen = await history.since(tx, position, tables);
        const params = this.#paramsWithout([...later, ...unseen]);
        const expressions = inBatches(questions, this.#shapes, params);
        const { values } = await runExpressions(
          tx,
          expressions.map(({ sql }) => sql),
          params,
        );
        return { expressions, values };
      },
      { isolation: 'repeatable read', readOnly: true },
    );
  }

  /** Only what changed in tables that are read has to be taken back. Notes them in `read`. */
  #paramsWithout(
    transactions: readonly LoggedTransaction[],
    read = new Map<string, SqlTable>(),
  ): StatementParams {
    this.isExact = true;
    const known = new Map<string, ChangedRows | null>();
    return paramsAt((table) => {
      const name = `${table.sqlSchema}.${table.sqlName}`;
      let changes = known.get(name);
      if (changes === undefined) {
        changes = changedRows(transactions, table);
        known.set(name, changes);
        read.set(name, table);
        this.isExact &&= !changes?.isEmptied && !transactions.some((each) => isUnreadable(each, table));
      }
      return changes;
    });
  }
}

interface Answers {
  readonly expressions: readonly BatchedExpression[];
  readonly values: readonly string[];
}

type Answered = Answers | { readonly tables: readonly SqlTable[] };

function isUnreadable({ unreadable }: LoggedTransaction, { sqlSchema, sqlName }: SqlTable): boolean {
  return [...unreadable.keys()].some((each) => each.sqlSchema === sqlSchema && each.sqlName === sqlName);
}

class SqlBatchClient implements BatchClient {
  readonly questions: BatchedQuery[] = [];
  readonly #model: Model;
  error: unknown = null;

  constructor(model: Model) {
    this.#model = model;
  }

  images(question: ImagesQuestion): QueryAnswer<readonly (RowNode | null)[]> {
    const { table, filter, images, related } = question;
    const plan = { table, filter, orderBy: [], limit: null, offset: 0, related };
    const kept = new Kept<readonly (RowNode | null)[]>();
    this.questions.push({
      sql: (params) => rowsToSql(this.#model, plan, params, imagesSource(table, images, params)),
      read: (json) => {
        const nodes: (RowNode | null)[] = images.map(() => null);
        for (const row of JSON.parse(json) as CarryingRow[])
          nodes[row[2]! - 1] = decodeRow(table, related, row);
        kept.keep(nodes);
      },
      plainImages: related.length > 0 ? undefined : { question, answer: (nodes) => kept.keep(nodes) },
    });
    return kept;
  }

  rows(plan: SelectPlan): QueryAnswer<readonly RowNode[]> {
    return this.#ask(
      (params) => rowsToSql(this.#model, plan, params),
      (rows: readonly JsonRow[]) => rows.map((row) => decodeRow(plan.table, plan.related, row)),
    );
  }

  keys(table: ModelTable, filter: Filter, limit: number | null): QueryAnswer<readonly string[]> {
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

  #ask<Raw, T>(sql: BatchedQuery['sql'], decode: (raw: Raw) => T): QueryAnswer<T> {
    const kept = new Kept<T>();
    this.questions.push({ sql, read: (json) => kept.keep(decode(JSON.parse(json) as Raw)) });
    return kept;
  }
}

class Kept<T> implements QueryAnswer<T> {
  #answer: { readonly value: T } | null = null;

  keep(value: T): void {
    this.#answer = { value };
  }

  get value(): T {
    if (!this.#answer) throw new TypeError('the round has not run');
    return this.#answer.value;
  }
}
