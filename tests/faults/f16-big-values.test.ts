import { createHash } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { createDatabase } from '../support/database.js';
import { serveSmallApp, smallSetup } from '../support/small-app.js';

/** The largest value; RIVULET_HUGE_MB=90 for more (the WebSocket library of the test's client takes up to 100). */
const HUGE_MB = Number(process.env.RIVULET_HUGE_MB ?? 8);
const KB = 1_024;

const database = await createDatabase({ setup: smallSetup(9) });
const app = await serveSmallApp(database.url);

/** Text that does not compress to nothing, made by the database: `bytes` of it, and of other content for another `salt`. */
const made = (bytes: number, salt: number) =>
  `(select left(string_agg(md5((i + ${salt})::text), ''), ${bytes}) from generate_series(1, ${Math.ceil(bytes / 32)}) i)`;

const md5 = (text: string) => createHash('md5').update(text).digest('hex');

async function bodyOf(id: number): Promise<{ length: number; md5: string }> {
  const [row] = await database.query(
    'select length(body)::text, md5(body) from counters where id = $1::text::int',
    String(id),
  );
  return { length: Number(row![0]), md5: row![1]! };
}

describe('F16: big values', () => {
  test.each([
    ['9 kB, more than a notification carries', 9 * KB],
    ['1.5 MB', 1_500 * KB],
    [`${HUGE_MB} MB`, HUGE_MB * KB * KB],
  ])(
    '%s: the write goes through, and whoever watches gets all of it',
    async (_, bytes) => {
      const followed = await app.follow('counters', { body: true });
      await database.script(
        `update counters set version = version + 1, body = ${made(bytes, bytes)} where id = 1`,
      );
      const [row] = await database.query('select version::text from counters where id = 1');
      await followed.heard(1, Number(row![0]), 90_000);
      const body = followed.changes[0]!.node!.body!;
      const expected = await bodyOf(1);
      expect(body.length).toBe(bytes);
      expect({ length: body.length, md5: md5(body) }).toEqual(expected);
      // Its next version: the log has the value twice, as it was and as it is.
      await database.script('update counters set version = version + 1 where id = 1');
      await followed.heard(1, Number(row![0]) + 1, 90_000);
      expect(md5(followed.changes[1]!.node!.body!)).toBe(expected.md5);
      expect(followed.resets).toEqual([]);
      await followed.stop();
    },
    180_000,
  );

  test('a value that is stored out of line and is not touched comes whole with an update of another column', async () => {
    await database.script(`update counters set body = ${made(40 * KB, 7)} where id = 2`);
    const [stored] = await database.query(
      `select (pg_relation_size(reltoastrelid) > 40000)::text from pg_class where oid = 'counters'::regclass`,
    );
    expect(stored).toEqual(['true']);
    const expected = await bodyOf(2);
    const followed = await app.follow('counters', { body: true });
    for (let version = 1; version <= 3; version++) {
      await database.query('update counters set version = $1::text::int where id = 2', String(version));
      await followed.heard(2, version);
    }
    for (const { node } of followed.changes) {
      expect({ length: node!.body!.length, md5: md5(node!.body!) }).toEqual(expected);
    }
    await followed.stop();
  });

  test('many of them at once, for a reader that resumes: all of them, in order', async () => {
    const { cursor } = await app.fetch('others');
    const count = 12;
    for (let version = 1; version <= count; version++) {
      await database.script(
        `update others set version = ${version}, body = ${made(600 * KB, version)} where id = 3`,
      );
    }
    const resumed = await app.follow('others', { after: cursor, body: true });
    await resumed.heard(3, count, 60_000);
    expect(resumed.resets).toEqual([]);
    expect(resumed.changes.map(({ node }) => node!.version)).toEqual(
      Array.from({ length: count }, (_, i) => i + 1),
    );
    expect(new Set(resumed.changes.map(({ node }) => node!.body)).size).toBe(count);
    await resumed.stop();
  }, 90_000);
});
