import { RivuletError } from '../../shared/errors.js';

/** Collects what is wrong with the watchers, so that all of it is reported at once. */
export class WatchProblems {
  readonly #errors: RivuletError[] = [];

  invalid(message: string): void {
    this.#errors.push(new RivuletError('WATCH_INVALID', message));
  }

  /** The work's result; `undefined` where it throws a RivuletError, which is then a problem. */
  attempt<Result>(work: () => Result): Result | undefined {
    try {
      return work();
    } catch (error) {
      if (!(error instanceof RivuletError)) throw error;
      this.#errors.push(error);
      return undefined;
    }
  }

  /** Throws the problem, or `WATCH_INVALID` with all of them. */
  throwIfAny(): void {
    const [first] = this.#errors;
    if (!first) return;
    if (this.#errors.length === 1) throw first;
    const problems = this.#errors.map(({ code, message }) => ({ code, message }));
    const lines = problems.map(({ message }) => `- ${message}`);
    throw new RivuletError(
      'WATCH_INVALID',
      `The watchers have ${lines.length} problems:\n${lines.join('\n')}`,
      {
        problems,
      },
    );
  }
}
