import { describe, expect, test } from 'vitest';
import { readMessage } from '../../../src/server/transport/websocket/read-message.js';

const MAX_DEPTH = 5;
const read = (message: unknown) => readMessage(JSON.stringify(message), MAX_DEPTH);
const nested = (depth: number): unknown => (depth === 0 ? 1 : { a: nested(depth - 1) });

describe('an operation that names its document by an id', () => {
  test.each([
    ['documentId', { documentId: 'sha256:x' }],
    ['persistedQuery', { extensions: { persistedQuery: { version: 1, sha256Hash: 'x' } } }],
  ])('(%s) needs no query', (_name, payload) => {
    const message = { id: 'a', type: 'subscribe', payload };
    expect(read(message)).toEqual({ ...message, payload: { ...payload, query: '' } });
  });

  test('keeps the query that it brings', () => {
    const message = { id: 'a', type: 'subscribe', payload: { documentId: 'x', query: '{ a }' } };
    expect(read(message)).toEqual(message);
  });

  test('is otherwise a message like any other', () => {
    for (const more of [{ id: 1 }, { id: '' }, { payload: { documentId: 'x', variables: [] } }]) {
      const message = { id: 'a', type: 'subscribe', payload: { documentId: 'x' }, ...more };
      expect(read(message)).toMatchObject({ type: 'invalid' });
    }
  });

  test('and nests deeper than is allowed is not read', () => {
    const of = (depth: number) =>
      read({ id: 'a', type: 'subscribe', payload: { documentId: 'x', variables: nested(depth) } });
    expect(of(MAX_DEPTH - 1)).toMatchObject({ type: 'subscribe' });
    expect(of(MAX_DEPTH)).toMatchObject({
      type: 'invalid',
      reason: expect.stringContaining('VARIABLES_TOO_DEEP'),
    });
  });
});

test('a payload that nests deeper than is allowed is not read; an operation is answered with an error of its own', () => {
  for (const type of ['connection_init', 'ping', 'pong']) {
    expect(read({ type, payload: nested(MAX_DEPTH) })).toMatchObject({ type });
    expect(read({ type, payload: nested(MAX_DEPTH + 1) })).toMatchObject({
      type: 'invalid',
      reason: expect.stringContaining('VARIABLES_TOO_DEEP'),
    });
  }
  const variables = nested(100);
  expect(read({ id: 'a', type: 'subscribe', payload: { query: '{ a }', variables } })).toMatchObject({
    type: 'subscribe',
  });
});

test('nesting of any depth costs no stack', () => {
  const deep = `${'['.repeat(50_000)}${']'.repeat(50_000)}`;
  for (const payload of [`{"v":${deep}}`, deep]) {
    for (const type of ['ping', 'error', 'nonsense']) {
      expect(readMessage(`{"type":"${type}","id":"a","payload":${payload}}`, MAX_DEPTH)).toMatchObject({
        type: 'invalid',
      });
    }
  }
});
