import { CLEAN, type Row, type Scenario } from '../harness/scenario.js';
import type { ClientApi, Way } from '../micro/client-api.js';

const CLIENTS = [
  { name: 'Graphcache', module: 'micro/client-urql.js' },
  { name: 'Apollo', module: 'micro/client-apollo.js' },
] as const;
const ROWS = [100, 1_000, 10_000] as const;
const CHANGES = [1, 100] as const;
const WAYS: readonly { readonly subject: string; readonly way: Way }[] = [
  { subject: 'rivulet', way: 'rivulet' },
  { subject: 'limit', way: 'limit' },
  { subject: 'peer', way: 'refetch' },
  { subject: 'one message per change', way: 'one message per change' },
];

/**
 * The peer's answer costs no network and no server here, only its parsing and its write: what it saves beside a refetch is what a client's own
 * processor saves. In both caches most of what is left is the read of the whole list after any write, which the limit pays, too.
 */
export const client: Scenario = {
  id: 'B11',
  title:
    'Client: a transaction changes a list that a client shows; the limit writes the entities and reads the list again, the peer refetches it',
  durable: false,
  metrics: [
    { name: 'cpu', unit: 'ms/transaction', better: 'lower', compared: true },
    { name: 'shown after', unit: 'ms', better: 'lower', compared: true },
  ],
  run: async (bench) => {
    const rows: Row[] = [];
    for (const { name, module } of CLIENTS) {
      for (const size of ROWS) {
        await bench.withProcesses<ClientApi, void>(module, WAYS.length, async (children) => {
          for (const [at, { way }] of WAYS.entries())
            await children[at]!.call('prepare', { way, rows: size });
          for (const changes of CHANGES) {
            const subjects = WAYS.map(({ subject }, at) => ({
              subject,
              run: async () => {
                // Enough for the processor's clock, and no more than a minute in all.
                const transactions = size * changes > 100_000 ? 2 : 20;
                const { cpuMs, p50Ms, wrong } = await children[at]!.call('apply', { transactions, changes });
                return { figures: { cpu: cpuMs, 'shown after': p50Ms }, gate: { ...CLEAN, lost: wrong } };
              },
            }));
            const title = `${name}, ${changes === 1 ? '1 change' : `${changes} changes`} of ${size.toLocaleString('en')} rows`;
            rows.push(...(await bench.measure(title, subjects)));
          }
        });
      }
    }
    return rows;
  },
};
