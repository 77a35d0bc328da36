import fc from 'fast-check';
import { type ExecutionResult, execute, type GraphQLSchema, parse, validate } from 'graphql';
import { describe, expect, test } from 'vitest';
import type { Model, ModelColumn, ModelTable } from '../../shared/model/types.js';
import { buildSchema } from '../../src/graphql/build-schema.js';
import { compileEvent } from '../../src/graphql/execute/compile-event.js';
import type { RivuletContext } from '../../src/graphql/execute/context.js';
import { subscriptionFields } from '../../src/graphql/execute/subscription-fields.js';
import { formatSnapshot } from '../../src/log/snapshot.js';
import { runSelect } from '../../src/query/select.js';
import type { RowNode } from '../../src/query/types.js';
import type { RelatedMessage, ScopeChange, ScopeMessage } from '../../src/scope/messages/types.js';
import { quoteIdent } from '../../src/sql/quote.js';
import { encodeValue } from '../../src/value/codec.js';
import { createDatabase } from '../support/database.js';
import { exampleModel } from '../support/example.js';
import { propertyOptions } from '../support/property.js';
import { ddl, table as everything, model as everythingModel, valuesOf } from './filter-table.js';

/** The law of texts: what is written without execution is, byte for byte, what graphql-js answers; where it would say an error, nothing is. */
const SNAPSHOT = { xmin: 7n, xmax: 9n, xip: new Set([8n]) };

const schemaOf = (model: Model) => buildSchema({ model, subscriptionFields });

function contextOf(hidden: ModelColumn | null): RivuletContext {
  const rights = { canReadColumn: (_table: ModelTable, column: ModelColumn) => column !== hidden };
  const cursors = { encode: formatSnapshot, nameTransaction: (xid: bigint) => `named ${xid}` };
  return { rights, live: { cursors } } as unknown as RivuletContext;
}

/** `'same'`, or `'refused'` where graphql-js has errors; anything else fails. */
async function compare(
  schema: GraphQLSchema,
  query: string,
  event: object,
  {
    hidden = null,
    variables = {},
  }: { hidden?: ModelColumn | null; variables?: Record<string, unknown> } = {},
): Promise<'same' | 'refused'> {
  const document = parse(query);
  expect(validate(schema, document)).toEqual([]);
  const contextValue = contextOf(hidden);
  const args = { schema, document, contextValue, variableValues: variables };
  const cursor = 'snapshot' in event ? () => formatSnapshot(SNAPSHOT) : undefined;
  const result: ExecutionResult = await execute({ ...args, rootValue: event });
  const text = compileEvent(args);
  expect(text).not.toBeNull();
  if (result.errors) {
    expect(() => text!(event, contextValue, cursor)).toThrow();
    return 'refused';
  }
  // A hidden column is never written, also where no row would show it: a subscription that selects it is refused anyway.
  if (hidden && query.includes(hidden.name)) return 'refused';
  const whole = cursor ? { ...result, extensions: { rivulet: { cursor: cursor() } } } : result;
  expect(text!(event, contextValue, cursor)).toBe(JSON.stringify(whole));
  return 'same';
}

