import type { Queryable } from '../database/types.js';
import { RivuletError } from '../errors.js';
import { decode } from '../log/decode.js';
import { parseRead, positionAfter, readSince } from '../log/read.js';
import { Shapes } from '../log/shapes.js';
import type { Snapshot } from '../log/snapshot.js';
import type { LoggedTransaction } from '../log/types.js';
import { parseUnseen, readUnseen, type SqlTable } from '../log/unseen.js';
import type { Model } from '../model/types.js';
import type { DecodedCursor } from './cursor.js';

/** What the log says since a cursor. */
export type HistoryRead =
  /** `transactions` in feed order, up to `snapshot`, the moment of the reading. */
  | {
      readonly kind: 'missed';
      readonly transactions: readonly LoggedTransaction[];
      readonly snapshot: Snapshot;
    }
  /** The cursor belongs to another log, or to a later moment of this one than the database knows. */
  | { readonly kind: 'foreign' }
  /** The log was trimmed since: it does not go back to the cursor. */
  | { readonly kind: 'trimmed' }
  /** The log cannot be read back to the cursor. */
  | { readonly kind: 'lost'; readonly reason: string };

export interface History {
  /** Everything since a client's cursor. */
  read(db: Queryable, since: DecodedCursor): Promise<HistoryRead>;
  /**
   * What was committed to these tables since a position of this log's feed; images that do not fit the model are left out. Rejects with
   * LOG_TRIMMED where the log does not go back to the position: a feed that is alive is never left behind like that.
   */
  since(
    db: Queryable,
    position: Snapshot,
    tables: readonly SqlTable[],
  ): Promise<readonly LoggedTransaction[]>;
}

/** Reads back in the change log; remembers the shapes it has seen. */
export function createLogHistory(model: Model): History {
  const shapes = new Shapes(model);
  const readBack = async (db: Queryable, position: Snapshot) => {
    const read = parseRead(await db.query(readSince(position), { prepare: false }));
    if (read) await shapes.load(db, new Set(read.rows.map((row) => row.shape)));
    return read;
  };
  return {
    async read(db, { epoch, snapshot: since }) {
      const read = await readBack(db, since);
      if (!read) return { kind: 'lost', reason: 'the change log is not there' };
      if (read.epoch !== epoch || read.standing !== 'same') return { kind: 'foreign' };
      if (read.isTrimmed) return { kind: 'trimmed' };
      const snapshot = positionAfter(read, since);
      const { transactions, reset } = decode({ rows: read.rows, snapshot }, since, shapes);
      if (reset !== null) return { kind: 'lost', reason: reset };
      return { kind: 'missed', transactions, snapshot };
    },
    async since(db, position, tables) {
      const answer = await db.query(readUnseen(position, tables), { prepare: false });
      const { isTrimmed, rows } = parseUnseen(answer);
      if (isTrimmed) {
        throw new RivuletError('LOG_TRIMMED', 'The change log was trimmed past where it is being read');
      }
      await shapes.load(db, new Set(rows.map((row) => row.shape)));
      return decode({ rows, snapshot: position }, position, shapes).transactions;
    },
  };
}
