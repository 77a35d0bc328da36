import fc from 'fast-check';

/** Drizzle's mark for "skip this one". */
export const EMPTY_FILTER = Symbol.for('drizzle:EmptyFilter');

/** Parts that say nothing wherever a condition, an operand or a value is expected, by what they are. */
export const VACUOUS: Readonly<Record<string, () => unknown>> = {
  'an empty object': () => ({}),
  undefined: () => undefined,
  null: () => null,
  'the empty filter': () => EMPTY_FILTER,
  'a symbol': () => Symbol('x'),
  'a function': () => () => true,
  'a promise': () => Promise.resolve(true),
  'a rejected promise': () => Promise.reject(new Error('nobody waits for this')),
  NaN: () => Number.NaN,
  'an invalid Date': () => new Date(Number.NaN),
  'an instance of a class': () =>
    new (class Condition {
      readonly id = 1;
    })(),
  'inherited properties': () => Object.create({ id: 1, eq: 1, true: true }),
  'a proxy of nothing': () => new Proxy({}, { get: () => 1, has: () => true }),
  'a Map': () => new Map([['id', 1]]),
  'a list with a hole': () => {
    const list: unknown[] = [];
    list.length = 1;
    return list;
  },
  'an empty AND': () => ({ AND: [] }),
  'an AND of nothing': () => ({ AND: [{}] }),
  'an OR of nothing': () => ({ OR: [{}] }),
  'an OR with a hole': () => {
    const parts: unknown[] = [];
    parts.length = 1;
    return { OR: parts };
  },
  'a NOT of nothing': () => ({ NOT: {} }),
  'a NOT of the empty filter': () => ({ NOT: EMPTY_FILTER }),
  'a deep NOT': () => ({ NOT: { OR: [{ NOT: {} }] } }),
  'an unknown name': () => ({ raed: true }),
  'a symbol for a name': () => ({ [Symbol('id')]: 1 }),
  'a hidden name': () => Object.defineProperty({}, 'id', { value: 1, enumerable: false }),
};

type Mutable = Record<string | number, unknown>;

/** Every container of a filter, with the key of each of its parts. */
function placesOf(filter: unknown): readonly { readonly owner: object; readonly key: string }[] {
  if (typeof filter !== 'object' || filter === null) return [];
  return Object.keys(filter).flatMap((key) => [
    { owner: filter, key },
    ...placesOf((filter as Mutable)[key]),
  ]);
}

function objectsOf(filter: unknown): readonly object[] {
  if (typeof filter !== 'object' || filter === null) return [];
  const below = Object.values(filter).flatMap(objectsOf);
  return Array.isArray(filter) ? below : [filter, ...below];
}

/** The filter with one vacuous part somewhere: in the place of a part, or beside the parts of an object. */
export function withVacuous(
  filter: object,
): fc.Arbitrary<{ readonly what: string; readonly planted: unknown }> {
  return fc
    .record({
      what: fc.constantFrom(...Object.keys(VACUOUS)),
      place: fc.nat(),
      beside: fc.constantFrom(null, 'AND', 'OR', 'NOT', 'symbol', 'hidden', 'nope'),
    })
    .map(({ what, place, beside }) => {
      const planted = structuredClone(filter);
      const part = VACUOUS[what]!();
      if (beside === null) {
        const places = placesOf(planted);
        const { owner, key } = places[place % places.length]!;
        (owner as Mutable)[key] = part;
        return { what: `${what} in the place of ${key}`, planted };
      }
      const objects = objectsOf(planted);
      const owner = objects[place % objects.length] as Mutable;
      if (beside === 'symbol') (owner as Record<symbol, unknown>)[Symbol('beside')] = part;
      else if (beside === 'hidden') Object.defineProperty(owner, 'beside', { value: part });
      else owner[beside] = beside === 'NOT' ? part : [part];
      return { what: `${what} beside, as ${beside}`, planted };
    });
}
