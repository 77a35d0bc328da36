import { afterEach, describe, expect, test, vi } from 'vitest';
import { changed, played } from './played.js';

afterEach(() => {
  vi.useRealTimers();
});

const POSTS = '{ posts { id name } }';
const LABELS = '{ labels { id name } }';
/** Shows rows that `POSTS` shows, too. */
const BY_NAME = '{ posts(orderBy: [{ name: ASC }]) { id name rank } }';

/** Two live queries that were answered; `others` shows rows of its own table, or the same rows. */
function two(other = LABELS) {
  const play = played();
  const posts = play.watch(POSTS);
  posts.answer({ posts: [{ id: '1', name: 'a' }] });
  const others = play.watch(other);
  others.answer(
    other === LABELS ? { labels: [{ id: '7', name: 'l' }] } : { posts: [{ id: '1', name: 'a', rank: 0 }] },
  );
  vi.advanceTimersByTime(0);
  return { play, posts, others, flushes: () => play.flushes };
}

const nameOf = (data: unknown) => (Object.values(data as object)[0] as { name: string }[])[0]?.name;

describe('one transaction that touches several live queries', () => {
  test('is shown at once when its messages come in several turns', () => {
    const { posts, others, flushes } = two();
    const before = flushes();
    posts.tell('10', [changed('1', { name: 'b' })]);
    vi.advanceTimersByTime(3);
    expect(nameOf(posts.data)).toBe('a');
    others.tell('10', [changed('7', { name: 'm' })]);
    vi.advanceTimersByTime(1);
    expect([nameOf(posts.data), nameOf(others.data)]).toEqual(['b', 'm']);
    expect(flushes() - before).toBe(1);
  });

  test('is waited for no longer than a moment where nobody else is known to be told', () => {
    const { posts } = two();
    posts.tell('10', [changed('1', { name: 'b' })]);
    vi.advanceTimersByTime(6);
    expect(nameOf(posts.data)).toBe('b');
  });

  test('is waited for longer once such messages were seen to come further apart', () => {
    const { posts, others } = two();
    const tellApart = (xid: string, name: string, apartMs: number) => {
      posts.tell(xid, [changed('1', { name })]);
      vi.advanceTimersByTime(apartMs);
      const early = nameOf(posts.data) === name;
      others.tell(xid, [changed('7', { name })]);
      vi.advanceTimersByTime(1);
      expect([nameOf(posts.data), nameOf(others.data)]).toEqual([name, name]);
      return early;
    };
    expect(tellApart('10', 'b', 15)).toBe(true);
    expect(tellApart('11', 'c', 15)).toBe(false);
    expect(tellApart('12', 'd', 20)).toBe(false);
    for (let xid = 20; xid < 120; xid++) tellApart(String(xid), `at once ${xid}`, 0);
    expect(tellApart('200', 'e', 15)).toBe(true);
  });

  test('is waited for longer where another query shows the row, which therefore is told', () => {
    const { posts, others, flushes } = two(BY_NAME);
    const before = flushes();
    posts.tell('10', [changed('1', { name: 'b' })]);
    vi.advanceTimersByTime(40);
    expect(nameOf(posts.data)).toBe('a');
    others.tell('10', [changed('1', { name: 'b', rank: 0 }, ['name'])]);
    vi.advanceTimersByTime(1);
    expect([nameOf(posts.data), nameOf(others.data)]).toEqual(['b', 'b']);
    expect(flushes() - before).toBe(1);
  });

  test('is shown in the end although another query is never told', () => {
    const { posts, others } = two(BY_NAME);
    posts.tell('10', [changed('1', { name: 'b' })]);
    vi.advanceTimersByTime(60);
    expect(nameOf(posts.data)).toBe('b');
    expect(nameOf(others.data)).toBe('a');
  });

  test('does not overtake an earlier one that is not whole', () => {
    const { posts, others } = two(BY_NAME);
    posts.tell('10', [changed('1', { name: 'b' })]);
    posts.tell('11', [changed('1', { name: 'c' })]);
    vi.advanceTimersByTime(20);
    expect(nameOf(posts.data)).toBe('a');
    others.tell('10', [changed('1', { name: 'b', rank: 0 }, ['name'])]);
    vi.advanceTimersByTime(1);
    expect([nameOf(posts.data), nameOf(others.data)]).toEqual(['b', 'b']);
    others.tell('11', [changed('1', { name: 'c', rank: 0 }, ['name'])]);
    vi.advanceTimersByTime(1);
    expect([nameOf(posts.data), nameOf(others.data)]).toEqual(['c', 'c']);
  });

  test('comes at once to a query that is alone, also where another one is cut off', () => {
    const { posts, others } = two(BY_NAME);
    others.cut();
    posts.tell('10', [changed('1', { name: 'b' })]);
    vi.advanceTimersByTime(0);
    expect(nameOf(posts.data)).toBe('b');
  });

  test('is not lost where the stream that brought it ends while it waits', () => {
    const { posts } = two(BY_NAME);
    posts.tell('10', [changed('1', { name: 'b' })]);
    posts.cut();
    vi.advanceTimersByTime(0);
    expect(posts.results.at(-1)).toMatchObject({ stale: true, data: { posts: [{ name: 'b' }] } });
  });

  test('is shown once by one query with two fields', () => {
    const play = played();
    const both = play.watch('{ posts { id name } labels { id name } }');
    both.answer({ posts: [{ id: '1', name: 'a' }], labels: [{ id: '7', name: 'l' }] });
    vi.advanceTimersByTime(0);
    const before = both.results.length;
    both.tell('10', [changed('7', { name: 'm' })]);
    vi.advanceTimersByTime(3);
    expect(both.results).toHaveLength(before);
    vi.advanceTimersByTime(3);
    expect(both.results).toHaveLength(before + 1);
  });
});

