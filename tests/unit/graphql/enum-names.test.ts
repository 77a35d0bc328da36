import fc from 'fast-check';
import { assertEnumValueName, GraphQLError } from 'graphql';
import { describe, expect, test } from 'vitest';
import { enumNames } from '../../../src/graphql/schema/enum-names.js';
import { propertyOptions } from '../../support/property.js';

describe('the names of an enum’s labels', () => {
  test.each([
    [
      ['todo', 'IN_PROGRESS'],
      ['todo', 'IN_PROGRESS'],
    ],
    [
      ['in progress', '2nd', 'a-b', ''],
      ['in_progress', '_2nd', 'a_b', 'EMPTY'],
    ],
    [
      ['true', 'false', 'null'],
      ['_true', '_false', '_null'],
    ],
    [
      ['a b', 'a-b', 'a_b', 'a.b'],
      ['a_b_2', 'a_b_3', 'a_b', 'a_b_4'],
    ],
    [
      ['__type', 'é', '😀'],
      ['_type', '_', '_2'],
    ],
  ])('of %j are %j', (labels, names) => {
    expect(enumNames(labels)).toEqual(names);
  });

  test('are valid and different, whatever the labels', () => {
    const label = fc.oneof(
      fc.string({ unit: 'binary', maxLength: 6 }),
      fc.constantFrom(
        '',
        '_',
        '__',
        '___',
        'true',
        '_true',
        '1',
        '_1',
        'a b',
        'a_b',
        'a_b_2',
        'EMPTY',
        ' ',
        '-',
      ),
    );
    fc.assert(
      fc.property(fc.uniqueArray(label), (labels) => {
        const names = enumNames(labels);
        expect(new Set(names).size).toBe(labels.length);
        for (const name of names) {
          expect(() => assertEnumValueName(name)).not.toThrow(GraphQLError);
          expect(name.startsWith('__')).toBe(false);
        }
      }),
      propertyOptions(1_000),
    );
  });
});
