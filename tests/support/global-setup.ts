import { randomBytes } from 'node:crypto';
import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestProject } from 'vitest/node';
import { connect } from '../../src/database/connect.js';
import { startEmbedded } from '../../src/database/embedded.js';
import { quoteIdent } from '../../src/sql/quote.js';

declare module 'vitest' {
  interface ProvidedContext {
    /** A superuser's address of the maintenance database of the run's cluster. */
    databaseUrl: string;
    /** Prefix of every database that the run makes. */
    databasePrefix: string;
  }
}

/** One cluster for the whole run: DATABASE_URL's where it is set, else an embedded one that is deleted afterwards. */
export async function setup(project: TestProject): Promise<() => Promise<void>> {
  const prefix = `rivulet_${randomBytes(4).toString('hex')}_`;
  const given = process.env.DATABASE_URL;
  const cluster = given ? null : await startCluster();
  const url = new URL(given ?? cluster!.url);
  if (!given) url.pathname = '/postgres';
  project.provide('databaseUrl', url.href);
  project.provide('databasePrefix', prefix);
  return async () => {
    if (cluster) await cluster.stop();
    else await dropAll(url.href, prefix);
  };
}

async function startCluster() {
  const folder = await mkdtemp(join(tmpdir(), 'rivulet-test-'));
  const cluster = await startEmbedded({
    folder,
    persistent: false,
    settings: ['max_connections=300', 'shared_buffers=64MB', 'max_prepared_transactions=10', 'jit=off'],
  });
  const interrupt = (): void => {
    void cluster.stop().finally(() => process.exit(130));
  };
  process.once('SIGINT', interrupt);
  process.once('SIGTERM', interrupt);
  return cluster;
}

async function dropAll(url: string, prefix: string): Promise<void> {
  const maintenance = connect(url, { max: 1 });
  const names = await maintenance.query({
    text: 'select datname::text from pg_catalog.pg_database where starts_with(datname, $1) order by 1',
    params: [prefix],
  });
  for (const [name] of names)
    await maintenance.script(`drop database if exists ${quoteIdent(name!)} with (force)`);
  await maintenance.close();
}