describe('an older value', () => {
  test('is not shown by a query that lags behind another', () => {
    const { posts, others } = two(BY_NAME);
    posts.tell('10', [changed('1', { name: 'b' })]);
    vi.advanceTimersByTime(60);
    const shown = others.results.length;
    // Something else comes first: it would write the old name over the new one.
    others.tell('9', [changed('1', { name: 'a', rank: 5 }, ['rank'])]);
    vi.advanceTimersByTime(20);
    expect(others.results).toHaveLength(shown);
    others.tell('10', [changed('1', { name: 'b', rank: 5 }, ['name'])]);
    vi.advanceTimersByTime(1);
    expect(others.data).toEqual({ posts: [{ id: '1', name: 'b', rank: 5 }] });
  });

  test('of an answer that was overtaken by a message waits until its own stream brought it', () => {
    const { play, posts } = two();
    const late = play.watch(BY_NAME);
    vi.advanceTimersByTime(10);
    posts.tell('10', [changed('1', { name: 'b' })]);
    vi.advanceTimersByTime(60);
    late.answer({ posts: [{ id: '1', name: 'a', rank: 0 }] });
    vi.advanceTimersByTime(50);
    expect(late.results).toHaveLength(0);
    late.tell('10', [changed('1', { name: 'b', rank: 0 }, ['name'])]);
    vi.advanceTimersByTime(1);
    expect(late.results.map(({ data }) => nameOf(data))).toEqual(['b']);
  });

  test('is no reason to wait where the answer shows the same', () => {
    const { play, posts } = two();
    const late = play.watch(BY_NAME);
    vi.advanceTimersByTime(10);
    posts.tell('10', [changed('1', { name: 'b' })]);
    vi.advanceTimersByTime(60);
    late.answer({ posts: [{ id: '1', name: 'b', rank: 0 }] });
    vi.advanceTimersByTime(1);
    expect(late.results.map(({ data }) => nameOf(data))).toEqual(['b']);
  });

  test('is waited for no longer than a stream needs', () => {
    const { play, posts } = two();
    const late = play.watch(BY_NAME);
    vi.advanceTimersByTime(10);
    posts.tell('10', [changed('1', { name: 'b' })]);
    vi.advanceTimersByTime(60);
    // It holds another name because it is newer: its stream will bring nothing.
    late.answer({ posts: [{ id: '1', name: 'z', rank: 0 }] });
    vi.advanceTimersByTime(400);
    expect(late.results.map(({ data }) => nameOf(data))).toEqual(['z']);
  });

  test('is no longer feared once a later transaction came', () => {
    const { posts, others } = two(BY_NAME);
    posts.tell('10', [changed('1', { name: 'b' })]);
    vi.advanceTimersByTime(60);
    posts.tell('11', [changed('1', { name: 'c' })]);
    others.tell('11', [changed('1', { name: 'c', rank: 5 }, ['name'])]);
    vi.advanceTimersByTime(1);
    expect(nameOf(others.data)).toBe('c');
  });

  test('that something else wrote into the cache is overwritten at once', () => {
    const { play, posts, flushes } = two();
    vi.advanceTimersByTime(10);
    const askedAt = Date.now();
    posts.tell('10', [changed('1', { name: 'b' })]);
    vi.advanceTimersByTime(20);
    const before = flushes();
    play.live.settle(askedAt);
    expect(flushes()).toBe(before + 1);
    expect(posts.results.at(-1)).toMatchObject({ isRepeat: true, data: { posts: [{ name: 'b' }] } });
    vi.advanceTimersByTime(10);
    const later = flushes();
    play.live.settle(Date.now());
    expect(flushes()).toBe(later);
  });
});
