import { codedError } from '../database/errors.js';
import type { Database } from '../database/types.js';
import { NEWEST_SQL, positionOf } from '../log/newest.js';
import type { Snapshot } from '../log/snapshot.js';
import { expressionsStatement, readExpressions } from '../query/select.js';
import { Params, type Statement } from '../sql/statement.js';

const CONFLICT_TRIES = 3;

/** Writes scalar expressions with the statement's parameters. */
type Build = (params: Params) => readonly string[];

interface Read {
  readonly values: readonly string[];
  readonly snapshot: Snapshot;
}

/** A statement, and how many of its values each `Build` wrote. */
export interface Made {
  readonly statement: Statement;
  readonly lengths: readonly number[];
  readonly isOfLog: boolean;
}

interface Waiting {
  readonly build: Build;
  readonly resolve: (read: Read) => void;
  readonly reject: (error: unknown) => void;
}

/**
 * The readings of one request. All that its root fields ask in one turn goes out as one statement, so that the whole answer holds
 * in one snapshot, and its cursor is exact. A statement that was in another transaction's way is run again as it is. Where it
 * fails otherwise each reading is tried for itself, and has its own error.
 */
export class Reader {
  readonly #database: Database;
  readonly #isOfLog: boolean;
  #waiting: Waiting[] = [];
  #answers = 0;
  #snapshot: Snapshot | null = null;

  /** With `isOfLog`, snapshots are positions of the change log, which cursors are made of; it has to be there. */
  constructor(database: Database, { isOfLog = false }: { readonly isOfLog?: boolean } = {}) {
    this.#database = database;
    this.#isOfLog = isOfLog;
  }

  /** The snapshot in which everything that could be read was read; `null` before, and where it was not one. */
  get snapshot(): Snapshot | null {
    return this.#answers === 1 ? this.#snapshot : null;
  }

  read(build: Build): Promise<Read> {
    if (this.#waiting.length === 0) queueMicrotask(() => void this.#flush());
    return new Promise((resolve, reject) => this.#waiting.push({ build, resolve, reject }));
  }

  async #flush(): Promise<void> {
    const waiting = this.#waiting;
    this.#waiting = [];
    try {
      const reads = await this.ask(this.make(waiting.map(({ build }) => build)));
      for (const [at, each] of waiting.entries()) each.resolve(reads[at]!);
    } catch (error) {
      if (waiting.length === 1 || isConflict(error)) for (const { reject } of waiting) reject(error);
      else
        for (const { build, resolve, reject } of waiting)
          await this.ask(this.make([build])).then(([read]) => resolve(read!), reject);
    }
  }

  /** A statement for `ask`, which may be asked by other readers of the same kind, and more than once. */
  make(builds: readonly Build[]): Made {
    const params = new Params();
    const expressions = builds.map((build) => build(params));
    const all = [...expressions.flat(), ...(this.#isOfLog ? [NEWEST_SQL] : [])];
    return {
      statement: expressionsStatement(all, params),
      lengths: expressions.map(({ length }) => length),
      isOfLog: this.#isOfLog,
    };
  }

  /** Answers what it was made of. */
  async ask(made: Made): Promise<readonly Read[]> {
    if (made.isOfLog !== this.#isOfLog) throw new TypeError('made by a reader of another kind');
    for (let left = CONFLICT_TRIES; ; left--) {
      try {
        return await this.#run(made);
      } catch (error) {
        if (left <= 1 || !isConflict(error)) throw error;
      }
    }
  }

  async #run({ statement, lengths }: Made): Promise<readonly Read[]> {
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
