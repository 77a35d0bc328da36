import { connect } from '../../src/database/connect.js';
import type { Database } from '../../src/database/types.js';
import { createLogFeed } from '../../src/feed/log-feed.js';
import type { Feed } from '../../src/feed/types.js';
import { readModel } from '../../src/model/read.js';
import { applicationOf } from '../application/items.js';
import { answerCalls } from '../harness/calls.js';
import type { RowsResult } from '../load/load-api.js';
import { measures } from './measures.js';
import type { TargetApi } from './target-api.js';

/** The change log read and decoded, and given to nobody. */
export interface FeedApi extends Pick<TargetApi, 'usage'> {
  follow(options: { readonly databaseUrl: string }): Promise<void>;
  /** So many rows have come, or the time is over. */
  rowsRead(options: { readonly expected: number; readonly timeoutMs: number }): Promise<RowsResult>;
}

let database: Database | undefined;
let feed: Feed | undefined;
let rows = 0;
let lastMs = 0;

const api: FeedApi = {
  ...measures(),
  follow: async ({ databaseUrl }) => {
    database = connect(databaseUrl, { max: 4 });
    feed = createLogFeed({ database, model: readModel(applicationOf('owner').relations) });
    await feed.start();
    feed.listen(({ transactions }) => {
      for (const { changes } of transactions) rows += changes.length;
      lastMs = performance.timeOrigin + performance.now();
    });
  },
  rowsRead: async ({ expected, timeoutMs }) => {
    const until = performance.now() + timeoutMs;
    while (rows < expected && performance.now() < until)
      await new Promise((resolve) => setTimeout(resolve, 50));
    return { rows, lastMs };
  },
};

answerCalls(api, async () => {
  await feed?.stop();
  await database?.close();
});
