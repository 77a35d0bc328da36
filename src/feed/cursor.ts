import { createCipheriv, createDecipheriv, hkdfSync, randomBytes } from 'node:crypto';
import { deflateRawSync, inflateRawSync } from 'node:zlib';
import { RivuletError } from '../errors.js';
import { type Anchor, formatSnapshot, parseSnapshot, type Snapshot } from '../log/snapshot.js';

/** A cursor as clients hold it: opaque, authenticated, URL-safe, good on every node that has the same secret. */
export interface CursorCodec {
  encode(snapshot: Snapshot): string;
  /** Throws `CURSOR_INVALID` on anything that `encode` did not make. */
  decode(cursor: string): DecodedCursor;
}

export interface DecodedCursor {
  /** The log that the snapshot belongs to; another than today's means that its history is not ours. */
  readonly epoch: string;
  readonly snapshot: Snapshot;
}

/** Longer texts are refused unread. */
const MAX_CURSOR_LENGTH = 65_536;
const PLAIN = 1;
const PACKED = 2;
/**
 * A longer text is packed: with 1,000 transactions in progress a cursor takes some 5,000 characters instead of 15,000, and still goes into a
 * header, where event streams carry it.
 */
const PLAIN_BYTES = 500;
/** Of a text, unpacked. */
const MAX_TEXT_BYTES = 1_048_576;
const IV_BYTES = 12;
/** Random bytes are asked for so many cursors at once: asking costs more than having them. */
const IVS_AT_ONCE = 256;
const TAG_BYTES = 16;

/**
 * Cursors are encrypted (AES-256-GCM), not only signed: transaction ids would tell a subscriber how much others write.
 * `secret` is any text that all nodes share; `epoch` names the log that is written now, and changes where that is renewed.
 */
export function createCursorCodec(secret: string, epoch: string | (() => string)): CursorCodec {
  const key = Buffer.from(hkdfSync('sha256', secret, '', 'rivulet cursor v1', 32));
  const epochOfNow = typeof epoch === 'string' ? () => epoch : epoch;
  let random = Buffer.alloc(0);
  const freshIv = (): Buffer => {
    if (random.length === 0) random = randomBytes(IV_BYTES * IVS_AT_ONCE);
    const iv = random.subarray(0, IV_BYTES);
    random = random.subarray(IV_BYTES);
    return iv;
  };
  return {
    encode(snapshot) {
      const iv = freshIv();
      const cipher = createCipheriv('aes-256-gcm', key, iv);
      const text = `${epochOfNow()} ${formatSnapshot(snapshot)}${formatAnchor(snapshot.anchor)}`;
      const isPlain = text.length <= PLAIN_BYTES;
      const version = Buffer.of(isPlain ? PLAIN : PACKED);
      if (!isPlain) cipher.setAAD(version);
      const sealed = Buffer.concat([cipher.update(isPlain ? text : deflateRawSync(text)), cipher.final()]);
      return Buffer.concat([version, iv, sealed, cipher.getAuthTag()]).toString('base64url');
    },
    decode(cursor) {
      try {
        return open(key, cursor);
      } catch {
        throw new RivuletError('CURSOR_INVALID', 'The cursor is not valid');
      }
    },
  };
}

function open(key: Buffer, cursor: string): DecodedCursor {
  if (cursor.length > MAX_CURSOR_LENGTH || !/^[\w-]+$/.test(cursor)) throw new TypeError('not a cursor');
  const bytes = Buffer.from(cursor, 'base64url');
  const [version] = bytes;
  if (bytes.length < 1 + IV_BYTES + TAG_BYTES || (version !== PLAIN && version !== PACKED)) {
    throw new TypeError('not a cursor');
  }
  const decipher = createDecipheriv('aes-256-gcm', key, bytes.subarray(1, 1 + IV_BYTES), {
    authTagLength: TAG_BYTES,
  });
  decipher.setAuthTag(bytes.subarray(bytes.length - TAG_BYTES));
  const sealed = bytes.subarray(1 + IV_BYTES, bytes.length - TAG_BYTES);
  if (version === PACKED) decipher.setAAD(bytes.subarray(0, 1));
  const opened = Buffer.concat([decipher.update(sealed), decipher.final()]);
  const text = String(
    version === PACKED ? inflateRawSync(opened, { maxOutputLength: MAX_TEXT_BYTES }) : opened,
  );
  const space = text.lastIndexOf(' ');
  const [snapshot, ...anchor] = text.slice(space + 1).split('@');
  return { epoch: text.slice(0, space), snapshot: { ...parseSnapshot(snapshot!), ...parseAnchor(anchor) } };
}

function formatAnchor(anchor: Anchor | undefined): string {
  return anchor ? `@${anchor.xid}@${anchor.loggedAt}` : '';
}

function parseAnchor([xid, loggedAt]: readonly string[]): { readonly anchor?: Anchor } {
  return xid === undefined || loggedAt === undefined ? {} : { anchor: { xid: BigInt(xid), loggedAt } };
}
