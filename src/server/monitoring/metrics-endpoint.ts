import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { ServerLogger } from '../engine/logger.js';
import { hostForUrl } from '../transport/http/host-for-url.js';
import { listen } from '../transport/http/listen.js';
import type { ServerHealth } from './health.js';
import type { ServerMetrics } from './metrics.js';

export interface MetricsEndpoint {
  readonly url: string;
  /** Cuts what is under way. */
  close(): Promise<void>;
}

/**
 * Answers `GET /metrics` and `GET /ready`, on a port of its own: clients of the API need not see
 * what others do with it.
 */
export async function serveMetrics(
  metrics: ServerMetrics,
  health: ServerHealth,
  at: { readonly port: number; readonly host: string },
  logger: ServerLogger,
): Promise<MetricsEndpoint> {
  const server = createServer((request, response) => {
    const [path] = (request.url ?? '').split('?', 1);
    if (path === '/ready' && request.method === 'GET') {
      const details = health.details();
      response.writeHead(details.status === 'ready' ? 200 : 503, { 'content-type': 'application/json' });
      response.end(JSON.stringify(details));
      return;
    }
    if (path !== '/metrics' || request.method !== 'GET') {
      response.writeHead(404).end();
      return;
    }
    metrics.text().then(
      (text) => response.writeHead(200, { 'content-type': metrics.contentType }).end(text),
      (error: unknown) => {
        logger.error({ err: error }, 'the figures cannot be collected');
        response.writeHead(500).end();
      },
    );
  });
  await listen(server, at.port, at.host);
  const url = `http://${hostForUrl(at.host)}:${(server.address() as AddressInfo).port}/metrics`;
  logger.info({ url }, 'figures are served');
  return {
    url,
    close: () => {
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      server.closeAllConnections();
      return closed;
    },
  };
}
