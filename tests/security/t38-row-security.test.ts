import { afterAll, expect, test } from 'vitest';
import { createDatabase } from '../support/database.js';
import { serveSmallApp, smallSetup } from '../support/small-app.js';
import { waitFor } from '../support/wait-for.js';

/** T38: row level security ignored. The server's role owns the tables and is no superuser. */
const database = await createDatabase();
const ROLE = `${database.name}_owner`;
await database.script(`create role ${ROLE} login password 'o'; grant all on schema public to ${ROLE};
  grant create on database ${database.name} to ${ROLE}`);
afterAll(() => database.script(`drop owned by ${ROLE} cascade; drop role ${ROLE}`));
const owner = database.connect({ max: 1, user: ROLE, password: 'o' });
await owner.script(smallSetup(3));
const SECURE = `alter table counters enable row level security; alter table counters force row level security;
  create policy of_two on counters using (id <= 2) with check (true);`;
const UNSECURE = `drop policy of_two on counters; alter table counters no force row level security; alter table counters disable row level security`;

test('T38: a server whose role is subject to row level security refuses to start, and says the ways out', async () => {
  await owner.script(SECURE);
  await expect(serveSmallApp(owner.url)).rejects.toMatchObject({
    code: 'TABLE_ROW_SECURITY',
    message: expect.stringMatching(
      /public\.counters.*BYPASSRLS.*no force row level security.*disable row level security/s,
    ),
  });
  await owner.script(UNSECURE);
});

test('T38: row level security that begins while a server runs ends the streams of its table, and no other', async () => {
  const app = await serveSmallApp(owner.url, {}, { schemaPollMs: 100 });
  const counters = await app.follow('counters');
  const others = await app.follow('others');
  await owner.script('update counters set version = 1');
  await counters.heard(3, 1);
  await owner.script(SECURE);
  await waitFor('its streams end', () => counters.end !== null);
  expect(JSON.stringify(counters.end)).toContain('TABLE_DRIFTED');
  const told = counters.changes.length;
  await database.script('update counters set version = 2; update others set version = 2');
  await others.heard(3, 2);
  expect(counters.changes).toHaveLength(told);
  // Queries are the database's to decide.
  expect((await app.fetch('counters')).rows.map((row) => (row as { id: number }).id).map(Number)).toEqual([
    1, 2,
  ]);
  expect(app.logged.some((line) => line.includes('TABLE_ROW_SECURITY'))).toBe(true);
  await owner.script(UNSECURE);
  await waitFor('it is mended', () => app.logged.some((line) => line.includes('mended: public.counters')));
  await others.stop();
});

test('T38: a server that bypasses it delivers what its queries show', async () => {
  await owner.script('alter table counters enable row level security');
  const app = await serveSmallApp(owner.url);
  const counters = await app.follow('counters');
  await owner.script('update counters set version = 5');
  await counters.heard(3, 5);
  expect((await app.fetch('counters')).rows).toHaveLength(3);
  await owner.script('alter table counters disable row level security');
});
