import { expect, test } from 'vitest';
import type { FeedStatus } from '../../../src/feed/types.js';
import { createHealth } from '../../../src/server/monitoring/health.js';

const live: FeedStatus = {
  state: 'live',
  lastReadAgoMs: 10,
  lagMs: 2,
  transactions: 1,
  changes: 1,
  wakeUps: 'working',
  rest: 'asleep',
  naps: 1,
  rings: 0,
  readings: 0,
  fruitfulReadings: 0,
  reconnects: 0,
  error: null,
};

test.each([
  [live, 'ready'],
  [{ ...live, state: 'starting', lastReadAgoMs: null }, 'starting'],
  [{ ...live, state: 'reconnecting', error: 'password of admin@db1' }, 'behind'],
  [{ ...live, lastReadAgoMs: 6_000 }, 'behind'],
  [{ ...live, state: 'stopped' }, 'behind'],
] as const)('a feed that is %j: %s', (status, verdict) => {
  const health = createHealth(
    () => status,
    () => 3,
  );
  expect(health.ready()).toEqual({ status: verdict });
  expect(health.details()).toMatchObject({ status: verdict, sockets: 3 });
  expect(JSON.stringify(health.details())).not.toContain('admin');
});

test('a server that is not woken by notifications is ready, and says so with a code', () => {
  const readiness = createHealth(
    () => ({ ...live, wakeUps: 'broken' }),
    () => 0,
  ).details();
  expect(readiness).toMatchObject({ status: 'ready', warnings: ['NOTIFY_NOT_CARRIED'] });
});

test('a server that stops is not ready, and still alive', () => {
  const health = createHealth(
    () => live,
    () => 0,
  );
  health.markStopping();
  expect([health.ready().status, health.live().status]).toEqual(['stopping', 'live']);
});
