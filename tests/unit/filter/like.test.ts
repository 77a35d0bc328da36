import { performance } from 'node:perf_hooks';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { compileLike } from '../../../shared/filter/like.js';
import { propertyOptions } from '../../support/property.js';

describe('LIKE', () => {
  test.each([
    ['', '', true],
    ['', 'a', false],
    ['%', '', true],
    ['a%', 'abc', true],
    ['%c', 'abc', true],
    ['%b%', 'abc', true],
    ['a_c', 'abc', true],
    ['a_c', 'ac', false],
    ['_', '😀', true],
    ['__', '😀', false],
    ['100\\%', '100%', true],
    ['100\\%', '100x', false],
    ['a\\_c', 'abc', false],
    ['\\\\', '\\', true],
    ['%ab%ab%', 'abab', true],
    ['%ab%ab%', 'aba', false],
    ['ab%ab', 'ab', false],
    ['%a_%_b%', 'xaybb', true],
    ['a%', 'A', false],
    ['%aab%', 'aaab', true],
    ['%abab_%', 'abaababac', true],
    ['%ababac%', 'abababac', true],
    ['%\n%', 'a\nb', true],
    ['.*', 'abc', false],
  ])('%j on %j is %s', (pattern, text, expected) => {
    expect(compileLike(pattern)!(text)).toBe(expected);
  });

  test('matches what a search of all ways to match finds', () => {
    const pattern = fc.string({ unit: fc.constantFrom('a', 'b', '%', '_', '\\a'), maxLength: 10 });
    const text = fc.string({ unit: fc.constantFrom('a', 'b'), maxLength: 14 });
    fc.assert(
      fc.property(pattern, text, (like, given) => {
        const regex = like.replaceAll('\\', '').replaceAll('%', '.*').replaceAll('_', '.');
        expect(compileLike(like)!(given)).toBe(new RegExp(`^${regex}$`).test(given));
      }),
      propertyOptions(3_000),
    );
  });

  test('is not compiled from a pattern that ends in its escape character, or has long stretches with _', () => {
    expect(compileLike('a\\')).toBeUndefined();
    expect(compileLike(`%${'a_'.repeat(20)}%`)).toBeUndefined();
  });

  test('takes time linear in the text, whatever the pattern', () => {
    const evil = compileLike(`%${'a'.repeat(450)}b%${'a'.repeat(450)}b%`)!;
    const text = 'a'.repeat(400_000);
    evil(text.slice(0, 1_000));
    const start = performance.now();
    expect(evil(text)).toBe(false);
    expect(performance.now() - start).toBeLessThan(1_000);
  });
});
