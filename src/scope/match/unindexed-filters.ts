import { textKey } from '../../sql/text-key.js';
import { filterShape } from './filter-shape.js';
import { isIndexed, type MatchTarget } from './match-index.js';

/** Called once for each filter, without its values, that no index can serve. */
export type OnUnindexed = (table: string, filter: string) => void;

/** Filters come from clients: past so many, further ones are not told. */
const MAX_TOLD = 1_000;

/**
 * Tells which filters cost with every change of their table: those without an equality or `in` that
 * every row must satisfy. Who watches a whole table is concerned by every change anyway.
 */
export class UnindexedFilters {
  readonly #onUnindexed: OnUnindexed;
  readonly #told = new Set<string>();

  constructor(onUnindexed: OnUnindexed) {
    this.#onUnindexed = onUnindexed;
  }

  look(matchable: MatchTarget): void {
    const { table, filter } = matchable;
    if (filter.kind === 'const' || this.#told.size >= MAX_TOLD || isIndexed(matchable)) return;
    const shape = filterShape(filter);
    const key = textKey(`${table.name} ${shape}`);
    if (this.#told.has(key)) return;
    this.#told.add(key);
    this.#onUnindexed(table.name, shape);
  }
}
