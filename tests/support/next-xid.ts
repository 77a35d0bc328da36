import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

/**
 * Sets the next transaction id of a PostgreSQL 18 cluster that was shut down, as `pg_resetwal -x` does, which the embedded package lacks: in
 * the control file, in the checkpoint of the shutdown, and with an empty piece of the commit log. At most 2,000,000,000 ahead of the oldest
 * id in use; freeze every database before the next step. Throws where the files are not as expected. Resolves to false, with nothing
 * done, where the checkpoint happens to lie on two pages: start and stop the cluster, and try again.
 */
export async function setNextXid(data: string, nextXid: bigint): Promise<boolean> {
  const controlFile = join(data, 'global', 'pg_control');
  const control = await readFile(controlFile);
  const sumAt = checksumPlace(control);
  const lsn = control.readBigUInt64LE(CHECKPOINT_LSN);
  const timeline = control.readUInt32LE(CHECKPOINT_COPY + 8);
  const walFile = join(data, 'pg_wal', segmentName(timeline, lsn));
  const wal = await readFile(walFile);
  const at = Number(lsn % SEGMENT_BYTES);
  const length = wal.readUInt32LE(at);
  // A record that goes over a page has the page's header in it.
  if (Math.floor(at / 8_192) !== Math.floor((at + length) / 8_192)) return false;
  const record = wal.subarray(at, at + length);
  if (length !== HEADER + 2 + CHECKPOINT_BYTES || recordSum(record) !== record.readUInt32LE(20)) {
    throw new Error('the checkpoint is not as expected');
  }
  if (record.compare(control, CHECKPOINT_COPY, CHECKPOINT_COPY + CHECKPOINT_BYTES, HEADER + 2) !== 0) {
    throw new Error('the control file is not as expected');
  }
  record.writeBigUInt64LE(nextXid, HEADER + 2 + NEXT_XID);
  record.writeUInt32LE(recordSum(record), 20);
  control.writeBigUInt64LE(nextXid, CHECKPOINT_COPY + NEXT_XID);
  control.writeUInt32LE(crc32c([control.subarray(0, sumAt)]), sumAt);
  const piece = Number((nextXid % 2n ** 32n) / XIDS_A_FILE)
    .toString(16)
    .toUpperCase()
    .padStart(4, '0');
  await writeFile(join(data, 'pg_xact', piece), Buffer.alloc(262_144), { flag: 'wx' }).catch(exists);
  // The owner of the files stays who it was.
  await writeFile(walFile, wal);
  await writeFile(controlFile, control);
  return true;
}

/** Of `ControlFileData`, `CheckPoint` and `XLogRecord` of PostgreSQL 18. */
const CHECKPOINT_LSN = 32;
const CHECKPOINT_COPY = 40;
const CHECKPOINT_BYTES = 88;
const NEXT_XID = 24;
const HEADER = 24;
const SEGMENT_BYTES = 16n * 1024n ** 2n;
const XIDS_A_FILE = 1_048_576n;

function exists(error: NodeJS.ErrnoException): void {
  if (error.code !== 'EEXIST') throw error;
}

function segmentName(timeline: number, lsn: bigint): string {
  const hex = (value: bigint) => value.toString(16).toUpperCase().padStart(8, '0');
  return `${hex(BigInt(timeline))}${hex(lsn >> 32n)}${hex((lsn % 2n ** 32n) / SEGMENT_BYTES)}`;
}

/** The control file ends with its checksum, and then there are zeros. */
function checksumPlace(control: Buffer): number {
  for (let at = 200; at < 512; at += 4) {
    if (control.readUInt32LE(at) === crc32c([control.subarray(0, at)])) return at;
  }
  throw new Error('the control file has no checksum where one was looked for');
}

function recordSum(record: Buffer): number {
  return crc32c([record.subarray(HEADER), record.subarray(0, 20)]);
}

function crc32c(parts: readonly Buffer[]): number {
  let sum = 0xffffffff;
  for (const part of parts) {
    for (const byte of part) {
      sum ^= byte;
      for (let bit = 0; bit < 8; bit++) sum = (sum >>> 1) ^ (sum & 1 ? 0x82f63b78 : 0);
    }
  }
  return (sum ^ 0xffffffff) >>> 0;
}
