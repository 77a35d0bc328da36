import type { Database, QueryRunner, TransactionOptions } from '../../../src/database/types.js';
import { createCursorCodec } from '../../../src/feed/cursor.js';
import { waitFor } from '../wait-for.js';
import { FAULT_SECRET } from './node.js';

export type LedgerTable = 'tasks' | 'comments' | 'users' | 'members';

/** What a transaction made of one row. */
export interface Effect {
  readonly table: LedgerTable;
  readonly key: string;
  /** Larger than that of every earlier state of the row. */
  readonly version: number;
  /** The project that the row belongs to; `null` where none does. */
  readonly project: number | null;
  /** The row is gone. */
  readonly isGone: boolean;
}

/** A committed transaction. By the clock of this process it was committed between the two moments. */
export interface Commit {
  /** As streams name it. */
  readonly xid: string;
  /** -Infinity where that is not known. */
  readonly begunAt: number;
  /** Infinity where nobody was told. */
  readonly ackedAt: number;
  /** Several of one row in the order in which they happened. */
  readonly effects: readonly Effect[];
}

/** A statement that changes rows and returns `t, k, v, p, g`: table, key, version, project, whether they are gone. See `changes.ts`. */
export type ChangeSql = string;

/** What is written through it is noted twice: in the database, by the transaction itself, and here, when it was acknowledged. */
export class CommitLedger {
  readonly #database: Database;
  readonly #known = new Map<string, { readonly begunAt: number; readonly ackedAt: number }>();
  /** Of the table; what is up to it has been handed out. */
  #readUpTo = 0n;
  readonly #prepared = new Map<string, { readonly xid: string; readonly begunAt: number }>();
  acknowledged = 0;
  /** Rolled back, or lost with the connection. */
  failed = 0;

  /** `database` should lead past every proxy. */
  constructor(database: Database) {
    this.#database = database;
  }

  /** One transaction of one statement. Rejects as it does. */
  commit(change: ChangeSql): Promise<void> {
    return this.#note(() => enter(this.#database, change));
  }

  /** One transaction of several. `work` is handed what enters changes. */
  transaction(
    work: (change: (sql: ChangeSql) => Promise<string | null>, tx: QueryRunner) => Promise<void>,
    options?: TransactionOptions,
  ): Promise<void> {
    return this.#note(() => {
      let xid: string | null = null;
      return this.#database
        .transaction(async (tx) => {
          await work(async (change) => {
            const entered = await enter(tx, change);
            xid ??= entered;
            return entered;
          }, tx);
        }, options)
        .then(() => xid);
    });
  }

  /** Prepares a transaction of one statement, under an id. */
  prepare(id: string, change: ChangeSql): Promise<void> {
    const begunAt = performance.now();
    return this.#database.transaction(async (tx) => {
      // A transaction that notified cannot be prepared.
      await tx.script('set local rivulet.notify = off');
      const xid = await enter(tx, change);
      if (xid !== null) this.#prepared.set(id, { xid, begunAt });
      await tx.script(`prepare transaction '${id}'`);
    });
  }

  /** Tries until the database has answered: what was prepared is there after every restart. */
  async commitPrepared(id: string): Promise<void> {
    const prepared = this.#prepared.get(id);
    this.#prepared.delete(id);
    let wasThere = false;
    await waitFor(
      'the prepared transaction is committed',
      async () => {
        const left = await this.#database.query({
          text: 'select 1::text from pg_prepared_xacts where gid = $1',
          params: [id],
        });
        if (left.length === 0) return true;
        wasThere = true;
        await this.#database.script(`commit prepared '${id}'`);
        return false;
      },
      60_000,
    );
    if (prepared && wasThere) this.note(prepared.xid, prepared.begunAt, performance.now());
  }

  /** Says when a transaction, known by its xid, was committed in another way than by the two above. */
  note(xid: string, begunAt: number, ackedAt: number): void {
    this.acknowledged++;
    this.#known.set(xid, { begunAt, ackedAt });
  }

  /**
   * What was committed since the last call; to be called while nobody writes. Throws where the database forgot what it had acknowledged: then
   * nothing that is built on it can be right.
   */
  async take(): Promise<readonly Commit[]> {
    const rows = await this.#database.query({
      text: 'select n::text, xid, effects::text from ledger where n > $1::text::bigint order by n',
      params: [String(this.#readUpTo)],
    });
    const commits = new Map<string, Effect[]>();
    for (const [n, xid, effects] of rows) {
      this.#readUpTo = BigInt(n!);
      const all = commits.get(xid!) ?? [];
      commits.set(xid!, all);
      for (const effect of JSON.parse(effects!) as RawEffect[]) all.push(fromRaw(effect));
    }
    const nameOf = await this.names();
    const taken = [...commits].map(([xid, effects]) => {
      const known = this.#known.get(xid) ?? { begunAt: -Infinity, ackedAt: Infinity };
      return { xid: nameOf(xid), effects, ...known };
    });
    for (const xid of this.#known.keys()) {
      if (!commits.has(xid)) throw new Error(`transaction ${xid} was acknowledged, and is not there`);
    }
    this.#known.clear();
    return taken;
  }

  /** What streams call a transaction. */
  async names(): Promise<(xid: string) => string> {
    const [row] = await this.#database.query({ text: 'select epoch::text from rivulet.log', params: [] });
    const codec = createCursorCodec(FAULT_SECRET, row![0]!);
    return (xid) => codec.nameTransaction(BigInt(xid));
  }

  async #note(work: () => Promise<string | null>): Promise<void> {
    const begunAt = performance.now();
    try {
      const xid = await work();
      if (xid !== null) this.note(xid, begunAt, performance.now());
    } catch (error) {
      this.failed++;
      throw error;
    }
  }
}

/** Makes a change and enters it in the same statement; resolves to its xid, `null` where it changed nothing. */
export async function enter(db: QueryRunner, change: ChangeSql): Promise<string | null> {
  const text = `with done as (${change}) insert into ledger (effects)
    select jsonb_agg(jsonb_build_array(t, k, v, p, g)) from done having count(*) > 0 returning xid`;
  const [row] = await db.query({ text, params: [] }, { prepare: false });
  return row?.[0] ?? null;
}

type RawEffect = readonly [LedgerTable, string, number, number | null, boolean];

function fromRaw([table, key, version, project, isGone]: RawEffect): Effect {
  return { table, key, version, project, isGone };
}
