import { buildSchema, parse } from 'graphql';
import { expect, test } from 'vitest';
import { buildSchema as createSchema } from '../../../src/graphql/build-schema.js';
import { OperationRegistry } from '../../../src/graphql/execute/operation-registry.js';
import { subscriptionFields } from '../../../src/graphql/execute/subscription-fields.js';
import { exampleModel } from '../../support/example.js';

const schema = buildSchema(
  'type Query { q: Int } type Subscription { s(after: String, n: Int): S } type S { a(n: Int): Int b: Int }',
);
const operations = new OperationRegistry();
const of = (
  document: ReturnType<typeof parse>,
  variableValues?: Record<string, unknown>,
  operationName?: string,
) => operations.join({ schema, document, variableValues, operationName: operationName ?? null }).operation;

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

test('what depends on variables is forgotten with its last subscriber', () => {
  const document = parse('subscription ($n: Int) { s { a(n: $n) } }');
  const join = (n: number) => operations.join({ schema, document, variableValues: { n } });
  const [one, other] = [join(1), join(1)];
  expect(other.operation).toBe(one.operation);
  one.leave();
  one.leave();
  expect(join(1).operation).toBe(one.operation);
  const alone = join(2);
  alone.leave();
  expect(join(2).operation).not.toBe(alone.operation);
});

test('what is remembered of one document is bounded', () => {
  const document = parse('subscription ($n: Int) { s { a(n: $n) } }');
  for (let n = 0; n < 1_000; n++) of(document, { n });
  expect(of(document, { n: 5 })).toBe(of(document, { n: 5 }));
  expect(of(document, { n: 5_000 })).not.toBe(of(document, { n: 5_000 }));
});

test('who may read the same columns shares what events are executed with, and nothing of how each began is in it', () => {
  const rivulet = createSchema({ model: exampleModel, subscriptionFields });
  const document = parse('subscription { userChanges { changes { node { name email } } } }');
  const askedBy = (hidden: string | null) => {
    const rights = { canReadColumn: (_table: unknown, { name }: { name: string }) => name !== hidden };
    const contextValue = { rights, reader: {}, outgoing: {}, live: { cursors: {}, start: {} } };
    const args = { schema: rivulet, document, contextValue };
    return operations.join(args).operation.executionFor(args);
  };
  const all = askedBy(null);
  expect(askedBy(null)).toBe(all);
  expect(askedBy('id')).toBe(all);
  const withoutEmail = askedBy('email');
  expect(withoutEmail).not.toBe(all);
  expect(askedBy('email')).toBe(withoutEmail);
  expect(askedBy('name')).not.toBe(withoutEmail);
  const context = all.args.contextValue as object;
  expect(context).not.toHaveProperty('reader');
  expect(context).not.toHaveProperty('outgoing');
  expect(context).not.toHaveProperty('live.start');
});