describe('values of every type', async () => {
  const database = await createDatabase({ setup: ddl });
  const schema = schemaOf(everythingModel);
  const fields = everything.columns.map(({ name }) => name).join(' ');

  test('are written from their texts as graphql-js shows them', async () => {
    const runs = 40;
    const row = fc.tuple(
      ...everything.columns.slice(1).map((column) => fc.option(valuesOf(column.type), { freq: 6 })),
    );
    const columns = everything.columns.map(({ sqlName }) => quoteIdent(sqlName)).join(', ');
    const property = fc.asyncProperty(fc.array(row, { minLength: 1, maxLength: 5 }), async (rows) => {
      await database.script('delete from everything');
      for (const [at, values] of rows.entries()) {
        const texts = values.map((value, i) =>
          value === null ? null : encodeValue(everything.columns[i + 1]!.type, value),
        );
        const casts = everything.columns.map((column, i) => `$${i + 1}::text::${column.castType}`).join(', ');
        await database.query(`insert into everything (${columns}) values (${casts})`, String(at), ...texts);
      }
      const plan = {
        table: everything,
        filter: { kind: 'const', value: true } as const,
        orderBy: [],
        limit: null,
      };
      const found = await runSelect(database.db, everythingModel, { ...plan, offset: 0, related: [] });
      const query = `subscription { everythingChanges { changes { node { ${fields} } previous { ${fields.replace(/^id /, '')} } } } }`;
      const changes = found.rows.map((node): ScopeChange => {
        const changedColumns = everything.columns.slice(0, 3);
        return { kind: 'UPDATE', op: 'UPDATE', key: node.key, node, previous: node.cells, changedColumns };
      });
      const message = { cursor: SNAPSHOT, reset: null, transaction: null, changes, related: new Map() };
      expect(await compare(schema, query, message)).toBe('same');
      expect(await compare(schema, `subscription { everythings { ${fields} nodeId } }`, found)).toBe('same');
    });
    await fc.assert(property, propertyOptions(runs));
  });
});

interface Chosen {
  readonly name: string;
  readonly alias: string | null;
  readonly style: 'plain' | 'inline' | 'included' | 'skipped' | 'unless' | 'fragment';
  readonly below: readonly Chosen[] | null;
}

const style = fc.constantFrom<Chosen['style']>(
  ...(['plain', 'plain', 'plain', 'inline', 'included', 'skipped', 'unless', 'fragment'] as const),
);
const alias = fc.option(fc.constantFrom('a', 'b', 'changes'), { freq: 5 });

function chosen(name: string, below?: fc.Arbitrary<readonly Chosen[]>): fc.Arbitrary<Chosen> {
  return fc.record({ name: fc.constant(name), alias, style, below: below ?? fc.constant(null) });
}

/** Some of these fields; each response key once, so that nothing is in conflict. */
function selection(fields: readonly fc.Arbitrary<Chosen>[]): fc.Arbitrary<readonly Chosen[]> {
  const keyOf = (field: Chosen) => field.alias ?? field.name;
  return fc.uniqueArray(fc.oneof(...fields), { minLength: 1, maxLength: 4, selector: keyOf });
}

const leaves = (...names: readonly string[]) => names.map((name) => chosen(name));

function rowSelection(table: ModelTable, depth: number): fc.Arbitrary<readonly Chosen[]> {
  const own = leaves('__typename', 'nodeId', 'id', ...table.columns.map(({ name }) => name));
  const related =
    depth === 0
      ? []
      : table.relations.map((relation) =>
          chosen(
            relation.name,
            fc.constant(null).chain(() => rowSelection(exampleModel.table(relation.target), depth - 1)),
          ),
        );
  return selection([...own, ...related]);
}

function changeSelection(table: ModelTable): fc.Arbitrary<readonly Chosen[]> {
  const image = table.columns.map(({ name }) => name).filter((name) => name !== 'id');
  return selection([
    ...leaves('__typename', 'kind', 'op', 'key', 'changedColumns'),
    chosen('node', rowSelection(table, 1)),
    chosen('previous', selection(leaves('__typename', ...image))),
  ]);
}

function relatedSelection(table: ModelTable, depth: number): fc.Arbitrary<readonly Chosen[]> {
  return selection(
    table.relations.map((relation) =>
      chosen(
        relation.name,
        fc.constant(null).chain(() => {
          const target = exampleModel.table(relation.target);
          return selection([
            chosen('changes', changeSelection(target)),
            chosen('links', selection(leaves('__typename', 'kind', 'parent', 'child'))),
            ...(depth === 0 ? [] : [chosen('related', relatedSelection(target, depth - 1))]),
          ]);
        }),
      ),
    ),
  );
}

function changesSelection(table: ModelTable): fc.Arbitrary<readonly Chosen[]> {
  return selection([
    ...leaves('__typename', 'cursor', 'reset'),
    chosen('transaction', selection(leaves('__typename', 'xid', 'loggedAt', 'mutationId'))),
    chosen('changes', changeSelection(table)),
    chosen('related', relatedSelection(table, 1)),
  ]);
}

