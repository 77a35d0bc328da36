import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { writeMigration, writtenSections } from '../../../src/cli/watchers-migration.js';
import { sectionsSql } from '../../../src/watch/watch-sql.js';

const root = await mkdtemp(join(tmpdir(), 'rivulet-migrations-'));
afterAll(() => rm(root, { recursive: true }));

test('a folder that is not there has no migration, and gets its first', async () => {
  const folder = join(root, 'fresh');
  expect(await writtenSections(folder)).toEqual(new Map());
  const sql = sectionsSql([{ name: 'a', sql: 'select 1;\n' }]);
  const name = await writeMigration(folder, sql, new Date('2026-01-02T03:04:05Z'));
  expect(name).toBe('20260102030405_rivulet_watchers');
  expect(await writtenSections(folder)).toEqual(new Map([['a', 'select 1;']]));
});

test('of each part the newest text counts; a migration without parts, or of somebody else, has none', async () => {
  const folder = join(root, 'parts');
  const write = (text: string) => writeMigration(folder, text, new Date('2026-01-02T03:04:05Z'));
  await write('select 0;');
  await write(
    sectionsSql([
      { name: 'a', sql: 'select 1;' },
      { name: 'b', sql: 'select 2;\n\nselect 3;' },
    ]),
  );
  await write(sectionsSql([{ name: 'a', sql: 'select 4;' }]));
  await mkdir(join(folder, '20300101000000_tables'));
  await writeFile(join(folder, '20300101000000_tables', 'migration.sql'), '\n-- rivulet: a\nselect 5;');
  expect(await writtenSections(folder)).toEqual(
    new Map([
      ['a', 'select 4;'],
      ['b', 'select 2;\n\nselect 3;'],
    ]),
  );
});

test('a new one comes after every other, also where a clock is behind', async () => {
  const folder = join(root, 'behind');
  await mkdir(join(folder, '20300101000059_tables'), { recursive: true });
  const now = new Date('2026-01-02T03:04:05Z');
  expect(await writeMigration(folder, 'a', now)).toBe('20300101000100_rivulet_watchers');
  expect(await writeMigration(folder, 'b', now)).toBe('20300101000101_rivulet_watchers');
});
