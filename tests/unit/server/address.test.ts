import type { IncomingHttpHeaders } from 'node:http';
import pino from 'pino';
import { describe, expect, test } from 'vitest';
import { addressOf, ClientAddresses, isDirectLoopback } from '../../../src/server/auth/client-address.js';

const PROXY = '10.0.0.1';

const from = (remoteAddress: string | undefined, headers: IncomingHttpHeaders = {}) =>
  ({ headers, socket: { remoteAddress } }) as Parameters<typeof addressOf>[0];
const through = (header: string, proxies = 1, peer = PROXY) =>
  addressOf(from(peer, { 'x-forwarded-for': header }), proxies);

describe('an entry of X-Forwarded-For', () => {
  test.each([
    ['203.0.113.7', '203.0.113.7'],
    ['203.0.113.7:5678', '203.0.113.7'],
    ['"203.0.113.7:5678"', '203.0.113.7'],
    [' 203.0.113.7 ', '203.0.113.7'],
    ['::ffff:203.0.113.7', '203.0.113.7'],
    ['::FFFF:cb00:7107', '203.0.113.7'],
    ['[::ffff:203.0.113.7]:80', '203.0.113.7'],
    ['2001:db8:1:2::9', '2001:db8:1:2::/64'],
    ['2001:0DB8:0001:0002:0000::9', '2001:db8:1:2::/64'],
    ['[2001:db8:1:2::9]', '2001:db8:1:2::/64'],
    ['"[2001:db8:1:2::9]:443"', '2001:db8:1:2::/64'],
    ['2001:db8:1:2:3:4:5.6.7.8', '2001:db8:1:2::/64'],
    ['fe80::1%eth0', 'fe80:0:0:0::/64'],
  ])('%s counts for %s', (entry, address) => {
    expect(through(entry)).toBe(address);
  });

  test.each([
    '',
    ' ',
    'unknown',
    '_hidden',
    '1.2.3',
    '1.2.3.4.5',
    '1.2.3.4:x',
    '[::1',
    '256.1.1.1',
    'for=1.2.3.4',
    '::g',
    '"',
    '💥',
  ])('that is no address, such as %j, counts for one address of all such', (entry) => {
    expect(through(entry)).toBe('unknown');
    expect(through(entry, 1, '127.0.0.1')).toBe('unknown');
    expect(through(`198.51.100.1, ${entry}`)).toBe('unknown');
  });

  test.each(['127.0.0.1', '::1', '[::1]:443', '::ffff:127.0.0.1', '127.1.2.3'])(
    'that says %s is limited, since a client may have written it',
    (entry) => {
      expect(through(entry)).not.toBeNull();
    },
  );

  test('counts from the right end, so that what a client writes makes no other address', () => {
    for (const forged of ['', '1.1.1.1, ', 'x, ', ',,', '1.1.1.1:1, garbage, ']) {
      expect(through(`${forged}203.0.113.7:80`)).toBe('203.0.113.7');
      expect(through(`${forged}203.0.113.7:80, 10.0.0.2`, 2)).toBe('203.0.113.7');
    }
    expect(through('203.0.113.7', 3)).toBe('203.0.113.7');
  });

  test('is not read without trusted proxies, and Forwarded never is', () => {
    expect(through('203.0.113.7', 0)).toBe(PROXY);
    expect(addressOf(from(PROXY, { forwarded: 'for=203.0.113.7' }), 1)).toBe(PROXY);
  });
});

describe('this very machine', () => {
  test.each(['127.0.0.1', '::1', '::ffff:127.0.0.1', '127.5.5.5'])('is not limited at %s', (peer) => {
    expect(addressOf(from(peer), 0)).toBeNull();
    expect(addressOf(from(peer), 1)).toBeNull();
    expect(isDirectLoopback(from(peer))).toBe(true);
  });

  test.each(['x-forwarded-for', 'forwarded', 'x-real-ip', 'via', 'x-forwarded-host', 'x-forwarded-proto'])(
    'is limited behind a proxy that sends %s, and the log says so once',
    (name) => {
      const lines: string[] = [];
      const logger = pino({}, { write: (line) => lines.push(line) });
      const addresses = new ClientAddresses(0, logger);
      const request = from('127.0.0.1', { [name]: 'x' });
      expect([addresses.of(request), addresses.of(request)]).toEqual(['127.0.0.1', '127.0.0.1']);
      expect(lines).toHaveLength(1);
      expect(lines[0]).toContain('server.trustedProxies');
      expect(isDirectLoopback(request)).toBe(false);
    },
  );

  test('a peer that is gone counts, too', () => {
    expect(addressOf(from(undefined), 0)).toBe('unknown');
  });
});
