import { createSseClient } from '../../client/core/index.js';
import type { StreamClient } from '../../client/core/live/index.js';
import type { OpenOptions } from './client-under-test.js';

/** All streams of a client over one event stream, by our own client. */
export function overSingleConnection({ server, token, onRequest }: OpenOptions) {
  let network = new AbortController();
  const client = createSseClient({
    url: server.url,
    headers: { authorization: `Bearer ${token}` },
    retryFirstMs: 20,
    retryMostMs: 40,
    fetch: (url, init) => {
      onRequest?.(init.method ?? 'GET');
      return fetch(url, {
        ...init,
        signal: AbortSignal.any([network.signal, ...(init.signal ? [init.signal] : [])]),
      });
    },
  });
  const cut = () => {
    network.abort(new TypeError('the network is gone'));
    network = new AbortController();
  };
  return { client: client as StreamClient, cut, dispose: async () => client.dispose() };
}
