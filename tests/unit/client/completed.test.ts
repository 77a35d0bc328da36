import { parse, print } from 'graphql';
import { describe, expect, test } from 'vitest';
import {
  completeDocument,
  FieldShapes,
  ResponseListener,
  resumeParametersOf,
  streamReader,
} from '../../../client/core/lists/index.js';
import { schema } from './blog.js';

const squeezed = (text: string) => text.replace(/\s+/g, ' ').trim();
const completed = (text: string) => completeDocument(new FieldShapes(schema), parse(text))!;
const OWN = 'subscription { postChanges { changes { node { name } } } }';
const message = (more: object = {}) => ({
  postChanges: {
    cursor: 'c1',
    reset: null,
    transaction: { xid: '7', mutationId: 'mine' },
    changes: [
      { kind: 'UPDATE', op: 'UPDATE', key: '1', changedColumns: ['name'], node: { id: '1', name: 'n' } },
    ],
    ...more,
  },
});

describe('a document of a change stream', () => {
  test('is asked with what says where it is and of which transaction it tells', () => {
    expect(squeezed(print(completed(OWN).document))).toBe(
      'subscription { postChanges { changes { node { name id } kind op key changedColumns } cursor reset transaction { xid mutationId } } }',
    );
  });

  test('of a transaction gets all that is needed, whatever it asked of it itself', () => {
    const { document, strip } = completed(
      'subscription { postChanges { cursor reset transaction { at: loggedAt xid: mutationId } changes { kind } } }',
    );
    expect(squeezed(print(document))).toContain('rivulet_transaction: transaction { xid mutationId }');
    const transaction = { at: 'now', xid: 'mine' };
    const answer = {
      ...message({ transaction }).postChanges,
      rivulet_transaction: { xid: '7', mutationId: 'mine' },
    };
    expect(strip({ postChanges: answer })).toMatchObject({ postChanges: { transaction } });
    expect(
      Object.keys((strip({ postChanges: answer }) as { postChanges: object }).postChanges),
    ).not.toContain('rivulet_transaction');
    expect(streamReader(schema, document, {})!.read({ postChanges: answer })).toMatchObject({
      xid: '7',
      mutationId: 'mine',
      cursor: 'c1',
    });
  });

  test('shows nothing of what was added', () => {
    const { document, strip } = completed(OWN);
    const told = streamReader(schema, document, {})!.read(message());
    expect(told).toMatchObject({ cursor: 'c1', xid: '7', mutationId: 'mine', unknown: new Set() });
    expect(strip(message())).toEqual({ postChanges: { changes: [{ node: { name: 'n' } }] } });
  });
});

describe('where a stream resumes', () => {
  const listener = () =>
    new ResponseListener(
      schema,
      () => ({ field: () => false, row: () => false, column: () => false }),
      () => {},
    );
  const asked = { query: completed(OWN).document, variables: {} };

  test('is at its last message, and is forgotten when it ends', () => {
    const heard = listener();
    expect(heard.cursorOf('stream')).toBeUndefined();
    heard.message('stream', asked, message());
    heard.message('stream', asked, message({ cursor: 'c2' }));
    heard.message('other', asked, message({ cursor: 'c3' }));
    expect(heard.cursorOf('stream')).toBe('c2');
    heard.forget('stream');
    expect(heard.cursorOf('stream')).toBeUndefined();
  });

  test('does not move over a message that could not be read', () => {
    const heard = listener();
    heard.message('stream', asked, message());
    heard.message('stream', asked, message({ cursor: 'c2', changes: 'none' }));
    expect(heard.cursorOf('stream')).toBe('c1');
  });

  test('is read anew each time the request is sent, and before it is known is what the request says', () => {
    let cursor: string | undefined;
    const request = resumeParametersOf(
      {
        query: parse(
          'subscription ($from: String, $n: Int) { postChanges(after: $from, limit: $n) { cursor } }',
        ),
        variables: { from: 'first', n: 1 },
      },
      { own: true, rivulet: { after: 'mine', more: 2 } },
      () => cursor,
    );
    const sent = () => JSON.parse(JSON.stringify(request));
    expect(sent()).toEqual({
      variables: { from: 'first', n: 1 },
      extensions: { own: true, rivulet: { after: 'mine', more: 2 } },
    });
    cursor = 'c1';
    expect(sent()).toEqual({
      variables: { from: 'c1', n: 1 },
      extensions: { own: true, rivulet: { after: 'c1', more: 2 } },
    });
    cursor = 'c2';
    expect(sent().variables.from).toBe('c2');
  });

  test('says nothing where nothing is known', () => {
    const query = parse('subscription { postChanges { cursor } }');
    const request = resumeParametersOf({ query, variables: {} }, undefined, () => undefined);
    expect(JSON.parse(JSON.stringify(request))).toEqual({ variables: {}, extensions: { rivulet: {} } });
  });
});
