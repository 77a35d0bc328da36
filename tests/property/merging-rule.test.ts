import fc from 'fast-check';
import { buildSchema, OverlappingFieldsCanBeMergedRule, parse, validate } from 'graphql';
import { expect, test } from 'vitest';
import { mergingRule } from '../../src/server/documents/document-merging.js';
import { propertyOptions } from '../support/property.js';

/** Abstract types that share fields, equal and unequal shapes, lists, and arguments of every kind. */
const schema = buildSchema(`
  interface Node { id: ID! name(as: String): String self: Node }
  type Cat implements Node { id: ID! name(as: String): String self: Node age: Int kin(where: Where, ids: [Int]): [Cat!]! other: Dog }
  type Dog implements Node { id: ID! name(as: String): String self: Node age: Int! kin(where: Where, ids: [Int]): [Dog!] other: Cat }
  union Pet = Cat | Dog
  input Where { a: Int b: Where }
  type Query { node: Node pet: Pet cat(where: Where): Cat dog: Dog cats: [Cat] }
`);

const NAMES = ['x', 'id', 'name', 'age', 'self', 'kin', 'other'];
const LEAVES = ['id', 'name', 'name(as: "a")', 'name(as: "b")', 'age', '__typename', 'name(as: $v)'];
const BRANCHES = [
  'self',
  'other',
  'kin',
  'kin(ids: [1])',
  'kin(ids: 1)',
  'kin(where: { a: 1, b: { a: 2 } }, ids: [2])',
  'kin(ids: [2], where: { b: { a: 2 }, a: 1 })',
];
const ROOTS = ['node', 'pet', 'cat', 'cat(where: { a: 1 })', 'dog', 'cats'];
const TYPES = ['Node', 'Cat', 'Dog', 'Pet', 'Unknown'];
const FRAGMENTS = 3;

const alias = fc.oneof(
  { weight: 12, arbitrary: fc.constant(undefined) },
  { weight: 1, arbitrary: fc.constantFrom(...NAMES) },
);
const field = (name: string, called: string | undefined, below = '') =>
  `${called === undefined ? '' : `${called}: `}${name}${below}`;

const { selections } = fc.letrec<{ selections: string; selection: string }>((tie) => ({
  selections: fc.array(tie('selection'), { minLength: 1, maxLength: 4 }).map((all) => all.join(' ')),
  selection: fc.oneof(
    { depthSize: 'small', withCrossShrink: true },
    fc.tuple(fc.constantFrom(...LEAVES), alias).map(([name, called]) => field(name, called)),
    fc
      .tuple(fc.constantFrom(...BRANCHES), alias, tie('selections'))
      .map(([name, called, below]) => field(name, called, ` { ${below} }`)),
    fc
      .tuple(fc.constantFrom(...TYPES, undefined), tie('selections'))
      .map(([type, below]) => `...${type === undefined ? '' : ` on ${type}`} { ${below} }`),
    fc.nat(FRAGMENTS - 1).map((at) => `...F${at}`),
  ),
}));

const documents = fc
  .tuple(
    fc.array(fc.tuple(fc.constantFrom(...ROOTS), alias, selections), { minLength: 1, maxLength: 4 }),
    fc.array(fc.tuple(fc.constantFrom('Node', 'Cat', 'Dog'), selections), {
      minLength: FRAGMENTS,
      maxLength: FRAGMENTS,
    }),
  )
  .map(([roots, fragments]) => {
    const root = roots.map(([name, called, below]) => field(name, called, ` { ${below} }`));
    const operation = `query ($v: String) { ${root.join(' ')} }`;
    // A fragment spreads later ones only.
    const defined = fragments.map(([type, below], at) => {
      const acyclic = below.replace(/\.\.\.F(\d)/g, (spread, other) => (Number(other) > at ? spread : 'id'));
      return `fragment F${at} on ${type} { ${acyclic} }`;
    });
    let text = operation;
    for (const [at, fragment] of defined.entries()) if (text.includes(`...F${at}`)) text += ` ${fragment}`;
    return text;
  });

test('fields are found to conflict where graphql-js finds it', () => {
  let conflicting = 0;
  let merging = 0;
  fc.assert(
    fc.property(documents, (text) => {
      const document = parse(text, { noLocation: true });
      const theirs = validate(schema, document, [OverlappingFieldsCanBeMergedRule]).length > 0;
      if (theirs) conflicting++;
      else merging++;
      expect(validate(schema, document, [mergingRule]).length > 0, text).toBe(theirs);
    }),
    propertyOptions(3_000),
  );
  expect(Math.min(conflicting, merging)).toBeGreaterThan(100);
});
