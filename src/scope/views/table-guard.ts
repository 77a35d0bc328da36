import { RivuletError } from '../../../shared/errors.js';

/** Facts about the tables in the database. */
export interface SchemaCheck {
  /** Why a table (by its name in the model) cannot be followed at present; `null`: it can. */
  refusal(table: string): RivuletError | null;
  /** Looks again; what goes wrong changes nothing. */
  recheck(): Promise<void>;
}

export interface WatchableOptions {
  /** True if changes of a table are logged. Default: all are. */
  readonly isWatched?: ((table: string) => boolean) | undefined;
  /** True if the tables still match the model. Default: they do. */
  readonly schema?: SchemaCheck | undefined;
}

/** Decides which tables can be followed. */
export class TableGuard {
  readonly #options: WatchableOptions;

  constructor(options: WatchableOptions) {
    this.#options = options;
  }

  /** A change that is not logged would never be told: fail at once rather than go silent. */
  assert(tables: ReadonlySet<string>): void {
    const { isWatched = () => true } = this.#options;
    const missing = [...tables].filter((table) => !isWatched(table));
    if (missing.length > 0) {
      throw new RivuletError(
        'TABLE_NOT_WATCHED',
        `Nothing watches ${missing.join(', ')}, which this subscription depends on`,
      );
    }
    const refusal = this.refusal(tables);
    if (refusal) throw refusal;
  }

  /** Why one of them cannot be followed at present; `null`: all can. */
  refusal(tables: Iterable<string>): RivuletError | null {
    for (const table of tables) {
      const refusal = this.#options.schema?.refusal(table);
      if (refusal) return refusal;
    }
    return null;
  }
}
