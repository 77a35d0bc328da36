import { RivuletError } from '../../shared/errors.js';
import { listen } from './listener.js';
import { ConnectionPool } from './pool.js';
import type { DatabaseSession } from './session.js';
import { SilenceLimits } from './silence-limits.js';
import type { Database, DatabaseLogger, QueryRunner, TransactionOptions } from './types.js';

export interface ConnectOptions {
  /** Connections of the pool; a LISTEN has one more of its own. Default 10. */
  readonly max?: number | undefined;
  /** Shown in `pg_stat_activity`. Default `rivulet`. */
  readonly applicationName?: string | undefined;
  /** Default 10,000. */
  readonly connectTimeoutMs?: number | undefined;
  /**
   * A connection over which nothing came for so long while a statement waited is given up, and the
   * statement rejects with a passing error. Statements that turn out to be slow are given more
   * time. Default: never.
   */
  readonly silenceMs?: number | undefined;
  /**
   * A statement that waited so long for a lock is refused, with a passing error. Default: as the
   * database was told.
   */
  readonly lockTimeoutMs?: number | undefined;
  /**
   * A statement that takes longer is cancelled and rejects with QUERY_TIMEOUT. Default: as the
   * database was told.
   */
  readonly statementTimeoutMs?: number | undefined;
  /** Connections of the pool that one owner of statements may have at a time. Default: all. */
  readonly maxPerOwner?: number | undefined;
  /** Called for each statement that ended. */
  readonly onStatement?: ((tookMs: number, ok: boolean) => void) | undefined;
  readonly log?: DatabaseLogger | undefined;
}

/** Makes the pool; connects when first used. `url` is a `postgres://` address. */
export function connect(url: string, options: ConnectOptions = {}): Database {
  const sessionOptions = {
    applicationName: options.applicationName ?? 'rivulet',
    connectTimeoutMs: options.connectTimeoutMs ?? 10_000,
  };
  const pool = new ConnectionPool(checkedUrl(url), {
    ...sessionOptions,
    max: options.max ?? 10,
    patience: options.silenceMs === undefined ? undefined : new SilenceLimits(options.silenceMs),
    lockTimeoutMs: options.lockTimeoutMs,
    statementTimeoutMs: options.statementTimeoutMs,
    maxPerOwner: options.maxPerOwner,
    onStatement: options.onStatement,
  });
  const listeners = new Set<() => Promise<void>>();
  return {
    url,
    query: (statement, queryOptions) =>
      queryOptions?.shared
        ? pool.read(statement, queryOptions)
        : pool.use((session) => session.query(statement, queryOptions), queryOptions),
    script: (text) =>
      pool.use(async (session) => {
        await session.script(text);
      }),
    transaction: (work, transactionOptions) =>
      pool.use((session) => runTransaction(session, work, transactionOptions ?? {}), transactionOptions),
    listen: async (channel, onNotify, onListen, onLost) => {
      const tell = { onNotify, onListen, onLost };
      const end = await listen(url, channel, tell, { ...sessionOptions, ...pick(options) });
      const unlisten = async (): Promise<void> => {
        listeners.delete(unlisten);
        await end();
      };
      listeners.add(unlisten);
      return unlisten;
    },
    close: async (timeoutMs = 5_000) => {
      await Promise.all([...listeners].map((unlisten) => unlisten()));
      await pool.close(timeoutMs);
    },
  };
}

async function runTransaction<T>(
  session: DatabaseSession,
  work: (tx: QueryRunner) => Promise<T>,
  options: TransactionOptions,
): Promise<T> {
  const isolation = options.isolation ? ` isolation level ${options.isolation}` : '';
  await session.script(`begin${isolation}${options.readOnly ? ' read only' : ''}`);
  let isOver = false;
  let firstError: unknown;
  const guarded = async <R>(run: () => Promise<R>): Promise<R> => {
    if (isOver) throw new Error('a statement was sent to a transaction that is over');
    try {
      return await run();
    } catch (error) {
      firstError ??= error;
      throw error;
    }
  };
  const tx: QueryRunner = {
    query: (statement, queryOptions) => guarded(() => session.query(statement, queryOptions)),
    script: (text) =>
      guarded(async () => {
        await session.script(text);
      }),
  };
  try {
    const result = await work(tx);
    isOver = true;
    // A transaction in which a statement failed answers COMMIT with ROLLBACK.
    const tag = await session.script('commit');
    if (tag !== 'COMMIT') throw firstError ?? new Error('the transaction was rolled back');
    return result;
  } catch (error) {
    isOver = true;
    if (!session.lost) await session.script('rollback').catch(() => session.end());
    throw error;
  }
}

function pick(options: ConnectOptions): { log?: DatabaseLogger } {
  return options.log ? { log: options.log } : {};
}

function checkedUrl(url: string): string {
  if (/^postgres(ql)?:\/\//.test(url)) return url;
  throw new RivuletError('DATABASE_URL_INVALID', 'The database address must start with postgres://.');
}
