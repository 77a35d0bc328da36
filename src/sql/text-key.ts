import { createHash } from 'node:crypto';

/** Characters up to which a text stands for itself. */
const MAX_LENGTH = 1_000;

/**
 * A key of bounded length for a text that clients may make long: equal for equal texts, and for no
 * others.
 */
export function textKey(text: string): string {
  if (text.length <= MAX_LENGTH) return text;
  return `${text.length} ${createHash('sha256').update(text).digest('base64')}`;
}
