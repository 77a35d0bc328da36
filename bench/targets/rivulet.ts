import pino from 'pino';
import { createServer, type RivuletServer } from '../../src/server/server.js';
import { applicationOf, SECRET } from '../application/items.js';
import { answerCalls } from '../harness/calls.js';
import { measures } from './measures.js';
import type { TargetApi } from './target-api.js';

/** Rivulet as `rivulet start` runs it; its watchers are installed already. */
let server: RivuletServer | undefined;

/** Here a few users are everybody. */
const UNCOUNTED = {
  subscriptionsPerUser: 1_000_000,
  connectionsPerUser: 1_000_000,
  pendingConnections: 1_000_000,
  operationsPerMinutePerUser: 1_000_000_000,
};

const api: TargetApi = {
  ...measures(),
  start: async ({ databaseUrl, maxQueuedChanges, rights = 'owner' }) => {
    const limits = { ...UNCOUNTED, ...(maxQueuedChanges === undefined ? {} : { maxQueuedChanges }) };
    server = await createServer(
      { ...applicationOf(rights), limits },
      {
        environment: {},
        databaseUrl,
        port: 0,
        secret: SECRET,
        logger: pino({ level: 'warn' }, pino.destination(2)),
      },
    );
    return server.url.replace('http', 'ws');
  },
  subscribers: () => server?.scopes.status().subscribers ?? 0,
};

answerCalls(api, async () => server?.stop(0));
