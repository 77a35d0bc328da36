import type { ErrorCode } from '../../../shared/errors.js';
import type { FeedStatus } from '../../feed/types.js';
import type { WatcherDrift } from '../../watch/drift.js';

/** A feed that has not read for longer than this is behind, whatever it says of itself. */
const STALE_AFTER_MS = 5_000;

export interface ServerHealth {
  /** The process answers. */
  live(): { readonly status: 'live' };
  /**
   * For the API's port: whether requests should be sent here, and nothing that counts what others
   * do.
   */
  ready(): Pick<ReadinessReport, 'status'>;
  /** For the port of the figures: how far the feed is, and what works less well than it could. */
  details(): ReadinessReport;
  readonly isStopping: boolean;
  /** From now on not ready. */
  markStopping(): void;
}

export interface ReadinessReport {
  readonly status: 'ready' | 'starting' | 'behind' | 'stopping';
  readonly feed: Omit<FeedStatus, 'error'>;
  readonly sockets: number;
  /** Codes of what works less well than it could. */
  readonly warnings: readonly ErrorCode[];
}

export function createHealth(
  feed: () => FeedStatus,
  sockets: () => number,
  isNotifyQueueFilling: () => boolean = () => false,
  drifts: () => readonly WatcherDrift[] = () => [],
): ServerHealth {
  let isStopping = false;
  const statusOf = (status: FeedStatus) => (isStopping ? 'stopping' : readiness(status));
  return {
    live: () => ({ status: 'live' }),
    ready: () => ({ status: statusOf(feed()) }),
    details: () => {
      const known = feed();
      // The error names hosts and users, so only the log has it.
      const { error: _error, ...status } = known;
      return {
        status: statusOf(known),
        feed: status,
        sockets: sockets(),
        warnings: [
          ...(status.wakeUps === 'broken' ? (['NOTIFY_NOT_CARRIED'] as const) : []),
          ...(isNotifyQueueFilling() ? (['NOTIFY_QUEUE_FILLING'] as const) : []),
          ...warningsOf(drifts()),
        ],
      };
    },
    get isStopping() {
      return isStopping;
    },
    markStopping: () => {
      isStopping = true;
    },
  };
}

/** Only the log names the tables and columns. */
function warningsOf(drifts: readonly WatcherDrift[]): readonly ErrorCode[] {
  const relevant = drifts.filter(({ kind }) => kind !== 'leftover');
  if (relevant.length === 0) return [];
  return relevant.some(({ effect }) => effect !== 'none')
    ? ['WATCHERS_DRIFTED', 'TABLE_DRIFTED']
    : ['WATCHERS_DRIFTED'];
}

function readiness(feed: Omit<FeedStatus, 'error'>): ReadinessReport['status'] {
  if (feed.state === 'starting') return 'starting';
  const isFresh = feed.lastReadAgoMs !== null && feed.lastReadAgoMs <= STALE_AFTER_MS;
  return feed.state === 'live' && isFresh ? 'ready' : 'behind';
}
