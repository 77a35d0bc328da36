/** `next`, in which everything that is equal to what stood at the same place is the same object. Rows of a list are found by `id`. */
export function shareEqual(before: unknown, next: unknown): unknown {
  if (before === next || typeof before !== 'object' || typeof next !== 'object' || !before || !next)
    return next;
  if (Array.isArray(before) !== Array.isArray(next)) return next;
  if (Array.isArray(before) && Array.isArray(next)) {
    const byId = new Map(before.map((item, at) => [nameOf(item, at), item]));
    const shared = next.map((item, at) => shareEqual(byId.get(nameOf(item, at)), item));
    return shared.length === before.length && shared.every((item, at) => item === before[at])
      ? before
      : shared;
  }
  const old = before as Readonly<Record<string, unknown>>;
  const entries = Object.entries(next).map(([name, value]) => [name, shareEqual(old[name], value)] as const);
  const isSame =
    entries.length === Object.keys(old).length &&
    entries.every(([name, value]) => Object.hasOwn(old, name) && old[name] === value);
  return isSame ? before : Object.fromEntries(entries);
}

function nameOf(item: unknown, at: number): unknown {
  const id: unknown = typeof item === 'object' && item !== null && 'id' in item ? item.id : undefined;
  return typeof id === 'string' ? id : at;
}
