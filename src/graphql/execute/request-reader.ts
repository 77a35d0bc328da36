import { codedError } from '../../database/errors.js';
import type { Database } from '../../database/types.js';
import { NEWEST_SQL, positionOf } from '../../log/newest.js';
import type { Snapshot } from '../../log/snapshot.js';
import { asRowCapError } from '../../query/row-cap.js';
import { expressionsStatement, readExpressions } from '../../query/select.js';
import { type Statement, StatementParams } from '../../sql/statement.js';
import { assertPossibleRows, type CountablePlan, rowCapOf } from '../plan/plan-limits.js';
import type { QueryLimits } from '../schema/query-limits.js';

const CONFLICT_TRIES = 3;

/** Writes scalar expressions with the statement's parameters. */
type Build = (params: StatementParams) => readonly string[];

interface Read {
  readonly values: readonly string[];
  readonly snapshot: Snapshot;
}

/** A statement, and the number of values that each `Build` wrote. */
export interface BatchStatement {
  readonly statement: Statement;
  readonly lengths: readonly number[];
  readonly isOfLog: boolean;
  /** Rows after which the statement stops; `null` if it cannot read more rows than allowed. */
  readonly rowCap: number | null;
}

/** The plans of a request, for the limits that hold for all its root fields together. */
export interface ReadExtent {
  readonly limits: QueryLimits;
  readonly plans: readonly CountablePlan[];
}

interface WaitingRead {
  readonly build: Build;
  readonly extent: ReadExtent | null;
  readonly resolve: (read: Read) => void;
  readonly reject: (error: unknown) => void;
}

/**
 * The reads of one request. All reads of its root fields in one turn of the event loop go out as
 * one statement, so that the whole response is of one snapshot and its cursor is exact. A statement
 * that conflicted with another transaction is run again as it is. If it fails otherwise, each read
 * is run alone and has its own error, except when it was too large: running it again would not
 * help. The limits on rows hold for all reads of a statement together.
 */
export class RequestReader {
  readonly #database: Database;
  readonly #isOfLog: boolean;
  #waiting: WaitingRead[] = [];
  #answers = 0;
  #failure: unknown = null;
  #refusal: unknown = null;
  #snapshot: Snapshot | null = null;

  /**
   * With `isOfLog`, snapshots are positions of the change log, from which cursors are made. The log
   * must exist.
   */
  constructor(database: Database, { isOfLog = false }: { readonly isOfLog?: boolean } = {}) {
    this.#database = database;
    this.#isOfLog = isOfLog;
  }

  /**
   * The one snapshot of everything that was read; `null` before the first read, and if several
   * snapshots were needed.
   */
  get snapshot(): Snapshot | null {
    return this.#answers === 1 ? this.#snapshot : null;
  }

  /** The error of the last statement; `null` if none failed. */
  get failure(): unknown {
    return this.#failure;
  }

  /** Makes every further read reject with `error`, so that nothing is read a second time. */
  refuse(error: unknown): void {
    this.#refusal = error;
  }

  /** Without `extent` the number of rows is not limited. */
  read(build: Build, extent: ReadExtent | null = null): Promise<Read> {
    if (this.#waiting.length === 0) queueMicrotask(() => void this.#flush());
    return new Promise((resolve, reject) => this.#waiting.push({ build, extent, resolve, reject }));
  }

  async #flush(): Promise<void> {
    const waiting = this.#waiting;
    this.#waiting = [];
    try {
      if (this.#refusal !== null) throw this.#refusal;
      const reads = await this.execute(this.#made(waiting));
      for (const [at, each] of waiting.entries()) each.resolve(reads[at]!);
    } catch (error) {
      if (waiting.length === 1 || isBatchError(error)) for (const { reject } of waiting) reject(error);
      else
        for (const each of waiting)
          await this.execute(this.#made([each], waiting.length)).then(
            ([read]) => each.resolve(read!),
            each.reject,
          );
    }
  }

  /** `share`: the number of statements that share the row limit of one request. */
  #made(waiting: readonly WaitingRead[], share = 1): BatchStatement {
    const limits = waiting[0]?.extent?.limits;
    const plans = waiting.flatMap(({ extent }) => extent?.plans ?? []);
    return this.make(
      waiting.map(({ build }) => build),
      limits && { limits: { ...limits, maxTotalRows: Math.ceil(limits.maxTotalRows / share) }, plans },
    );
  }

  /** A statement for `execute`. Other readers of the same kind may run it, and more than once. */
  make(builds: readonly Build[], extent?: ReadExtent): BatchStatement {
    const params = new StatementParams();
    if (extent) {
      assertPossibleRows(extent.limits, ...extent.plans);
      params.rowCap = rowCapOf(extent.plans, extent.limits.maxTotalRows);
    }
    const expressions = builds.map((build) => build(params));
    const all = [...expressions.flat(), ...(this.#isOfLog ? [NEWEST_SQL] : [])];
    return {
      statement: expressionsStatement(all, params),
      lengths: expressions.map(({ length }) => length),
      isOfLog: this.#isOfLog,
      rowCap: params.rowCap,
    };
  }

  /** Runs a statement and returns the values of each `Build`. */
  async execute(made: BatchStatement): Promise<readonly Read[]> {
    if (made.isOfLog !== this.#isOfLog) throw new TypeError('made by a reader of another kind');
    for (let left = CONFLICT_TRIES; ; left--) {
      try {
        return await this.#run(made);
      } catch (error) {
        this.#failure = asRowCapError(error, made.rowCap);
        if (left <= 1 || !isConflict(error)) throw this.#failure;
      }
    }
  }

  async #run({ statement, lengths }: BatchStatement): Promise<readonly Read[]> {
    const rows = await this.#database.query(statement, { shared: true });
    const count = lengths.reduce((sum, length) => sum + length, Number(this.#isOfLog));
    const { values, snapshot: taken } = readExpressions(rows, count);
    const snapshot = this.#isOfLog ? positionOf(taken, values.at(-1)!) : taken;
    this.#answers++;
    this.#snapshot = snapshot;
    let from = 0;
    return lengths.map((length) => {
      from += length;
      return { values: values.slice(from - length, from), snapshot };
    });
  }
}

function isConflict(error: unknown): boolean {
  return codedError(error)?.code === 'CONFLICT_RETRY';
}

const OF_ALL: ReadonlySet<string | undefined> = new Set([
  'CONFLICT_RETRY',
  'QUERY_TIMEOUT',
  'QUERY_TOO_LARGE',
  'REQUEST_CANCELLED',
]);

/** True for an error of the whole statement, independent of the read that caused it. */
export function isBatchError(error: unknown): boolean {
  return OF_ALL.has(codedError(error)?.code);
}
