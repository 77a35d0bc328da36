import { isDeepStrictEqual } from 'node:util';
import type { Bench, Subject } from '../harness/bench.js';
import type { Child } from '../harness/calls.js';
import { CLEAN, type Row, type Scenario } from '../harness/scenario.js';
import { createLibrary } from '../harness/stand.js';
import type { RequestsApi } from '../load/requests.js';
import type { QueryTargetApi } from '../targets/query-api.js';

const QUERIES = {
  'by key': 'query ByKey { book(id: 7) { id title blurb pages } }',
  'a list of 50': 'query List { books(limit: 50, orderBy: [{ id: ASC }]) { id title blurb pages } }',
  'two levels below 20 rows': `query Nested { authors(limit: 20, orderBy: [{ id: ASC }]) { id name
    books(orderBy: [{ id: ASC }]) { id title reviews(orderBy: [{ id: ASC }]) { id stars } } } }`,
} as const;
const CONCURRENT = 100;
const MS = 2_500;

const TARGETS = [
  { subject: 'rivulet', module: 'targets/query-rivulet.js' },
  { subject: 'limit', module: 'targets/query-drizzle.js' },
  { subject: 'peer', module: 'targets/query-yoga.js' },
] as const;

interface Target {
  readonly subject: string;
  readonly child: Child<QueryTargetApi>;
  readonly url: string;
}

export const queries: Scenario = {
  id: 'B9',
  title:
    'Queries, 100 at a time; the limit is a hand-written Drizzle query, the peer has resolvers with DataLoader',
  durable: false,
  metrics: [
    { name: 'rate', unit: 'requests/s', better: 'higher', compared: true },
    { name: 'p50', unit: 'ms', better: 'lower', compared: false },
    { name: 'p99', unit: 'ms', better: 'lower', compared: false },
    { name: 'cpu', unit: 'µs/request', better: 'lower', compared: true },
  ],
  run: async (bench) => {
    const rows: Row[] = [];
    await bench.withProcess<RequestsApi, void>('load/requests.js', (requests) =>
      withTargets(bench, [], async (targets) => {
        for (const [name, query] of Object.entries(QUERIES)) {
          const body = JSON.stringify({ query, operationName: /query (\w+)/.exec(query)![1] });
          await assertSame(targets, requests, body);
          const subjects = targets.map((target) => subjectOf(target, requests, body));
          rows.push(...(await bench.measure(name, subjects)));
        }
      }),
    );
    return rows;
  },
};

/** Each with a database of its own. */
async function withTargets(
  bench: Bench,
  started: readonly Target[],
  work: (targets: readonly Target[]) => Promise<void>,
): Promise<void> {
  const next = TARGETS[started.length];
  if (!next) return work(started);
  await bench.withProcess<QueryTargetApi, void>(next.module, async (child) => {
    const databaseUrl = await createLibrary(bench.serverUrl, next.subject === 'rivulet');
    const url = await child.call('serve', { databaseUrl });
    await withTargets(bench, [...started, { subject: next.subject, child, url }], work);
  });
}

/** Whoever answers something else is not compared. Keys are strings to some and numbers to others. */
async function assertSame(
  targets: readonly Target[],
  requests: Child<RequestsApi>,
  body: string,
): Promise<void> {
  const answers: unknown[] = [];
  for (const { url } of targets) {
    const { data } = (await requests.call('once', { url, body })) as { data: unknown };
    answers.push(JSON.parse(JSON.stringify(data, (key, value) => (key === 'id' ? String(value) : value))));
  }
  for (const [at, answer] of answers.entries()) {
    const { subject } = targets[at]!;
    if (!isDeepStrictEqual(withoutExtra(answer), withoutExtra(answers[0])))
      throw new Error(`${subject} answers something else: ${JSON.stringify(answer).slice(0, 300)}`);
  }
}

/** `findFirst` gives every column. */
function withoutExtra(answer: unknown): unknown {
  return JSON.parse(JSON.stringify(answer, (key, value) => (key === 'authorId' ? undefined : value)));
}

function subjectOf(target: Target, requests: Child<RequestsApi>, body: string): Subject {
  const { subject, child, url } = target;
  return {
    subject,
    stand: { target: child },
    run: async () => {
      const before = await child.call('usage', { collect: false });
      const result = await requests.call('flatOut', { url, body, concurrent: CONCURRENT, ms: MS });
      const after = await child.call('usage', { collect: false });
      return {
        figures: {
          rate: result.requests / result.seconds,
          p50: result.p50Ms,
          p99: result.p99Ms,
          cpu: (after.cpuMicros - before.cpuMicros) / result.requests,
        },
        gate: { ...CLEAN, lost: result.wrong },
      };
    },
  };
}
