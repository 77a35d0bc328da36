import type { RowCells } from '../../shared/filter/types.js';
import type { ModelTable } from '../../shared/model/types.js';
import { FeedListeners } from '../../src/feed/feed-listeners.js';
import { FeedMeter } from '../../src/feed/feed-meter.js';
import { ReadLoop } from '../../src/feed/read-loop.js';
import type { Feed } from '../../src/feed/types.js';
import { isVisible, type Snapshot, withVisible } from '../../src/log/snapshot.js';
import type { ChangeOperation, LoggedChange, LoggedTransaction } from '../../src/log/types.js';

/**
 * A feed without a database, for tests of what comes after it; it passes the same conformance suite
 * as the log's.
 */
export interface MemoryFeed extends Feed {
  /** Begins a transaction; others may begin and commit before it ends. */
  begin(options?: { readonly mutationId?: string }): MemoryTransaction;
}

export interface MemoryTransaction {
  readonly xid: bigint;
  insert(table: ModelTable, row: RowCells): void;
  update(table: ModelTable, before: RowCells, after: RowCells): void;
  delete(table: ModelTable, row: RowCells): void;
  truncate(table: ModelTable): void;
  /** Its changes are now there to be read. */
  commit(): void;
  rollback(): void;
}

interface Committed {
  readonly xid: bigint;
  readonly loggedAt: string;
  readonly mutationId: string | null;
  readonly changes: readonly LoggedChange[];
}

export function createMemoryFeed(): MemoryFeed {
  return new MemoryLogFeed();
}

class MemoryLogFeed implements MemoryFeed {
  readonly epoch = 'memory';
  readonly #listeners = new FeedListeners();
  readonly #meter = new FeedMeter();
  readonly #loop = new ReadLoop({
    read: () => this.#read(),
    pauseMs: () => 2 ** 31 - 1,
    onFailure: () => {},
  });
  readonly #inProgress = new Set<bigint>();
  #committed: Committed[] = [];
  #nextXid = 1_000n;
  #nextSeq = 1n;
  #position: Snapshot | null = null;

  get position(): Snapshot {
    if (!this.#position) throw new Error('the feed has not been started');
    return this.#position;
  }

  async start(): Promise<void> {
    this.#position = this.#snapshot();
    this.#meter.read(0);
    this.#loop.start();
  }

  listen(listener: Parameters<Feed['listen']>[0]): () => void {
    return this.#listeners.add(listener);
  }

  catchUp(): Promise<void> {
    return this.#loop.catchUp();
  }

  status(): ReturnType<Feed['status']> {
    const names = { idle: 'starting', running: 'live', failing: 'reconnecting', stopped: 'stopped' } as const;
    return {
      state: names[this.#loop.state.kind],
      ...this.#meter.figures,
      wakeUps: 'off',
      rest: 'clock',
      naps: 0,
      rings: 0,
      reconnects: 0,
      error: null,
    };
  }

  stop(): Promise<void> {
    return this.#loop.stop();
  }

  begin(options: { readonly mutationId?: string } = {}): MemoryTransaction {
    const xid = this.#nextXid++;
    this.#inProgress.add(xid);
    const changes: LoggedChange[] = [];
    const log = (
      table: ModelTable,
      op: ChangeOperation,
      before: RowCells | null,
      after: RowCells | null,
    ): void => {
      if (!this.#inProgress.has(xid)) throw new Error('the transaction is over');
      changes.push({ seq: this.#nextSeq++, table, op, old: before, new: after });
    };
    return {
      xid,
      insert: (table, row) => log(table, 'INSERT', null, row),
      update: (table, before, after) => log(table, 'UPDATE', before, after),
      delete: (table, row) => log(table, 'DELETE', row, null),
      truncate: (table) => log(table, 'TRUNCATE', null, null),
      commit: () => {
        if (!this.#inProgress.delete(xid) || changes.length === 0) return;
        const loggedAt = new Date().toISOString();
        this.#committed.push({ xid, loggedAt, mutationId: options.mutationId ?? null, changes });
        this.#loop.wake();
      },
      rollback: () => {
        this.#inProgress.delete(xid);
      },
    };
  }

  #snapshot(): Snapshot {
    let xmin = this.#nextXid;
    for (const xid of this.#inProgress) if (xid < xmin) xmin = xid;
    return { xmin, xmax: this.#nextXid, xip: new Set(this.#inProgress) };
  }

  async #read(): Promise<void> {
    const before = this.position;
    const position = this.#snapshot();
    const unseen = this.#committed.filter(({ xid }) => !isVisible(before, xid)).sort(byLastSeq);
    this.#committed = [];
    this.#meter.read(unseen.length);
    if (unseen.length > 0) {
      const batch = { transactions: toTransactions(unseen, before, position), position, reset: null };
      this.#meter.handOver(batch);
      await this.#listeners.tell(batch);
    }
    this.#position = position;
  }
}

function byLastSeq(a: Committed, b: Committed): number {
  return a.changes.at(-1)!.seq < b.changes.at(-1)!.seq ? -1 : 1;
}

function toTransactions(
  committed: readonly Committed[],
  before: Snapshot,
  after: Snapshot,
): readonly LoggedTransaction[] {
  let cursor = before;
  return committed.map((transaction, i) => {
    cursor = i === committed.length - 1 ? after : withVisible(cursor, [transaction.xid]);
    return { ...transaction, unreadable: new Map(), cursor };
  });
}
