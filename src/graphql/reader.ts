import type { Database } from '../database/types.js';
import type { Snapshot } from '../log/snapshot.js';
import { runExpressions } from '../query/select.js';
import { Params } from '../sql/statement.js';

/** Writes scalar expressions with the statement's parameters. */
type Build = (params: Params) => readonly string[];

interface Read {
  readonly values: readonly string[];
  readonly snapshot: Snapshot;
}

interface Waiting {
  readonly build: Build;
  readonly resolve: (read: Read) => void;
  readonly reject: (error: unknown) => void;
}

/**
 * The readings of one request. All that its root fields ask in one turn goes out as one statement, so that the whole answer holds
 * in one snapshot, and its cursor is exact. Where the statement fails each reading is tried for itself, and has its own error.
 */
export class Reader {
  readonly #database: Database;
  #waiting: Waiting[] = [];
  #statements = 0;
  #snapshot: Snapshot | null = null;

  constructor(database: Database) {
    this.#database = database;
  }

  /** The snapshot in which everything was read; `null` before, and where it was not one. */
  get snapshot(): Snapshot | null {
    return this.#statements === 1 ? this.#snapshot : null;
  }

  read(build: Build): Promise<Read> {
    if (this.#waiting.length === 0) queueMicrotask(() => void this.#flush());
    return new Promise((resolve, reject) => this.#waiting.push({ build, resolve, reject }));
  }

  async #flush(): Promise<void> {
    const waiting = this.#waiting;
    this.#waiting = [];
    try {
      const reads = await this.#run(waiting.map(({ build }) => build));
      for (const [at, each] of waiting.entries()) each.resolve(reads[at]!);
    } catch (error) {
      if (waiting.length === 1) waiting[0]!.reject(error);
      else
        for (const { build, resolve, reject } of waiting)
          await this.#run([build]).then(([read]) => resolve(read!), reject);
    }
  }

  async #run(builds: readonly Build[]): Promise<readonly Read[]> {
    const params = new Params();
    const expressions = builds.map((build) => build(params));
    this.#statements++;
    const { values, snapshot } = await runExpressions(this.#database, expressions.flat(), params);
    this.#snapshot = snapshot;
    let from = 0;
    return expressions.map(({ length }) => {
      from += length;
      return { values: values.slice(from - length, from), snapshot };
    });
  }
}
