/** Links between rows above and rows below, by both ends. */
export class LinkTable {
  readonly #children = new Map<string, Set<string>>();
  readonly #parents = new Map<string, Set<string>>();

  /** Number of linked rows below. */
  get size(): number {
    return this.#parents.size;
  }

  childrenOf(parent: string): ReadonlySet<string> {
    return this.#children.get(parent) ?? NONE;
  }

  parentsOf(child: string): ReadonlySet<string> {
    return this.#parents.get(child) ?? NONE;
  }

  children(): IterableIterator<string> {
    return this.#parents.keys();
  }

  add(parent: string, child: string): void {
    put(this.#children, parent, child);
    put(this.#parents, child, parent);
  }

  delete(parent: string, child: string): void {
    take(this.#children, parent, child);
    take(this.#parents, child, parent);
  }
}

const NONE: ReadonlySet<string> = new Set();

function put(map: Map<string, Set<string>>, key: string, value: string): void {
  const set = map.get(key);
  if (set) set.add(value);
  else map.set(key, new Set([value]));
}

function take(map: Map<string, Set<string>>, key: string, value: string): void {
  const set = map.get(key);
  if (set?.delete(value) && set.size === 0) map.delete(key);
}
