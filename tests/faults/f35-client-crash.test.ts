import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeEach, describe, expect, test } from 'vitest';
import { signToken } from '../../src/server/auth/token-verifier.js';
import { describeConfig } from '../../src/server/engine/describe-config.js';
import { atEnd } from '../support/at-end.js';
import { createDatabase } from '../support/database.js';
import type { CrashPoint, KeepingLine, KeepingOptions } from '../support/keeping-client.js';
import { SMALL_SECRET, serveSmallApp, smallConfig, smallSetup } from '../support/small-app.js';
import { waitFor } from '../support/wait-for.js';

const SCRIPT = fileURLToPath(new URL('../support/keeping-client.ts', import.meta.url));

const database = await createDatabase({ setup: smallSetup(4) });
const app = await serveSmallApp(database.url);
const folder = await mkdtemp(join(tmpdir(), 'rivulet-kept-'));
afterAll(() => rm(folder, { recursive: true, force: true }));
const token = await signToken(SMALL_SECRET, '1', 3_600);

interface Keeping {
  readonly child: ChildProcess;
  readonly lines: readonly KeepingLine[];
  readonly stderr: readonly string[];
}

/** A client as a process, with its storage in a folder. */
function start(storage: string, order: KeepingOptions['order'], crash?: KeepingOptions['crash']): Keeping {
  const options: KeepingOptions = {
    url: app.server.url,
    token,
    folder: storage,
    order,
    ...(crash && { crash }),
  };
  const child = spawn(process.execPath, ['--import', 'tsx', SCRIPT], {
    env: { ...process.env, KEEPING_CLIENT: JSON.stringify(options) },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const lines: KeepingLine[] = [];
  const stderr: string[] = [];
  createInterface({ input: child.stdout! }).on('line', (line) => lines.push(JSON.parse(line) as KeepingLine));
  child.stderr!.on('data', (chunk) => stderr.push(String(chunk)));
  atEnd(async () => {
    child.kill('SIGKILL');
  });
  return { child, lines, stderr };
}

const did = ({ lines, child, stderr }: Keeping, what: KeepingLine['did']) =>
  waitFor(
    `the client does ${what}`,
    () => {
      if (child.exitCode) throw new Error(stderr.join(''));
      return lines.some((line) => line.did === what);
    },
    40_000,
  );

const killed = ({ child }: Keeping) =>
  waitFor('the client is killed', () => child.signalCode === 'SIGKILL', 40_000);

let version = 0;
const write = (id: number) =>
  database.query(
    `insert into counters values (${id}, $1::text::int) on conflict (id) do update set version = excluded.version`,
    String(++version),
  );

/** Waits until what the client shows is what SELECT finds. */
async function becomesTrue(client: Keeping): Promise<void> {
  await waitFor(
    'the client shows the truth',
    async () => {
      const last = client.lines.findLast((line) => line.did === 'keep');
      const rows = last?.did === 'keep' ? last.rows : [];
      expect(rows.map(({ id, version: at }) => [id, String(at)])).toEqual(await truth());
      return true;
    },
    20_000,
  );
}

async function truth() {
  return database.query('select id::text, version::text from counters order by id');
}

let storages = 0;
let storage = '';
beforeEach(async () => {
  storage = await mkdtemp(join(folder, `${++storages}-`));
  const { manifest } = describeConfig(smallConfig);
  await writeFile(join(storage, 'manifest.json'), JSON.stringify(manifest));
});

/** A client that is killed at its second message, writes before and after, and the client again. */
async function crashAndReturn(order: KeepingOptions['order'], at: CrashPoint): Promise<Keeping> {
  const first = start(storage, order, { message: 2, at });
  await did(first, 'keep');
  await app.subscribed(1);
  await write(1);
  await write(2);
  await killed(first);
  await app.subscribed(0);
  await write(3);
  const again = start(storage, order);
  await did(again, 'resume');
  await app.subscribed(1);
  await write(4);
  return again;
}

describe('F35: a client that keeps rows and cursor is killed', () => {
  test.each<[KeepingOptions['order'], CrashPoint]>([
    ['together', 'before'],
    ['rows first', 'between'],
  ])(
    'kept %s, killed %s: it goes on where it was, and shows the truth',
    async (order, at) => {
      const again = await crashAndReturn(order, at);
      await becomesTrue(again);
      expect(again.lines.some((line) => line.did === 'fetch')).toBe(false);
      again.child.kill('SIGKILL');
      await app.subscribed(0);
    },
    90_000,
  );

  test('kept cursor first, killed between: that is the wrong order, a change is missing for good', async () => {
    const again = await crashAndReturn('cursor first', 'between');
    await waitFor('what came last is there', () => {
      const last = again.lines.findLast((line) => line.did === 'keep');
      return last?.did === 'keep' && last.rows.some((row) => row.version === version);
    });
    const kept = JSON.parse(await readFile(join(storage, 'rows.json'), 'utf8')) as {
      id: string;
      version: number;
    }[];
    const wrong = kept.filter(({ id, version: at }) => id === '2' && at !== version - 2);
    expect(wrong).toHaveLength(1);
    again.child.kill('SIGKILL');
    await app.subscribed(0);
  }, 90_000);

  test('its rows are wiped and its cursor is not: it fetches', async () => {
    const first = start(storage, 'rows first', { message: 1, at: 'after' });
    await did(first, 'keep');
    await app.subscribed(1);
    await write(1);
    await killed(first);
    await app.subscribed(0);
    await rm(join(storage, 'rows.json'));
    await write(2);
    const again = start(storage, 'rows first');
    await did(again, 'fetch');
    await becomesTrue(again);
    again.child.kill('SIGKILL');
    await app.subscribed(0);
  }, 90_000);

  test('two tabs keep in the same place, one is killed: what the next finds is of one of them, and good', async () => {
    const one = start(storage, 'together', { message: 3, at: 'before' });
    await did(one, 'keep');
    const other = start(storage, 'together');
    await did(other, 'resume');
    await app.subscribed(2);
    for (const id of [1, 2, 3, 4, 1]) await write(id);
    await killed(one);
    await becomesTrue(other);
    other.child.kill('SIGKILL');
    await app.subscribed(0);
    await write(2);
    const next = start(storage, 'together');
    await did(next, 'resume');
    await becomesTrue(next);
    next.child.kill('SIGKILL');
    await app.subscribed(0);
  }, 90_000);
});
