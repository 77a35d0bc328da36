import type { RowCells } from '../../../shared/filter/types.js';
import type { ModelColumn } from '../../../shared/model/types.js';
import { type JoinForm, joinForm } from '../../../shared/value/equality.js';
import { tupleOf } from '../match/candidate-rows.js';

/**
 * Rows above by the values that link rows below to them. Values are compared as PostgreSQL compares
 * them, whatever their texts; where only PostgreSQL can (see `joinForm`), `isDecided` is false and
 * everything held may be meant.
 */
export class HeldLinks {
  readonly isDecided: boolean;
  readonly #from: readonly ModelColumn[];
  readonly #to: readonly ModelColumn[];
  readonly #forms: readonly JoinForm[];
  /** The texts by which a row above links, as JSON. */
  readonly #tuples = new Map<string, string>();
  /** By the form of these texts. */
  readonly #holders = new Map<string, Set<string>>();

  /** `from`: of the rows above; `to`: of the rows that link to them, pairwise equal. */
  constructor(from: readonly ModelColumn[], to: readonly ModelColumn[]) {
    this.#from = from;
    this.#to = to;
    const forms = from.map((column, at) => joinForm(column, to[at]!));
    this.isDecided = forms.every((form) => form !== null);
    this.#forms = forms.filter((form) => form !== null);
  }

  get parents(): IterableIterator<string> {
    return this.#tuples.keys();
  }

  has(parent: string): boolean {
    return this.#tuples.has(parent);
  }

  /** The row links by these texts already. */
  isSame(parent: string, tuple: readonly string[] | null): boolean {
    return this.#tuples.get(parent) === textOf(tuple);
  }

  /** True if the row links to anything. */
  isLinking(parent: string): boolean {
    return (this.#tuples.get(parent) ?? NO_LINK) !== NO_LINK;
  }

  /** Each once: all that is linked to. */
  tuples(): readonly (readonly string[])[] {
    const texts = new Set([...this.#tuples.values()].filter((text) => text !== NO_LINK));
    return [...texts].map((text) => JSON.parse(text) as readonly string[]);
  }

  /** `null`: the row links to nothing. */
  hold(parent: string, tuple: readonly string[] | null): void {
    this.#tuples.set(parent, textOf(tuple));
    if (!tuple || !this.isDecided) return;
    const form = this.#form(tuple, 'left');
    const holders = this.#holders.get(form);
    if (holders) holders.add(parent);
    else this.#holders.set(form, new Set([parent]));
  }

  /** False where it was not held. */
  release(parent: string): boolean {
    const text = this.#tuples.get(parent);
    if (text === undefined) return false;
    this.#tuples.delete(parent);
    if (text === NO_LINK || !this.isDecided) return true;
    const form = this.#form(JSON.parse(text) as readonly string[], 'left');
    const holders = this.#holders.get(form);
    if (holders?.delete(parent) && holders.size === 0) this.#holders.delete(form);
    return true;
  }

  /** The texts by which a row above links. */
  tupleOf(cells: RowCells): readonly string[] | null {
    return tupleOf(this.#from, cells);
  }

  /** The rows above that a row with these cells is linked to. */
  holdersOf(cells: RowCells): Iterable<string> {
    const tuple = tupleOf(this.#to, cells);
    return (tuple && this.#holders.get(this.#form(tuple, 'right'))) ?? [];
  }

  /** True if a row with these cells may be linked to one above. */
  mayHold(cells: RowCells): boolean {
    const tuple = tupleOf(this.#to, cells);
    return tuple !== null && this.mayHoldTuple(tuple);
  }

  mayHoldTuple(tuple: readonly string[]): boolean {
    if (!this.isDecided) return this.#tuples.size > 0;
    return this.#holders.has(this.#form(tuple, 'right'));
  }

  #form(tuple: readonly string[], side: 'left' | 'right'): string {
    return JSON.stringify(tuple.map((text, at) => this.#forms[at]![side](text)));
  }
}

/** Stands for a row above whose columns link to nothing. */
const NO_LINK = '';

function textOf(tuple: readonly string[] | null): string {
  return tuple ? JSON.stringify(tuple) : NO_LINK;
}
