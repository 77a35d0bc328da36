import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';

const docs = fileURLToPath(new URL('../../docs/', import.meta.url));
const page = readFileSync(join(docs, 'tour.md'), 'utf8');

/** Numbered stops of each way, by its heading. */
const ways = page
  .split(/^## /m)
  .slice(1)
  .map((text) => ({ title: text.slice(0, text.indexOf('\n')), stops: text.split(/^\d+\. /m).slice(1) }));

/** The first link of a stop and the name after it. */
const STOP = /^\*\*.+\*\* \[[^\]]+\]\(([^)]+)\), `(\w+)`\.\n/;
/** A name and the file that it is in, within a sentence. */
const MENTION = /`(\w+)` (?:in )?\(?\[[^\]]+\]\(([^)]+)\)/g;

const read = (link: string): string => readFileSync(join(docs, link), 'utf8');
const declares = (link: string, name: string): boolean =>
  new RegExp(`^export (?:async )?(?:function|class|const) ${name}\\b`, 'm').test(read(link));

test('each way has ten stops, each in another file', () => {
  expect(ways.map(({ stops }) => stops.length)).toEqual([10, 10]);
  for (const { stops } of ways) {
    const links = stops.map((stop) => STOP.exec(stop)?.[1]);
    expect(links).not.toContain(undefined);
    expect(new Set(links).size).toBe(stops.length);
  }
});

test.each(ways)('$title: each file exports what the stop names', ({ stops }) => {
  const named = stops.flatMap((stop) => {
    const [, link, name] = STOP.exec(stop) ?? [];
    return [
      [link!, name!] as const,
      ...[...stop.matchAll(MENTION)].map(([, at, file]) => [file!, at!] as const),
    ];
  });
  expect(named.filter(([link, name]) => !declares(link, name))).toEqual([]);
});
