import { existsSync } from 'node:fs';
import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { readSections } from '../watch/watch-sql.js';

const SUFFIX = '_rivulet_watchers';

/**
 * The parts that the folder's migrations install, applied in order: the newest text of each part,
 * by its name.
 *
 * @param without migrations that are left out
 */
export async function writtenSections(
  folder: string,
  without: readonly string[] = [],
): Promise<ReadonlyMap<string, string>> {
  const written = new Map<string, string>();
  for (const name of await migrationNames(folder)) {
    if (!name.endsWith(SUFFIX) || without.includes(name)) continue;
    const text = await readFile(join(folder, name, 'migration.sql'), 'utf8');
    for (const section of readSections(text)) written.set(section.name, section.sql.trim());
  }
  return written;
}

/**
 * The watchers' migrations after the last one of drizzle-kit, oldest first: those that can become
 * one.
 */
export async function trailingMigrations(folder: string): Promise<readonly string[]> {
  const names = await migrationNames(folder);
  return names.slice(names.findLastIndex((name) => !name.endsWith(SUFFIX)) + 1);
}

/** Removes migrations with everything in their folders. */
export async function removeMigrations(folder: string, names: readonly string[]): Promise<void> {
  for (const name of names) await rm(join(folder, name), { recursive: true });
}

/** Adds a migration after every one that is there. Returns its name. */
export async function writeMigration(folder: string, sql: string, now: Date): Promise<string> {
  const last = (await migrationNames(folder)).at(-1)?.slice(0, 14) ?? '';
  let time = now;
  while (stamp(time) <= last) time = new Date(Math.max(time.getTime(), parseStamp(last)) + 1_000);
  const name = `${stamp(time)}${SUFFIX}`;
  await mkdir(join(folder, name), { recursive: true });
  await writeFile(join(folder, name, 'migration.sql'), sql);
  return name;
}

/** drizzle-kit's folders start with 14 digits, the time in UTC, and are applied in that order. */
async function migrationNames(folder: string): Promise<readonly string[]> {
  if (!existsSync(folder)) return [];
  return (await readdir(folder)).filter((name) => /^\d{14}_/.test(name)).sort();
}

function stamp(time: Date): string {
  return time.toISOString().replace(/\D/g, '').slice(0, 14);
}

function parseStamp(text: string): number {
  const [, year, month, day, hour, minute, second] =
    /^(\d{4})(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)$/.exec(text) ?? [];
  return Date.parse(`${year}-${month}-${day}T${hour}:${minute}:${second}Z`);
}
