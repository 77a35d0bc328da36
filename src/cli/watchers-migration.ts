import { existsSync } from 'node:fs';
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

const SUFFIX = '_rivulet_watchers';

export interface WatchersMigration {
  /** `20260101120000_rivulet_watchers` */
  readonly name: string;
  readonly sql: string;
}

/** The newest one of the folder; `undefined` where there is none. */
export async function latestMigration(folder: string): Promise<WatchersMigration | undefined> {
  const name = (await migrationNames(folder)).findLast((each) => each.endsWith(SUFFIX));
  if (name === undefined) return undefined;
  return { name, sql: await readFile(join(folder, name, 'migration.sql'), 'utf8') };
}

/** Adds one, after every migration that is there. Returns its name. */
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
