import { RivuletError } from '../../shared/errors.js';
import type { Model } from '../../shared/model/types.js';
import type { QueryRunner } from '../database/types.js';
import { decode } from '../log/decode.js';
import { ImageShapes } from '../log/image-shapes.js';
import { parseRead, positionAfter, readSince } from '../log/read.js';
import type { Snapshot } from '../log/snapshot.js';
import type { LoggedTransaction } from '../log/types.js';
import { parseUnseen, readUnseen, type SqlTable } from '../log/unseen.js';
import type { DecodedCursor } from './cursor.js';
import { createLogPages, type LogPagesOptions, type UnreadableRange } from './log-pages.js';

/** The log since a cursor. */
export type HistoryRead =
  /** `transactions` in feed order, up to `snapshot`, the moment of the reading. */
  | {
      readonly kind: 'missed';
      readonly transactions: readonly LoggedTransaction[];
      readonly snapshot: Snapshot;
    }
  /**
   * The cursor belongs to another log, or to a later moment of this one than the database knows.
   */
  | { readonly kind: 'foreign' }
  /** The log was trimmed since: it does not go back to the cursor. */
  | { readonly kind: 'trimmed' }
  /** The log cannot be read back to the cursor. */
  | { readonly kind: 'lost'; readonly reason: string };

export interface LogHistory {
  /** Everything since a client's cursor. */
  read(db: QueryRunner, since: DecodedCursor): Promise<HistoryRead>;
  /**
   * The transactions committed to these tables since a position of this log's feed. Images that do
   * not fit the model are left out. Rejects with `LOG_TRIMMED` if the log does not go back to the
   * position, which never happens to a running feed.
   */
  since(
    db: QueryRunner,
    position: Snapshot,
    tables: readonly SqlTable[],
  ): Promise<readonly LoggedTransaction[]>;
}

/** In one statement; what is more comes by pages. */
const READ_ROWS = 250;
const PAGE_CHANGES = 1_000;

/** Reads back in the change log; remembers the shapes it has seen. */
export function createLogHistory(model: Model, options: LogPagesOptions = {}): LogHistory {
  const shapes = new ImageShapes(model);
  const pages = createLogPages(model, options);
  const read = async (db: QueryRunner, { epoch, snapshot: since }: DecodedCursor): Promise<HistoryRead> => {
    const answer = await db.query(readSince(since, READ_ROWS), { prepare: false });
    const found = parseRead(answer, READ_ROWS);
    if (!found) return { kind: 'lost', reason: 'the change log is not there' };
    if (found.epoch !== epoch || found.standing !== 'same') return { kind: 'foreign' };
    if (found.isTrimmed) return { kind: 'trimmed' };
    if (found.isCut) return readByPages(db, { epoch, snapshot: since });
    await shapes.load(db, new Set(found.rows.map((row) => row.shape)));
    const snapshot = positionAfter(found, since);
    const { transactions, reset } = decode({ rows: found.rows, snapshot }, since, shapes);
    if (reset !== null) return { kind: 'lost', reason: reset };
    return { kind: 'missed', transactions, snapshot };
  };
  const readByPages = async (db: QueryRunner, since: DecodedCursor): Promise<HistoryRead> => {
    const range = await pages.range(db, since);
    if (range.kind !== 'range') return unread(range);
    const transactions: LoggedTransaction[] = [];
    let snapshot = since.snapshot;
    for (;;) {
      const page = await range.next(db, PAGE_CHANGES);
      if (page === null) return { kind: 'missed', transactions, snapshot };
      if ('kind' in page) return unread(page);
      transactions.push(...page.transactions);
      snapshot = page.position;
    }
  };
  return {
    read,
    async since(db, position, tables) {
      const answer = await db.query(readUnseen(position, tables), { prepare: false });
      const { isTrimmed, rows } = parseUnseen(answer);
      if (isTrimmed) {
        throw new RivuletError('LOG_TRIMMED', 'The change log was trimmed past the position of this read');
      }
      await shapes.load(db, new Set(rows.map((row) => row.shape)));
      return decode({ rows, snapshot: position }, position, shapes).transactions;
    },
  };
}

function unread({ kind }: UnreadableRange): HistoryRead {
  return kind === 'lost' ? { kind, reason: 'the change log cannot be read' } : { kind };
}
