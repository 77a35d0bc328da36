import postgres from 'postgres';
import type { WriteOptions, WriteResult } from './load-api.js';
import { markOf } from './tally.js';

/** Like pgbench: each client has a connection and sends its next transaction when the one before is committed. */
export async function write(options: WriteOptions): Promise<WriteResult> {
  const { clients, rowsPerTransaction } = options;
  const connections = Array.from({ length: clients }, () => postgres(options.databaseUrl, { max: 1 }));
  await Promise.all(connections.map((sql) => sql`select 1`));
  const began = performance.now();
  const beganAt = performance.timeOrigin + began;
  const most = options.transactions ?? Number.POSITIVE_INFINITY;
  let transactions = 0;
  try {
    await Promise.all(
      connections.map(async (sql, client) => {
        for (let turn = 0; transactions < most && performance.now() - began < options.ms; turn++) {
          const mark = markOf(transactions);
          if (rowsPerTransaction === 1) {
            const row = client * 1_000 + (turn % 1_000);
            await sql`update items set title = ${mark}, amount = amount + 1 where id = ${row}`;
          } else {
            const first = client * rowsPerTransaction;
            const last = first + rowsPerTransaction - 1;
            await sql`update items set title = ${mark}, amount = amount + 1 where id between ${first} and ${last}`;
          }
          transactions += 1;
        }
      }),
    );
    const seconds = (performance.now() - began) / 1_000;
    const endedAt = performance.timeOrigin + performance.now();
    return { transactions, rows: transactions * rowsPerTransaction, seconds, beganAt, endedAt };
  } finally {
    await Promise.all(connections.map((sql) => sql.end({ timeout: 1 })));
  }
}
