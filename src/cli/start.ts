import { RivuletError } from '../../shared/errors.js';
import { resolveSettings } from '../server/engine/settings.js';
import { createServer } from '../server/server.js';
import { loadConfig } from './load-config.js';
import { listenForStop } from './signal.js';

/** Serves until told to stop. */
export async function start(options: ServeOptions): Promise<void> {
  const { config } = await loadConfig(options.config);
  const { auth } = resolveSettings(config, process.env, 'production');
  if (auth.secret === undefined && auth.jwks === undefined) {
    throw new RivuletError('AUTH_NOT_CONFIGURED', 'neither JWT_SECRET nor JWKS_URL is set');
  }
  const stop = listenForStop();
  const server = await createServer(config, {
    mode: 'production',
    port: options.port,
    host: options.host,
  });
  await stop.received;
  await server.stop();
  stop.forget();
}

export interface ServeOptions {
  readonly config?: string;
  readonly port?: number;
  readonly host?: string;
}
