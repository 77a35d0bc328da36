import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Model } from '../../shared/model/types.js';
import type { QueryRunner } from '../database/types.js';
import { TransactionDecoder } from '../log/decode-transaction.js';
import { ImageShapes } from '../log/image-shapes.js';
import { type LogOutline, outlineSince, parseOutline } from '../log/log-outline.js';
import { type LoggedRow, type LogPart, parseRead, readPart } from '../log/read.js';
import { ReadPositions } from '../log/read-positions.js';
import type { Snapshot } from '../log/snapshot.js';
import type { LoggedTransaction } from '../log/types.js';
import type { DecodedCursor } from './cursor.js';

/** Whole transactions, in the feed's order. */
export interface LogPage {
  readonly transactions: readonly LoggedTransaction[];
  /** The position after the page. */
  readonly position: Snapshot;
}

/** Why the log cannot be read from a cursor: see `HistoryRead`. */
export type UnreadableRange = { readonly kind: 'foreign' | 'trimmed' | 'lost' };

/** The part of the log since a cursor, read page by page. */
export interface LogRange {
  readonly kind: 'range';
  /** The moment up to which it goes. */
  readonly snapshot: Snapshot;
  readonly changes: number;
  /** True if one of these tables changed; by their names in the model. */
  touches(tables: ReadonlySet<string>): boolean;
  /** True if one of these tables was emptied, or changed without being logged. */
  breaks(tables: ReadonlySet<string>): boolean;
  /**
   * The next page, of at most so many changes or of one transaction; `null` after the last. Not to
   * be called twice at a time.
   */
  next(db: QueryRunner, maxChanges: number): Promise<LogPage | UnreadableRange | null>;
}

export interface LogPages {
  range(db: QueryRunner, since: DecodedCursor): Promise<LogRange | UnreadableRange>;
}

export interface LogPagesOptions {
  /**
   * A transaction that changed more rows is not read: it comes without changes, with its tables as
   * `unreadable`. It would have to be held in memory whole. Default 200,000.
   */
  readonly maxTransactionRows?: number | undefined;
}

/** Largest size of a page, in bytes of the stored images. A single transaction may have more. */
const PAGE_BYTES = 8 * 1024 ** 2;
/** A transaction whose images have more is not read either. */
const MAX_TRANSACTION_BYTES = 512 * 1024 ** 2;
/** Rows that are read and decoded in one turn of the event loop. */
const SLICE_ROWS = 2_000;
const MAX_TRANSACTIONS = 1_000_000;

/**
 * Reads long stretches of the change log without holding them: first who is in it and in which
 * order, in one statement, then the images by whole transactions, large ones by parts. What
 * retention deletes meanwhile makes a page `trimmed`, never one with holes. More than a million
 * transactions are `trimmed`, too: nobody waits for so long.
 */
export function createLogPages(model: Model, options: LogPagesOptions = {}): LogPages {
  const shapes = new ImageShapes(model);
  const nameOf = (sqlSchema: string | null, sqlName: string | null) =>
    model.tables.find((table) => table.sqlSchema === sqlSchema && table.sqlName === sqlName)?.name;
  return {
    async range(db, { epoch, snapshot: since }) {
      const answer = await db.query(outlineSince(since, MAX_TRANSACTIONS), { prepare: false });
      const outline = parseOutline(answer, since);
      if (!outline) return { kind: 'lost' };
      if (outline.epoch !== epoch || outline.standing !== 'same') return { kind: 'foreign' };
      if (outline.isTrimmed || outline.isCut) return { kind: 'trimmed' };
      const touched = outline.tables.map(({ sqlSchema, sqlName, isBroken }) => ({
        // A self-describing image may belong to any table.
        name: sqlName === null ? null : (nameOf(sqlSchema, sqlName) ?? ''),
        isBroken,
      }));
      const among = (tables: ReadonlySet<string>) =>
        touched.filter(({ name }) => name === null || tables.has(name));
      const pages = new Pages(outline, since, shapes, options.maxTransactionRows ?? 200_000);
      return {
        kind: 'range',
        snapshot: outline.snapshot,
        changes: outline.counts.reduce((sum, count) => sum + count, 0),
        touches: (tables) => among(tables).length > 0,
        breaks: (tables) => among(tables).some(({ isBroken }) => isBroken),
        next: (db, maxChanges) => pages.next(db, maxChanges),
      };
    },
  };
}

class Unread extends Error {
  readonly kind: UnreadableRange['kind'];

  constructor(kind: UnreadableRange['kind']) {
    super(kind);
    this.kind = kind;
  }
}

class Pages {
  readonly #outline: LogOutline;
  readonly #since: Snapshot;
  readonly #shapes: ImageShapes;
  readonly #maxRows: number;
  readonly #progress: ReadPositions;
  #at = 0;
  #position: Snapshot;

