import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { latestMigration, writeMigration } from '../../../src/cli/watchers-migration.js';

const root = await mkdtemp(join(tmpdir(), 'rivulet-migrations-'));
afterAll(() => rm(root, { recursive: true }));

test('a folder that is not there has no migration, and gets its first', async () => {
  const folder = join(root, 'fresh');
  expect(await latestMigration(folder)).toBeUndefined();
  const name = await writeMigration(folder, 'select 1;', new Date('2026-01-02T03:04:05Z'));
  expect(name).toBe('20260102030405_rivulet_watchers');
  expect(await latestMigration(folder)).toEqual({ name, sql: 'select 1;' });
});

test('a new one comes after every other, also where a clock is behind', async () => {
  const folder = join(root, 'behind');
  await mkdir(join(folder, '20300101000059_tables'), { recursive: true });
  const now = new Date('2026-01-02T03:04:05Z');
  expect(await writeMigration(folder, 'a', now)).toBe('20300101000100_rivulet_watchers');
  expect(await writeMigration(folder, 'b', now)).toBe('20300101000101_rivulet_watchers');
  expect((await latestMigration(folder))?.sql).toBe('b');
});
