/**
 * A context in which everything is there, to learn from a policy's function which names it uses. Each property and each call of it is the
 * same stand-in again; as a number it is 1, as a list it has itself. What is computed from it means nothing.
 */
export function standInContext(): unknown {
  const stand: unknown = new Proxy(() => {}, {
    get: (_target, name) => {
      if (name === Symbol.toPrimitive) return () => 1;
      if (name === Symbol.iterator) return () => [stand][Symbol.iterator]();
      // No promise, and nothing that JSON would ask.
      return name === 'then' || name === 'toJSON' ? undefined : stand;
    },
    has: () => true,
    apply: () => stand,
    construct: () => stand as object,
  });
  return stand;
}
