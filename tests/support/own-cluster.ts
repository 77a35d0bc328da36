import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type ConnectOptions, connect } from '../../src/database/connect.js';
import { type EmbeddedPostgres, startEmbedded } from '../../src/database/embedded.js';
import type { Database, TextRow } from '../../src/database/types.js';
import { atEnd } from './at-end.js';

/** A cluster of its own, for faults of the whole server and for settings that others must not get. */
export interface OwnCluster {
  readonly url: string;
  /** A superuser's pool. */
  readonly db: Database;
  /** Where it lies; `data` in it is the server's. */
  readonly folder: string;
  query(text: string, ...params: (string | null)[]): Promise<readonly TextRow[]>;
  script(text: string): Promise<void>;
  /** Another pool; closed before the cluster is stopped. */
  connect(options?: ConnectOptions): Database;
  /** Stops the server, or what is left of it, does something to its folder, and starts it again at the same address. */
  restart(meanwhile?: (folder: string) => Promise<void>): Promise<void>;
}

export interface OwnClusterOptions {
  /** SQL that makes the database's contents. */
  readonly setup?: string;
  /** Such as `['max_connections=20']`. */
  readonly settings?: readonly string[];
  /** Where to make it; by default a temporary folder. It is deleted at the end of the file. */
  readonly folder?: string;
}

/** For the calling test, or outside of one for its file: stopped when that is over, after whatever was begun later. */
export async function createCluster(options: OwnClusterOptions = {}): Promise<OwnCluster> {
  const folder = options.folder ?? (await mkdtemp(join(tmpdir(), 'rivulet-cluster-')));
  const settings = ['shared_buffers=16MB', 'jit=off', ...(options.settings ?? [])];
  // A cluster that is not persistent is deleted when it is stopped.
  const start = (): Promise<EmbeddedPostgres> =>
    startEmbedded({ folder, settings: [...settings, 'fsync=off', 'full_page_writes=off'] });
  let cluster = await start();
  const pools: Database[] = [];
  const open = (connectOptions: ConnectOptions = {}): Database => {
    const pool = connect(cluster.url, { applicationName: 'rivulet test', ...connectOptions });
    pools.push(pool);
    return pool;
  };
  const db = open({ max: 4 });
  if (options.setup !== undefined) await db.script(options.setup);
  atEnd(async () => {
    await Promise.all(pools.map((pool) => pool.close(1_000)));
    await cluster.stop().catch(() => {});
    await rm(folder, { recursive: true, force: true });
  });
  return {
    url: cluster.url,
    db,
    folder,
    query: (text, ...params) => db.query({ text, params }),
    script: (text) => db.script(text),
    connect: open,
    restart: async (meanwhile = async () => {}) => {
      // One that ended by itself cannot be stopped.
      await cluster.stop().catch(() => {});
      await meanwhile(folder);
      cluster = await start();
    },
  };
}
