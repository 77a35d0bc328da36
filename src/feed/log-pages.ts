import type { Queryable } from '../database/types.js';
import { decode } from '../log/decode.js';
import { type Outline, outlineSince, parseOutline } from '../log/outline.js';
import { Progress } from '../log/progress.js';
import { type LoggedRow, parseRead, readSince } from '../log/read.js';
import { Shapes } from '../log/shapes.js';
import type { Snapshot } from '../log/snapshot.js';
import type { LoggedTransaction } from '../log/types.js';
import type { Model } from '../model/types.js';
import type { DecodedCursor } from './cursor.js';

/** Whole transactions, in the feed's order. */
export interface LogPage {
  readonly transactions: readonly LoggedTransaction[];
  /** The position after the page. */
  readonly position: Snapshot;
}

/** Why the log cannot be read from a cursor: see `HistoryRead`. */
export type Unreadable = { readonly kind: 'foreign' | 'trimmed' | 'lost' };

/** What the log has since a cursor, to be read page by page. */
export interface LogRange {
  readonly kind: 'range';
  /** The moment up to which it goes. */
  readonly snapshot: Snapshot;
  readonly changes: number;
  /** Whether one of these tables changed; by their names in the model. */
  touches(tables: ReadonlySet<string>): boolean;
  /** Whether one of these was emptied, or changed without being logged. */
  breaks(tables: ReadonlySet<string>): boolean;
  /** The next page, of at most so many changes or of one transaction; `null` after the last. Not to be called twice at a time. */
  next(db: Queryable, maxChanges: number): Promise<LogPage | Unreadable | null>;
}

export interface LogPages {
  range(db: Queryable, since: DecodedCursor): Promise<LogRange | Unreadable>;
}

/**
 * Reads long stretches of the change log without holding them: first who is in it and in which order, in one statement, then the
 * images by whole transactions. What retention deletes meanwhile makes a page `trimmed`, never one with holes.
 */
export function createLogPages(model: Model): LogPages {
  const shapes = new Shapes(model);
  const nameOf = (sqlSchema: string | null, sqlName: string | null) =>
    model.tables.find((table) => table.sqlSchema === sqlSchema && table.sqlName === sqlName)?.name;
  return {
    async range(db, { epoch, snapshot: since }) {
      const outline = parseOutline(await db.query(outlineSince(since), { prepare: false }));
      if (!outline) return { kind: 'lost' };
      const { snapshot } = outline;
      if (outline.epoch !== epoch || snapshot.xmax < since.xmax || snapshot.xmin < since.xmin) {
        return { kind: 'foreign' };
      }
      if (outline.isTrimmed) return { kind: 'trimmed' };
      const touched = outline.tables.map(({ sqlSchema, sqlName, isBroken }) => ({
        // What says itself of which table it is may be of any.
        name: sqlName === null ? null : (nameOf(sqlSchema, sqlName) ?? ''),
        isBroken,
      }));
      const among = (tables: ReadonlySet<string>) =>
        touched.filter(({ name }) => name === null || tables.has(name));
      return {
        kind: 'range',
        snapshot,
        changes: outline.counts.reduce((sum, count) => sum + count, 0),
        touches: (tables) => among(tables).length > 0,
        breaks: (tables) => among(tables).some(({ isBroken }) => isBroken),
        next: pagesOf(outline, since, shapes),
      };
    },
  };
}

const LAST_XID = 2n ** 64n - 1n;

function pagesOf(outline: Outline, since: Snapshot, shapes: Shapes): LogRange['next'] {
  const { xids, counts, snapshot, epoch } = outline;
  const progress = new Progress(since, snapshot, xids);
  let at = 0;
  let position = since;
  return async (db, maxChanges) => {
    if (at === xids.length) return null;
    let end = at;
    for (let changes = 0; end < xids.length && (end === at || changes + counts[end]! <= maxChanges); end++) {
      changes += counts[end]!;
    }
    const page = xids.slice(at, end);
    // As a reading that has seen everything but these.
    const these = { xmin: position.xmin, xmax: LAST_XID, xip: new Set(page) };
    const read = parseRead(await db.query(readSince(these), { prepare: false }));
    if (!read) return { kind: 'lost' };
    if (read.epoch !== epoch) return { kind: 'foreign' };
    if (read.isTrimmed) return { kind: 'trimmed' };
    await shapes.load(db, new Set(read.rows.map((row) => row.shape)));
    const rows = new Map<bigint, LoggedRow[]>();
    for (const row of read.rows) {
      const known = rows.get(row.xid);
      if (known) known.push(row);
      else rows.set(row.xid, [row]);
    }
    const transactions: LoggedTransaction[] = [];
    for (const xid of page) {
      position = progress.next();
      const one = { epoch, isTrimmed: false, snapshot: position, rows: rows.get(xid) ?? [] };
      const decoded = decode(one, since, shapes);
      if (decoded.reset !== null) return { kind: 'lost' };
      transactions.push(...decoded.transactions);
    }
    at = end;
    return { transactions, position };
  };
}
