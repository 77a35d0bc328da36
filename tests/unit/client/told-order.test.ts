import { expect, test } from 'vitest';
import type { ChangeReport, ReportedScope } from '../../../client/core/lists/change-reports.js';
import { TransactionOrder } from '../../../client/core/lists/transaction-order.js';

/** A message of the transaction `xid` about these rows. */
function told(xid: string, ...keys: string[]): ChangeReport {
  const root = {
    table: { name: 'tasks' },
    changes: keys.map((key) => ({ key })),
    related: [],
  } as unknown as ReportedScope;
  const message = { reset: null, root } as unknown as ChangeReport['messages'][number];
  return { xid, cursor: null, mutationId: null, messages: [message], unknown: new Set() };
}

const keysOf = ({ messages }: ChangeReport) =>
  messages.flatMap(({ root }) => root.changes.map(({ key }: { readonly key: string }) => key));

test('what a stream that lags behind says of a row is left out', () => {
  const order = new TransactionOrder();
  order.withoutOld(told('1', 'a'), 'X');
  order.withoutOld(told('2', 'b'), 'X');
  expect(keysOf(order.withoutOld(told('1', 'a', 'b', 'c'), 'Y'))).toEqual(['a', 'c']);
});

test('a transaction that another stream told first comes after what its own stream told before it', () => {
  const order = new TransactionOrder();
  order.withoutOld(told('2', 'elsewhere'), 'X');
  expect(keysOf(order.withoutOld(told('1', 'a'), 'Y'))).toEqual(['a']);
  expect(keysOf(order.withoutOld(told('2', 'a'), 'Y'))).toEqual(['a']);
  // And so does what the other stream told of it.
  expect(keysOf(order.withoutOld(told('1', 'elsewhere'), 'Z'))).toEqual([]);
});

test('what a stream tells a second time does not come after what it told since', () => {
  const order = new TransactionOrder();
  order.withoutOld(told('1', 'a'), 'X');
  order.withoutOld(told('2', 'a'), 'X');
  expect(keysOf(order.withoutOld(told('1', 'a'), 'X'))).toEqual([]);
  order.forget('X');
  expect(keysOf(order.withoutOld(told('1', 'a'), 'Y'))).toEqual([]);
});
