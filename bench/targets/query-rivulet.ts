import pino from 'pino';
import { createServer, type RivuletServer } from '../../src/server/server.js';
import { library } from '../application/library.js';
import { answerCalls } from '../harness/calls.js';
import { measures } from './measures.js';
import type { QueryTargetApi } from './query-api.js';

let server: RivuletServer | undefined;

const api: QueryTargetApi = {
  ...measures(),
  serve: async ({ databaseUrl }) => {
    server = await createServer(library, {
      environment: {},
      databaseUrl,
      port: 0,
      logger: pino({ level: 'warn' }, pino.destination(2)),
    });
    return server.url;
  },
};

answerCalls(api, async () => server?.stop(0));
