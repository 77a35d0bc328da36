/**
 * A stretch of a pattern between two `%`: characters that must stand there, and where any one may.
 */
interface Segment {
  /** One character each; `undefined` is `_`. */
  readonly chars: readonly (string | undefined)[];
  /** For stretches without `_`: how far to fall back after a mismatch (Knuth, Morris, Pratt). */
  readonly fallback: readonly number[] | undefined;
}

/**
 * Longest stretch with a `_` in it that is looked for anywhere in a text: each character of the
 * text costs up to this many steps.
 */
const MAX_FLOATING_WILDCARDS = 32;

/**
 * LIKE with the escape character `\`, as Postgres matches it under a deterministic collation in
 * UTF-8: a character is a code point. Returns a function that says whether a text matches, in time
 * linear in the text; `undefined` where that cannot be promised (long stretches with `_` between
 * two `%`) and for a pattern that ends in its escape character, which Postgres refuses.
 */
export function compileLike(pattern: string): ((text: string) => boolean) | undefined {
  const segments = readSegments(pattern);
  if (!segments) return undefined;
  const first = segments[0]!;
  const last = segments.at(-1)!;
  if (segments.length === 1) {
    return (text) => {
      const chars = [...text];
      return chars.length === first.chars.length && matchesAt(first, chars, 0);
    };
  }
  const middle = segments.slice(1, -1).filter((segment) => segment.chars.length > 0);
  if (middle.some(({ chars, fallback }) => !fallback && chars.length > MAX_FLOATING_WILDCARDS))
    return undefined;
  return (text) => {
    const chars = [...text];
    const end = chars.length - last.chars.length;
    let at = first.chars.length;
    if (end < at || !matchesAt(first, chars, 0) || !matchesAt(last, chars, end)) return false;
    for (const segment of middle) {
      const found = find(segment, chars, at, end);
      if (found === -1) return false;
      at = found + segment.chars.length;
    }
    return true;
  };
}

function readSegments(pattern: string): Segment[] | undefined {
  const segments: Segment[] = [];
  let chars: (string | undefined)[] = [];
  let escaped = false;
  for (const char of pattern) {
    if (escaped) {
      chars.push(char);
      escaped = false;
    } else if (char === '\\') {
      escaped = true;
    } else if (char === '%') {
      segments.push(segment(chars));
      chars = [];
    } else {
      chars.push(char === '_' ? undefined : char);
    }
  }
  if (escaped) return undefined;
  segments.push(segment(chars));
  return segments;
}

function segment(chars: readonly (string | undefined)[]): Segment {
  if (chars.includes(undefined)) return { chars, fallback: undefined };
  const fallback: number[] = [0];
  for (let at = 1, matched = 0; at < chars.length; at++) {
    while (matched > 0 && chars[at] !== chars[matched]) matched = fallback[matched - 1]!;
    if (chars[at] === chars[matched]) matched++;
    fallback.push(matched);
  }
  return { chars, fallback };
}

function matchesAt({ chars }: Segment, text: readonly string[], start: number): boolean {
  return chars.every((char, index) => char === undefined || char === text[start + index]);
}

/** The first place in `text[from, to)` where all of the segment stands, or -1. */
function find(segment: Segment, text: readonly string[], from: number, to: number): number {
  const { chars, fallback } = segment;
  if (!fallback) {
    for (let start = from; start + chars.length <= to; start++)
      if (matchesAt(segment, text, start)) return start;
    return -1;
  }
  for (let at = from, matched = 0; at < to; at++) {
    while (matched > 0 && text[at] !== chars[matched]) matched = fallback[matched - 1]!;
    if (text[at] === chars[matched]) matched++;
    if (matched === chars.length) return at - matched + 1;
  }
  return -1;
}
