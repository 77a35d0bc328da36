import { drizzle } from 'drizzle-orm/postgres-js';
import fc from 'fast-check';
import postgres from 'postgres';
import { afterAll, expect, test } from 'vitest';
import type { ModelTable } from '../../shared/model/types.js';
import { filterToSql } from '../../src/filter/sql.js';
import { checkPolicies } from '../../src/policy/check.js';
import { type PolicyFault, resolveRights } from '../../src/policy/resolve-rights.js';
import type { Policies } from '../../src/policy/rules.js';
import { quoteIdent } from '../../src/sql/quote.js';
import { StatementParams } from '../../src/sql/statement.js';
import { anyWhere } from '../support/any-filter.js';
import { blogStatement, blogTables } from '../support/blog-database.js';
import { createDatabase } from '../support/database.js';
import { propertyOptions } from '../support/property.js';
import { withVacuous } from '../support/vacuous.js';
import { model, relations } from '../unit/client/blog.js';

const database = await createDatabase({ setup: blogTables });
const inserts = fc
  .sample(blogStatement, { numRuns: 800, seed: 1 })
  .filter((text) => text.startsWith('insert'));
await database.script(inserts.join(';'));
const client = postgres(database.url, { max: 1 });
const orm = drizzle({ client, relations });
afterAll(() => client.end());

const asPolicies = (table: ModelTable, read: unknown) => ({ [table.name]: { read } }) as Policies;

function resolved(table: ModelTable, read: unknown) {
  const faults: PolicyFault[] = [];
  const rights = resolveRights(
    model,
    asPolicies(table, read),
    {},
    { onFault: (fault) => faults.push(fault) },
  );
  return { filter: rights.filter(table, 'read'), faults };
}

const anyTable = fc.constantFrom(...model.tables);
const anyPolicy = anyTable.chain((table) =>
  fc.record({ table: fc.constant(table), where: anyWhere(model, table, 3) }),
);

test('a policy with a vacuous part anywhere is refused at start, and denies out of a function', () => {
  const property = fc.property(
    anyPolicy.chain(({ table, where }) =>
      withVacuous(where).map((planted) => ({ table, where, ...planted })),
    ),
    ({ table, where, what, planted }) => {
      const said = `${what}: ${JSON.stringify(where)}`;
      const place = `policies.${table.name}.read`;
      expect(() => checkPolicies(model, asPolicies(table, planted)), said).toThrow(place);
      const { filter, faults } = resolved(table, () => planted);
      expect(filter, said).toEqual({ kind: 'const', value: false });
      expect(faults.map(({ error }) => String(error)).join(), said).toContain(place);
    },
  );
  fc.assert(property, propertyOptions(4_000));
});

test('a policy that says something shows the rows that Drizzle finds with it', async () => {
  let found = 0;
  const property = fc.asyncProperty(anyPolicy, async ({ table, where }) => {
    checkPolicies(model, asPolicies(table, where));
    const { filter, faults } = resolved(table, () => where);
    expect(faults).toEqual([]);
    const params = new StatementParams();
    const condition = filterToSql(model, filter, 't0', params);
    const key = table.key.map(({ sqlName }) => `t0.${quoteIdent(sqlName)}::text`);
    const ours = await database.query(
      `select ${key.join(', ')} from ${quoteIdent(table.sqlName)} t0 where ${condition}`,
      ...params.values,
    );
    const query = orm.query[table.name as 'posts'];
    const theirs: readonly Record<string, unknown>[] = await query.findMany({ where: where as never });
    const keys = theirs.map((row) => table.key.map(({ name }) => String(row[name])).join());
    expect(ours.map((row) => row.join()).sort()).toEqual(keys.sort());
    found += ours.length > 0 ? 1 : 0;
  });
  await fc.assert(property, propertyOptions(400));
  expect(found).toBeGreaterThan(40);
}, 120_000);
