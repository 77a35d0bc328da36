import { joined, NOTHING_TOLD, type Told } from './told.js';
import { ToldOrder } from './told-order.js';

/**
 * What was told lately: for answers that were asked for before and may not know it, and for the echoes of own mutations.
 *
 * What was told while a question was on its way is told again over its answer. Of more than 1,000 messages only the tables are remembered.
 */
export class RecentTold {
  readonly #asked = new Map<unknown, number>();
  readonly #own = new Map<string, Told>();
  readonly #echoes = new Set<string>();
  #told: { readonly at: number; readonly told: Told }[] = [];
  #last = 0;
  readonly #order = new ToldOrder();

  /** A question is on its way. */
  ask(question: unknown): void {
    this.#asked.set(question, this.#last);
  }

  /** It was answered, or is not asked any more: what was told meanwhile. */
  answered(question: unknown): readonly Told[] {
    const since = this.#asked.get(question);
    if (since === undefined) return [];
    this.#asked.delete(question);
    const told = this.#told.filter(({ at }) => at > since).map((each) => each.told);
    this.#trim();
    return told;
  }

  /** An own mutation was answered. False where a stream told of it before: what the answer says may be old. */
  own(mutationId: string, told: Told): boolean {
    if (this.#echoes.has(mutationId)) return false;
    remember(this.#own, mutationId, told);
    this.#add(told);
    return true;
  }

  /**
   * A stream told something. What an own mutation was answered belongs to its echo; what a slower stream says of rows of which a later
   * transaction was told is left out. `stream`: see `ToldOrder`.
   */
  tell(late: Told, stream?: unknown): Told {
    const told = this.#order.withoutOld(late, stream);
    this.#add(told);
    const { mutationId } = told;
    if (mutationId === null) return told;
    this.#echoes.add(mutationId);
    for (const first of this.#echoes) {
      if (this.#echoes.size <= MOST_OWN) break;
      this.#echoes.delete(first);
    }
    const own = this.#own.get(mutationId);
    return own ? joined([told, own]) : told;
  }

  /** A stream ended. */
  forget(stream: unknown): void {
    this.#order.forget(stream);
  }

  #add(told: Told): void {
    if (this.#asked.size === 0) return;
    this.#told.push({ at: ++this.#last, told });
    if (this.#told.length <= MOST_TOLD) return;
    const tables = this.#told.flatMap((each) => [
      ...each.told.unknown,
      ...each.told.messages.flatMap(({ root }) => tablesOf(root)),
    ]);
    this.#told = [{ at: this.#last, told: { ...NOTHING_TOLD, unknown: new Set(tables) } }];
  }

  #trim(): void {
    const oldest = Math.min(this.#last, ...this.#asked.values());
    this.#told = this.#asked.size === 0 ? [] : this.#told.filter(({ at }) => at > oldest);
  }
}

const MOST_TOLD = 1_000;
const MOST_OWN = 100;

function remember(own: Map<string, Told>, mutationId: string, told: Told): void {
  own.set(mutationId, told);
  for (const first of own.keys()) {
    if (own.size <= MOST_OWN) break;
    own.delete(first);
  }
}

type Scope = Told['messages'][number]['root'];

function tablesOf({ table, related }: Scope): readonly string[] {
  return [table.name, ...related.flatMap(tablesOf)];
}
