import fc from 'fast-check';
import { expect, test } from 'vitest';
import { EVERYTHING } from '../../shared/filter/normalize.js';
import { parseOrder } from '../../shared/filter/order.js';
import { relationFilter, relationSourceFilter } from '../../shared/filter/parse.js';
import type { ModelTable } from '../../shared/model/types.js';
import { countRows } from '../../src/query/decode.js';
import { runSelect } from '../../src/query/select.js';
import type { RelatedPlan, RowNode, SelectPlan } from '../../src/query/types.js';
import { blogStatement, blogTables } from '../support/blog-database.js';
import { createDatabase } from '../support/database.js';
import { propertyOptions } from '../support/property.js';
import { model } from '../unit/client/blog.js';

const database = await createDatabase({ setup: blogTables });
const inserts = fc
  .sample(blogStatement, { numRuns: 800, seed: 2 })
  .filter((text) => text.startsWith('insert'));
await database.script(inserts.join(';'));

/** 500 persons with 10 posts each; `looks` counts the posts that statements have read. */
const looking = await createDatabase({
  setup: `${blogTables}
    create sequence looks;
    alter table posts rename to all_posts;
    create index on all_posts (author_id);
    create view posts as select * from all_posts where nextval('looks') > 0;
    insert into persons select n from generate_series(1, 500) n;
    insert into all_posts (id, author_id) select n, 1 + n % 500 from generate_series(1, 5000) n;
    analyze;`,
});

async function looked(): Promise<number> {
  const [row] = await looking.query('select (last_value - (not is_called)::int)::text from looks');
  return Number(row![0]);
}

const paging = { limit: fc.integer({ min: 0, max: 6 }), offset: fc.oneof(fc.constant(0), fc.nat(3)) };

function anyPlan(table: ModelTable, depth: number): fc.Arbitrary<SelectPlan> {
  const related = depth === 0 ? fc.constant([]) : anyRelated(table, depth);
  return fc.record({ ...paging, related }).map((rest) => ({
    table,
    filter: EVERYTHING,
    orderBy: parseOrder(table, undefined),
    ...rest,
  }));
}

function anyRelated(table: ModelTable, depth: number): fc.Arbitrary<readonly RelatedPlan[]> {
  if (table.relations.length === 0) return fc.constant([]);
  return fc.uniqueArray(fc.constantFrom(...table.relations), { maxLength: 3 }).chain((relations) =>
    fc.tuple(
      ...relations.map((relation) =>
        anyPlan(model.table(relation.target), depth - 1).map((plan) => ({
          responseKey: relation.name,
          relation,
          via: EVERYTHING,
          onSource: relationSourceFilter(model, relation),
          plan: { ...plan, filter: relationFilter(model, relation) },
        })),
      ),
    ),
  );
}

const planned = fc
  .constantFrom(...model.tables)
  .chain((table) => anyPlan(table, 3))
  .map((plan) => ({ ...plan, limit: plan.limit ?? 6 }));

test('a statement stops exactly where it has read more rows than its cap, on all levels together', async () => {
  let stopped = 0;
  const property = fc.asyncProperty(planned, fc.integer({ min: -3, max: 3 }), async (plan, around) => {
    const whole = await runSelect(database.db, model, plan);
    const count = countRows(whole.rows);
    const cap = Math.max(0, count + around);
    const capped = runSelect(database.db, model, plan, cap);
    if (count <= cap) expect((await capped).raw).toBe(whole.raw);
    else {
      stopped++;
      await expect(capped).rejects.toMatchObject({ code: 'QUERY_TOO_LARGE', details: { maximum: cap } });
    }
  });
  await fc.assert(property, propertyOptions(300));
  expect(stopped).toBeGreaterThan(30);
}, 120_000);

test('rows that an offset skips are those that come first, and what hangs from the others is theirs', async () => {
  const keys = (rows: readonly RowNode[]) =>
    JSON.stringify(rows, (name, value) =>
      name === 'table' ? undefined : value instanceof Map ? [...value] : value,
    );
  const property = fc.asyncProperty(planned, async (plan) => {
    const all = await runSelect(database.db, model, { ...plan, offset: 0, limit: 1_000 });
    const page = await runSelect(database.db, model, plan);
    expect(keys(page.rows)).toBe(keys(all.rows.slice(plan.offset, plan.offset + plan.limit)));
  });
  await fc.assert(property, propertyOptions(200));
}, 120_000);

test('rows that an offset skips do not count, and nothing is computed for them', async () => {
  await looking.script(`select setval('looks', 1, false)`);
  const plan: SelectPlan = {
    table: model.table('persons'),
    filter: EVERYTHING,
    orderBy: parseOrder(model.table('persons'), undefined),
    limit: 2,
    offset: 400,
    related: [
      {
        responseKey: 'posts',
        relation: model.table('persons').findRelation('posts')!,
        via: EVERYTHING,
        plan: {
          table: model.table('posts'),
          filter: EVERYTHING,
          orderBy: parseOrder(model.table('posts'), undefined),
          limit: 10,
          offset: 0,
          related: [],
        },
      },
    ],
  };
  expect(countRows((await runSelect(looking.db, model, plan, 22)).rows)).toBe(22);
  expect(await looked()).toBe(20);
});

test('a statement past its cap computes no more', async () => {
  await looking.script(`select setval('looks', 1, false)`);
  const posts = model.table('posts');
  const plan: SelectPlan = {
    table: model.table('persons'),
    filter: EVERYTHING,
    orderBy: parseOrder(model.table('persons'), undefined),
    limit: 500,
    offset: 0,
    related: [
      {
        responseKey: 'posts',
        relation: model.table('persons').findRelation('posts')!,
        via: EVERYTHING,
        plan: {
          table: posts,
          filter: EVERYTHING,
          orderBy: parseOrder(posts, undefined),
          limit: 10,
          offset: 0,
          related: [],
        },
      },
    ],
  };
  await expect(runSelect(looking.db, model, plan, 100)).rejects.toMatchObject({
    code: 'QUERY_TOO_LARGE',
  });
  expect(await looked()).toBeLessThanOrEqual(120);
  expect(await looked()).toBeGreaterThanOrEqual(100);
});
