import { createHash } from 'node:crypto';

/** Postgres keeps this many bytes of a name and drops the rest without a word. */
export const MAX_NAME_BYTES = 63;
const HASH_CHARACTERS = 12;

/**
 * The trigger function of a table. The hash keeps apart what shortening, or another schema, would
 * make the same.
 */
export function functionName(sqlSchema: string, sqlName: string): string {
  const hash = sha256([sqlSchema, sqlName]).toString('hex').slice(0, HASH_CHARACTERS);
  return `${cutToBytes(`log_${sqlName}`, MAX_NAME_BYTES - HASH_CHARACTERS - 1)}_${hash}`;
}

/** The columns in an image of a table, and the updates that are logged. */
export interface ImageShape {
  readonly sqlSchema: string;
  readonly sqlName: string;
  readonly columns: readonly string[];
  /** The columns' types (`typeName`); `null`: not known. */
  readonly types: readonly (string | null)[];
  readonly key: readonly string[];
  /** Updates are logged only when one of these changes; `null`: all are. */
  readonly onlyColumns: readonly string[] | null;
}

/** A positive bigint as text that stands for a shape. */
export function shapeId({ sqlSchema, sqlName, columns, types, key, onlyColumns }: ImageShape): string {
  const hash = sha256([sqlSchema, sqlName, columns, types, key, onlyColumns]);
  return (hash.readBigUInt64BE(0) >> 1n).toString();
}

function sha256(value: unknown): Buffer {
  return createHash('sha256').update(JSON.stringify(value)).digest();
}

/**
 * The longest beginning of `text` that has at most `maxBytes` in UTF-8 and ends with a whole
 * character.
 */
function cutToBytes(text: string, maxBytes: number): string {
  let cut = '';
  let bytes = 0;
  for (const character of text) {
    bytes += Buffer.byteLength(character);
    if (bytes > maxBytes) break;
    cut += character;
  }
  return cut;
}
