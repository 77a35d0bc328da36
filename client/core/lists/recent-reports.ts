import { type ChangeReport, EMPTY_REPORT, mergeReports } from './change-reports.js';
import { TransactionOrder } from './transaction-order.js';

/**
 * Recent reports: for responses to queries that were sent before and may lack them, and for the
 * echoes of own mutations.
 *
 * Reports that arrived while a query was pending are repeated over its response. Of more than 1,000
 * messages only the tables are kept.
 */
export class RecentReports {
  readonly #asked = new Map<unknown, number>();
  readonly #own = new Map<string, ChangeReport>();
  readonly #echoes = new Set<string>();
  #told: { readonly at: number; readonly told: ChangeReport }[] = [];
  #last = 0;
  readonly #order = new TransactionOrder();

  /** A question is on its way. */
  querySent(question: unknown): void {
    this.#asked.set(question, this.#last);
  }

  /** It was answered, or is not asked any more: what was told meanwhile. */
  queryAnswered(question: unknown): readonly ChangeReport[] {
    const since = this.#asked.get(question);
    if (since === undefined) return [];
    this.#asked.delete(question);
    const told = this.#told.filter(({ at }) => at > since).map((each) => each.told);
    this.#trim();
    return told;
  }

  /**
   * An own mutation was answered. False where a stream told of it before: what the answer says may
   * be old.
   */
  recordOwn(mutationId: string, told: ChangeReport): boolean {
    if (this.#echoes.has(mutationId)) return false;
    remember(this.#own, mutationId, told);
    this.#add(told);
    return true;
  }

  /**
   * A stream told something. What an own mutation was answered belongs to its echo; what a slower
   * stream says of rows of which a later transaction was told is left out. `stream`: see
   * `ToldOrder`.
   */
  recordStreamed(late: ChangeReport, stream?: unknown): ChangeReport {
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
    return own ? mergeReports([told, own]) : told;
  }

  /** A stream ended. */
  forget(stream: unknown): void {
    this.#order.forget(stream);
  }

  #add(told: ChangeReport): void {
    if (this.#asked.size === 0) return;
    this.#told.push({ at: ++this.#last, told });
    if (this.#told.length <= MOST_TOLD) return;
    const tables = this.#told.flatMap((each) => [
      ...each.told.unknown,
      ...each.told.messages.flatMap(({ root }) => tablesOf(root)),
    ]);
    this.#told = [{ at: this.#last, told: { ...EMPTY_REPORT, unknown: new Set(tables) } }];
  }

  #trim(): void {
    const oldest = Math.min(this.#last, ...this.#asked.values());
    this.#told = this.#asked.size === 0 ? [] : this.#told.filter(({ at }) => at > oldest);
  }
}

const MOST_TOLD = 1_000;
const MOST_OWN = 100;

function remember(own: Map<string, ChangeReport>, mutationId: string, told: ChangeReport): void {
  own.set(mutationId, told);
  for (const first of own.keys()) {
    if (own.size <= MOST_OWN) break;
    own.delete(first);
  }
}

type ReportRoot = ChangeReport['messages'][number]['root'];

function tablesOf({ table, related }: ReportRoot): readonly string[] {
  return [table.name, ...related.flatMap(tablesOf)];
}
