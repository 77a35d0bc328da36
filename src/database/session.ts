import { Socket } from 'node:net';
import postgres from 'postgres';
import { RivuletError } from '../../shared/errors.js';
import type { Statement } from '../sql/statement.js';
import { codeOf, SQLSTATE } from './errors.js';
import type { SilenceLimits } from './silence-limits.js';
import type { QueryOptions, TextRow } from './types.js';

const TEXT_OID = 25;
/**
 * Distinct statement texts that one session prepares; what comes later is planned each time. Bounds
 * the server's memory.
 */
const MAX_PREPARED = 256;
/** Characters of all of them together. */
const MAX_PREPARED_LENGTH = 512 * 1024;
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

/**
 * A session is replaced after this time, so that one that grew (plans, caches) does not live for
 * ever.
 */
const MAX_AGE_MS = 30 * 60_000;

export interface SessionOptions {
  readonly applicationName: string;
  readonly connectTimeoutMs: number;
  /**
   * Milliseconds for which the server may be silent while a statement waits. Default: as long as
   * the system waits.
   */
  readonly patience?: SilenceLimits | undefined;
  /**
   * A statement that waited so long for a lock is refused (55P03). Default: as the database was
   * told.
   */
  readonly lockTimeoutMs?: number | undefined;
  /**
   * A statement that takes longer is cancelled by Postgres, and rejects with QUERY_TIMEOUT.
   * Default: as the database was told.
   */
  readonly statementTimeoutMs?: number | undefined;
  /** Called for each statement that ended. */
  readonly onStatement?: ((tookMs: number, ok: boolean) => void) | undefined;
  readonly onNotify?: (channel: string, payload: string) => void;
  /**
   * Called once, when the connection is gone for whatever reason; `silent`: it was given up, and so
   * may be others.
   */
  readonly onLost: (session: DatabaseSession, silent: boolean) => void;
}

/** Time that an ended connection has to close before it is cut. */
const CLOSE_WITHIN_MS = 2_000;

/**
 * One connection, from its first statement to its loss; never reconnected.
 *
 * A postgres.js connection that was lost is not clean afterwards (porsager/postgres #1154, #1208,
 * #1216: the next statement may crash the process, hang, or run inside somebody else's
 * transaction). So every session is a client of its own with `max: 1`, and a lost one is thrown
 * away; statements on it are refused before they reach the driver. Its socket is ours, so that a
 * link over which nothing comes any more can be seen and cut.
 */
export class DatabaseSession {
  readonly #bornAt = performance.now();
  #lost: Error | null = null;
  readonly #sql: postgres.Sql;
  readonly #prepared = new Set<string>();
  #preparedLength = 0;
  /** Statements that are not answered yet, in their order. */
  readonly #sent: { cancel(): void }[] = [];
  #isCancelled = false;
  readonly #options: SessionOptions;
  #socket: Socket | null = null;

