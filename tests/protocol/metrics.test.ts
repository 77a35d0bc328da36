import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { RawEventStream } from '../support/event-stream.js';
import { serveExample } from '../support/example-server.js';

const { server, database, client, token, subscribed } = await serveExample({
  server: { metrics: { port: 0 } },
  retention: { everySeconds: 0.02 },
});

/** The samples of `/metrics`, by name with labels. */
async function figures(): Promise<ReadonlyMap<string, number>> {
  const response = await fetch(server.metricsUrl!);
  expect(response.headers.get('content-type')).toMatch(/^text\/plain; version=0\.0\.4/);
  const lines = (await response.text()).split('\n').filter((line) => line !== '' && !line.startsWith('#'));
  return new Map(
    lines.map((line) => {
      const space = line.lastIndexOf(' ');
      return [line.slice(0, space), Number(line.slice(space + 1))];
    }),
  );
}

test('figures are served on a port of their own, on loopback, and not by the API', async () => {
  expect(server.metricsUrl).toMatch(/^http:\/\/127\.0\.0\.1:\d+\/metrics$/);
  expect((await fetch(new URL('/metrics', server.url))).status).toBe(404);
  expect((await fetch(new URL('/graphql', server.metricsUrl!))).status).toBe(404);
  expect((await fetch(server.metricsUrl!, { method: 'POST' })).status).toBe(404);
});

test('T9: details of readiness are on the port of the figures, and not on that of the API', async () => {
  const ready = await fetch(new URL('/ready', server.metricsUrl!));
  expect(ready.status).toBe(200);
  expect(await ready.json()).toMatchObject({
    status: 'ready',
    feed: { state: 'live', transactions: expect.any(Number) },
    sockets: 0,
    warnings: [],
  });
  expect(await (await fetch(new URL('/health/ready', server.url))).json()).toEqual({ status: 'ready' });
});

test('they follow what happens', async () => {
  const before = await figures();
  expect(before.get('rivulet_feed_state{state="live"}')).toBe(1);
  expect(before.get('rivulet_subscribers')).toBe(0);

  const ada = client(await token(1));
  const changes = ada.iterate({ query: 'subscription { taskChanges { changes { key } } }' });
  const tasks = ada.iterate({ query: 'subscription { tasks { id title } }' });
  await tasks.next();
  await subscribed(2);
  await database.script(`update tasks set title = 'measured' where id = 1`);
  await changes.next();
  await tasks.next();
  await database.script('delete from tasks where id = 2');
  await changes.next();

  await expect
    .poll(figures, { timeout: 5_000 })
    .toSatisfy((now: ReadonlyMap<string, number>) => now.get('rivulet_log_rows')! >= 2);
  const after = await figures();
  const rose = (name: string) => after.get(name)! - (before.get(name) ?? 0);
  expect(rose('rivulet_feed_transactions_total')).toBe(2);
  expect(rose('rivulet_feed_changes_total')).toBeGreaterThanOrEqual(2);
  expect(rose('rivulet_deliveries_total')).toBeGreaterThanOrEqual(4);
  expect(after.get('rivulet_resets_total{reason="TOO_OLD"}')).toBe(0);
  expect(rose('rivulet_statement_seconds_count{pool="live",outcome="ok"}')).toBeGreaterThan(0);
  expect(after.get('rivulet_scopes')).toBe(1);
  expect(after.get('rivulet_live_queries')).toBe(1);
  expect(after.get('rivulet_subscribers')).toBe(2);
  expect(after.get('rivulet_sockets')).toBeGreaterThanOrEqual(1);
  expect(after.get('rivulet_queued_changes')).toBe(0);
  expect(after.get('rivulet_listener_reconnects_total')).toBe(0);
  expect(after.get('rivulet_feed_lag_seconds')).toBeLessThan(5);
  expect(after.get('rivulet_log_bytes')).toBeGreaterThan(100);
  expect(after.get('rivulet_log_disk_bytes')).toBeGreaterThan(8_000);
  await changes.return?.();
  await tasks.return?.();
});

test('the page of figures names each of them, and no others', async () => {
  const text = await (await fetch(server.metricsUrl!)).text();
  const served = [...text.matchAll(/^# TYPE (\w+)/gm)].map(([, name]) => name);
  const page = readFileSync(new URL('../../docs/metrics.md', import.meta.url), 'utf8');
  const named = [...page.matchAll(/`(rivulet_\w+)/g)].map(([, name]) => name);
  expect(new Set(named)).toEqual(new Set(served));
});

test('without a database they are still served, without those of the log', async () => {
  await database.script('alter table rivulet.log rename to elsewhere');
  const now = await figures();
  expect(now.has('rivulet_log_rows')).toBe(false);
  expect(now.has('rivulet_subscribers')).toBe(true);
  await database.script('alter table rivulet.elsewhere rename to log');
});

test('event streams are counted while they are open', async () => {
  const stream = await RawEventStream.open(
    `${server.url}?query=${encodeURIComponent('subscription { taskChanges { cursor } }')}`,
    { headers: { authorization: `Bearer ${await token(1)}` } },
  );
  await expect.poll(async () => (await figures()).get('rivulet_event_streams'), { timeout: 10_000 }).toBe(1);
  stream.close();
  await expect.poll(async () => (await figures()).get('rivulet_event_streams'), { timeout: 10_000 }).toBe(0);
});
