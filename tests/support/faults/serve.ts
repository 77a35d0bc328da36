import config from '../../../rivulet.config.js';
import { listenForStop } from '../../../src/cli/signal.js';
import { createServer, type RivuletConfig } from '../../../src/index.js';

/**
 * What `rivulet start` does, for the example's application: settings from the environment, and what of the configuration a test wants
 * otherwise, as JSON in FAULT_CONFIG.
 */
const overrides = JSON.parse(process.env.FAULT_CONFIG ?? '{}') as Partial<RivuletConfig>;
const stop = listenForStop();
const server = await createServer(
  { ...(config as RivuletConfig), pages: undefined, ...overrides },
  { mode: 'production' },
);
await stop.received;
await server.stop();
stop.forget();