  constructor(url: string, options: SessionOptions) {
    this.#options = options;
    let attempt = 0;
    this.#sql = postgres(url, {
      max: 1,
      connect_timeout: options.connectTimeoutMs / 1000,
      idle_timeout: 0,
      max_lifetime: null,
      fetch_types: false,
      connection: {
        ...TEXT_SETTINGS,
        application_name: options.applicationName,
        ...(options.lockTimeoutMs === undefined ? {} : { lock_timeout: options.lockTimeoutMs }),
        ...(options.statementTimeoutMs === undefined
          ? {}
          : { statement_timeout: options.statementTimeoutMs }),
      },
      types: {
        text: { to: TEXT_OID, from: PARSED_OIDS, serialize: (x: string) => x, parse: (x: string) => x },
      },
      onnotice: () => {},
      onclose: () => this.#lose(connectionLost()),
      // Accepted by the driver, missing in its types.
      ...({
        onnotify: options.onNotify,
        socket: (target: SessionTarget) => {
          // The driver may connect once more for what waits; nobody would close that connection,
          // and the process would not end.
          if (this.#lost) throw this.#lost;
          // For the request to cancel, which goes over a connection of its own.
          if (this.#isCancelled) return begun(openSocket(target, attempt++));
          this.#socket = openSocket(target, attempt++);
          return begun(this.#socket);
        },
      } as object),
    });
  }

  get lost(): boolean {
    return this.#lost !== null;
  }

  /** Not to be lent again. */
  get isSpent(): boolean {
    return this.#isCancelled || performance.now() - this.#bornAt > MAX_AGE_MS;
  }

  /**
   * Rejects with the driver's error; the session is lost when it was not the server that refused.
   */
  async query(statement: Statement, options: QueryOptions = {}): Promise<readonly TextRow[]> {
    if (this.#lost) throw this.#lost;
    const prepare = options.prepare !== false && this.#mayPrepare(statement.text);
    const params = statement.params.map((param) => this.#sql.typed(param as string, TEXT_OID));
    const run = (): Promise<readonly TextRow[]> => {
      const sent = this.#sql.unsafe<never>(statement.text, params, {
        prepare,
        ...({ simple: false } as object),
      });
      this.#sent.push(sent);
      return sent
        .values()
        .then(withoutHoles)
        .finally(() => this.#sent.shift());
    };
    return this.#run(statement.text, run, options.silenceMs);
  }

  /**
   * Has Postgres cancel the statement that runs. The session must not be used any more: the request
   * may come late, and would end whatever runs then.
   */
  cancel(): void {
    if (this.#lost) return;
    this.#isCancelled = true;
    const [running] = this.#sent;
    // The driver's promise of it, which its types do not have. Where it cannot be sent the
    // statement's time limit is left.
    void Promise.resolve(running?.cancel() as unknown).catch(() => {});
  }

  /** Ends the connection at once: what it was sent and did not answer is lost. */
  discard(): void {
    this.#lose(new RivuletError('DATABASE_CLOSED', 'The connection was closed.'));
  }

  /**
   * Runs SQL text without parameters; resolves to the command tag of the last statement (`COMMIT`,
   * `ROLLBACK` …).
   */
  async script(text: string): Promise<string> {
    if (this.#lost) throw this.#lost;
    const result = await this.#run(text, async () => this.#sql.unsafe(text));
    const last = Array.isArray(result[0]) ? result.at(-1) : result;
    return (last as unknown as { command: string }).command;
  }

  /** Ends the connection; statements under way get `timeoutMs` to finish. */
  async end(timeoutMs = 0): Promise<void> {
    this.#lost ??= new RivuletError('DATABASE_CLOSED', 'The connection was closed.');
    const socket = this.#socket;
    const cut = setTimeout(() => socket?.destroy(), timeoutMs + CLOSE_WITHIN_MS);
    cut.unref();
    socket?.once('close', () => clearTimeout(cut));
    await this.#sql.end({ timeout: timeoutMs / 1000 });
  }

  async #run<T>(text: string, run: () => Promise<T>, silenceMs?: number): Promise<T> {
    const { patience, onStatement } = this.#options;
    const began = performance.now();
    let ok = false;
    try {
      const answer = await this.#answer(run(), silenceMs ?? patience?.for(text));
      ok = true;
      patience?.answered(text, performance.now() - began);
      return answer;
    } catch (error) {
      if (error instanceof Silence) patience?.gaveUp(text);
      const read = this.#readError(error);
      throw this.#isTimeout(error, performance.now() - began) ? this.#timeout(error) : read;
    } finally {
      onStatement?.(performance.now() - began, ok);
    }
  }

  /**
   * Rejects with `Silence` when nothing came from the server for so long; what comes slowly is
   * waited for.
   */
  #answer<T>(answer: Promise<T>, silenceMs: number | undefined): Promise<T> {
    if (silenceMs === undefined) return answer;
    return new Promise((resolve, reject) => {
      let timer: NodeJS.Timeout | undefined;
      let seen = -1;
      const wait = (): void => {
        seen = this.#socket?.bytesRead ?? 0;
        timer = setTimeout(() => setImmediate(look), silenceMs);
      };
      // After the loop has read its sockets: a process that was stopped itself finds the answer
      // there.
      const look = (): void => {
        if (timer === undefined) return;
        if ((this.#socket?.bytesRead ?? 0) > seen) wait();
        else reject(new Silence(silenceMs));
      };
      const stop = (): void => {
        clearTimeout(timer);
        timer = undefined;
      };
      wait();
      answer.then(
        (value) => {
          stop();
          resolve(value);
        },
        (error: unknown) => {
          stop();
          reject(error);
        },
      );
    });
  }

  /** Distinguishes a time-out from a cancelled statement by the time that it took. */
  #isTimeout(error: unknown, tookMs: number): boolean {
    const { statementTimeoutMs } = this.#options;
    return (
      statementTimeoutMs !== undefined &&
      tookMs > 0.9 * statementTimeoutMs &&
      codeOf(error) === SQLSTATE.queryCanceled
    );
  }

  #timeout(error: unknown): RivuletError {
    const seconds = (this.#options.statementTimeoutMs ?? 0) / 1_000;
    const message = `The statement needed more than ${seconds} seconds`;
    return new RivuletError('QUERY_TIMEOUT', message, { seconds }, error);
  }

  #mayPrepare(text: string): boolean {
    if (this.#prepared.has(text)) return true;
    if (this.#prepared.size >= MAX_PREPARED) return false;
    if (this.#preparedLength + text.length > MAX_PREPARED_LENGTH) return false;
    this.#preparedLength += text.length;
    this.#prepared.add(text);
    return true;
  }

  #readError(error: unknown): unknown {
    const fromServer = error instanceof postgres.PostgresError && error.severity !== 'FATAL';
    if (!fromServer) this.#lose(error instanceof Error ? error : new Error(String(error)));
    return error;
  }

  #lose(error: Error): void {
    if (this.#lost) return;
    this.#lost = error;
    void this.#sql.end({ timeout: 0 }).catch(() => {});
    this.#socket?.destroy();
    this.#options.onLost(this, error instanceof Silence);
  }
}

/**
 * The driver (postgres.js 3.4.9) goes on counting rows where a statement failed after it had sent
 * some, so the rows of the next statement begin with as many holes.
 */
function withoutHoles(rows: readonly TextRow[]): readonly TextRow[] {
  return rows.length === 0 || 0 in rows ? rows : rows.filter(() => true);
}

class Silence extends RivuletError {
  constructor(silenceMs: number) {
    super('DATABASE_UNAVAILABLE', `The database said nothing for ${silenceMs} ms.`);
  }
}

/** The server's addresses as the driver knows them. */
interface SessionTarget {
  readonly host: readonly string[];
  readonly port: readonly number[];
  readonly path: string | false;
}

/**
 * Connecting, not connected: what is written meanwhile waits. Of several hosts each attempt takes
 * the next.
 */
function openSocket({ host, port, path }: SessionTarget, attempt: number): Socket {
  const socket = new Socket();
  if (path) return socket.connect(path);
  const at = attempt % port.length;
  // The driver takes the name to verify a certificate for from here.
  return Object.assign(socket.connect(port[at]!, host[at]!), { host: host[at], port: port[at] });
}

/**
 * Resolves when the system has taken the attempt to connect; rejects where it refuses at once, as
 * it does without descriptors. The driver looks out for errors only from then on, and one that
 * nobody looks out for ends the process.
 */
function begun(socket: Socket): Promise<Socket> {
  return new Promise((resolve, reject) => {
    socket.once('error', reject);
    setImmediate(() => {
      socket.off('error', reject);
      resolve(socket);
    });
  });
}

function connectionLost(): RivuletError {
  return new RivuletError('DATABASE_UNAVAILABLE', 'The connection to the database was lost.');
}
