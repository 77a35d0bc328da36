import { buildSchema, parse } from 'graphql';
import { expect, test } from 'vitest';
import { Operations } from '../../../src/graphql/operations.js';

const schema = buildSchema(
  'type Query { q: Int } type Subscription { s(after: String, n: Int): S } type S { a(n: Int): Int b: Int }',
);
const operations = new Operations();
const of = (
  document: ReturnType<typeof parse>,
  variableValues?: Record<string, unknown>,
  operationName?: string,
) => operations.of({ schema, document, variableValues, operationName: operationName ?? null });

test('arguments of the root field make no other operation: they say which events come, not what is made of them', () => {
  const document = parse('subscription ($after: String, $n: Int) { s(after: $after, n: $n) { a(n: 1) b } }');
  expect(of(document, { after: 'x', n: 1 })).toBe(of(document, { after: 'y' }));
  expect(of(document, { after: 'x' })).toBe(of(document));
});

test('variables below it do, in directives and fragments too, and wherever one is used in both places', () => {
  const document = parse(`
    subscription ($after: String, $n: Int, $yes: Boolean!, $no: Boolean!) { s(after: $after, n: $n) @skip(if: $no) { ...F } }
    fragment F on S { a(n: $n) b @include(if: $yes) }`);
  const base = { after: 'x', n: 1, yes: true, no: false };
  expect(of(document, { ...base, after: 'y' })).toBe(of(document, base));
  for (const other of [{ n: 2 }, { yes: false }, { no: true }]) {
    expect(of(document, { ...base, ...other })).not.toBe(of(document, base));
  }
});

test('another document, or another operation of the same one, is another operation', () => {
  const text = 'subscription A { s { a } } subscription B { s { b } }';
  const [one, other] = [parse(text), parse(text)];
  expect(of(one, {}, 'A')).not.toBe(of(one, {}, 'B'));
  expect(of(one, {}, 'A')).not.toBe(of(other, {}, 'A'));
  expect(of(one, {}, 'A')).toBe(of(one, {}, 'A'));
});

test('what is remembered of one document is bounded', () => {
  const document = parse('subscription ($n: Int) { s { a(n: $n) } }');
  for (let n = 0; n < 1_000; n++) of(document, { n });
  expect(of(document, { n: 5 })).toBe(of(document, { n: 5 }));
  expect(of(document, { n: 5_000 })).not.toBe(of(document, { n: 5_000 }));
});
