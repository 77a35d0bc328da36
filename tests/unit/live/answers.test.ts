import { afterEach, describe, expect, test, vi } from 'vitest';
import { changed, played } from './played.js';

afterEach(() => {
  vi.useRealTimers();
});

const POSTS = '{ posts { id name } }';
const A = { posts: [{ id: '1', name: 'a' }] };

function answered(data: object = A) {
  const play = played();
  const posts = play.watch(POSTS);
  posts.answer(data);
  vi.advanceTimersByTime(0);
  return { play, posts };
}

describe('an answer', () => {
  test('without a cursor is shown as stale, reported once, and asked for again, later each time', () => {
    const play = played();
    const posts = play.watch(POSTS);
    for (let time = 0; time < 4; time++) {
      posts.answer(A, null);
      vi.advanceTimersByTime(1);
      expect(posts.results.at(-1)).toMatchObject({ data: A, stale: true });
      expect(posts.asked).toBe(time + 1);
      vi.advanceTimersByTime(250 * 2 ** time);
    }
    expect(posts.asked).toBe(5);
    expect(play.problems).toMatchObject([{ code: 'LIVE_NOT_FOLLOWED' }]);
    posts.answer(A);
    vi.advanceTimersByTime(0);
    expect(posts.results.at(-1)?.stale).toBe(false);
    expect(posts.streams).toBe(1);
  });

  test('of which a part could not be read just now is asked for again', () => {
    const play = played();
    const posts = play.watch('{ post(id: "1") { id name } labels { id } }');
    posts.answer({ post: null, labels: [] }, 'c', [
      { message: 'in the way', extensions: { code: 'CONFLICT_RETRY' } },
    ]);
    vi.advanceTimersByTime(300);
    expect(posts.asked).toBe(2);
    posts.answer({ post: { id: '1', name: 'a' }, labels: [] });
    vi.advanceTimersByTime(0);
    expect(posts.results.at(-1)).toMatchObject({ data: { post: { name: 'a' } }, errors: undefined });
  });

  test('of nothing that could change needs no cursor', () => {
    const play = played();
    const nothing = play.watch('{ __typename }');
    nothing.answer({ __typename: 'Query' }, null);
    vi.advanceTimersByTime(60_000);
    expect(nothing.asked).toBe(1);
    expect(nothing.results).toMatchObject([{ stale: false }]);
  });
});

describe('asking again', () => {
  test('leaves the streams running until the answer is there, and then starts after it', () => {
    const { posts } = answered();
    posts.refetch();
    posts.refetch();
    expect([posts.asked, posts.streams]).toEqual([2, 1]);
    posts.tell('10', [changed('1', { name: 'b' })]);
    vi.advanceTimersByTime(0);
    expect(posts.data).toEqual({ posts: [{ id: '1', name: 'b' }] });
    posts.answer({ posts: [{ id: '1', name: 'c' }] }, 'later');
    expect(posts.streams).toBe(1);
    // It might be older than what came meanwhile: then its stream would say so.
    vi.advanceTimersByTime(350);
    expect(posts.results.at(-1)).toMatchObject({ isAnswer: true, data: { posts: [{ name: 'c' }] } });
    posts.tell('11', [changed('1', { name: 'd' })]);
    vi.advanceTimersByTime(0);
    expect(posts.data).toEqual({ posts: [{ id: '1', name: 'd' }] });
  });

  test('does not go back behind what its own stream said meanwhile', () => {
    const { posts } = answered();
    posts.refetch();
    vi.advanceTimersByTime(1);
    posts.tell('10', [changed('1', { name: 'b' })]);
    vi.advanceTimersByTime(1);
    posts.answer(A);
    vi.advanceTimersByTime(10);
    expect(posts.data).toEqual({ posts: [{ id: '1', name: 'b' }] });
    posts.tell('10', [changed('1', { name: 'b' })]);
    vi.advanceTimersByTime(0);
    const names = posts.results.map(({ data }) => (data as typeof A).posts[0]?.name);
    expect(names).toEqual(['a', 'b', 'b']);
  });

  test('shows what is known where the network is gone, and says why', () => {
    const { posts } = answered();
    posts.refetch();
    posts.fail();
    vi.advanceTimersByTime(0);
    expect(posts.results.at(-1)).toMatchObject({ isAnswer: true, data: A, problem: { message: 'offline' } });
    expect([posts.asked, posts.streams]).toEqual([2, 1]);
  });

  test('where one more shows the same asks nobody', () => {
    const { posts } = answered();
    posts.again();
    vi.advanceTimersByTime(0);
    expect(posts.results.at(-1)).toMatchObject({ isAnswer: true, data: A });
    expect([posts.asked, posts.streams]).toEqual([1, 1]);
  });

  test('where one more shows the same asks the network when what is known may be old', () => {
    const { posts } = answered();
    posts.cut();
    posts.again();
    expect(posts.asked).toBe(2);
  });
});
