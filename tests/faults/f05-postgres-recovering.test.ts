import { expect, test } from 'vitest';
import { createDatabase } from '../support/database.js';
import { startProxy } from '../support/proxy.js';
import { serveSmallApp, smallSetup } from '../support/small-app.js';

const database = await createDatabase({ setup: smallSetup(1) });

/** What a server says to everybody while it recovers (PostgreSQL documentation, "Message Formats", ErrorResponse). */
function recovering(): Buffer {
  const fields = ['SFATAL', 'VFATAL', 'C57P03', 'Mthe database system is not yet accepting connections'];
  const body = Buffer.from(`${fields.map((field) => `${field}\0`).join('')}\0`);
  const head = Buffer.alloc(5);
  head.write('E');
  head.writeInt32BE(body.length + 4, 1);
  return Buffer.concat([head, body]);
}

test('F5: a node that starts while Postgres recovers waits for it, and says so', async () => {
  const proxy = await startProxy(database.url);
  let refused = 0;
  proxy.meddle((bytes, cut) => {
    if (refused === 4) return bytes;
    refused++;
    setImmediate(cut);
    return recovering();
  });
  const app = await serveSmallApp(proxy.url);
  expect(refused).toBe(4);
  expect(app.logged.filter((line) => line.includes('not ready yet'))).not.toEqual([]);
  expect((await app.fetch('counters')).cursor).toBeTruthy();
  await app.server.stop(1_000);
  await proxy.close();
}, 60_000);

test('F5: a database that is not there is not waited for: it is an error with a code', async () => {
  const proxy = await startProxy(database.url);
  proxy.refuse();
  await expect(serveSmallApp(proxy.url)).rejects.toMatchObject({ code: 'DATABASE_UNAVAILABLE' });
  await proxy.close();
}, 60_000);
