import { describe, expect, test } from 'vitest';
import { NotifyQueue } from '../../src/feed/notify-queue.js';
import { createCluster } from '../support/own-cluster.js';
import { type Follower, serveSmallApp, smallSetup } from '../support/small-app.js';
import { waitFor } from '../support/wait-for.js';

/** The queue is one for the whole cluster: half a megabyte here, 8 GB by default. */
const cluster = await createCluster({ setup: smallSetup(5), settings: ['max_notify_queue_pages=64'] });
const app = await serveSmallApp(cluster.url, { server: { metrics: { port: 0 } } });
const foreigner = cluster.connect({ max: 1, applicationName: 'foreigner' });

const usage = async () => Number((await cluster.query('select pg_notification_queue_usage()::text'))[0]![0]);

/** Some application listens, and forgets to end its transaction. */
async function hold(): Promise<() => Promise<void>> {
  await foreigner.script('listen elsewhere');
  await foreigner.script('begin; select 1');
  return () => foreigner.script('commit; unlisten *');
}

/** Notifies until the queue is so full; past 1, until it is refused. */
async function fillTo(part: number): Promise<void> {
  for (let n = 0; part > 1 || (await usage()) < part; n++) {
    const notify = cluster.query("select pg_notify('elsewhere', $1)", 'x'.repeat(7_000) + n);
    const refused = await notify.then(
      () => false,
      (error: { code: string }) => error.code === '54000',
    );
    if (refused && part > 1) return;
    expect(refused).toBe(false);
  }
}

let version = 0;
/** Commits, and waits until it is told. Resolves to how long that took, in ms. */
async function writeAndHear(follower: Follower): Promise<number> {
  await cluster.query('update counters set version = $1::text::int where id = 1', String(++version));
  const at = performance.now();
  await follower.heard(1, version);
  return performance.now() - at;
}

describe('F17: the queue of notifications', () => {
  test('half full: it is warned of, once, with a code; and again it is told when there is room', async () => {
    const warned: object[] = [];
    const told: string[] = [];
    const queue = new NotifyQueue({
      database: cluster.db,
      everyMs: 10,
      log: {
        debug: () => {},
        info: (_, message) => told.push(message),
        warn: (details) => warned.push(details),
        error: () => {},
      },
    });
    const release = await hold();
    queue.start();
    await fillTo(0.3);
    await waitFor('a look', () => (queue.usage ?? 0) >= 0.3);
    expect(queue.isFilling).toBe(false);
    await fillTo(0.5);
    await waitFor('the alarm', () => queue.isFilling);
    await fillTo(0.6);
    await waitFor('another look', () => (queue.usage ?? 0) >= 0.6);
    expect(warned).toEqual([
      expect.objectContaining({ code: 'NOTIFY_QUEUE_FILLING', usage: expect.any(Number) }),
    ]);
    await release();
    await waitFor('it is over', () => !queue.isFilling);
    expect(told).toEqual(['the queue of notifications has room again']);
    await queue.stop();
  });

  test('full, while another session holds it: writes go on, and the clock delivers them', async () => {
    const followed = await app.follow('counters');
    const release = await hold();
    await fillTo(2);
    expect(await usage()).toBeGreaterThan(0.9);
    const delays: number[] = [];
    for (let i = 0; i < 5; i++) delays.push(await writeAndHear(followed));
    console.log(`by the clock, after at most ${Math.round(Math.max(...delays))} ms`);
    // Another application's NOTIFY fails; that is what the warning is for.
    await expect(cluster.script("select pg_notify('elsewhere', 'more')")).rejects.toMatchObject({
      code: '54000',
    });
    // Nobody has to be told of what nobody wants to hear.
    await cluster.script(
      `begin; set local rivulet.notify = off; update counters set version = ${++version} where id = 1; commit`,
    );
    await followed.heard(1, version);
    await release();
    await waitFor('there is room', async () => (await usage()) < 0.1);
    await waitFor('notifications wake the feed again', async () => (await writeAndHear(followed)) < 300);
    expect(followed.resets).toEqual([]);
    expect(followed.changes.map(({ node }) => node!.version)).toEqual(
      Array.from({ length: version }, (_, i) => i + 1),
    );
  }, 40_000);

  test('a server that starts beside a filling queue says so: in its log, in its readiness, in its figures', async () => {
    const release = await hold();
    await fillTo(0.5);
    const other = await serveSmallApp(cluster.url, { server: { metrics: { port: 0 } } });
    await waitFor('the warning', () => other.logged.some((line) => line.includes('NOTIFY_QUEUE_FILLING')));
    const ready = await fetch(new URL('/ready', other.server.metricsUrl!));
    expect(ready.status).toBe(200);
    expect(await ready.json()).toMatchObject({ warnings: expect.arrayContaining(['NOTIFY_QUEUE_FILLING']) });
    const figures = await (await fetch(other.server.metricsUrl!)).text();
    expect(figures).toMatch(/^rivulet_notify_queue_usage 0\.[5-9]/m);
    await release();
  });

  test('never fills because of us: no session of ours stays in a transaction, whatever is written', async () => {
    let isOn = true;
    const writing = (async () => {
      for (let i = 0; i < 200; i++)
        await cluster.query('update counters set version = $1::text::int where id = 1', String(++version));
    })().finally(() => {
      isOn = false;
    });
    while (isOn) {
      const staying = await cluster.query(
        `select query from pg_stat_activity where application_name like 'rivulet live%'
         and clock_timestamp() - xact_start > interval '2 seconds'`,
      );
      expect(staying).toEqual([]);
    }
    await writing;
    await waitFor('it is empty', async () => (await usage()) === 0);
  });
});
