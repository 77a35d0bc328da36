import { afterEach, describe, expect, test } from 'vitest';
import { createLedger, type Followed } from '../support/ledger.js';
import { withoutNotifications } from '../support/proxy.js';
import { waitFor } from '../support/wait-for.js';

const ledger = await createLedger();
const open: Followed[] = [];
afterEach(async () => {
  for (const followed of open.splice(0)) await followed.close();
});
async function follow(options: Parameters<typeof ledger.follow>[0] = {}): Promise<Followed> {
  const followed = await ledger.follow(options);
  open.push(followed);
  return followed;
}

describe('F18: notifications', () => {
  test('none come through, as behind a pooler in transaction mode: it is said with a code, and the clock delivers within a second', async () => {
    const followed = await follow();
    followed.proxy.meddle(withoutNotifications);
    // The self-test of before may have come through.
    followed.proxy.reset();
    await waitFor(
      'the warning',
      () => followed.warned.some(({ code }) => code === 'NOTIFY_NOT_CARRIED'),
      8_000,
    );
    expect(followed.feed.status()).toMatchObject({ wakeUps: 'broken', state: 'live' });
    for (let i = 0; i < 5; i++) {
      await ledger.write();
      await followed.settle();
    }
    expect(Math.max(...followed.delays())).toBeLessThan(1_500);
    followed.proxy.meddle(null);
    followed.proxy.reset();
    await waitFor('they work again', () => followed.feed.status().wakeUps === 'working', 8_000);
  }, 25_000);

  test('every second one is lost: nothing else is', async () => {
    const followed = await follow({ pollMs: 300 });
    let seen = 0;
    followed.proxy.meddle((bytes) => (seen++ % 2 === 0 ? withoutNotifications(bytes) : bytes));
    for (let i = 0; i < 20; i++) {
      await ledger.write();
      await followed.settle(2_000);
    }
    expect(Math.max(...followed.delays())).toBeLessThan(1_000);
  }, 25_000);

  test('the node does not listen at all: the clock delivers', async () => {
    const followed = await follow({ listen: false, pollMs: 100 });
    for (let i = 0; i < 10; i++) await ledger.write();
    await followed.settle(2_000);
    expect(followed.feed.status().wakeUps).toBe('off');
  });
});
