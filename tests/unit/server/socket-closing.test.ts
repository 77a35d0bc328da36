import fc from 'fast-check';
import { GraphQLError } from 'graphql';
import { expect, test } from 'vitest';
import { closingOf, fittingReason } from '../../../src/server/transport/websocket/socket-closing.js';
import { propertyOptions } from '../../support/property.js';

/** RFC 6455, 5.5: a control frame carries 125 bytes, of which a close frame's code is two. */
const MAX_BYTES = 123;

/** Characters of one to four bytes, so that the bound falls at each place inside them. */
const mixed = fc.string({ unit: fc.constantFrom('a', 'ä', '€', '😀'), minLength: 20, maxLength: 150 });

test('a reason always fits a close frame, and is cut between characters', () => {
  fc.assert(
    fc.property(fc.oneof(mixed, fc.string({ maxLength: 300 })), (reason) => {
      const fitting = fittingReason(reason);
      expect(Buffer.byteLength(fitting)).toBeLessThanOrEqual(MAX_BYTES);
      expect(reason.startsWith(fitting)).toBe(true);
      // Not cut shorter than it has to be: the next character, of at most four bytes, has no room.
      if (fitting !== reason) expect(Buffer.byteLength(fitting)).toBeGreaterThan(MAX_BYTES - 3 - 4);
    }),
    propertyOptions(500),
  );
});

test.each([
  ['TOKEN_EXPIRED', 4403],
  ['SESSION_ENDED', 4403],
  ['TOO_MANY_CONNECTIONS', 1013],
  ['TOO_MANY_REQUESTS', 1013],
])('%s closes with %i, and is the first word of the reason', (code, closeCode) => {
  const error = new GraphQLError('why', { extensions: { code } });
  expect(closingOf(error)).toEqual({ code: closeCode, reason: `${code}: why` });
});
