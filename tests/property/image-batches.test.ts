import fc from 'fast-check';
import { expect, test } from 'vitest';
import { and, normalize, or } from '../../shared/filter/normalize.js';
import { parseFilter } from '../../shared/filter/parse.js';
import type { Filter, RowCells } from '../../shared/filter/types.js';
import { createLogHistory } from '../../src/feed/log-history.js';
import { parseSnapshot } from '../../src/log/snapshot.js';
import { createEvaluator } from '../../src/scope/evaluate/batch-evaluator.js';
import { install } from '../../src/watch/install.js';
import { planWatchers } from '../../src/watch/plan.js';
import { createDatabase } from '../support/database.js';
import { observed } from '../support/observed.js';
import { propertyOptions } from '../support/property.js';
import { ddl, model, table } from './filter-table.js';
import { alike, cells, where } from './filter-wheres.js';

const database = await createDatabase({ setup: ddl });
await install(database.db, planWatchers(model, [{ table: table.name }]));
let longest = 0;
const db = observed(database.db, ({ text }) => {
  longest = Math.max(longest, text.length);
});
const [[now]] = (await database.query('select pg_current_snapshot()::text')) as [[string]];
const moment = { position: parseSnapshot(now), later: [] };
const history = createLogHistory(model);
const evaluator = createEvaluator({ database: db, model, history, retry: (work) => work() });

/** Which images each filter is true on: asked in one round, or each in a round of its own. */
async function ask(filters: readonly Filter[], images: readonly RowCells[]): Promise<readonly boolean[][]> {
  const round = evaluator.round(moment);
  const asked = filters.map((filter) => {
    const client = round.client();
    return { client, answer: client.images({ table, filter, images, related: [] }) };
  });
  await round.run();
  return asked.map(({ client, answer }) => {
    if (client.error) throw client.error;
    return answer.value.map((node, at) => {
      if (node) expect(node.cells).toEqual(images[at]);
      return node !== null;
    });
  });
}

const row = cells.map(
  (values): RowCells => values.map((cell, at) => (table.columns[at]!.isKey ? '1' : cell)),
);

test('what many ask together is answered as what each asks alone', async () => {
  let together = 0;
  const property = fc.asyncProperty(
    fc.array(alike, { minLength: 1, maxLength: 4 }),
    where,
    fc.array(row, { minLength: 1, maxLength: 4 }),
    async (groups, other, rows) => {
      const rest = parseFilter(model, table, other);
      const parsed = groups.flat().map((input) => parseFilter(model, table, input));
      const filters = [
        ...parsed,
        ...parsed.map((each) => or(each, rest)),
        ...parsed.map((each) => and(each, rest)),
      ];
      const normal = filters.map(normalize);
      // Images are as Postgres writes them.
      const images = await asWritten(rows);
      const all = await ask(normal, images);
      together += normal.length;
      for (const [at, filter] of normal.entries()) {
        const [alone] = await ask([filter], images);
        expect(all[at]).toEqual(alone);
      }
    },
  );
  await fc.assert(property, { ...propertyOptions(40), endOnFailure: true });
  console.log(`${together} questions asked together`);
}, 120_000);

test('a thousand users of one policy are one expression', async () => {
  const images = await asWritten([table.columns.map(({ isKey }) => (isKey ? '1' : null))]);
  const filters = Array.from({ length: 1_000 }, (_, id) => parseFilter(model, table, { id: { eq: id } }));
  longest = 0;
  const answers = await ask(filters.map(normalize), images);
  expect(answers.map(([isIn]) => isIn)).toEqual(filters.map((_, id) => id === 1));
  expect(longest).toBeLessThan(10_000);
});

async function asWritten(rows: readonly RowCells[]): Promise<readonly RowCells[]> {
  const texts = rows.map((values) =>
    database.query(
      `select ${values.map((_, at) => `$${at + 1}::text::${table.columns[at]!.castType}::text`).join(', ')}`,
      ...values,
    ),
  );
  return (await Promise.all(texts)).map(([written]) => written!);
}
