import { type ErrorCode, RivuletError } from '../../shared/errors.js';

export interface SchemaProblem {
  readonly code: ErrorCode;
  /** `tasks`, `tasks.title`: where it is, in Drizzle's names. */
  readonly place: string;
  readonly message: string;
}

/** Collects what is wrong with a schema, so that all of it is reported at once. */
export class SchemaProblems {
  readonly #list: SchemaProblem[] = [];

  add(code: ErrorCode, place: string, message: string): void {
    this.#list.push({ code, place, message });
  }

  /** Throws `SCHEMA_INVALID` with every problem, if there is one. */
  throwIfAny(): void {
    if (this.#list.length === 0) return;
    const lines = this.#list.map(({ code, place, message }) => `  ${code} at ${place}: ${message}`);
    const count = this.#list.length === 1 ? 'a problem' : `${this.#list.length} problems`;
    throw new RivuletError('SCHEMA_INVALID', `The schema has ${count}:\n${lines.join('\n')}`, {
      problems: this.#list,
    });
  }
}
