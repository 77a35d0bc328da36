import { createCipheriv, createDecipheriv, createHmac, hkdfSync, randomBytes } from 'node:crypto';
import { RivuletError } from '../../shared/errors.js';
import type { Snapshot } from '../log/snapshot.js';
import { type CursorContent, packCursor, unpackCursor } from './cursor-text.js';

/**
 * A cursor as clients hold it: opaque, authenticated, URL-safe, good on every node that has the
 * same secret. Cursors have one length, or, where very many transactions are in progress at once,
 * one of a few larger ones.
 */
export interface CursorCodec {
  encode(snapshot: Snapshot): string;
  /** Throws `CURSOR_INVALID` on anything that `encode` did not make. */
  decode(cursor: string): DecodedCursor;
  /**
   * The name of a transaction: the same on every node and over every transport, of one length.
   * Names cannot be ordered or counted, and do not lead back to the number.
   */
  nameTransaction(xid: bigint): string;
}

/**
 * `epoch`: the log that the snapshot belongs to; another than today's means that its history is not
 * ours.
 */
export type DecodedCursor = CursorContent;

/** Longer texts are refused unread. */
const MAX_CURSOR_LENGTH = 65_536;
const VERSION = 3;
const IV_BYTES = 12;
/**
 * Number of cursors for which random bytes are drawn at once, because each draw is a system call.
 */
const IVS_AT_ONCE = 256;
const TAG_BYTES = 16;
const NAME_BYTES = 16;

/**
 * Cursors are encrypted (AES-256-GCM), not only signed: transaction ids would tell a subscriber how
 * much others write. Names of transactions are a keyed MAC. `secret` is any text that all nodes
 * share; `epoch` names the log that is written now, and changes where that is renewed.
 */
export function createCursorCodec(secret: string, epoch: string | (() => string)): CursorCodec {
  const key = derivedKey(secret, 'rivulet cursor v1');
  const nameKey = derivedKey(secret, 'rivulet transaction v1');
  const epochOfNow = typeof epoch === 'string' ? () => epoch : epoch;
  let random = Buffer.alloc(0);
  const freshIv = (): Buffer => {
    if (random.length === 0) random = randomBytes(IV_BYTES * IVS_AT_ONCE);
    const iv = random.subarray(0, IV_BYTES);
    random = random.subarray(IV_BYTES);
    return iv;
  };
  /**
   * The last name, because one transaction is delivered to many subscribers one after the other.
   */
  let named = { of: '', name: '' };
  return {
    encode(snapshot) {
      const iv = freshIv();
      const cipher = createCipheriv('aes-256-gcm', key, iv);
      const sealed = cipher.update(packCursor({ epoch: epochOfNow(), snapshot }));
      cipher.final();
      return Buffer.concat([Buffer.of(VERSION), iv, sealed, cipher.getAuthTag()]).toString('base64url');
    },
    decode(cursor) {
      try {
        return open(key, cursor);
      } catch {
        throw new RivuletError('CURSOR_INVALID', 'The cursor is not valid');
      }
    },
    nameTransaction(xid) {
      const of = `${epochOfNow()} ${xid}`;
      if (named.of !== of) {
        const mac = createHmac('sha256', nameKey).update(of).digest();
        named = { of, name: mac.subarray(0, NAME_BYTES).toString('base64url') };
      }
      return named.name;
    },
  };
}

function derivedKey(secret: string, purpose: string): Buffer {
  return Buffer.from(hkdfSync('sha256', secret, '', purpose, 32));
}

function open(key: Buffer, cursor: string): DecodedCursor {
  if (cursor.length > MAX_CURSOR_LENGTH || !/^[\w-]+$/.test(cursor)) throw new TypeError('not a cursor');
  const bytes = Buffer.from(cursor, 'base64url');
  if (bytes.length < 1 + IV_BYTES + TAG_BYTES || bytes[0] !== VERSION) throw new TypeError('not a cursor');
  const decipher = createDecipheriv('aes-256-gcm', key, bytes.subarray(1, 1 + IV_BYTES), {
    authTagLength: TAG_BYTES,
  });
  decipher.setAuthTag(bytes.subarray(bytes.length - TAG_BYTES));
  const opened = decipher.update(bytes.subarray(1 + IV_BYTES, bytes.length - TAG_BYTES));
  decipher.final();
  return unpackCursor(opened);
}
