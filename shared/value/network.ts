/** An IP address with its prefix length, as Postgres's `inet` and `cidr` hold it. */
export interface NetworkAddress {
  readonly family: 4 | 6;
  /** 4 or 16 bytes. */
  readonly bytes: readonly number[];
  readonly bits: number;
}

/** Reads `10.1.2.3`, `10.1.2.3/8`, `2001:db8::1/64`; a `cidr` has no bits right of its prefix. */
export function readNetwork(text: string, variant: 'inet' | 'cidr'): NetworkAddress | undefined {
  const match = /^([0-9a-fA-F:.]{2,45})(?:\/(\d{1,3}))?$/.exec(text);
  if (!match) return undefined;
  const family = match[1]!.includes(':') ? 6 : 4;
  const bytes = family === 4 ? readIPv4(match[1]!) : readIPv6(match[1]!);
  const width = family === 4 ? 32 : 128;
  const bits = match[2] === undefined ? width : Number(match[2]);
  if (!bytes || bits > width) return undefined;
  if (variant === 'cidr' && hasBitsAfter(bytes, bits)) return undefined;
  return { family, bytes, bits };
}

function readIPv4(text: string): number[] | undefined {
  const parts = text.split('.');
  if (parts.length !== 4 || !parts.every((part) => /^(0|[1-9]\d{0,2})$/.test(part))) return undefined;
  const bytes = parts.map(Number);
  return bytes.every((byte) => byte <= 255) ? bytes : undefined;
}

function readIPv6(text: string): number[] | undefined {
  let head = text;
  let tail: number[] = [];
  const lastColon = text.lastIndexOf(':');
  if (text.includes('.')) {
    const embedded = readIPv4(text.slice(lastColon + 1));
    if (!embedded) return undefined;
    tail = embedded;
    head = text.slice(0, text[lastColon - 1] === ':' ? lastColon + 1 : lastColon);
  }
  const halves = head.split('::');
  if (halves.length > 2) return undefined;
  const [left, right] = halves.map((half) => (half === '' ? [] : half.split(':')));
  const groups = [...left!, ...(right ?? [])];
  if (!groups.every((group) => /^[0-9a-fA-F]{1,4}$/.test(group))) return undefined;
  const missing = 16 - tail.length - groups.length * 2;
  if (halves.length === 2 ? missing < 2 : missing !== 0) return undefined;
  return [...groupBytes(left!), ...Array<number>(missing).fill(0), ...groupBytes(right ?? []), ...tail];
}

function groupBytes(groups: readonly string[]): number[] {
  return groups.flatMap((group) => {
    const value = Number.parseInt(group, 16);
    return [value >> 8, value & 255];
  });
}

function hasBitsAfter(bytes: readonly number[], bits: number): boolean {
  return bytes.some((byte, index) => {
    const kept = Math.min(8, Math.max(0, bits - index * 8));
    return (byte & (255 >> kept)) !== 0;
  });
}

/** As Postgres casts it to text: always with the prefix length. */
export function formatNetwork(address: NetworkAddress): string {
  const shown = address.family === 4 ? address.bytes.join('.') : formatIPv6(address.bytes);
  return `${shown}/${address.bits}`;
}

/**
 * The rules are those of `inet_net_ntop`: the longest run of zero groups is left out, embedded IPv4
 * is dotted.
 */
function formatIPv6(bytes: readonly number[]): string {
  const words = Array.from({ length: 8 }, (_, index) => bytes[index * 2]! * 256 + bytes[index * 2 + 1]!);
  const gap = longestZeroRun(words);
  const dotted =
    gap.start === 0 &&
    (gap.length === 6 || (gap.length === 7 && words[7] !== 1) || (gap.length === 5 && words[5] === 0xffff));
  const shown: string[] = words.slice(0, dotted ? 6 : 8).map((word) => word.toString(16));
  if (dotted) shown.push(bytes.slice(12).join('.'));
  if (gap.length < 2) return shown.join(':');
  const left = shown.slice(0, gap.start).join(':');
  const right = shown.slice(dotted ? Math.min(gap.start + gap.length, 6) : gap.start + gap.length).join(':');
  return `${left}::${right}`;
}

function longestZeroRun(words: readonly number[]): { start: number; length: number } {
  let best = { start: -1, length: 0 };
  for (let start = 0; start < words.length; start++) {
    let end = start;
    while (end < words.length && words[end] === 0) end++;
    if (end - start > best.length) best = { start, length: end - start };
    if (end > start) start = end;
  }
  return best;
}

/**
 * Postgres's order: IPv4 first, then the bits both prefixes share, then the shorter prefix, then
 * the whole address.
 */
export function compareNetworks(left: NetworkAddress, right: NetworkAddress): number {
  if (left.family !== right.family) return left.family - right.family;
  const shared = Math.min(left.bits, right.bits);
  for (let index = 0; index < left.bytes.length; index++) {
    const kept = Math.min(8, Math.max(0, shared - index * 8));
    const mask = 255 & ~(255 >> kept);
    const difference = (left.bytes[index]! & mask) - (right.bytes[index]! & mask);
    if (difference !== 0) return difference;
  }
  if (left.bits !== right.bits) return left.bits - right.bits;
  for (let index = 0; index < left.bytes.length; index++) {
    const difference = left.bytes[index]! - right.bytes[index]!;
    if (difference !== 0) return difference;
  }
  return 0;
}

/**
 * `aa:bb:cc:dd:ee:ff` (eight groups for `macaddr8`, which takes six as well) from groups parted by
 * `:` or `-`.
 */
export function readMac(text: string, variant: 'macaddr' | 'macaddr8'): string | undefined {
  if (!/^[0-9a-fA-F]{2}([:-])[0-9a-fA-F]{2}(?:\1[0-9a-fA-F]{2}){4}(?:(?:\1[0-9a-fA-F]{2}){2})?$/.test(text)) {
    return undefined;
  }
  const groups = text.toLowerCase().split(/[:-]/);
  if (variant === 'macaddr') return groups.length === 6 ? groups.join(':') : undefined;
  return (groups.length === 8 ? groups : [...groups.slice(0, 3), 'ff', 'fe', ...groups.slice(3)]).join(':');
}
