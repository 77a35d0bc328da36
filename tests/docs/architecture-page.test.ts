import { readFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { repositoryFiles } from '../support/repository-files.js';

const root = fileURLToPath(new URL('../../', import.meta.url));
const page = readFileSync(`${root}ARCHITECTURE.md`, 'utf8');
const files = repositoryFiles();

interface PrintedFolder {
  readonly path: string;
  readonly sentence: string;
}

/** Folders of the printed tree: two spaces of indentation are one level. */
function printedFolders(): PrintedFolder[] {
  const tree = /```text\n(.+?)```/s.exec(page)?.[1] ?? '';
  const above: string[] = [];
  return tree
    .trimEnd()
    .split('\n')
    .map((line) => {
      const [, indentation, name, sentence] = /^( *)([\w-]+\/) +(.*)$/.exec(line) ?? [];
      const level = indentation!.length / 2;
      above.splice(level, above.length, name!);
      return { path: above.join('').replace(/\/$/, ''), sentence: sentence! };
    });
}

/** Folders of the repository that contain a file, at any depth. */
function foldersBelow(top: string): string[] {
  const folders = new Set<string>();
  for (const file of files) {
    for (let folder = dirname(file); folder !== '.'; folder = dirname(folder)) {
      if (folder === top || folder.startsWith(`${top}/`)) folders.add(folder);
    }
  }
  return [...folders];
}

test('the printed tree names the folders below shared, src and client, and no other', () => {
  const printed = printedFolders().map(({ path }) => path);
  const there = ['shared', 'src', 'client'].flatMap(foldersBelow);
  expect(printed.toSorted()).toEqual(there.toSorted());
});

test('each printed folder has one sentence', () => {
  for (const { path, sentence } of printedFolders()) expect(`${path}: ${sentence}`).toMatch(/: [A-Z].+[.]$/);
});

test('each file that the page names is there', () => {
  const named = [...page.matchAll(/`([\w/-]+\.ts)`/g)].map(([, path]) => path!);
  expect(named.length).toBeGreaterThan(20);
  const missing = named.filter((path) => !files.some((file) => file === path || file.endsWith(`/${path}`)));
  expect(missing).toEqual([]);
});
