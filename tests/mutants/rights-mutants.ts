import type { Mutant } from './mutants.js';

const one = (file: string, from: string, to: string): Mutant['edits'] => [{ file, from, to }];

/** Bugs in what a client may read and write: policies, statements and the GraphQL schema. */
// biome-ignore-start lint/suspicious/noTemplateCurlyInString: source text
export const rightsMutants: readonly Mutant[] = [
  {
    bug: 'A client filters by a hidden column inside of NOT',
    edits: one(
      'src/policy/guard-filter.ts',
      "return { kind: 'not', filter: guard(node.filter, owner, NONE) };",
      'return node;',
    ),
    test: 'tests/unit/policy/rights.test.ts',
  },
  {
    bug: 'A client filters by a hidden column inside of OR',
    edits: one(
      'src/policy/guard-filter.ts',
      "return { kind: 'or', filters: node.filters.map((part) => guard(part, owner, NONE)) };",
      'return node;',
    ),
    test: 'tests/unit/policy/rights.test.ts',
  },
  {
    bug: 'A client filters by a hidden column',
    edits: one(
      'src/policy/guard-filter.ts',
      `        assertReadable(rights, owner, node.column);
        return node;`,
      '        return node;',
    ),
    test: 'tests/unit/policy/rights.test.ts',
  },
  {
    bug: 'A filter through a relation finds hidden rows',
    edits: one(
      'src/policy/guard-filter.ts',
      "const inner = and(guard(node.filter, target, own), rights.filter(target, 'read'));",
      'const inner = guard(node.filter, target, own);',
    ),
    test: 'tests/unit/policy/rights.test.ts',
  },
  {
    bug: 'A filter through a relation finds pairs whose junction row is hidden',
    edits: one(
      'src/policy/guard-filter.ts',
      'if (!junction) return { ...node, filter: inner };',
      'if (junction || !junction) return { ...node, filter: inner };',
    ),
    test: 'tests/unit/policy/rights.test.ts',
  },
  {
    bug: 'A filter reaches a table that no policy names',
    edits: one(
      'src/policy/guard-filter.ts',
      'if (!rights.isExposed(target)) {',
      'if (rights.isExposed(target) === null) {',
    ),
    test: 'tests/unit/policy/rights.test.ts',
  },
  {
    bug: 'Hidden columns are readable',
    edits: one(
      'src/policy/resolve-rights.ts',
      "return column.isKey || this.#column(table, column, 'read');",
      'return true;',
    ),
    test: 'tests/unit/policy/rights.test.ts',
  },
  {
    bug: 'Columns are writable without being settable',
    edits: one(
      'src/policy/resolve-rights.ts',
      'return this.#access(table, action)?.settable.has(column) ?? false;',
      'return true;',
    ),
    test: 'tests/security/t34-explicit-writes.test.ts',
  },
  {
    bug: 'The policy of one action is used for all',
    edits: one(
      'src/policy/resolve-rights.ts',
      'const key = `${action} ${table.name}`;',
      'const key = `${table.name}`;',
    ),
    test: 'tests/security/t33-write-rights.test.ts',
  },
  {
    bug: 'A table without a rule for an action allows it',
    edits: one(
      'src/policy/schema-exposure.ts',
      'if (rule === undefined) return false;',
      'if (rule === undefined) return true;',
    ),
    test: 'tests/unit/policy/check.test.ts',
  },
  {
    bug: 'A `one` relation reads every matching row',
    edits: one('src/query/rows.ts', '{ ...plan, limit: 1, offset: 0 } : plan;', 'plan : plan;'),
    test: 'tests/pg/query.test.ts',
  },
  {
    bug: 'The offset is ignored',
    edits: one(
      'src/query/rows.ts',
      'if (plan.offset > 0) parts.push(`offset',
      'if (plan.offset < 0) parts.push(`offset',
    ),
    test: 'tests/pg/query.test.ts',
  },
  {
    bug: 'The limit is ignored',
    edits: one(
      'src/query/rows.ts',
      'if (plan.limit !== null) parts.push(',
      'if (plan.limit === 0) parts.push(',
    ),
    test: 'tests/pg/query.test.ts',
  },
  {
    bug: 'A list without rows is null',
    edits: one(
      'src/query/rows.ts',
      `const list = \`coalesce(json_agg(r.r), '[]'::json)\`;`,
      "const list = 'json_agg(r.r)';",
    ),
    test: 'tests/pg/query.test.ts',
  },
  {
    bug: 'A policy that is NULL for a row lets the row through',
    edits: one('src/query/write-check.ts', ') is not true`;', ') is false`;'),
    test: 'tests/property/write-rights.test.ts',
  },
  {
    bug: 'The policy of a write is not evaluated',
    edits: one(
      'src/query/write-check.ts',
      'if (policy !== EVERYTHING) cases.unshift(',
      'if (policy === EVERYTHING) cases.unshift(',
    ),
    test: 'tests/pg/mutations.test.ts',
  },
  {
    bug: 'A row may refer only to rows of its own batch',
    edits: one(
      'src/query/write-check.ts',
      '` and not exists (select 1 from',
      '` or not exists (select 1 from',
    ),
    test: 'tests/security/t34-explicit-writes.test.ts',
  },
  {
    bug: 'A limit may be larger than the largest',
    edits: one(
      'src/graphql/plan/plan-limits.ts',
      'if (value >= 0 && value <= maximum) return value;',
      'if (value >= 0) return value;',
    ),
    test: 'tests/pg/query-graphql.test.ts',
  },
  {
    bug: 'Nested limits are added instead of multiplied',
    edits: one(
      'src/graphql/plan/plan-limits.ts',
      'return (limit ?? 1) * (1 + below);',
      'return (limit ?? 1) + below;',
    ),
    test: 'tests/pg/query-graphql.test.ts',
  },
  {
    bug: "A client's filter is not guarded",
    edits: one('src/graphql/plan/list-plan.ts', 'return rights.guard(table, filter);', 'return filter;'),
    test: 'tests/pg/query-graphql.test.ts',
  },
  {
    bug: 'A row by key is read without the read policy',
    edits: one(
      'src/graphql/plan/list-plan.ts',
      "filter: normalize(and(filter, planning.rights.filter(table, 'read'))),",
      'filter,',
    ),
    test: 'tests/pg/query-graphql.test.ts',
  },
  {
    bug: 'An update without values sets `$onUpdate`',
    edits: one('src/graphql/execute/write-values.ts', 'if (values.size === 0) return values;', ''),
    test: 'tests/pg/mutations.test.ts',
  },
  {
    bug: 'Two labels of an enum get one name',
    edits: one('src/graphql/schema/enum-names.ts', 'taken.has(free);', "taken.has(name) && free === '';"),
    test: 'tests/unit/graphql/enum-names.test.ts',
  },
];
// biome-ignore-end lint/suspicious/noTemplateCurlyInString: source text
