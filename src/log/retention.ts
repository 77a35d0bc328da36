import { setTimeout as delay } from 'node:timers/promises';
import { codeOf, SQLSTATE } from '../database/errors.js';
import { isPassing } from '../database/retry.js';
import type { Database, DatabaseLogger } from '../database/types.js';
import { ERRORS } from '../error-texts.js';
import { type RetentionLimits, trim } from './trim.js';

export interface RetentionOptions {
  readonly database: Database;
  readonly keep: RetentionLimits;
  /** Milliseconds between two trimmings; default 30,000. */
  readonly everyMs?: number;
  /** Rows of one transaction; default 5,000. */
  readonly batchRows?: number;
  readonly log?: DatabaseLogger | undefined;
}

export interface LogRetention {
  /** Trims now what is to be trimmed; resolves to how many rows this node deleted. */
  run(): Promise<number>;
  /** Waits for the batch under way. Twice is fine. */
  stop(): Promise<void>;
}

/** Between two batches, so that trimming much leaves the disk to others. */
const PAUSE_MS = 20;

/**
 * Trims the change log now and then, from now on. Any number of nodes may do so: of those that try
 * at once, one does. What fails is logged and tried again at the next time, except for a missing
 * privilege, which ends it.
 */
export function startRetention(options: RetentionOptions): LogRetention {
  const { database, keep, everyMs = 30_000, batchRows = 5_000, log } = options;
  const stopping = new AbortController();
  const { signal } = stopping;

  const run = async (): Promise<number> => {
    let deleted = 0;
    while (!signal.aborted) {
      const batch = await trim(database, keep, batchRows);
      if (batch.kind === 'busy') break;
      deleted += batch.deleted;
      if (batch.deleted < batchRows) break;
      await delay(PAUSE_MS, undefined, { signal }).catch(() => {});
    }
    if (deleted > 0) log?.debug({ deleted }, 'the change log was trimmed');
    return deleted;
  };

  const loop = async (): Promise<void> => {
    while (!signal.aborted) {
      // Nodes that started together do not stay together.
      await delay(everyMs * (0.75 + Math.random() / 2), undefined, { signal, ref: false }).catch(() => {});
      if (signal.aborted) return;
      try {
        await run();
      } catch (error) {
        if (codeOf(error) === SQLSTATE.insufficientPrivilege) {
          log?.warn(
            { code: 'RETENTION_FORBIDDEN', next: ERRORS.RETENTION_FORBIDDEN.next },
            ERRORS.RETENTION_FORBIDDEN.cause,
          );
          return;
        }
        log?.[isPassing(error) ? 'debug' : 'warn'](
          { error: String(error) },
          'the change log was not trimmed',
        );
      }
    }
  };
  const looping = loop();
  let running: Promise<unknown> = Promise.resolve();
  return {
    run: () => {
      const next = run();
      running = next.catch(() => {});
      return next;
    },
    stop: async () => {
      stopping.abort();
      await Promise.all([looping, running]);
    },
  };
}
