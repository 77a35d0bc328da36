import fc from 'fast-check';
import { expect, test } from 'vitest';
import {
  apolloLists,
  type ListClient,
  type ListKind,
  type Shown,
  urqlLists,
} from '../support/client-lists.js';
import { serveForClients } from '../support/client-server.js';
import { plain } from '../support/client-under-test.js';
import { propertyOptions } from '../support/property.js';
import { waitFor } from '../support/wait-for.js';
import { workload, workloadRows, writeAll } from '../support/workload.js';

const server = await serveForClients(workloadRows);
const { numRuns = 20, seed = Math.trunc(Math.random() * 2 ** 31) } = propertyOptions(20);

/** None of them is live; each is watched all the time or comes and goes. */
const QUERIES = [
  '{ tasks { id title status priority position project { id name } } }',
  '{ tasks(where: { status: { ne: done } }, orderBy: [{ priority: DESC }, { id: ASC }], limit: 4) { id priority labels { id name } } }',
  '{ tasks(orderBy: [{ position: DESC }], limit: 3, offset: 2) { id position assignee { id name } } }',
  '{ projects(orderBy: [{ id: ASC }]) { id archived members { id role user { id name } } tasks(where: { priority: { gte: 2 } }) { id comments { id body } } } }',
  '{ projects { id high: tasks(where: { priority: { gt: 1 } }) { id title } low: tasks(orderBy: [{ priority: ASC }], limit: 2) { id priority } } }',
  '{ labels { id name tasks(orderBy: [{ priority: ASC }]) { id title priority } } }',
  '{ comments(where: { task: { project: { id: { eq: "2" } } } }) { id body author { id name } task { id title } } }',
  '{ task(id: "3") { id title comments { id } labels { id name } } project(id: "3") { id name people { id } openTasks { id } } }',
  '{ first: tasks(where: { labels: { name: { like: "l%" } } }) { id called: title } members { id role project { id name } } }',
  '{ users { id name projects { id name } assignedTasks(limit: 2) { id } } tasksConnection(first: 2) { totalCount nodes { id status } } }',
];

/** Everything that may be seen of every table: with all columns, with some, and by filters that leave nothing out. */
const STREAMS: Readonly<Record<string, readonly string[]>> = {
  'whole tables': [
    'subscription { taskChanges { reset transaction { xid } changes { kind op key changedColumns node { id title status priority position projectId assigneeId } } } }',
    'subscription { commentChanges { reset transaction { xid } changes { kind op key changedColumns node { id body taskId authorId } } } }',
    'subscription { labelChanges { reset transaction { xid } changes { kind op key changedColumns node { id name projectId } } } }',
    'subscription { taskLabelChanges { reset transaction { xid } changes { kind op key changedColumns node { id taskId labelId } } } }',
    'subscription { memberChanges { reset transaction { xid } changes { kind op key changedColumns node { id role projectId userId } } } }',
    'subscription { projectChanges { reset transaction { xid } changes { kind op key changedColumns node { id name archived ownerId } } } }',
    'subscription { userChanges { reset transaction { xid } changes { kind op key changedColumns node { id name } } } }',
  ],
  'parts of tables': [
    'subscription { taskChanges(where: { status: { eq: todo } }) { changes { kind node { title status } } } }',
    'subscription { taskChanges(where: { status: { ne: todo } }) { changes { kind node { title priority } } related { labels { changes { kind node { name } } links { kind parent child } } comments { changes { kind node { id body } } links { kind } } } } }',
    'subscription { taskChanges(where: { status: { eq: todo } }) { cursor related { labels { links { kind parent child } } comments { changes { key } } } } }',
    'subscription { commentChanges { changes { kind } } }',
    'subscription { labelChanges { changes { kind node { name } } } }',
    'subscription { taskLabelChanges { changes { key } } }',
    'subscription { memberChanges { changes { kind op } } }',
    'subscription { projectChanges { changes { kind } } }',
    'subscription { userChanges { changes { key kind } } }',
  ],
};

for (const kind of [urqlLists, apolloLists]) {
  for (const [name, streams] of Object.entries(STREAMS)) {
    test(
      `${kind.name}: queries that are not live equal fresh ones while streams tell of ${name} (seed ${seed})`,
      {
        timeout: 60_000 + numRuns * 5_000,
      },
      () => stayTrue(kind, streams),
    );
  }
}

async function stayTrue(kind: ListKind, streams: readonly string[]): Promise<void> {
  const client = kind.open({ server, token: await server.token(1) });
  try {
    await keepWriting(client, streams);
    expect(client.problems).toEqual([]);
  } finally {
    await client.close();
  }
}

async function keepWriting(client: ListClient, streams: readonly string[]): Promise<void> {
  const writers = [server.database.connect({ max: 1 }), server.database.connect({ max: 1 })];
  for (const stream of streams) client.follow(stream);
  await waitFor('the streams', () => server.subscriptions() === streams.length);
  const watched = new Map<string, Shown>();
  for (const query of QUERIES) watched.set(query, client.watch(query));
  await allTrue(watched, 'at first');
  const steps = fc.sample(
    fc.record({
      work: workload(2),
      remount: fc.option(fc.constantFrom(...QUERIES), { freq: 3 }),
    }),
    { seed, numRuns },
  );
  for (const [at, { work, remount }] of steps.entries()) {
    if (remount !== null) watched.get(remount)!.stop();
    await writeAll(writers, work);
    if (remount !== null) watched.set(remount, client.watch(remount));
    await allTrue(watched, `RIVULET_SEED=${seed}, step ${at}`);
  }
}

async function allTrue(watched: ReadonlyMap<string, Shown>, when: string): Promise<void> {
  const expected = new Map<string, unknown>();
  for (const query of watched.keys()) expected.set(query, await server.fresh(1, query));
  await waitFor(`${when}: every query shows the truth`, () => {
    for (const [query, { data }] of watched) expect(plain(data), query).toEqual(expected.get(query));
    return true;
  });
}
