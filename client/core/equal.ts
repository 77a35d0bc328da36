/**
 * Returns true if two values of columns are equal: JSON, or Drizzle's values with dates and bytes.
 * It does not recurse, so that no depth of a json column can overflow the stack.
 */
export function isEqual(left: unknown, right: unknown): boolean {
  const open: [unknown, unknown][] = [[left, right]];
  for (let pair = open.pop(); pair; pair = open.pop()) {
    const [one, other] = pair;
    if (Object.is(one, other)) continue;
    if (typeof one !== 'object' || typeof other !== 'object' || one === null || other === null) return false;
    if (one instanceof Date || other instanceof Date) {
      if (!(one instanceof Date && other instanceof Date && one.getTime() === other.getTime())) return false;
      continue;
    }
    if (one instanceof Uint8Array || other instanceof Uint8Array) {
      if (!(one instanceof Uint8Array && other instanceof Uint8Array && hasBytes(one, other))) return false;
      continue;
    }
    if (Array.isArray(one) !== Array.isArray(other)) return false;
    const names = Object.keys(one);
    if (names.length !== Object.keys(other).length) return false;
    for (const name of names) {
      if (!Object.hasOwn(other, name)) return false;
      open.push([(one as Record<string, unknown>)[name], (other as Record<string, unknown>)[name]]);
    }
  }
  return true;
}

function hasBytes(one: Uint8Array, other: Uint8Array): boolean {
  return one.length === other.length && one.every((byte, at) => byte === other[at]);
}
