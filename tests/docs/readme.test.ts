import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';

const root = fileURLToPath(new URL('../../', import.meta.url));

test.each(['README.md', 'ARCHITECTURE.md', 'PROTOCOL.md', 'LIMITS.md', 'CONTRIBUTING.md'])(
  'every file that %s points at is there',
  (page) => {
    const links = [...readFileSync(root + page, 'utf8').matchAll(/\]\((?!https?:|#)([^)#]+)/g)].map(
      ([, path]) => path!,
    );
    const folders = [...readFileSync(root + page, 'utf8').matchAll(/^\| `((?:src|client)\/[\w/]+)`/gm)].map(
      ([, path]) => path!,
    );
    expect([...links, ...folders].filter((path) => !existsSync(root + path))).toEqual([]);
  },
);
