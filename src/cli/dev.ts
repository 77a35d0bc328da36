import { createServer as createNetServer } from 'node:net';
import { drizzle } from 'drizzle-orm/postgres-js';
import postgres from 'postgres';
import { RivuletError } from '../../shared/errors.js';
import { startEmbedded } from '../database/embedded.js';
import { codedError } from '../database/errors.js';
import { readModel } from '../model/read.js';
import { signToken } from '../server/auth/token-verifier.js';
import type { DevelopmentConfig } from '../server/engine/config.js';
import { createLogger, type ServerLogger } from '../server/engine/logger.js';
import { resolveSettings } from '../server/engine/settings.js';
import { watchPlanOf } from '../server/engine/watch-plan.js';
import { createServer } from '../server/server.js';
import { listen } from '../server/transport/http/listen.js';
import { StateFolder } from './dev-state.js';
import { loadConfig } from './load-config.js';
import { repair } from './migrate.js';
import { applyMigrations, migrationsFolder } from './migrations.js';
import { listenForStop } from './signal.js';
import type { ServeOptions } from './start.js';
import { greeting } from './start-message.js';
import { withDatabase } from './with-database.js';

/** Development tokens outlive a night. */
const TOKEN_SECONDS = 30 * 24 * 3600;

/**
 * Database, migrations, watchers, seed, server; until told to stop. What was started is stopped
 * whatever happens.
 */
export async function dev(options: ServeOptions): Promise<void> {
  const { config, folder } = await loadConfig(options.config);
  const settings = resolveSettings(config, process.env, 'development');
  const logger = createLogger(settings.logLevel);
  const plan = watchPlanOf(config, readModel(config.relations, { names: config.names }));
  const port = options.port ?? settings.port;
  const host = options.host ?? settings.host;
  await assertPortIsFree(port, host);

  const state = new StateFolder(folder);
  const stop = listenForStop();
  const database = await openDatabase(settings.databaseUrl, state, logger);
  try {
    await applyMigrations(database.url, migrationsFolder(config, folder));
    await withDatabase(database.url, (db) => repair(db, plan, (line) => logger.info(line)));
    await seed(config.development, database.url);
    if (stop.isReceived) return;

    const secret = settings.auth.secret ?? (await state.secret());
    const people = await tokens(config.development, secret);
    const { document, nudge } = config.development ?? {};
    const server = await createServer(config, {
      mode: 'development',
      databaseUrl: database.url,
      port,
      host,
      secret,
      logger,
      graphiql: { document, token: people[0]?.token },
      people,
    });
    await state.write({ pid: process.pid, databaseUrl: database.url });
    console.log(
      greeting({ url: server.url, databaseUrl: database.url, people, nudge, hasPages: server.hasPages }),
    );
    await stop.received;
    await server.stop();
    await state.clear();
  } finally {
    await database.stop();
    stop.forget();
  }
}

/** Before anything is started: the commonest mistake is a second `rivulet dev`. */
async function assertPortIsFree(port: number, host: string): Promise<void> {
  if (port === 0) return;
  const probe = createNetServer();
  await listen(probe, port, host);
  await new Promise((resolve) => probe.close(resolve));
}

async function openDatabase(
  url: string | undefined,
  state: StateFolder,
  logger: ServerLogger,
): Promise<{ readonly url: string; stop(): Promise<void> }> {
  if (url !== undefined) return { url, stop: () => Promise.resolve() };
  return startEmbedded({ folder: state.database, log: logger });
}

async function seed(development: DevelopmentConfig | undefined, url: string): Promise<void> {
  if (development?.seed === undefined) return;
  const client = postgres(url, { max: 1, onnotice: () => {} });
  try {
    await development.seed(drizzle({ client }));
  } catch (error) {
    const { cause } = error as { readonly cause?: unknown };
    const reason = cause instanceof Error ? cause : error;
    if (codedError(reason)?.code === 'DATABASE_UNAVAILABLE') throw codedError(reason);
    throw new RivuletError(
      'SEED_FAILED',
      reason instanceof Error ? reason.message : String(reason),
      {},
      error,
    );
  } finally {
    await client.end({ timeout: 5 });
  }
}

function tokens(development: DevelopmentConfig | undefined, secret: string) {
  const users = development?.users ?? [];
  return Promise.all(
    users.map(async (user) => ({ ...user, token: await signToken(secret, user.id, TOKEN_SECONDS) })),
  );
}
