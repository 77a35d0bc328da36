import fc from 'fast-check';
import { parse } from 'graphql';
import { describe, expect, test } from 'vitest';
import config from '../../rivulet.config.js';
import { buildSchema } from '../../src/graphql/build-schema.js';
import { subscriptionFields } from '../../src/graphql/execute/subscription-fields.js';
import { exceededLimit } from '../../src/server/documents/document-limits.js';
import { measureDocument } from '../../src/server/documents/document-size.js';
import { DocumentStore } from '../../src/server/documents/document-store.js';
import type { RivuletConfig } from '../../src/server/engine/config.js';
import { resolveSettings } from '../../src/server/engine/settings.js';
import { exampleModel } from '../support/example.js';
import { propertyOptions } from '../support/property.js';

const { policies } = config as RivuletConfig;
const { limits } = resolveSettings(config as RivuletConfig, {}, 'production');
const schema = buildSchema({ model: exampleModel, policies, limits, subscriptionFields });

const times = (count: number, make: (at: number) => string): string =>
  Array.from({ length: count }, (_, at) => make(at)).join(' ');

/** CPU time of one check that nothing is known of, the least of three; a pause of the machine is not counted. */
function cost(text: string): number {
  let least = Number.POSITIVE_INFINITY;
  for (let run = 0; run < 3; run++) {
    const documents = new DocumentStore({ schema, introspection: true, cacheBytes: 1 });
    const before = process.cpuUsage();
    documents.check(text, limits);
    const { user, system } = process.cpuUsage(before);
    least = Math.min(least, (user + system) / 1_000);
  }
  return least;
}

const codeOf = (text: string): string => {
  const documents = new DocumentStore({ schema, introspection: true, cacheBytes: 1 });
  const [error] = documents.check(text, limits).errors;
  return error === undefined ? 'valid' : String(error.extensions.code ?? 'GRAPHQL_VALIDATION_FAILED');
};

/**
 * The same work without any limit being near: as many tokens as are allowed, in an ordinary document. The bound is a multiple of it, measured in
 * the same run, so that it holds on slow machines: at most 100 ms where this takes 5, as it did on 2026-11-30 with 2 busy cores.
 */
const ORDINARY = `query Ordinary($a: Int) { ${times(17, (at) => `t${at}: tasks(limit: $a, where: { title: { eq: "x" } }) { ${times(20, (n) => ['id', 'title', 'status', 'priority'][n % 4]!)} project { id name } assignee { id name } }`)} }`;
const FACTOR = 20;

for (let warm = 0; warm < 20; warm++) cost(ORDINARY);
const baseline = cost(ORDINARY);

const deep = (depth: number) => `${'[{ AND: '.repeat(depth)}[{}]${' }]'.repeat(depth)}`;

/** Threats T13, with ten times the figures of the usual scanners, and T14. */
const HOSTILE: Readonly<Record<string, string>> = {
  '1,010 aliases': `{ ${times(1_010, (at) => `a${at}: __typename`)} }`,
  '5,000 repeated fields': `{ tasks { ${'id '.repeat(5_000)} } }`,
  '100 directives': `{ __typename ${'@include(if: true) '.repeat(100)} }`,
  '5,000 fields of one name with arguments': `{ ${times(5_000, (at) => `tasks(limit: ${at}) { id }`)} }`,
  'a fan-out of 2^20': `{ ...F0 } ${times(20, (at) => `fragment F${at} on Query { ...F${at + 1} ...F${at + 1} }`)} fragment F20 on Query { __typename }`,
  'a fan-out of 2^20 fields': `{ tasks { ...F0 } } ${times(20, (at) => `fragment F${at} on Task { project { tasks { ...F${at + 1} } } assignee { assignedTasks { ...F${at + 1} } } }`)} fragment F20 on Task { id }`,
  'fragments within each other': `{ tasks { ...F0 } } ${times(40, (at) => `fragment F${at} on Task { ...F${(at + 1) % 40} ...F${(at + 7) % 40} }`)}`,
  '10,000 variables': `query (${times(10_000, (at) => `$v${at}: Int`)}) { __typename }`,
  'a string of 1 MB': `{ tasks(where: { title: { eq: "${'x'.repeat(1_000_000)}" } }) { id } }`,
  'input 500 deep': `{ tasks(where: { AND: ${deep(250)} }) { id } }`,
  '60,000 lines before 20 errors': `${'\n'.repeat(60_000)}{ ${times(300, (at) => `nope${at}`)} }`,
  '60,000 lines and long cycles': `${'\n'.repeat(60_000)}{ tasks { ...F0 } } ${times(49, (at) => `fragment F${at} on Task { ...F${(at + 1) % 49} }`)}`,
  'long names that are nearly right': `{ ${times(300, (at) => `task${'s'.repeat(40)}${at}`)} }`,
  'types that are nearly right': `{ tasks { ${times(45, (at) => `... on Taskk${at} { id }`)} } }`,
};

