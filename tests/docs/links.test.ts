import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync, statSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';
import { fileURLToPath } from 'node:url';
import GithubSlugger from 'github-slugger';
import { marked, type Token, type Tokens } from 'marked';
import { describe, expect, test } from 'vitest';
import packageJson from '../../package.json' with { type: 'json' };
import { repositoryFiles } from '../support/repository-files.js';

const root = fileURLToPath(new URL('../../', import.meta.url));
const pages = repositoryFiles().filter((path) => path.endsWith('.md'));
const repository = packageJson.repository.url.replace(/^git\+|\.git$/g, '');

interface Link {
  readonly href: string;
  /** From the root of the repository; undefined if the link leaves it. */
  readonly path: string | undefined;
  readonly anchor: string | undefined;
}

function tokensOf(page: string): Token[] {
  const found: Token[] = [];
  void marked.walkTokens(marked.lexer(readFileSync(root + page, 'utf8')), (token) => void found.push(token));
  return found;
}

function linksOf(page: string): Link[] {
  const isLink = (token: Token): token is Tokens.Link | Tokens.Image =>
    token.type === 'link' || token.type === 'image';
  return tokensOf(page)
    .filter(isLink)
    .map(({ href }) => linkOf(page, href));
}

function linkOf(page: string, href: string): Link {
  const inRepository = href.startsWith(`${repository}/`)
    ? /^\/(?:blob|tree)\/main\/(.*)$/.exec(href.slice(repository.length))?.[1]
    : undefined;
  const isExternal = /^[a-z]+:/.test(href) && inRepository === undefined;
  const [file = '', anchor] = (inRepository ?? href).split('#');
  if (isExternal) return { href, path: undefined, anchor };
  if (inRepository !== undefined) return { href, path: normalize(file), anchor };
  return { href, path: file === '' ? page : normalize(join(dirname(page), decodeURI(file))), anchor };
}

function anchorsOf(page: string): Set<string> {
  const slugger = new GithubSlugger();
  const isHeading = (token: Token): token is Tokens.Heading => token.type === 'heading';
  const headings = tokensOf(page).filter(isHeading);
  return new Set(headings.map(({ text }) => slugger.slug(plain(text))));
}

/** A heading without its marks: the text that GitHub makes the anchor of. */
function plain(heading: string): string {
  return heading.replace(/`/g, '').replace(/\[([^\]]*)\]\([^)]*\)/g, '$1');
}

/** Reasons why a link leads nowhere; empty if it leads somewhere. */
function faultOf({ path, anchor }: Link): string | undefined {
  if (path === undefined) return undefined;
  if (path.startsWith('..') || !existsSync(root + path)) return 'no such file';
  if (anchor === undefined || /^L\d+/.test(anchor) || statSync(root + path).isDirectory()) return undefined;
  return anchorsOf(path).has(anchor) ? undefined : 'no such heading';
}

describe('links', () => {
  test.each(pages)('every link of %s leads to a file and a heading that are there', (page) => {
    const dead = linksOf(page).flatMap((link) => {
      const fault = faultOf(link);
      return fault === undefined ? [] : [`${link.href}: ${fault}`];
    });
    expect(dead).toEqual([]);
  });

  test('the walk finds the links and the headings that it should', () => {
    expect(pages).toEqual(expect.arrayContaining(['README.md', 'docs/errors.md', 'bench/README.md']));
    const hrefs = linksOf('README.md').map(({ href }) => href);
    expect(hrefs).toEqual(expect.arrayContaining(['docs/board.webp', 'LIMITS.md', '#connect-to-the-server']));
    expect(faultOf(linkOf('docs/errors.md', '../NOTHING.md'))).toBe('no such file');
    expect(faultOf(linkOf('docs/errors.md', '../README.md#nothing'))).toBe('no such heading');
    expect(faultOf(linkOf('README.md', `${repository}/blob/main/nothing.ts`))).toBe('no such file');
  });
});

test('every relative link of the packed README leads to a packed file', () => {
  const packed = packedFiles();
  expect(packed).toContain('README.md');
  const dead = linksOf('README.md').filter(
    ({ href, path }) => path !== undefined && !href.startsWith(repository) && !packed.has(path),
  );
  expect(dead.map(({ href }) => href)).toEqual([]);
});

/** Paths in the tarball, as npm itself lists them. */
function packedFiles(): ReadonlySet<string> {
  const command = ['pack', '--dry-run', '--json', '--ignore-scripts'];
  const answer = JSON.parse(execFileSync('npm', command, { cwd: root, encoding: 'utf8' })) as unknown;
  // npm 11 answers with the packages by name, older ones with a list.
  const [tarball] = Object.values(answer as Record<string, { readonly files: { readonly path: string }[] }>);
  return new Set(tarball!.files.map(({ path }) => path));
}