  constructor(outline: LogOutline, since: Snapshot, shapes: ImageShapes, maxRows: number) {
    this.#outline = outline;
    this.#since = since;
    this.#shapes = shapes;
    this.#maxRows = maxRows;
    this.#progress = new ReadPositions(since, outline.snapshot, outline.xids);
    this.#position = since;
  }

  async next(db: QueryRunner, maxChanges: number): Promise<LogPage | UnreadableRange | null> {
    const { xids } = this.#outline;
    const at = this.#at;
    if (at === xids.length) return null;
    const end = this.#endOfPage(maxChanges);
    try {
      const isLarge = this.#isLarge(at);
      const decoders = isLarge ? [await this.#decodeLarge(db, xids[at]!)] : await this.#decodeMany(db, end);
      const transactions: LoggedTransaction[] = [];
      for (const decoder of decoders) {
        if (decoder.isLost) throw new Unread('lost');
        const transaction = decoder.finish();
        const position = this.#progress.next();
        this.#position = { ...position, ...pickAnchor(this.#position) };
        if (!transaction) continue;
        const { xid, loggedAt } = transaction;
        this.#position = { ...position, anchor: { xid, loggedAt } };
        transactions.push({ ...transaction, cursor: this.#position });
      }
      this.#at = end;
      return { transactions, position: this.#position };
    } catch (error) {
      if (error instanceof Unread) return { kind: error.kind };
      throw error;
    }
  }

  /** To be read alone. */
  #isLarge(at: number): boolean {
    const { counts, bytes } = this.#outline;
    return counts[at]! > Math.min(SLICE_ROWS, this.#maxRows) || bytes[at]! > PAGE_BYTES;
  }

  #endOfPage(maxChanges: number): number {
    const { xids, counts, bytes } = this.#outline;
    let end = this.#at;
    let [changes, size] = [0, 0];
    while (end < xids.length) {
      changes += counts[end]!;
      size += bytes[end]!;
      const isFirst = end === this.#at;
      if (!isFirst && (changes > maxChanges || size > PAGE_BYTES || this.#isLarge(end))) break;
      end++;
      if (isFirst && this.#isLarge(this.#at)) break;
    }
    return end;
  }

  async #decodeMany(db: QueryRunner, end: number): Promise<readonly TransactionDecoder[]> {
    const page = this.#outline.xids.slice(this.#at, end);
    const rows = new Map<bigint, LoggedRow[]>();
    const expected = this.#outline.counts.slice(this.#at, end).reduce((sum, count) => sum + count, 0);
    for (const row of await this.#read(db, { kind: 'whole', xids: page }, expected)) {
      const known = rows.get(row.xid);
      if (known) known.push(row);
      else rows.set(row.xid, [row]);
    }
    return Array.from(page, (xid) => {
      const decoder = new TransactionDecoder(this.#shapes);
      for (const row of (rows.get(xid) ?? []).toSorted(bySeq)) decoder.add(row);
      return decoder;
    });
  }

  async #decodeLarge(db: QueryRunner, xid: bigint): Promise<TransactionDecoder> {
    const decoder = new TransactionDecoder(this.#shapes);
    const [count, bytes] = [this.#outline.counts[this.#at]!, this.#outline.bytes[this.#at]!];
    if (count > this.#maxRows || bytes > MAX_TRANSACTION_BYTES) {
      for (const row of await this.#read(db, { kind: 'tables', xid }, 1)) decoder.add(row);
      return decoder;
    }
    const rows = Math.max(1, Math.min(SLICE_ROWS, Math.floor((PAGE_BYTES / Math.max(1, bytes)) * count)));
    let afterSeq = -1n;
    for (let left = count; left > 0; left -= rows) {
      const slice = Math.min(left, rows);
      for (const row of (await this.#read(db, { kind: 'slice', xid, afterSeq, rows: slice }, slice)).toSorted(
        bySeq,
      )) {
        if (row.xid !== xid) throw new Unread('trimmed');
        decoder.add(row);
        afterSeq = row.seq;
      }
      // Others have their turn.
      await nextTurn();
    }
    return decoder;
  }

  async #read(db: QueryRunner, part: LogPart, atLeast: number): Promise<readonly LoggedRow[]> {
    const read = parseRead(await db.query(readPart(part, this.#since), { prepare: false }));
    if (!read) throw new Unread('lost');
    if (read.epoch !== this.#outline.epoch) throw new Unread('foreign');
    if (read.isTrimmed || read.rows.length < atLeast) throw new Unread('trimmed');
    await this.#shapes.load(db, new Set(read.rows.map((row) => row.shape)));
    return read.rows;
  }
}

function pickAnchor({ anchor }: Snapshot): Pick<Snapshot, 'anchor'> {
  return anchor ? { anchor } : {};
}

function bySeq(a: LoggedRow, b: LoggedRow): number {
  return a.seq < b.seq ? -1 : 1;
}
