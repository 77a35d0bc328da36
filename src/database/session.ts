import postgres from 'postgres';
import type { Statement } from '../sql/statement.js';
import type { QueryOptions, TextRow } from './types.js';

const TEXT_OID = 25;
/** Distinct statement texts that one session prepares; what comes later is planned each time. Bounds the server's memory. */
const MAX_PREPARED = 256;
/** Types that postgres.js would parse: all of them stay text. */
const PARSED_OIDS = [16, 17, 21, 23, 26, 114, 700, 701, 1082, 1114, 1184, 3802];

/** Settings that decide how values look as text; every session of ours has them. */
export const TEXT_SETTINGS: Readonly<Record<string, string>> = {
  TimeZone: 'UTC',
  DateStyle: 'ISO, MDY',
  IntervalStyle: 'postgres',
  bytea_output: 'hex',
  extra_float_digits: '1',
  lc_monetary: 'C',
};

export interface SessionOptions {
  readonly applicationName: string;
  readonly connectTimeoutMs: number;
  readonly onNotify?: (channel: string, payload: string) => void;
  /** Called once, when the connection is gone for whatever reason. */
  readonly onLost: (session: Session) => void;
}

/**
 * One connection, from its first statement to its loss; never reconnected.
 *
 * A postgres.js connection that was lost is not clean afterwards (porsager/postgres #1154, #1208, #1216: the next statement
 * may crash the process, hang, or run inside somebody else's transaction). So every session is a client of its own with
 * `max: 1`, and a lost one is thrown away; statements on it are refused before they reach the driver.
 */
export class Session {
  readonly bornAt = performance.now();
  #lost: Error | null = null;
  readonly #sql: postgres.Sql;
  readonly #prepared = new Set<string>();
  readonly #onLost: (session: Session) => void;

  constructor(url: string, options: SessionOptions) {
    this.#onLost = options.onLost;
    this.#sql = postgres(url, {
      max: 1,
      connect_timeout: options.connectTimeoutMs / 1000,
      idle_timeout: 0,
      max_lifetime: null,
      fetch_types: false,
      connection: { ...TEXT_SETTINGS, application_name: options.applicationName },
      types: {
        text: { to: TEXT_OID, from: PARSED_OIDS, serialize: (x: string) => x, parse: (x: string) => x },
      },
      onnotice: () => {},
      onclose: () => this.#lose(new Error('the connection to the database was lost')),
      // Accepted by the driver, missing in its types.
      ...({ onnotify: options.onNotify } as object),
    });
  }

  get lost(): boolean {
    return this.#lost !== null;
  }

  /** Rejects with the driver's error; the session is lost when it was not the server that refused. */
  async query(statement: Statement, options: QueryOptions = {}): Promise<readonly TextRow[]> {
    if (this.#lost) throw this.#lost;
    const prepare = options.prepare !== false && this.#mayPrepare(statement.text);
    const params = statement.params.map((param) => this.#sql.typed(param as string, TEXT_OID));
    try {
      return await this.#sql
        .unsafe<never>(statement.text, params, { prepare, ...({ simple: false } as object) })
        .values();
    } catch (error) {
      throw this.#judge(error);
    }
  }

  /** Runs SQL text without parameters; resolves to the command tag of the last statement (`COMMIT`, `ROLLBACK` …). */
  async script(text: string): Promise<string> {
    if (this.#lost) throw this.#lost;
    try {
      const result = await this.#sql.unsafe(text);
      const last = Array.isArray(result[0]) ? result.at(-1) : result;
      return (last as unknown as { command: string }).command;
    } catch (error) {
      throw this.#judge(error);
    }
  }

  /** Ends the connection; statements under way get `timeoutMs` to finish. */
  async end(timeoutMs = 0): Promise<void> {
    this.#lost ??= new Error('the connection was closed');
    await this.#sql.end({ timeout: timeoutMs / 1000 });
  }

  #mayPrepare(text: string): boolean {
    if (this.#prepared.has(text)) return true;
    if (this.#prepared.size >= MAX_PREPARED) return false;
    this.#prepared.add(text);
    return true;
  }

  #judge(error: unknown): unknown {
    const fromServer = error instanceof postgres.PostgresError && error.severity !== 'FATAL';
    if (!fromServer) this.#lose(error instanceof Error ? error : new Error(String(error)));
    return error;
  }

  #lose(error: Error): void {
    if (this.#lost) return;
    this.#lost = error;
    void this.#sql.end({ timeout: 0 }).catch(() => {});
    this.#onLost(this);
  }
}
