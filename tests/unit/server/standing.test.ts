import { describe, expect, test } from 'vitest';
import { RightsFacts } from '../../../src/server/auth/rights-facts.js';
import type { TokenClaims } from '../../../src/server/engine/config.js';

const of = (user: unknown) => RightsFacts.of({ user, claims: null });

const ROLE = Symbol('role');
const hiding = (role: string) => Object.defineProperty({}, 'role', { value: role });
class Roles extends Array<string> {}

describe('a standing', () => {
  test.each([
    ['nothing', null, null],
    ['a text', 'ada', 'ada'],
    ['the same properties', { a: 1, b: { c: [1, 2] } }, { b: { c: [1, 2] }, a: 1 }],
    ['another expiry', { a: 1, expiresAt: 5 }, { a: 1, expiresAt: 6 }],
    [
      'dates, maps and sets',
      [new Date(5), new Map([[1, { a: 2 }]]), new Set(['x'])],
      [new Date(5), new Map([[1, { a: 2 }]]), new Set(['x'])],
    ],
  ])('of %s equals another one of the same', (_what, one, other) => {
    expect(of(one).equals(of(other))).toBe(true);
  });

  test.each([
    ['another role', { role: 'a' }, { role: 'b' }],
    ['a property less', { role: 'a', more: undefined }, { role: 'a' }],
    ['an expiry deeper inside', { a: { expiresAt: 5 } }, { a: { expiresAt: 6 } }],
    ['a map and a set', new Map([['a', 'b']]), new Set(['a', 'b'])],
    ['functions, which may see other state', { may: of }, { may: of }],
    [
      'objects of classes, which may have hidden state',
      { at: new URL('http://a/') },
      { at: new URL('http://a/') },
    ],
    ['a member with a symbol as its name', { [ROLE]: 'a' }, { [ROLE]: 'b' }],
    ['a hidden member', hiding('a'), hiding('b')],
    ['a class of lists, which may have hidden state', new Roles('a'), new Roles('a')],
    [
      'what is too large to compare',
      Array.from({ length: 2_000 }, () => ({})),
      Array.from({ length: 2_000 }, () => ({})),
    ],
  ])('does not equal one with %s', (_what, one, other) => {
    expect(of(one).equals(of(other))).toBe(false);
  });

  test('is of its moment, also of an object that is changed in place', () => {
    const session = { roles: ['editor'], teams: new Map([['a', { level: 1 }]]) };
    const before = of(session);
    session.teams.get('a')!.level = 2;
    expect(before.equals(of(session))).toBe(false);
  });

  test('of an object that contains itself ends', () => {
    const session: Record<string, unknown> = { role: 'editor' };
    session.self = session;
    expect(of(session).equals(of(session))).toBe(true);
  });

  test('without a context leaves out what every token says anew', () => {
    const at = (claims: TokenClaims) => RightsFacts.of({ user: claims, claims });
    expect(
      at({ sub: '1', exp: 5, iat: 1, jti: 'a' }).equals(at({ sub: '1', exp: 6, iat: 2, jti: 'b' })),
    ).toBe(true);
    expect(at({ sub: '1', role: 'a' }).equals(at({ sub: '1', role: 'b' }))).toBe(false);
  });
});
