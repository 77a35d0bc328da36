import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';

const root = fileURLToPath(new URL('../../..', import.meta.url));

/** Exported type names of one word. Each is a term of the glossary in ARCHITECTURE.md, or public API that its users know. */
const ONE_WORD: readonly string[] = [
  'Change',
  'Database',
  'Decimal',
  'Doorbell',
  'Feed',
  'Filter',
  'Interval',
  'Link',
  'Manifest',
  'Model',
  'Outbox',
  'Policies',
  'Rivulet',
  'Scope',
  'Sink',
  'Snapshot',
  'Statement',
];

interface Declaration {
  readonly name: string;
  readonly place: string;
  readonly isExported: boolean;
}

function sources(folder: string): string[] {
  return readdirSync(join(root, folder)).flatMap((name) => {
    const path = join(folder, name);
    if (statSync(join(root, path)).isDirectory()) {
      return ['dist', 'generated', 'node_modules'].includes(name) ? [] : sources(path);
    }
    return path.endsWith('.ts') ? [path] : [];
  });
}

function declarationsIn(path: string, text: string): Declaration[] {
  const declared =
    /^(export )?(?:declare )?(?:abstract )?(?:interface|type|class|enum) (\w+)\b(?!\s*,|\s*\})/gm;
  return [...text.matchAll(declared)].map(([, exported, name]) => ({
    name: name!,
    place: path,
    isExported: exported !== undefined,
  }));
}

const declarations = ['shared', 'src', 'client']
  .flatMap(sources)
  .flatMap((path) => declarationsIn(path, readFileSync(join(root, path), 'utf8')));

describe('type names', () => {
  test('are found, exported or not, and not where a type is only imported', () => {
    const text = [
      'export interface RowPlan {',
      'type RowList<T> = T[];',
      'export abstract class RowStore {',
      "import type { RowPlan } from './x.js';",
      "export type { RowPlan } from './x.js';",
    ].join('\n');
    expect(declarationsIn('a.ts', text)).toEqual([
      { name: 'RowPlan', place: 'a.ts', isExported: true },
      { name: 'RowList', place: 'a.ts', isExported: false },
      { name: 'RowStore', place: 'a.ts', isExported: true },
    ]);
    expect(declarations.length).toBeGreaterThan(700);
  });

  test('an exported type name is declared once', () => {
    const exported = new Set(declarations.filter((each) => each.isExported).map((each) => each.name));
    const twice = [...exported].flatMap((name) => {
      const places = declarations.filter((each) => each.name === name).map(({ place }) => place);
      return places.length > 1 ? [`${name}: ${places.join(', ')}`] : [];
    });
    expect(twice).toEqual([]);
  });

  test('an exported type name has two words or more, or is on the short list', () => {
    const exported = declarations.filter((each) => each.isExported);
    const short = exported.filter(({ name }) => /^[A-Z][a-z0-9]*$/.test(name));
    const unlisted = short.filter(({ name }) => !ONE_WORD.includes(name));
    expect(unlisted.map(({ name, place }) => `${name}: ${place}`)).toEqual([]);
    expect(ONE_WORD.filter((name) => !short.some((each) => each.name === name))).toEqual([]);
  });

  test('the short list is in the glossary', () => {
    const page = readFileSync(join(root, 'ARCHITECTURE.md'), 'utf8');
    const glossary = page.slice(page.indexOf('## Glossary')).split('\n## ')[0] ?? '';
    expect(ONE_WORD.filter((name) => !glossary.includes(`**${name}**`))).toEqual([]);
  });
});
