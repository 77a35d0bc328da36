import { parse } from 'graphql';
import { vi } from 'vitest';
import { createLiveQueries } from '../../../client/core/live/live-queries.js';
import type { LiveAnswer, LiveResult, StreamSink } from '../../../client/core/live/transport.js';
import { manifest } from '../client/blog.js';

interface PlayedStream {
  readonly field: string;
  readonly sink: StreamSink;
  isOpen: boolean;
}

/** One live query of a client whose server is played by the test. */
export interface PlayedQuery {
  readonly results: readonly LiveResult[];
  /** What it shows now. */
  readonly data: unknown;
  /** The questions that were asked. */
  readonly asked: number;
  /** Streams that run. */
  readonly streams: number;
  answer(data: object | null, cursor?: string | null, errors?: readonly unknown[]): void;
  fail(): void;
  /** A message of its newest stream of the field. */
  tell(xid: string, changes: readonly object[], more?: object): void;
  cut(): void;
  refetch(): void;
  again(): void;
  stop(): void;
}

export interface Played {
  readonly live: ReturnType<typeof createLiveQueries>;
  readonly problems: readonly unknown[];
  /** How often results were shown, however many came together. */
  readonly flushes: number;
  watch(query: string): PlayedQuery;
  connect(isConnected: boolean): void;
}

/** Several live queries of one client, with a clock that stands still. */
export function played(): Played {
  vi.useFakeTimers();
  const problems: unknown[] = [];
  const streams: PlayedStream[] = [];
  const listeners = new Map<string, () => void>();
  let flushes = 0;
  const live = createLiveQueries({
    manifest,
    onError: (problem) => problems.push(problem),
    batch: (emit) => {
      flushes++;
      emit();
    },
    client: {
      on: ((event: string, listener: () => void) => {
        listeners.set(event, listener);
        return () => {};
      }) as never,
      subscribe: (request, sink) => {
        const [, field = ''] = /\{ (\w+)\(/.exec(request.query) ?? [];
        const stream = { field, sink, isOpen: true };
        streams.push(stream);
        return () => {
          stream.isOpen = false;
        };
      },
    },
  });
  const watch = (query: string): PlayedQuery => {
    const answers: ((answer: LiveAnswer) => void)[] = [];
    const results: LiveResult[] = [];
    const own = new Set<PlayedStream>();
    const around = <T>(run: () => T): T => {
      const from = streams.length;
      const given = run();
      for (const stream of streams.slice(from)) own.add(stream);
      return given;
    };
    const watching = live.watch(
      parse(query),
      {},
      (_document, _variables, done) => {
        answers.push((answer) => around(() => done(answer)));
        return () => {};
      },
      (result) => results.push(result),
    );
    const open = () => [...own].filter(({ isOpen }) => isOpen);
    return {
      results,
      get data() {
        return results.at(-1)?.data;
      },
      get asked() {
        return answers.length;
      },
      get streams() {
        return open().length;
      },
      answer: (data, cursor = 'c', errors) =>
        answers.at(-1)!({ data, errors, ...(cursor && { extensions: { rivulet: { cursor } } }) }),
      fail: () => answers.at(-1)!({ errors: [new Error('offline')], unreachable: true }),
      tell: (xid, changes, more) => {
        const { field, sink } = open().at(-1)!;
        const message = {
          cursor: `after ${xid}`,
          reset: null,
          transaction: { xid, mutationId: null },
          changes,
        };
        around(() => sink.next({ data: { [field]: { ...message, ...more } } }));
      },
      cut: () => around(() => open().at(-1)!.sink.error(new Error('the socket closed'))),
      refetch: () => watching.refetch(),
      again: () => watching.repeatOrRefetch(),
      stop: () => watching.stop(),
    };
  };
  return {
    live,
    problems,
    get flushes() {
      return flushes;
    },
    watch,
    connect: (isConnected) => listeners.get(isConnected ? 'connected' : 'closed')?.(),
  };
}

/** A row that changed. */
export function changed(id: string, node: object, names: readonly string[] = Object.keys(node)): object {
  return { kind: 'UPDATE', op: 'UPDATE', key: id, node: { id, ...node }, changedColumns: names };
}