describe('T13 and T14: documents that are hostile to validation', () => {
  test.each(Object.entries(HOSTILE))(
    `%s takes at most ${FACTOR} times an ordinary document`,
    (_what, text) => {
      expect(codeOf(text)).not.toBe('valid');
      expect(cost(text)).toBeLessThan(FACTOR * baseline);
    },
  );
});

/** How a document is built: how often each part is repeated, and how the parts are nested. */
const SHAPES = fc.record({
  roots: fc.integer({ min: 1, max: 12 }),
  repeated: fc.integer({ min: 1, max: 300 }),
  nested: fc.integer({ min: 0, max: 9 }),
  fragments: fc.integer({ min: 0, max: 45 }),
  spreads: fc.integer({ min: 1, max: 6 }),
  stride: fc.integer({ min: 1, max: 9 }),
  literal: fc.integer({ min: 0, max: 12 }),
  text: fc.integer({ min: 0, max: 2_000 }),
  variables: fc.integer({ min: 0, max: 90 }),
  directives: fc.integer({ min: 0, max: 45 }),
  inline: fc.boolean(),
  aliased: fc.boolean(),
  cyclic: fc.boolean(),
  lines: fc.constantFrom(0, 0, 10_000),
  leaf: fc.constantFrom('id', 'title', 'nope', '__typename', 'comments(limit: 1) { id }', 'title: id'),
});
type Shape = typeof SHAPES extends fc.Arbitrary<infer T> ? T : never;

function documentOf(shape: Shape): string {
  const { fragments, spreads, stride, cyclic } = shape;
  const where =
    shape.literal === 0
      ? ''
      : `(where: { OR: [${times(shape.literal, (at) => `{ title: { in: ["${'x'.repeat(shape.text)}", ${at % 2 === 0 ? '"a"' : '$v0'}] } }`)}] })`;
  let directives = shape.directives;
  const directive = () => (directives-- > 0 ? ' @include(if: true)' : '');
  const leaves = times(
    shape.repeated,
    (at) => `${shape.aliased && at < 20 ? `a${at % 5}: ` : ''}${shape.leaf}${directive()}`,
  );
  const spread = (at: number) => {
    const next = (n: number) =>
      cyclic ? (at + 1 + n * stride) % fragments : Math.min(at + 1 + n * stride, fragments);
    return fragments === 0 ? '' : times(spreads, (n) => (next(n) < fragments ? `...F${next(n)}` : ''));
  };
  const body = shape.inline ? `... on Task { ${leaves} }` : leaves;
  const nest = `${'project { tasks { '.repeat(Math.floor(shape.nested / 2))}${body}${' } }'.repeat(Math.floor(shape.nested / 2))}`;
  const variables = shape.variables === 0 ? '' : `(${times(shape.variables, (at) => `$v${at}: String`)})`;
  const root = `tasks${where} { ${nest} ${spread(-1)} }`;
  const defined = times(fragments, (at) => `fragment F${at} on Task { title ${spread(at)} }`);
  return `${'\n'.repeat(shape.lines)}query Q${variables} { ${times(shape.roots, () => root)} } ${defined}`;
}

test('the document that others are compared with is ordinary, and as long as is allowed', () => {
  expect(codeOf(ORDINARY)).toBe('valid');
  expect(exceededLimit(measureDocument(parse(ORDINARY), ORDINARY), { ...limits, tokens: 700 })?.code).toBe(
    'DOCUMENT_TOO_LONG',
  );
});

test('no document of a generator of hostile ones takes longer, whether it passes the limits or not', () => {
  let worst = { ms: 0, text: '', passed: 0 };
  let passed = 0;
  fc.assert(
    fc.property(SHAPES, (shape) => {
      const text = documentOf(shape);
      const ms = cost(text);
      if (!codeOf(text).startsWith('DOCUMENT_')) passed++;
      if (ms > worst.ms) worst = { ms, text, passed };
      expect(ms, text.slice(0, 2_000)).toBeLessThan(FACTOR * baseline);
    }),
    propertyOptions(400),
  );
  console.log(
    `${passed} within the limits; the worst took ${worst.ms.toFixed(1)} ms of CPU, an ordinary document ${baseline.toFixed(1)}: ${worst.text.trim().slice(0, 160)} …`,
  );
  expect(passed).toBeGreaterThan(20);
});
