import { isDeepStrictEqual } from 'node:util';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { Policies } from '../../src/policy/rules.js';
import { blogStatement, blogTables } from '../support/blog-database.js';
import { createDatabase } from '../support/database.js';
import { lanesOfTests, startEngine } from '../support/engine.js';
import type { Asked } from '../support/graph-documents.js';
import { Oracle, type Watched } from '../support/oracle.js';
import { propertyOptions } from '../support/property.js';
import { waitFor } from '../support/wait-for.js';
import { watchAll } from '../support/watch-all.js';
import { type Work, workOf, writeAll } from '../support/workload.js';
import { model } from '../unit/client/blog.js';

/**
 * The law of the whole path, database → log → feed → GraphQL → reducer: for every user and every kind of relation, what the reducer
 * made of a query's answer and the messages since is the same query's answer now.
 */
interface Reader {
  readonly id: number | null;
}

/** Through relations, so that rights move with the data; `null` is the anonymous, who reads little. */
const policies: Policies = {
  persons: { read: true },
  profiles: {
    read: ({ id }: Reader) => ({
      OR: [{ personId: { eq: id ?? 0 } }, { person: { reports: { id: { gt: 0 } } } }],
    }),
  },
  posts: {
    read: ({ id }: Reader) => ({
      OR: [{ pinned: true }, { authorId: { eq: id ?? 0 } }, { reviewerId: { eq: id ?? 0 } }],
    }),
  },
  comments: {
    read: ({ id }: Reader) => id !== null && { post: { OR: [{ pinned: true }, { authorId: id }] } },
  },
  tags: { read: true },
  labels: { read: ({ id }: Reader) => id !== null },
  postLabels: { read: true },
  follows: { read: ({ id }: Reader) => ({ OR: [{ fromId: { eq: id ?? 0 } }, { toId: { eq: id ?? 0 } }] }) },
} as Policies;

const WATCHED: readonly (readonly [string, number | null, Asked])[] = [
  [
    'persons',
    1,
    { with: { posts: { with: { tags: {}, comments: {} } }, profile: {}, boss: {}, reports: {} } },
  ],
  [
    'persons',
    2,
    { with: { testPosts: {}, otherPosts: {}, namelessPosts: {}, reviews: { with: { author: {} } } } },
  ],
  ['persons', 3, { with: { allTags: {}, following: { with: { following: {} } } } }],
  [
    'persons',
    null,
    {
      where: '{ bossId: { isNull: true } }',
      with: { reports: { with: { reports: { with: { boss: {} } } } } },
    },
  ],
  ['persons', 1, { orderBy: '[{ bossId: DESC_NULLS_LAST }]', with: { namedPosts: {}, loudPosts: {} } }],
  [
    'posts',
    1,
    {
      orderBy: '[{ rank: DESC }, { pinned: ASC }]',
      with: { labels: { with: { posts: {} } }, goodLabels: {} },
    },
  ],
  [
    'posts',
    2,
    {
      where: '{ author: { bossId: { isNotNull: true } } }',
      with: { author: {}, reviewer: { with: { boss: {} } } },
    },
  ],
  [
    'posts',
    3,
    {
      where: '{ OR: [{ mood: { eq: glad } }, { rank: { gte: 3 } }] }',
      with: { comments: { where: '{ body: { in: ["test", "good"] } }' }, tags: {} },
    },
  ],
  [
    'posts',
    null,
    { orderBy: '[{ writtenAt: ASC_NULLS_FIRST }]', with: { tags: {}, author: { with: { posts: {} } } } },
  ],
  ['comments', 2, { with: { post: { with: { labels: {}, author: { with: { following: {} } } } } } }],
  [
    'labels',
    1,
    {
      where: '{ name: { ne: "draft" } }',
      with: { posts: { where: '{ pinned: { eq: true } }', with: { tags: {} } } },
    },
  ],
  ['tags', 3, { with: { post: { with: { author: { with: { profile: {} } } } } } }],
  ['postLabels', 1, {}],
  ['profiles', 2, { with: { person: { with: { reports: {} } } } }],
];

const database = await createDatabase({ setup: blogTables });
await watchAll(database, model);
const { scopes, failures, quiet } = await startEngine(database, model, {
  ...lanesOfTests,
  // As if there were many who differ in nothing but values.
  fewestReached: 1,
});
const [[epoch]] = (await database.query('select epoch::text from rivulet.log')) as [[string]];
const writers = Array.from({ length: 3 }, () => database.connect({ max: 1 }));
const oracle = new Oracle(model, { database: database.db, policies, scopes, epoch });

test('what the reducer keeps is what a fresh query answers, for every user', {
  timeout: 300_000,
}, async () => {
  await writeAll([writers[0]!], fc.sample(workOf(blogStatement, 1, 20), { numRuns: 8, seed: 1 })[0] as Work);
  const watched: Watched[] = [];
  for (const [table, id, asked] of WATCHED) watched.push(await oracle.watch(table, { id }, asked));
  const counts = { comparisons: 0, refetched: 0 };

  const property = fc.asyncProperty(workOf(blogStatement, writers.length, 20), async (work) => {
    await writeAll(writers, work);
    await quiet();
    for (const [at, each] of watched.entries()) {
      const { rows } = await each.fresh();
      const isSettled = () => each.error !== null || each.needsFetch || isDeepStrictEqual(each.value, rows);
      await waitFor('the reducer has heard everything', isSettled, 2_000).catch(() => {});
      expect(each.error).toBeNull();
      counts.comparisons++;
      if (each.needsFetch) {
        counts.refetched++;
        await each.restart();
      } else expect(each.value, JSON.stringify(WATCHED[at])).toEqual(rows);
    }
    expect(failures).toEqual([]);
  });
  await fc.assert(property, { ...propertyOptions(150), endOnFailure: true });

  const messages = watched.map((each) => each.messages);
  expect(messages.every((count) => count > 0)).toBe(true);
  for (const each of watched) await each.stop();
  console.log(
    `${counts.comparisons} comparisons with a fresh query, ${messages.reduce((a, b) => a + b)} messages, ${counts.refetched} refetched`,
  );
});
