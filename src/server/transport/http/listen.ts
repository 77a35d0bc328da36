import type { Server } from 'node:net';
import { RivuletError } from '../../../../shared/errors.js';

/** Resolves when the server listens; rejects with `PORT_IN_USE` or `PORT_FORBIDDEN`. */
export function listen(server: Server, port: number, host: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const onError = (error: NodeJS.ErrnoException): void => reject(explain(error, port, host));
    server.once('error', onError);
    server.listen(port, host, () => {
      server.off('error', onError);
      resolve();
    });
  });
}

function explain(error: NodeJS.ErrnoException, port: number, host: string): Error {
  if (error.code === 'EADDRINUSE') {
    return new RivuletError('PORT_IN_USE', `port ${port} of ${host} is in use`, { port, host }, error);
  }
  if (error.code === 'EACCES' || error.code === 'EADDRNOTAVAIL' || error.code === 'ENOTFOUND') {
    return new RivuletError(
      'PORT_FORBIDDEN',
      `cannot listen on port ${port} of ${host}`,
      { port, host },
      error,
    );
  }
  return error;
}
