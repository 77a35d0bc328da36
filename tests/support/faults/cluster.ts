import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect } from '../../../src/database/connect.js';
import { startEmbedded } from '../../../src/database/embedded.js';
import { type EmbeddedBinaries, findBinaries } from '../../../src/database/embedded-binaries.js';
import { readPidFile } from '../../../src/database/embedded-pid.js';
import { type RunAs, userToRunAs } from '../../../src/database/run-as.js';
import type { Database } from '../../../src/database/types.js';
import { waitFor } from '../wait-for.js';

/** A PostgreSQL of its own, to be ended, frozen and started again. Knows nothing of a test runner: stop it yourself. */
export interface Cluster {
  readonly url: string;
  readonly folder: string;
  /** A superuser's pool, past every proxy; what it cannot do while the server is away, it rejects. */
  readonly db: Database;
  /** `fast` ends sessions in order; `immediate` is a crash, with recovery at the next start. */
  restart(mode: 'fast' | 'immediate'): Promise<void>;
  /** Ends one backend without a word (SIGKILL): the postmaster ends all of them and recovers. */
  killBackend(pid: number): void;
  /** Stops the postmaster and all its children, wherever they are. */
  freeze(): Promise<void>;
  /** Lets them go on. Twice is fine. */
  thaw(): void;
  /** Resolves when statements are answered. */
  ready(): Promise<void>;
  /** Sets its clock so far from the machine's, within a second; only where it was started with `clock`. */
  setClock(offsetSeconds: number): Promise<void>;
  stop(): Promise<void>;
}

export interface ClusterOptions {
  /** Such as `['max_connections=20']`. */
  readonly settings?: readonly string[];
  /** Path of libfaketime: its clock can be set. */
  readonly clock?: string;
}

const BASE_SETTINGS = [
  'shared_buffers=64MB',
  'max_prepared_transactions=10',
  'max_connections=200',
  'jit=off',
];
const READY_WITHIN_MS = 60_000;

export async function startCluster(options: ClusterOptions = {}): Promise<Cluster> {
  const folder = await mkdtemp(join(tmpdir(), 'rivulet-fault-'));
  // Ended processes, not ended machines: what was written to the system is kept.
  const settings = [...BASE_SETTINGS, 'fsync=off', 'full_page_writes=off', ...(options.settings ?? [])];
  const clockFile = join(folder, 'clock');
  const setClock = (offsetSeconds: number): Promise<void> =>
    writeFile(clockFile, `${offsetSeconds < 0 ? '' : '+'}${offsetSeconds}\n`);
  if (options.clock) await setClock(0);
  const embedded = await withEnvironment(
    options.clock ? clockEnvironment(options.clock, clockFile) : {},
    () => startEmbedded({ folder, settings }),
  );
  const data = join(folder, 'data');
  const binaries = await findBinaries();
  const runAs = await userToRunAs([...binaries.paths, `${folder}/.`]);
  const db = connect(embedded.url, { max: 4, applicationName: 'fault' });
  let frozen: readonly number[] = [];
  const thaw = (): void => {
    // Children first: the postmaster must not take them for hanging.
    for (const pid of frozen) signal(pid, 'SIGCONT');
    frozen = [];
  };
  const ready = async (): Promise<void> => {
    await waitFor(
      'Postgres answers',
      () => db.query({ text: 'select 1::text', params: [] }).then((rows) => rows.length === 1),
      READY_WITHIN_MS,
    );
  };
  return {
    url: embedded.url,
    folder,
    db,
    restart: (mode) => restart(binaries, runAs, data, mode),
    killBackend: (pid) => signal(pid, 'SIGKILL'),
    freeze: async () => {
      const postmaster = (await readPidFile(data))!.pid;
      // First, so that no child comes to be unseen.
      signal(postmaster, 'SIGSTOP');
      const children = await childrenOf(postmaster);
      for (const pid of children) signal(pid, 'SIGSTOP');
      frozen = [...children, postmaster];
    },
    thaw,
    ready,
    setClock,
    stop: async () => {
      thaw();
      await db.close(1_000);
      await embedded.stop();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

/** Libfaketime reads the offset again each second; what measures durations is left alone. */
function clockEnvironment(library: string, file: string): Readonly<Record<string, string>> {
  return {
    LD_PRELOAD: library,
    FAKETIME_TIMESTAMP_FILE: file,
    FAKETIME_CACHE_DURATION: '1',
    FAKETIME_DONT_FAKE_MONOTONIC: '1',
  };
}

/** For the processes that are started meanwhile. */
async function withEnvironment<T>(
  added: Readonly<Record<string, string>>,
  work: () => Promise<T>,
): Promise<T> {
  Object.assign(process.env, added);
  try {
    return await work();
  } finally {
    for (const name of Object.keys(added)) delete process.env[name];
  }
}

/** Where libfaketime is (Debian's package `faketime`); `null`: nowhere. */
export async function findFaketime(): Promise<string | null> {
  for (const folder of await readdir('/usr/lib').catch(() => [])) {
    const path = `/usr/lib/${folder}/faketime/libfaketime.so.1`;
    if (
      await readFile(path).then(
        () => true,
        () => false,
      )
    )
      return path;
  }
  return null;
}

async function restart(
  binaries: EmbeddedBinaries,
  runAs: RunAs,
  data: string,
  mode: 'fast' | 'immediate',
): Promise<void> {
  const log = join(data, 'server.log');
  await binaries.run('pg_ctl', ['restart', '-D', data, '-w', '-t', '120', '-l', log, '-m', mode], runAs);
}

function signal(pid: number, name: NodeJS.Signals): void {
  try {
    process.kill(pid, name);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}

async function childrenOf(parent: number): Promise<readonly number[]> {
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name)).map(Number);
  const parents = await Promise.all(pids.map(parentOf));
  return pids.filter((_, at) => parents[at] === parent);
}

async function parentOf(pid: number): Promise<number | null> {
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => null);
  // The name, in parentheses, may have anything in it.
  return stat === null ? null : Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1]);
}
