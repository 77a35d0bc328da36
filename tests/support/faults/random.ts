/** Numbers that a seed decides: the same seed, the same numbers. */
export interface Random {
  /** From 0 to below 1. */
  next(): number;
  /** A whole number from 0 to below `below`. */
  int(below: number): number;
  pick<T>(items: readonly T[]): T;
  /** Another source that this one decides. */
  fork(): Random;
}

/** Mulberry32. */
export function createRandom(seed: number): Random {
  let state = seed >>> 0;
  const next = (): number => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
  const int = (below: number): number => Math.floor(next() * below);
  return {
    next,
    int,
    pick: (items) => items[int(items.length)]!,
    fork: () => createRandom(int(2 ** 32)),
  };
}

/** Of RIVULET_SEED, or a new one; to be printed. */
export function seedFromEnvironment(): number {
  const given = process.env.RIVULET_SEED;
  return given ? Number(given) : Math.floor(Math.random() * 2 ** 31);
}
