import type { Database, QueryRunner, TextRow } from '../database/types.js';
import { CLAIM_LASTS_SECONDS } from './log-claim.js';
import { parseSnapshot } from './snapshot.js';

/** Limits of the log. Rows past any of them are deleted. */
export interface RetentionLimits {
  readonly maxAgeSeconds: number;
  readonly maxRows: number;
  /** Bytes of the stored images, plus 100 for each row. */
  readonly maxBytes: number;
}

export type TrimResult =
  | { readonly kind: 'done'; readonly deleted: number; readonly rows: number; readonly bytes: number }
  /** Another node is at it. */
  | { readonly kind: 'busy' };

/** Key of the advisory lock of trimming ("trimming" in hexadecimal). */
const TRIM_LOCK = '8390884974452633191';

/**
 * Bytes of a row: its stored images, and its header, its other columns and its place in the index.
 */
const BYTES = `(100 + coalesce(pg_column_size(c.old), 0) + coalesce(pg_column_size(c.new), 0))::bigint`;

/**
 * Deletes at most `batch` rows from the old end of the log, in one transaction that also says how
 * far the log was trimmed.
 *
 * - What goes is a prefix in the order of xid: rows that are older than `maxAgeSeconds` (by the
 *   database's clock) and have no younger one before them, and as many as there are too many or too
 *   large. A transaction that was open for long is younger than its xid, and keeps what comes after
 *   it until it is old itself.
 * - Nothing goes that a reader's claim still asks for, nor from the oldest transaction on that is
 *   still in progress: a snapshot that was taken after the trimming therefore sees everything that
 *   was trimmed, and no cursor of now is ever too old. (Rows which are younger than an open
 *   transaction could not be vacuumed anyway.)
 */
export function trim(database: Database, keep: RetentionLimits, batch: number): Promise<TrimResult> {
  return database.transaction(async (tx) => {
    const [lock] = await ask(tx, `select pg_try_advisory_xact_lock(${TRIM_LOCK})::text`);
    if (lock![0] !== 'true') return { kind: 'busy' };
    // One statement: a reader whose claim it does not see takes its first snapshot later than this
    // one.
    const [limits] = await ask(
      tx,
      `select least(
          pg_snapshot_xmin(pg_current_snapshot()),
          (select r.position from rivulet.reader r
            where r.seen_at > clock_timestamp() - make_interval(secs => ${CLAIM_LASTS_SECONDS})
            order by r.position limit 1)
        )::text, l.measured::text from rivulet.log l`,
    );
    if (!limits) return { kind: 'done', deleted: 0, rows: 0, bytes: 0 };
    const [bound, measured] = limits;
    const { rows, bytes } = await measure(tx, measured ?? null);
    const [after] = await ask(tx, DELETE, [
      bound!,
      String(batch),
      String(keep.maxAgeSeconds),
      String(Math.max(0, Math.ceil(rows - keep.maxRows))),
      String(Math.max(0, Math.ceil(bytes - keep.maxBytes))),
    ]);
    if (!after) return { kind: 'done', deleted: 0, rows, bytes };
    const deleted = Number(after[0]);
    return { kind: 'done', deleted, rows: Number(after[1]), bytes: Number(after[2]) };
  });
}

/** Counts what was logged since the last time; costs as much as there is new. */
async function measure(tx: QueryRunner, measured: string | null): Promise<{ rows: number; bytes: number }> {
  const since = measured === null ? null : parseSnapshot(measured);
  const unseen =
    since === null
      ? [`select ${BYTES} as b from rivulet.change c`]
      : [
          `select ${BYTES} as b from rivulet.change c where c.xid >= $1::text::xid8`,
          `select ${BYTES} as b from rivulet.change c where c.xid = any ($2::text::xid8[])`,
        ];
  const params = since === null ? [] : [since.xmax.toString(), `{${[...since.xip].join(',')}}`];
  const [row] = await ask(
    tx,
    `update rivulet.log l set measured = pg_current_snapshot(),
        rows = ${since === null ? '' : 'l.rows + '}n.rows, bytes = ${since === null ? '' : 'l.bytes + '}n.bytes
      from (select count(*) as rows, coalesce(sum(u.b), 0)::bigint as bytes from (${unseen.join(' union all ')}) u) n
      returning l.rows::text, l.bytes::text`,
    params,
  );
  return { rows: Number(row![0]), bytes: Number(row![1]) };
}

const DELETE = `with oldest as (
  select c.place, c.xid, c.b,
    row_number() over w as nth,
    sum(c.b) over w - c.b as before,
    bool_and(c.logged_at < clock_timestamp() - make_interval(secs => $3::text::double precision)) over w as is_old
  from (
    select c.ctid as place, c.xid, c.seq, c.logged_at, ${BYTES} as b from rivulet.change c
    where c.xid < $1::text::xid8 order by c.xid, c.seq limit $2::text::bigint
  ) c
  window w as (order by c.xid, c.seq rows unbounded preceding)
), doomed as (
  select place, xid, b from oldest
  where is_old or nth <= $4::text::bigint or before < $5::text::bigint
), gone as (
  delete from rivulet.change c where c.ctid = any (array(select place from doomed))
)
update rivulet.log l
set trimmed = greatest(l.trimmed, d.newest), rows = l.rows - d.rows, bytes = l.bytes - d.bytes
from (
  select count(*) as rows, sum(b)::bigint as bytes, (array_agg(xid order by xid desc))[1] as newest from doomed
) d
where d.rows > 0
returning d.rows::text, l.rows::text, l.bytes::text`;

function ask(
  tx: QueryRunner,
  text: string,
  params: readonly (string | null)[] = [],
): Promise<readonly TextRow[]> {
  return tx.query({ text, params }, { prepare: false });
}
