/**
 * A `pg_snapshot`: which transactions were visible at a moment. It is also the feed's cursor
 * (design: the rows not yet seen are those now visible whose xid was not visible in the snapshot up
 * to which we have read).
 *
 * Source of the text form: PostgreSQL documentation, "Transaction ID and Snapshot Information
 * Functions".
 */
export interface Snapshot {
  /** Every xid below it had ended. */
  readonly xmin: bigint;
  /** Every xid from it on had not begun. */
  readonly xmax: bigint;
  /** In progress between the two. */
  readonly xip: ReadonlySet<bigint>;
  /**
   * A logged transaction that it sees; none where nothing was logged, or where that is not known.
   */
  readonly anchor?: SnapshotAnchor;
}

/**
 * A transaction as the log has it. Where the log has it no more, or has another one of that number,
 * its history is not the one in which the snapshot was taken: the server crashed before what the
 * snapshot saw was on disk, or was set back to a backup.
 */
export interface SnapshotAnchor {
  readonly xid: bigint;
  /** As `LoggedTransaction.loggedAt`. */
  readonly loggedAt: string;
}

const SHAPE = /^(\d{1,20}):(\d{1,20}):((?:\d{1,20}(?:,\d{1,20})*)?)$/;

/** Reads `xmin:xmax:xip,xip`; throws `TypeError` on anything else. */
export function parseSnapshot(text: string): Snapshot {
  const match = SHAPE.exec(text);
  if (!match) throw new TypeError(`not a snapshot: ${text.slice(0, 80)}`);
  const xip = match[3] ? match[3].split(',').map(BigInt) : [];
  return { xmin: BigInt(match[1]!), xmax: BigInt(match[2]!), xip: new Set(xip) };
}

export function formatSnapshot(snapshot: Snapshot): string {
  const xip = [...snapshot.xip].sort((a, b) => (a < b ? -1 : a > b ? 1 : 0));
  return `${snapshot.xmin}:${snapshot.xmax}:${xip.join(',')}`;
}

/**
 * The snapshot that claims to see nothing from `end` on, where nothing was logged that it sees. A
 * crash forgets the numbers of transactions that ended without leaving anything on disk, and gives
 * them out again: a position must not count them as read.
 */
export function settled(snapshot: Snapshot, end: bigint, anchor?: SnapshotAnchor): Snapshot {
  const xmax = end < snapshot.xmax ? end : snapshot.xmax;
  const xip = new Set<bigint>();
  let xmin = xmax;
  for (const xid of snapshot.xip) {
    if (xid >= xmax) continue;
    xip.add(xid);
    if (xid < xmin) xmin = xid;
  }
  return { xmin, xmax, xip, ...(anchor && { anchor }) };
}

/**
 * True when `xid` had ended before the snapshot was taken (so its changes, if it committed, were
 * visible).
 */
export function isVisible(snapshot: Snapshot, xid: bigint): boolean {
  if (xid < snapshot.xmin) return true;
  if (xid >= snapshot.xmax) return false;
  return !snapshot.xip.has(xid);
}

/** The snapshot that also sees `xids`: the cursor after a transaction in the middle of a read. */
export function withVisible(snapshot: Snapshot, xids: Iterable<bigint>): Snapshot {
  const xip = new Set(snapshot.xip);
  let xmax = snapshot.xmax;
  for (const xid of [...xids].sort((a, b) => (a < b ? -1 : a > b ? 1 : 0))) {
    if (xid >= xmax) {
      for (let gap = xmax; gap < xid; gap++) xip.add(gap);
      xmax = xid + 1n;
    } else {
      xip.delete(xid);
    }
  }
  let xmin = xmax;
  for (const xid of xip) if (xid < xmin) xmin = xid;
  return { xmin, xmax, xip };
}

/** True when `later` sees every transaction that `earlier` sees. */
export function covers(later: Snapshot, earlier: Snapshot): boolean {
  if (later.xmax < earlier.xmax) {
    for (let xid = later.xmax; xid < earlier.xmax; xid++) if (!earlier.xip.has(xid)) return false;
  }
  for (const xid of later.xip) if (isVisible(earlier, xid)) return false;
  return true;
}