/** As a document writes it; `typeName` is what it is selected of. Fragments go to the end of the document. */
function printed(fields: readonly Chosen[], typeName: string, fragments: string[]): string {
  return fields
    .map(({ name, alias: as, style: how, below }) => {
      const target = below && targetOf(typeName, name);
      const field = `${as ? `${as}: ` : ''}${name}${below ? ` { ${printed(below, target!, fragments)} }` : ''}`;
      switch (how) {
        case 'inline':
          return `... on ${typeName} { ${field} }`;
        case 'included':
          return `... @include(if: $yes) { ${field} }`;
        // A selection must not become empty.
        case 'skipped':
          return `__typename ... @skip(if: $yes) { ${field} }`;
        case 'unless':
          return `${field.replace(/^((?:\w+: )?\w+)/, '$1 @skip(if: $no)')}`;
        case 'fragment':
          fragments.push(`fragment F${fragments.length} on ${typeName} { ${field} }`);
          return `...F${fragments.length - 1}`;
        default:
          return field;
      }
    })
    .join(' ');
}

function targetOf(typeName: string, field: string): string {
  const type = schema.getType(typeName);
  if (!type || !('getFields' in type)) throw new TypeError(typeName);
  return String(type.getFields()[field]!.type).replaceAll(/[[\]!]/g, '');
}

const schema = schemaOf(exampleModel);
const text = fc.string({ unit: fc.constantFrom('a', '"', '\\', '\n', 'é', '😀', '\u2028'), maxLength: 6 });

/** Texts that Postgres could have written, and now and then none where there may be none. */
function cellOf(column: ModelColumn, seed: fc.GeneratorValue, holes: boolean): string | null {
  if (!column.notNull && seed(fc.boolean)) return null;
  if (column.notNull && holes && seed(fc.nat, { max: 30 }) === 0) return null;
  switch (column.type.kind) {
    case 'int':
      return String(seed(fc.integer));
    case 'bool':
      return String(seed(fc.boolean));
    case 'enum':
      return seed(fc.constantFrom<string[]>, ...column.type.values);
    case 'timestamp':
      return seed(
        fc.constantFrom<string[]>,
        '2026-01-02 03:04:05.1+00',
        'infinity',
        '0044-03-15 00:00:00+00 BC',
      );
    case 'json':
      return seed(
        fc.constantFrom<string[]>,
        'null',
        '{"b": [1, 12345678901234567890], "a": ""}',
        '"x"',
        '[]',
      );
    case 'float':
      return seed(fc.constantFrom<string[]>, '1', '-0', 'NaN', '1e+20', '0.1');
    default:
      return seed(() => text);
  }
}

function rowOf(
  table: ModelTable,
  fields: readonly Chosen[],
  seed: fc.GeneratorValue,
  holes: boolean,
): RowNode {
  const related = new Map<string, readonly RowNode[] | RowNode | null>();
  for (const { name, alias: as, below } of fields) {
    const relation = table.findRelation(name);
    if (!relation || !below) continue;
    const target = exampleModel.table(relation.target);
    const rows = Array.from({ length: seed(fc.nat, { max: 2 }) }, () => rowOf(target, below, seed, holes));
    related.set(as ?? name, relation.kind === 'many' ? rows : (rows[0] ?? null));
  }
  const cells = table.columns.map((column) => cellOf(column, seed, holes));
  return { table, key: seed(() => text), cells, related: related as RowNode['related'] };
}

function changesOf(table: ModelTable, fields: readonly Chosen[], seed: fc.GeneratorValue, holes: boolean) {
  const nodes = fields.filter(({ name }) => name === 'node');
  return Array.from({ length: seed(fc.nat, { max: 3 }) }, (): ScopeChange => {
    const kind = seed(fc.constantFrom<ScopeChange['kind'][]>, 'ENTER', 'UPDATE', 'LEAVE');
    // Two selections of the row under different names have one row.
    const node = rowOf(
      table,
      nodes.flatMap(({ below }) => below ?? []),
      seed,
      holes,
    );
    return {
      kind,
      op: seed(fc.constantFrom<ScopeChange['op'][]>, 'INSERT', 'UPDATE', 'DELETE', null),
      key: node.key,
      node: kind === 'LEAVE' ? null : node,
      previous: seed(fc.boolean) ? node.cells : null,
      changedColumns: table.columns.filter(() => seed(fc.boolean)),
    };
  });
}

