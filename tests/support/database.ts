import { createHash, randomBytes } from 'node:crypto';
import { afterAll, inject } from 'vitest';
import { type ConnectOptions, connect } from '../../src/database/connect.js';
import type { Database, TextRow } from '../../src/database/types.js';
import { quoteIdent, quoteLiteral } from '../../src/sql/quote.js';
import { waitFor } from './wait-for.js';

export interface TestDatabase {
  readonly url: string;
  readonly name: string;
  /** A superuser's pool; closed at the end of the file. */
  readonly db: Database;
  /** One statement with text parameters. */
  query(text: string, ...params: (string | null)[]): Promise<readonly TextRow[]>;
  script(text: string): Promise<void>;
  /** Another pool; closed at the end of the file. */
  connect(options?: ConnectOptions & { readonly user?: string; readonly password?: string }): Database;
}

export interface TestDatabaseOptions {
  /** SQL that makes the database's contents; run once per run of the tests, then cloned. */
  readonly setup?: string;
}

/**
 * A database of the calling test file alone; to be called at its top level: `const database = await createDatabase()`.
 * At the end of the file it checks that nothing but its own pools is still connected (a leak fails the file) and drops it.
 */
export async function createDatabase(options: TestDatabaseOptions = {}): Promise<TestDatabase> {
  const maintenanceUrl = inject('databaseUrl');
  const prefix = inject('databasePrefix');
  const maintenance = connect(maintenanceUrl, { max: 1, applicationName: 'rivulet test support' });
  const name = `${prefix}${randomBytes(6).toString('hex')}`;
  const template = options.setup ? await ensureTemplate(maintenance, prefix, options.setup) : 'template1';
  await maintenance.script(`create database ${quoteIdent(name)} template ${quoteIdent(template)}`);

  const url = urlOf(maintenanceUrl, name);
  const pools: Database[] = [];
  const open = (at: string, connectOptions: ConnectOptions): Database => {
    const pool = connect(at, { applicationName: 'rivulet test', ...connectOptions });
    pools.push(pool);
    return pool;
  };
  const db = open(url, { max: 5 });
  afterAll(async () => {
    await Promise.all(pools.map((pool) => pool.close()));
    try {
      await assertNobodyConnected(maintenance, name);
    } finally {
      await maintenance.script(`drop database ${quoteIdent(name)} with (force)`);
      await maintenance.close();
    }
  });
  return {
    url,
    name,
    db,
    query: (text, ...params) => db.query({ text, params }),
    script: (text) => db.script(text),
    connect: ({ user, password, ...rest } = {}) => open(urlOf(url, name, user, password), rest),
  };
}

/** Makes the template unless some file of the run already did. */
async function ensureTemplate(maintenance: Database, prefix: string, setup: string): Promise<string> {
  const name = `${prefix}t_${createHash('sha256').update(setup).digest('hex').slice(0, 16)}`;
  const lock = `hashtextextended(${quoteLiteral(name)}, 0)`;
  await maintenance.script(`select pg_advisory_lock(${lock})`);
  try {
    const found = await maintenance.query({
      text: 'select 1::text from pg_catalog.pg_database where datname = $1',
      params: [name],
    });
    if (found.length > 0) return name;
    const half = `${name}_half`;
    await maintenance.script(`drop database if exists ${quoteIdent(half)}`);
    await maintenance.script(`create database ${quoteIdent(half)}`);
    const builder = connect(urlOf(inject('databaseUrl'), half), { max: 1 });
    await builder.script(setup).finally(() => builder.close());
    await waitFor('the template database is idle', () => isIdle(maintenance, half));
    await maintenance.script(`alter database ${quoteIdent(half)} rename to ${quoteIdent(name)}`);
    return name;
  } finally {
    await maintenance.script(`select pg_advisory_unlock(${lock})`);
  }
}

/** Backends end a moment after their client did: waits 5 s for them. */
async function assertNobodyConnected(maintenance: Database, name: string): Promise<void> {
  await waitFor('every connection is closed', () => isIdle(maintenance, name), 5_000).catch(async () => {
    const left = await connectionsOf(maintenance, name);
    throw new Error(
      `the test file leaves connections open:\n${left.map((row) => row.join(' | ')).join('\n')}`,
    );
  });
}

async function isIdle(maintenance: Database, name: string): Promise<boolean> {
  return (await connectionsOf(maintenance, name)).length === 0;
}

function connectionsOf(maintenance: Database, name: string): Promise<readonly TextRow[]> {
  return maintenance.query({
    text: `select application_name::text, state::text, query::text from pg_catalog.pg_stat_activity
           where datname = $1 and backend_type = 'client backend'`,
    params: [name],
  });
}

function urlOf(url: string, database: string, user?: string, password?: string): string {
  const copy = new URL(url);
  copy.pathname = `/${database}`;
  if (user !== undefined) copy.username = encodeURIComponent(user);
  if (password !== undefined) copy.password = encodeURIComponent(password);
  return copy.href;
}
