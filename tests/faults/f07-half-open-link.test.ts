import { afterEach, describe, expect, test } from 'vitest';
import { createLedger, type Followed } from '../support/ledger.js';
import { waitFor } from '../support/wait-for.js';

const ledger = await createLedger();
const open: Followed[] = [];
afterEach(async () => {
  for (const followed of open.splice(0)) await followed.close();
});

async function follow(options: Parameters<typeof ledger.follow>[0] = {}): Promise<Followed> {
  const followed = await ledger.follow(options);
  open.push(followed);
  await waitFor('notifications', () => followed.feed.status().wakeUps === 'working', 5_000);
  await ledger.write();
  await followed.settle();
  return followed;
}

describe('F7: links over which nothing comes any more, and nobody says so', () => {
  test('all of them, and new ones too: the feed says it within 5 s, and delivers when the network is back', async () => {
    const followed = await follow();
    followed.proxy.stall();
    const began = performance.now();
    await ledger.write();
    await waitFor('the feed notices', () => followed.feed.status().state === 'reconnecting', 8_000);
    const noticed = performance.now() - began;
    expect(noticed).toBeLessThan(5_000);
    await waitFor('the listener notices', () => followed.feed.status().reconnects === 1, 8_000);
    const listenerNoticed = performance.now() - began;
    expect(listenerNoticed).toBeLessThan(5_000);
    await ledger.write();
    followed.proxy.resume();
    const back = performance.now();
    await followed.settle();
    await waitFor('it is live', () => followed.feed.status().state === 'live');
    console.log(
      `noticed after ${Math.round(noticed)} and ${Math.round(listenerNoticed)} ms, delivered ${Math.round(performance.now() - back)} ms after the network was back`,
    );
    expect(followed.resets).toEqual([]);
  }, 30_000);

  test('those that were open, while new ones work: what is written is delivered within 5 s', async () => {
    const followed = await follow();
    followed.proxy.stallOpen();
    const { delivered } = followed;
    await ledger.write();
    await followed.settle(8_000);
    expect(Math.max(...followed.delays(delivered))).toBeLessThan(5_000);
    // The dead ones are cut, not kept until TCP gives them up.
    await waitFor('wake-ups are back', () => followed.feed.status().wakeUps === 'working', 5_000);
    await waitFor('a wake-up', async () => {
      const before = followed.delivered;
      await ledger.write();
      await followed.settle();
      return Math.max(...followed.delays(before)) < 300;
    });
    followed.proxy.resume();
    await waitFor('the dead links are gone', () => followed.proxy.connections <= 5, 5_000);
  }, 30_000);
});
