import fc from 'fast-check';
import { expect, test } from 'vitest';
import { and, EVERYTHING, normalize } from '../../shared/filter/normalize.js';
import { parseFilter, relationFilter, relationSourceFilter } from '../../shared/filter/parse.js';
import type { ModelTable } from '../../shared/model/types.js';
import { runSelect } from '../../src/query/select.js';
import type { ChangeSpec, RelatedSpec } from '../../src/scope/messages/types.js';
import { anyWhere } from '../support/any-filter.js';
import { blogStatement, blogTables } from '../support/blog-database.js';
import { createDatabase } from '../support/database.js';
import { lanesOfTests, startEngine } from '../support/engine.js';
import { foldTree, GraphMirror, nestedPlan } from '../support/graph-mirror.js';
import { propertyOptions } from '../support/property.js';
import { watchAll } from '../support/watch-all.js';
import { workOf, writeAll } from '../support/workload.js';
import { model } from '../unit/client/blog.js';

/**
 * The law of scopes and graphs for filters that nobody thought of: through relations to the same table, through junctions, with NOT and OR
 * beside a path, with NULLs and references to nothing.
 */
const database = await createDatabase({ setup: blogTables });
await watchAll(database, model);
const { scopes, retry, failures, quiet } = await startEngine(database, model, {
  ...lanesOfTests,
  // As if there were many who differ in nothing but values.
  fewestReached: 1,
});
const writers = Array.from({ length: 3 }, () => database.connect({ max: 1 }));

interface Selected {
  readonly name: string;
  readonly where: object;
  readonly below: readonly Selected[];
}

/** A `one` relation shows one of several rows that match; which one is not said, so it is not compared. */
const manyOf = (table: ModelTable) =>
  table.relations.filter(({ kind, target, to }) => {
    const isKey = to.length === 1 && to[0] === model.table(target).key[0];
    return kind === 'many' || isKey;
  });

function anyGraph(table: ModelTable, depth: number, least: number): fc.Arbitrary<readonly Selected[]> {
  const relations = manyOf(table);
  if (depth === 0 || relations.length === 0) return fc.constant([]);
  const selected = fc.constantFrom(...relations).chain(({ name, target: targetName }) => {
    const target = model.table(targetName);
    const where = fc.oneof(fc.constant({}), anyWhere(model, target, 2));
    return fc.record({ name: fc.constant(name), where, below: anyGraph(target, depth - 1, 0) });
  });
  return fc.uniqueArray(selected, { minLength: least, maxLength: 2, selector: ({ name }) => name });
}

const filterOf = (table: ModelTable, where: object) => parseFilter(model, table, where);

function graphOf(table: ModelTable, selected: readonly Selected[]): readonly RelatedSpec[] {
  return selected.map(({ name, where, below }) => {
    const relation = table.findRelation(name)!;
    const target = model.table(relation.target);
    return {
      responseKey: name,
      relation,
      filter: normalize(and(filterOf(target, where), relationFilter(model, relation))),
      rights: null,
      via: viaOf(relation.through?.table),
      onSource: relationSourceFilter(model, relation),
      hidden: new Set<never>(),
      related: [],
      graph: graphOf(target, below),
    };
  });
}

/** What a policy on junction rows would say. */
function viaOf(junction: string | undefined) {
  if (junction === 'posts')
    return normalize(filterOf(model.table(junction), { author: { name: { ne: 'test' } } }));
  if (junction === 'follows') return normalize(filterOf(model.table(junction), { toId: { lte: 4 } }));
  return EVERYTHING;
}

const anyTable = fc.constantFrom(...model.tables.filter(({ relations }) => relations.length > 0));
const WATCHED = fc.record({ table: anyTable, isGraph: fc.boolean() }).chain(({ table, isGraph }) =>
  fc.record({
    table: fc.constant(table),
    where: isGraph ? fc.oneof(fc.constant({}), anyWhere(model, table, 2)) : anyWhere(model, table, 3),
    selected: isGraph ? anyGraph(table, 3, 1) : fc.constant([]),
  }),
);

test('whatever is watched, what was told is what a nested query finds', { timeout: 240_000 }, async () => {
  const { seed = Date.now() % 1_000_000, ...runs } = propertyOptions(60);
  const before = fc.sample(workOf(blogStatement, 1, 20), { numRuns: 1, seed });
  for (const work of before) await writeAll([writers[0]!], work);
  await quiet();
  const read = (spec: ChangeSpec) =>
    retry(async () => foldTree(spec, (await runSelect(database.db, model, nestedPlan(model, spec))).rows));
  const mirrors: { readonly mirror: GraphMirror; readonly what: string }[] = [];
  for (const { table, where, selected } of fc.sample(WATCHED, { numRuns: 60, seed })) {
    const spec: ChangeSpec = {
      table,
      filter: normalize(filterOf(table, where)),
      rights: null,
      ops: null,
      columns: null,
      hidden: new Set(),
      related: [],
      graph: graphOf(table, selected),
    };
    const what = `${table.name} ${JSON.stringify({ where, selected })}`;
    mirrors.push({ mirror: new GraphMirror(scopes, spec, await read(spec)), what });
  }

  const property = fc.asyncProperty(workOf(blogStatement, writers.length, 8), async (work) => {
    await writeAll(writers, work);
    await quiet();
    await new Promise((resolve) => setImmediate(resolve));
    for (const { mirror, what } of mirrors) {
      expect(mirror.error, what).toBeNull();
      if (mirror.reset) mirror.reload(await read(mirror.spec));
      expect(mirror.state, what).toEqual(await read(mirror.spec));
    }
    expect(failures).toEqual([]);
  });
  await fc.assert(property, { ...runs, seed, endOnFailure: true });

  const messages = mirrors.reduce((sum, { mirror }) => sum + mirror.messages, 0);
  expect(messages).toBeGreaterThan(0);
  for (const { mirror } of mirrors) await mirror.stop();
  expect(scopes.status().scopes).toBe(0);
  console.log(`${mirrors.length} filters of seed ${seed}, ${messages} messages`);
});
