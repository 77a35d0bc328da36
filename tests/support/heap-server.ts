import pino from 'pino';
import config from '../../rivulet.config.js';
import type { RivuletConfig } from '../../src/server/engine/config.js';
import { createServer } from '../../src/server/server.js';

/**
 * The example, served by a process of its own that runs with `--expose-gc`: says where, and answers each `heap` with the bytes that are in
 * use after a collection.
 */
const { DATABASE_URL: databaseUrl, RIVULET_TEST_SECRET: secret } = process.env;
const limits = { operationsPerMinutePerUser: 1_000_000, operationsPerMinutePerAddress: 1_000_000 };
const server = await createServer(
  { ...(config as RivuletConfig), pages: undefined, limits },
  {
    environment: {},
    mode: 'production',
    port: 0,
    logger: pino({ level: 'silent' }),
    ...(databaseUrl !== undefined && { databaseUrl }),
    ...(secret !== undefined && { secret }),
  },
);

process.on('message', async (message) => {
  if (message === 'stop') {
    await server.stop(1_000);
    process.exit(0);
  }
  // What a turn of the event loop, or a finalizer, still lets go of.
  for (let round = 0; round < 5; round++) {
    await new Promise((resolve) => setImmediate(resolve));
    global.gc?.();
  }
  const { heapUsed, external } = process.memoryUsage();
  const { subscribers } = server.scopes.status();
  process.send?.({ bytes: heapUsed + external, subscribers });
});
process.send?.({ url: server.url });
