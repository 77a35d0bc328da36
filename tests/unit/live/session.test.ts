import { parse } from 'graphql';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { createLiveQueries } from '../../../client/core/live/live-queries.js';
import type { LiveAnswer, LiveResult, StreamSink } from '../../../client/core/live/transport.js';
import { manifest } from '../client/blog.js';

const QUERY = '{ posts { id name } }';

afterEach(() => {
  vi.useRealTimers();
});

/** A live query whose server is played by the test. */
function play(query = QUERY) {
  vi.useFakeTimers();
  const answers: ((answer: LiveAnswer) => void)[] = [];
  const streams: { request: { variables: Record<string, unknown> }; sink: StreamSink; open: boolean }[] = [];
  const results: LiveResult[] = [];
  const problems: unknown[] = [];
  const live = createLiveQueries({
    manifest,
    onError: (problem) => problems.push(problem),
    client: {
      subscribe: (request, sink) => {
        const stream = { request, sink, open: true };
        streams.push(stream);
        return () => {
          stream.open = false;
        };
      },
    },
  });
  const watch = live.watch(
    parse(query),
    {},
    (_document, _variables, done) => {
      answers.push(done);
      return () => {};
    },
    (result) => results.push(result),
  );
  return {
    live,
    watch,
    results,
    problems,
    streams,
    answers,
    answer: (posts: unknown, cursor = 'c0') => {
      answers.at(-1)!({ data: { posts }, extensions: { rivulet: { cursor } } });
      vi.advanceTimersByTime(1);
    },
    message: (message: object) => {
      streams.at(-1)!.sink.next({ data: { postChanges: { reset: null, changes: [], ...message } } });
      vi.advanceTimersByTime(1);
    },
    last: () => results.at(-1)?.data,
  };
}

const renamed = (id: string, name: string) => ({
  kind: 'UPDATE',
  op: 'UPDATE',
  key: id,
  node: { id, name },
  changedColumns: ['name'],
});