function relatedOf(table: ModelTable, fields: readonly Chosen[], seed: fc.GeneratorValue, holes: boolean) {
  const related = new Map<string, RelatedMessage>();
  for (const selected of fields.filter(({ name }) => name === 'related')) {
    for (const { name, alias: as, below } of selected.below ?? []) {
      if (seed(fc.boolean)) continue;
      const target = exampleModel.table(table.findRelation(name)!.target);
      const inner = below!.filter((each) => each.name === 'changes').flatMap((each) => each.below ?? []);
      related.set(as ?? name, {
        changes: changesOf(target, inner, seed, holes),
        links: seed(fc.boolean) ? [{ kind: 'LEAVE', parent: '1', child: '2"' }] : [],
        related: relatedOf(target, below!, seed, holes),
      });
    }
  }
  return related;
}

describe('selections of every kind', () => {
  // By name: what fails is printed.
  const tables = fc.constantFrom(...exampleModel.tables.map(({ name }) => name));
  const variables = { yes: true, no: false };

  function documentOf(root: string, typeName: string, fields: readonly Chosen[]): string {
    const fragments: string[] = [];
    const body = printed(fields, typeName, fragments);
    return `subscription ($yes: Boolean! = true, $no: Boolean! = false) { it: ${root} { __typename @include(if: $yes) @skip(if: $no) ${body} } } ${fragments.join('\n')}`;
  }

  test('of change messages are written as graphql-js answers them, or left to it', async () => {
    const counts = { same: 0, refused: 0 };
    const chosenFields = tables.chain((name) =>
      fc.tuple(fc.constant(name), changesSelection(exampleModel.table(name))),
    );
    const property = fc.asyncProperty(
      chosenFields,
      fc.gen(),
      fc.boolean(),
      async ([name, fields], seed, holes) => {
        const table = exampleModel.table(name);
        const changeFields = fields
          .filter(({ name }) => name === 'changes')
          .flatMap(({ below }) => below ?? []);
        const event: ScopeMessage = {
          cursor: SNAPSHOT,
          reset: seed(fc.constantFrom<ScopeMessage['reset'][]>, null, null, 'OVERFLOW'),
          transaction: seed(fc.boolean) ? { xid: 12n, loggedAt: seed(() => text), mutationId: null } : null,
          changes: changesOf(table, changeFields, seed, holes),
          related: relatedOf(table, fields, seed, holes),
        };
        const hidden =
          holes && seed(fc.boolean) ? table.columns[seed(fc.nat, { max: table.columns.length - 1 })]! : null;
        const document = documentOf(`${table.fields.one}Changes`, `${table.typeName}Changes`, fields);
        counts[await compare(schema, document, event, { variables, hidden })]++;
      },
    );
    await fc.assert(property, propertyOptions(250));
    expect(counts.same).toBeGreaterThan(0);
    expect(counts.refused).toBeGreaterThan(0);
    console.log(`${counts.same} texts the same, ${counts.refused} left to graphql-js`);
  });

  test('of live queries as well', async () => {
    const chosenFields = tables.chain((name) =>
      fc.tuple(fc.constant(name), rowSelection(exampleModel.table(name), 2)),
    );
    const property = fc.asyncProperty(chosenFields, fc.gen(), async ([name, fields], seed) => {
      const table = exampleModel.table(name);
      const rows = Array.from({ length: seed(fc.nat, { max: 3 }) }, () => rowOf(table, fields, seed, false));
      const event = { rows, raw: '', snapshot: SNAPSHOT };
      for (const root of [`${table.fields.one}(id: "1")`, table.fields.many]) {
        expect(await compare(schema, documentOf(root, table.typeName, fields), event, { variables })).toBe(
          'same',
        );
      }
    });
    await fc.assert(property, propertyOptions(150));
  });
});
