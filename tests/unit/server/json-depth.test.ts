import { expect, test } from 'vitest';
import { assertDepth, hasManyBrackets } from '../../../src/server/documents/json-depth.js';

const lists = (depth: number): unknown => JSON.parse('['.repeat(depth) + ']'.repeat(depth));
const objects = (depth: number): unknown => JSON.parse(`${'{"a":'.repeat(depth)}1${'}'.repeat(depth)}`);

test.each([
  ['lists', lists],
  ['objects', objects],
])('%s are accepted as deep as is allowed and no deeper, however deep', (_what, nested) => {
  expect(() => assertDepth([nested(100)], 100)).not.toThrow();
  for (const depth of [101, 10_000, 1_000_000]) {
    expect(() => assertDepth([null, 1, 'x', nested(depth)], 100)).toThrow(/at most 100 deep/);
  }
});

test('what is wide is not deep', () => {
  expect(() => assertDepth([Array.from({ length: 300_000 }, () => [1])], 2)).not.toThrow();
  expect(hasManyBrackets('[]'.repeat(100), 100)).toBe(false);
  expect(hasManyBrackets('[]'.repeat(101), 100)).toBe(true);
});
