/** Postgres's hex form of bytes: `\xdeadbeef`. */
export function formatBytes(bytes: Uint8Array): string {
  let hex = '\\x';
  for (const byte of bytes) hex += byte.toString(16).padStart(2, '0');
  return hex;
}

/** Bytes of Postgres's hex form. */
export function readBytes(text: string): Uint8Array {
  const bytes = new Uint8Array((text.length - 2) / 2);
  for (let index = 0; index < bytes.length; index++) {
    bytes[index] = Number.parseInt(text.slice(index * 2 + 2, index * 2 + 4), 16);
  }
  return bytes;
}

const BASE64 = /^[A-Za-z0-9+/]*={0,2}$/;

/**
 * Hex form of base64, padding required; `undefined` when it is not base64. Runs wherever `atob`
 * does.
 */
export function hexOfBase64(text: string): string | undefined {
  if (text.length % 4 !== 0 || !BASE64.test(text)) return undefined;
  const binary = atob(text);
  let hex = '\\x';
  for (let index = 0; index < binary.length; index++) {
    hex += binary.charCodeAt(index).toString(16).padStart(2, '0');
  }
  return hex;
}

/** Base64 of the hex form. */
export function base64OfHex(text: string): string {
  const bytes = readBytes(text);
  let binary = '';
  for (let start = 0; start < bytes.length; start += 8192) {
    binary += String.fromCharCode(...bytes.subarray(start, start + 8192));
  }
  return btoa(binary);
}
