import type { Snapshot, SnapshotAnchor } from '../log/snapshot.js';

/** The contents of a cursor before it is encrypted. */
export interface CursorContent {
  readonly epoch: string;
  readonly snapshot: Snapshot;
}

/**
 * Sizes of what is encrypted, in bytes. The first has room for 70 transactions in progress at
 * least, and usually for several hundred; the larger ones are for databases in which more are open
 * at once. Between two sizes nothing tells how many there are.
 */
const SIZES = [128, 512, 2_048, 8_192, 32_768] as const;

const UUID = /^[\da-f]{8}(-[\da-f]{4}){3}-[\da-f]{12}$/;

/**
 * The content as bytes of one of a few sizes. Throws `RangeError` on more transactions in progress
 * than a cursor has room for.
 */
export function packCursor({ epoch, snapshot }: CursorContent): Buffer {
  const { xmin, xmax, xip, anchor } = snapshot;
  const bytes: number[] = [];
  if (UUID.test(epoch)) bytes.push(0, ...Buffer.from(epoch.replaceAll('-', ''), 'hex'));
  else pushText(bytes, epoch);
  pushNumber(bytes, xmin);
  pushNumber(bytes, xmax - xmin);
  pushText(bytes, anchor?.loggedAt ?? '');
  if (anchor) pushNumber(bytes, anchor.xid);
  const runs = runsOf(xip, xmin);
  pushNumber(bytes, BigInt(runs.length));
  for (const run of runs) pushRun(bytes, run);
  const size = SIZES.find((each) => bytes.length <= each);
  if (size === undefined)
    throw new RangeError('more transactions are in progress than a cursor has room for');
  const packed = Buffer.alloc(size);
  packed.set(bytes);
  return packed;
}

/** Throws on anything that `packCursor` did not make. */
export function unpackCursor(packed: Buffer): CursorContent {
  const reader = new Reader(packed);
  const epoch = packed[0] === 0 ? reader.uuid() : reader.text();
  const xmin = reader.number();
  const xmax = xmin + reader.number();
  const loggedAt = reader.text();
  const anchor: { anchor?: SnapshotAnchor } =
    loggedAt === '' ? {} : { anchor: { xid: reader.number(), loggedAt } };
  const xip = new Set<bigint>();
  let end = xmin;
  for (let left = reader.number(); left > 0n; left--) {
    const { gap, length } = reader.run();
    const start = end + gap;
    end = start + length;
    for (let xid = start; xid < end; xid++) xip.add(xid);
  }
  return { epoch, snapshot: { xmin, xmax, xip, ...anchor } };
}

/** Transactions in progress that follow each other, after a gap. */
interface Run {
  readonly gap: bigint;
  readonly length: bigint;
}

function runsOf(xip: ReadonlySet<bigint>, xmin: bigint): readonly Run[] {
  const runs: Run[] = [];
  let end = xmin;
  let run: { gap: bigint; length: bigint } | null = null;
  for (const xid of [...xip].sort((a, b) => (a < b ? -1 : a > b ? 1 : 0))) {
    if (run && xid === end) run.length++;
    else {
      run = { gap: xid - end, length: 1n };
      runs.push(run);
    }
    end = xid + 1n;
  }
  return runs;
}

/** Stands before a run that is too long for one byte: a gap under 16 and at most 8 in a row. */
const LONG_RUN = 0x80;

function pushRun(bytes: number[], { gap, length }: Run): void {
  if (gap < 16n && length <= 8n) bytes.push((Number(gap) << 3) | (Number(length) - 1));
  else {
    bytes.push(LONG_RUN);
    pushNumber(bytes, gap);
    pushNumber(bytes, length);
  }
}

function pushText(bytes: number[], text: string): void {
  const encoded = Buffer.from(text);
  if (encoded.length > 255) throw new RangeError('too long for a cursor');
  bytes.push(encoded.length, ...encoded);
}

/** Seven bits a byte, the lowest first. */
function pushNumber(bytes: number[], value: bigint): void {
  let left = value;
  for (; left >= 128n; left >>= 7n) bytes.push(Number(left & 127n) | 128);
  bytes.push(Number(left));
}

class Reader {
  readonly #bytes: Buffer;
  #at = 0;

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
  }

  uuid(): string {
    const hex = this.#take(17).subarray(1).toString('hex');
    return hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5');
  }

  text(): string {
    const length = this.#take(1)[0]!;
    return String(this.#take(length));
  }

  number(): bigint {
    let value = 0n;
    for (let shift = 0n; ; shift += 7n) {
      const byte = this.#take(1)[0]!;
      value |= BigInt(byte & 127) << shift;
      if (byte < 128) return value;
    }
  }

  run(): Run {
    const first = this.#take(1)[0]!;
    if (first === LONG_RUN) return { gap: this.number(), length: this.number() };
    return { gap: BigInt(first >> 3), length: BigInt((first & 7) + 1) };
  }

  #take(length: number): Buffer {
    const end = this.#at + length;
    if (end > this.#bytes.length) throw new TypeError('not a cursor');
    const taken = this.#bytes.subarray(this.#at, end);
    this.#at = end;
    return taken;
  }
}
