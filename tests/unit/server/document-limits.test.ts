import { parse } from 'graphql';
import { expect, test } from 'vitest';
import { checkDocument } from '../../../src/server/document-limits.js';

const verdict = (document: string, limits = { depth: 3, aliases: 2 }): unknown =>
  checkDocument(parse(document), limits)[0]?.extensions.code ?? 'ok';

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
  ['{ ...F ...F } fragment F on Q { x: a y: b }', 'DOCUMENT_TOO_MANY_ALIASES'],
  ['mutation { x: a { y: b { z: c } } }', 'DOCUMENT_TOO_MANY_ALIASES'],
  ['{ ...A } fragment A on Q { a { ...B } } fragment B on Q { b { ...A } }', 'ok'],
])('%s: %s', (document, code) => {
  expect(verdict(document)).toBe(code);
});

test('a document that expands to 2^300 fields is measured in the time of its length', () => {
  const fragments = Array.from(
    { length: 300 },
    (_, n) => `fragment F${n} on Q { ...F${n + 1} ...F${n + 1} }`,
  );
  const document = `{ ...F0 } ${fragments.join(' ')} fragment F300 on Q { x: a }`;
  expect(verdict(document)).toBe('DOCUMENT_TOO_MANY_ALIASES');
});
