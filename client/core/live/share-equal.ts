/**
 * `next`, in which everything that is equal to what stood at the same place is the same object.
 * Rows of a list are found by `id`. `source`: the value out of which this made `before`, so that
 * what is the same object in it and in `next` needs no other look.
 */
export function shareEqual(before: unknown, next: unknown, source: unknown = before): unknown {
  if (next === source) return before;
  if (before === next || typeof before !== 'object' || typeof next !== 'object' || !before || !next)
    return next;
  if (Array.isArray(before) !== Array.isArray(next)) return next;
  if (Array.isArray(before) && Array.isArray(next)) return shareList(before, next, source);
  const old = before as Readonly<Record<string, unknown>>;
  const from = (source ?? before) as Readonly<Record<string, unknown>>;
  const entries = Object.entries(next).map(
    ([name, value]) => [name, shareEqual(old[name], value, from[name])] as const,
  );
  const isSame =
    entries.length === Object.keys(old).length &&
    entries.every(([name, value]) => Object.hasOwn(old, name) && old[name] === value);
  return isSame ? before : Object.fromEntries(entries);
}

function shareList(
  before: readonly unknown[],
  next: readonly unknown[],
  source: unknown,
): readonly unknown[] {
  const from = Array.isArray(source) ? source : before;
  let places: Map<unknown, number> | undefined;
  const placeOf = (item: unknown, at: number): number | undefined => {
    const name = nameOf(item, at);
    if (at < before.length && nameOf(before[at], at) === name) return at;
    places ??= new Map(before.map((each, place) => [nameOf(each, place), place]));
    return places.get(name);
  };
  const shared = next.map((item, at) => {
    const place = placeOf(item, at);
    return place === undefined ? item : shareEqual(before[place], item, from[place]);
  });
  return shared.length === before.length && shared.every((item, at) => item === before[at]) ? before : shared;
}

function nameOf(item: unknown, at: number): unknown {
  const id: unknown = typeof item === 'object' && item !== null && 'id' in item ? item.id : undefined;
  return typeof id === 'string' ? id : at;
}
