import { randomBytes } from 'node:crypto';
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { isRecord } from '../server/engine/is-record.js';

/** Facts that a running `rivulet dev` leaves for the other commands. */
export interface DevState {
  readonly pid: number;
  readonly databaseUrl: string;
}

/**
 * Files under `.rivulet/` of a project. Nothing in it needs to be kept but the data of the embedded
 * database.
 */
export class StateFolder {
  readonly path: string;

  constructor(projectFolder: string) {
    this.path = join(projectFolder, '.rivulet');
  }

  /** The folder of the embedded database. */
  get database(): string {
    return join(this.path, 'postgres');
  }

  /**
   * The secret that development tokens are signed with; made once, so that a token outlives a
   * restart.
   */
  async secret(): Promise<string> {
    const file = join(this.path, 'secret');
    const known = (await readText(file))?.trim();
    if (known !== undefined && known.length >= 32) return known;
    await mkdir(this.path, { recursive: true });
    const secret = randomBytes(32).toString('base64url');
    // Exclusive: of two that start at once, the first one's stays.
    const write = writeFile(file, `${secret}\n`, { mode: 0o600, flag: known === undefined ? 'wx' : 'w' });
    const written = await write.then(
      () => true,
      () => false,
    );
    return written ? secret : ((await readText(file))?.trim() ?? secret);
  }

  async write(state: DevState): Promise<void> {
    await mkdir(this.path, { recursive: true });
    await writeFile(this.#stateFile, `${JSON.stringify(state, null, 2)}\n`, { mode: 0o600 });
  }

  /** The state that was written last, if the process that wrote it is still running. */
  async read(): Promise<DevState | undefined> {
    const text = await readText(this.#stateFile);
    if (text === undefined) return undefined;
    const state = parse(text);
    return state !== undefined && isRunning(state.pid) ? state : undefined;
  }

  /** Takes back what this process wrote. */
  async clear(): Promise<void> {
    const state = await this.read();
    if (state?.pid === process.pid) await rm(this.#stateFile, { force: true });
  }

  get #stateFile(): string {
    return join(this.path, 'dev.json');
  }
}

function parse(text: string): DevState | undefined {
  try {
    const value: unknown = JSON.parse(text);
    if (!isRecord(value)) return undefined;
    const { pid, databaseUrl } = value;
    return typeof pid === 'number' && typeof databaseUrl === 'string' ? { pid, databaseUrl } : undefined;
  } catch {
    return undefined;
  }
}

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error instanceof Error && 'code' in error && error.code === 'EPERM';
  }
}

function readText(file: string): Promise<string | undefined> {
  return readFile(file, 'utf8').catch(() => undefined);
}
