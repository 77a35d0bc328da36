import { isObject } from '../row.js';
import type { LiveEvent } from './state.js';
import { isTemporary, streamEndOf } from './stream-error.js';
import type { LiveAnswer } from './transport.js';

/** The meaning of a response for the live query that begins at it. */
export function eventOf(answer: LiveAnswer): LiveEvent {
  const { data, errors, unreachable } = answer;
  if (unreachable) return 'failure';
  if (!isObject(data)) return streamEndOf(errors) === 'cut' ? 'failure' : 'refusal';
  // A part could not be read now, and nothing would tell when it can.
  if (errors?.some(isTemporary)) return 'failure';
  return cursorOf(answer) === undefined ? 'unplaced' : 'answer';
}

export function cursorOf({ extensions }: LiveAnswer): string | undefined {
  const rivulet: unknown = extensions?.rivulet;
  const cursor: unknown = isObject(rivulet) ? rivulet.cursor : undefined;
  return typeof cursor === 'string' ? cursor : undefined;
}

/** The errors of a server. */
export function textOf(problem: unknown): string {
  const [first] = Array.isArray(problem) ? problem : [problem];
  return isObject(first) && typeof first.message === 'string' ? first.message : String(first);
}

/**
 * The row that a root field shows left, and did not come back. Of a stream that follows one key, in
 * whatever spelling.
 */
export function isGone({ changes }: Readonly<Record<string, unknown>>): boolean {
  const own = Array.isArray(changes) ? changes : [];
  return own.length > 0 && own.every((each) => isObject(each) && each.kind === 'LEAVE');
}

/**
 * A table was emptied and filled again in one transaction: rows leave and come in one message, and
 * what hung from them is not told.
 */
export function isRefilled({ changes }: Readonly<Record<string, unknown>>): boolean {
  const left = new Set<unknown>();
  for (const each of Array.isArray(changes) ? changes : []) {
    if (!isObject(each)) continue;
    if (each.kind === 'LEAVE') left.add(each.key);
    else if (left.has(each.key)) return true;
  }
  return false;
}
