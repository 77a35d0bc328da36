import type { Queryable } from '../database/types.js';
import { decode } from '../log/decode.js';
import { parseRead, readSince } from '../log/read.js';
import { Shapes } from '../log/shapes.js';
import type { Snapshot } from '../log/snapshot.js';
import type { LoggedTransaction } from '../log/types.js';
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
  /** The log cannot be read back to the cursor. */
  | { readonly kind: 'lost'; readonly reason: string };

export interface History {
  read(db: Queryable, since: DecodedCursor): Promise<HistoryRead>;
}

/** Reads back in the change log; remembers the shapes it has seen. */
export function createLogHistory(model: Model): History {
  const shapes = new Shapes(model);
  return {
    async read(db, { epoch, snapshot: since }) {
      const read = parseRead(await db.query(readSince(since), { prepare: false }));
      if (!read) return { kind: 'lost', reason: 'the change log is not there' };
      const { snapshot } = read;
      if (read.epoch !== epoch || snapshot.xmax < since.xmax || snapshot.xmin < since.xmin) {
        return { kind: 'foreign' };
      }
      await shapes.load(db, new Set(read.rows.map((row) => row.shape)));
      const { transactions, reset } = decode(read, since, shapes);
      if (reset !== null) return { kind: 'lost', reason: reset };
      return { kind: 'missed', transactions, snapshot };
    },
  };
}