describe('a live query', () => {
  test('shows the answer, then what its stream does to it', () => {
    const { answer, message, last, streams } = play();
    answer([{ id: '1', name: 'a' }]);
    expect(last()).toEqual({ posts: [{ id: '1', name: 'a' }] });
    expect(streams.map(({ request }) => request.variables.after)).toEqual(['c0']);
    message({ cursor: 'c1', changes: [renamed('1', 'b')] });
    expect(last()).toEqual({ posts: [{ id: '1', name: 'b' }] });
  });

  test('a message twice is shown once', () => {
    const { answer, message, results } = play();
    answer([{ id: '1', name: 'a' }]);
    for (let time = 0; time < 2; time++) message({ cursor: 'c1', changes: [renamed('1', 'b')] });
    expect(results).toHaveLength(2);
  });

  test('messages of one turn are one result', () => {
    const { answer, streams, results } = play('{ posts { id name } labels { id name } }');
    answer([{ id: '1', name: 'a' }]);
    for (const { sink } of streams) {
      sink.next({ data: { postChanges: { cursor: 'c', reset: null, changes: [renamed('1', 'b')] } } });
    }
    vi.advanceTimersByTime(1);
    expect(results.length).toBeLessThanOrEqual(2);
  });

  test('a cut stream makes it stale and is resumed after its last message', () => {
    const { answer, message, streams, results } = play();
    answer([{ id: '1', name: 'a' }]);
    message({ cursor: 'c7', changes: [renamed('1', 'b')] });
    streams.at(-1)!.sink.error(new Error('the socket closed'));
    vi.advanceTimersByTime(1);
    expect(results.at(-1)).toMatchObject({ stale: true, data: { posts: [{ name: 'b' }] } });
    vi.advanceTimersByTime(1_000);
    expect(streams).toHaveLength(2);
    expect(streams[1]!.request.variables.after).toBe('c7');
    expect(results.at(-1)?.stale).toBe(false);
  });

  test('a client that reconnects by itself finds the newest cursor in the same request', () => {
    const { answer, message, streams } = play();
    answer([{ id: '1', name: 'a' }]);
    message({ cursor: 'c9', changes: [renamed('1', 'b')] });
    expect(JSON.parse(JSON.stringify(streams[0]!.request)).variables).toEqual({ after: 'c9' });
  });

  test('a reset asks once more, at some moment within a second, and starts after the new answer', () => {
    const { answer, message, answers, streams, last } = play();
    answer([{ id: '1', name: 'a' }]);
    message({ cursor: 'c1', reset: 'OVERFLOW' });
    expect(streams[0]!.open).toBe(false);
    vi.advanceTimersByTime(1_000);
    expect(answers).toHaveLength(2);
    answer([{ id: '1', name: 'z' }], 'c5');
    expect(last()).toEqual({ posts: [{ id: '1', name: 'z' }] });
    expect(streams.at(-1)!.request.variables.after).toBe('c5');
  });

  test('a cursor that is refused is replaced by that of a new answer', () => {
    const { answer, answers, streams } = play();
    answer([]);
    streams[0]!.sink.error([{ message: 'no', extensions: { code: 'CURSOR_INVALID' } }]);
    vi.advanceTimersByTime(200);
    expect(answers).toHaveLength(2);
  });

  test('a stream that is refused is reported, and what is shown is stale', () => {
    const { answer, streams, results, problems } = play();
    answer([]);
    streams[0]!.sink.error([{ message: 'too many', extensions: { code: 'TOO_MANY_SUBSCRIPTIONS' } }]);
    vi.advanceTimersByTime(60_000);
    expect(results.at(-1)?.stale).toBe(true);
    expect(problems).toMatchObject([{ code: 'LIVE_REFUSED' }]);
    expect(streams).toHaveLength(1);
  });

  test('a request that cannot be sent is sent again, later each time', () => {
    const { answers, results } = play();
    for (let time = 0; time < 5; time++) {
      answers.at(-1)!({ errors: [new Error('offline')], unreachable: true });
      vi.advanceTimersByTime(30_000);
    }
    expect(answers).toHaveLength(6);
    expect(results[0]?.errors).toMatchObject([{ message: 'offline' }]);
  });

  test('a message that no server sends is reported and the query asked again', () => {
    const { answer, message, answers, problems, last } = play();
    answer([{ id: '1', name: 'a' }]);
    message({ cursor: 'c1', changes: [{ kind: 'EXPLODE', key: '1' }] });
    vi.advanceTimersByTime(200);
    expect(problems).toMatchObject([{ code: 'MESSAGE_INVALID' }]);
    expect(answers).toHaveLength(2);
    expect(last()).toEqual({ posts: [{ id: '1', name: 'a' }] });
  });

  test('ends with its last watcher, and says nothing more', () => {
    const { answer, watch, streams, results, live } = play();
    answer([{ id: '1', name: 'a' }]);
    watch.stop();
    watch.stop();
    expect(streams[0]!.open).toBe(false);
    streams[0]!.sink.next({ data: { postChanges: { changes: [renamed('1', 'late')] } } });
    vi.runAllTimers();
    expect(results).toHaveLength(1);
    expect(live.states()).toEqual({});
  });

  test('two that ask the same share one session', () => {
    const { answer, live, streams } = play();
    answer([{ id: '1', name: 'a' }]);
    const other: LiveResult[] = [];
    const watch = live.watch(
      parse(QUERY),
      {},
      () => () => {},
      (result) => other.push(result),
    );
    expect(live.states()).toEqual({ streaming: 1 });
    expect(streams).toHaveLength(1);
    watch.stop();
    expect(live.states()).toEqual({ streaming: 1 });
  });

  test('news wait for the echo of an own write whose answer is shown', () => {
    const { answer, message, live, results, last } = play();
    answer([
      { id: '1', name: 'a' },
      { id: '2', name: 'b' },
    ]);
    live.writes.begin('m1', false);
    live.writes.answered('m1');
    message({ cursor: 'c1', changes: [renamed('2', 'by somebody')] });
    expect(results).toHaveLength(1);
    message({ cursor: 'c2', transaction: { mutationId: 'm1' }, changes: [renamed('1', 'mine')] });
    expect(results).toHaveLength(2);
    expect(last()).toEqual({
      posts: [
        { id: '1', name: 'mine' },
        { id: '2', name: 'by somebody' },
      ],
    });
  });

  test('a write without an echo keeps nothing back for long', () => {
    const { answer, message, live, results } = play();
    answer([{ id: '1', name: 'a' }]);
    live.writes.begin('m1', true);
    live.writes.answered('m1');
    message({ cursor: 'c1', changes: [renamed('1', 'b')] });
    expect(results).toHaveLength(1);
    vi.advanceTimersByTime(300);
    expect(results).toHaveLength(2);
  });
});
