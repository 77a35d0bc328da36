import { gql, makeOperation, type Operation, type OperationResult } from '@urql/core';
import { expect, test } from 'vitest';
import { filter, makeSubject, never, pipe, subscribe } from 'wonka';
import { type StreamingOptions, streamingExchange } from '../../../client/urql/streaming-exchange.js';

const query: Operation = makeOperation(
  'query',
  { key: 7, query: gql('{ posts { id } }'), variables: {} },
  { url: 'http://nowhere.invalid/', requestPolicy: 'network-only' },
);

/** The exchange, with what it says of queries that are sent and answered; others play the cache before it and the network behind it. */
function played() {
  const asked: object[] = [];
  const repeated: object[] = [];
  const forgotten: object[] = [];
  const options = {
    live: { settle: () => {} },
    isLive: () => false,
    operations: { watched: new Set(), stale: new Set() },
    telling: {
      querySent: (_operation: Operation, question: object) => asked.push(question),
      readResult: (result: OperationResult) => result,
      repeatMissed: (_operation: Operation, question: object) => repeated.push(question),
      forget: (_operation: Operation, questions: Iterable<object>) => forgotten.push(...questions),
    },
    unasked: never,
  } as unknown as StreamingOptions;
  const before = makeSubject<Operation>();
  const answers = makeSubject<OperationResult>();
  const sent: Operation[] = [];
  const exchange = streamingExchange(options)({
    client: null as never,
    dispatchDebug: () => {},
    forward: (operations$) => {
      pipe(
        operations$,
        filter(({ kind }) => kind === 'query'),
        subscribe((operation) => sent.push(operation)),
      );
      return answers.source;
    },
  });
  pipe(
    exchange(before.source),
    subscribe(() => {}),
  );
  const answer = async (operation: Operation) => {
    answers.next({ operation, data: {}, stale: false, hasNext: false });
    await Promise.resolve();
  };
  return { asked, repeated, forgotten, sent, send: before.next, answer };
}

test('a query that is sent again before it is answered is two questions, each with its own answer, whichever comes first', async () => {
  const { asked, repeated, forgotten, sent, send, answer } = played();
  send(query);
  send(query);
  expect(new Set(asked).size).toBe(2);
  await answer(sent[1]!);
  expect(repeated).toEqual([asked[1]]);
  expect(repeated[0]).toBe(asked[1]);
  await answer(sent[0]!);
  expect(repeated[1]).toBe(asked[0]);
  expect(forgotten).toEqual([]);
});

test('what nobody waits for any more is forgotten, and nothing that was answered', async () => {
  const { asked, forgotten, sent, send, answer } = played();
  send(query);
  send(query);
  await answer(sent[0]!);
  send(makeOperation('teardown', query));
  expect(forgotten).toHaveLength(1);
  expect(forgotten[0]).toBe(asked[1]);
});
