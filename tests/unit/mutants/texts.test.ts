import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { mutants } from '../../mutants/mutants.js';

const root = fileURLToPath(new URL('../../..', import.meta.url));

describe('what `npm run mutants` puts bugs into is still there, each once', () => {
  test.each(mutants)('$bug', ({ edits }) => {
    for (const { file, from, to } of edits) {
      expect(readFileSync(`${root}/${file}`, 'utf8').split(from), file).toHaveLength(2);
      expect(to).not.toBe(from);
    }
  });
});
