import { parse } from 'graphql';
import { expect, test } from 'vitest';
import { exceededLimit } from '../../../src/server/documents/document-limits.js';
import { measureDocument } from '../../../src/server/documents/document-size.js';
import { resolveSettings } from '../../../src/server/engine/settings.js';

const { limits: defaults } = resolveSettings({ relations: {}, policies: {} } as never, {}, 'production');
const SMALL = {
  depth: 3,
  aliases: 2,
  fields: 8,
  rootFields: 3,
  fragments: 3,
  spreads: 6,
  directives: 2,
  variables: 2,
};

const refusal = (text: string, limits = {}) =>
  exceededLimit(measureDocument(parse(text, { noLocation: true }), text), {
    ...defaults,
    ...SMALL,
    ...limits,
  });
const verdict = (text: string): unknown => {
  const error = refusal(text);
  if (error === null) return 'ok';
  return error.code === 'DOCUMENT_TOO_LARGE' ? error.details.limit : error.code;
};

test.each([
  ['{ a { b { c } } }', 'ok'],
  ['{ a { b { c { d } } } }', 'DOCUMENT_TOO_DEEP'],
  ['{ ...F } fragment F on Q { a { b { c { d } } } }', 'DOCUMENT_TOO_DEEP'],
  ['{ a { ...F } } fragment F on Q { b { c { d } } }', 'DOCUMENT_TOO_DEEP'],
  ['{ a { ... on Q { b { ... { c } } } } }', 'ok'],
  ['query One { a } query Two { a { b { c { d } } } }', 'DOCUMENT_TOO_DEEP'],
  ['subscription { a { b { c { d } } } }', 'DOCUMENT_TOO_DEEP'],
  ['{ __schema { types { fields { type { ofType { name } } } } } }', 'ok'],
  ['{ x: a y: a }', 'ok'],
  ['{ x: a y: a z: a }', 'DOCUMENT_TOO_MANY_ALIASES'],
  ['{ x: __schema { y: types { z: name } } }', 'DOCUMENT_TOO_MANY_ALIASES'],
  ['{ ...F ...F } fragment F on Q { x: a y: b }', 'DOCUMENT_TOO_MANY_ALIASES'],
  ['mutation { x: a { y: b { z: c } } }', 'DOCUMENT_TOO_MANY_ALIASES'],
  ['{ ...A } fragment A on Q { a { ...B } } fragment B on Q { b { ...A } }', 'ok'],
  ['{ a { b b b b b b b } }', 'ok'],
  ['{ a { b b b b b b b b } }', 'limits.fields'],
  ['{ a { ...F ...F } } fragment F on Q { b c d e }', 'limits.fields'],
  ['query A { a { b c d e } } query B { a { b c d e } }', 'limits.fields'],
  ['{ a a a }', 'ok'],
  ['{ a a a a }', 'limits.rootFields'],
  ['{ a ...F ... { b } } fragment F on Q { c d }', 'limits.rootFields'],
  ['{ ...A ...B ...C } fragment A on Q { a } fragment B on Q { a } fragment C on Q { a }', 'ok'],
  [
    '{ a } fragment A on Q { a } fragment B on Q { a } fragment C on Q { a } fragment D on Q { a }',
    'limits.fragments',
  ],
  ['{ ... { ... { ... { ... { ... { ... { a } } } } } } }', 'ok'],
  ['{ ... { ... { ... { ... { ... { ... { ... { a } } } } } } } }', 'limits.spreads'],
  ['{ a { ...A ...A } } fragment A on Q { ...B ...B } fragment B on Q { ... { b } }', 'limits.spreads'],
  ['{ a @include(if: true) b @skip(if: false) }', 'ok'],
  ['query @x { a @x ...F @x } fragment F on Q { b }', 'limits.directives'],
  ['query ($a: Int @x) { a @x } fragment F on Q @x { b }', 'limits.directives'],
  ['query ($a: Int, $b: Int) { a }', 'ok'],
  ['query ($a: Int, $b: Int, $c: Int) { a }', 'limits.variables'],
])('%s: %s', (document, code) => {
  expect(verdict(document)).toBe(code);
});

test('a refusal names the setting and its value', () => {
  expect(refusal('{ a }', { documentCharacters: 4 })).toMatchObject({
    code: 'DOCUMENT_TOO_LONG',
    details: { limit: 'limits.documentCharacters', maximum: 4 },
  });
  expect(refusal('{ a }', { tokens: 2 })?.details).toEqual({ limit: 'limits.tokens', maximum: 2 });
  expect(refusal('{ a { b { c { d } } } }')?.details).toEqual({ limit: 'limits.depth', maximum: 3 });
});

test.each([
  ['spreads', 'limits.spreads', (next: number) => `...F${next} ...F${next}`],
  ['fields', 'limits.fields', (next: number) => `a { ...F${next} } b { ...F${next} }`],
])('a document that expands to 2^300 %s is measured in the time of its length', (_what, limit, body) => {
  const fragments = Array.from({ length: 300 }, (_, n) => `fragment F${n} on Q { ${body(n + 1)} }`);
  const text = `{ ...F0 } ${fragments.join(' ')} fragment F300 on Q { x: a }`;
  const limits = { tokens: 10_000, fragments: 1_000, depth: 1_000, aliases: Number.POSITIVE_INFINITY };
  const others =
    limit === 'limits.fields'
      ? { spreads: Number.POSITIVE_INFINITY }
      : { fields: Number.POSITIVE_INFINITY, rootFields: Number.POSITIVE_INFINITY };
  expect(refusal(text, { ...limits, ...others })?.details.limit).toBe(limit);
});
