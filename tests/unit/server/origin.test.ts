import { expect, test } from 'vitest';
import { isAllowedOrigin, isLoopbackHost } from '../../../src/server/transport/http/origin.js';

const host = 'api.example.com:4000';
const allowed = ['https://app.example.com'];

test.each([
  [{ host }, 'request', true],
  [{ host }, 'upgrade', true],
  [{ host, cookie: 'a=b' }, 'request', true],
  [{ host, cookie: 'a=b' }, 'upgrade', false],
  [{ host, origin: `https://${host}`, cookie: 'a=b' }, 'upgrade', true],
  [{ host, origin: 'https://app.example.com' }, 'upgrade', true],
  [{ host, origin: 'https://app.example.com:8443' }, 'upgrade', false],
  [{ host, origin: 'https://api.example.com' }, 'upgrade', false],
  [{ host, origin: `https://x${host}` }, 'upgrade', false],
  [{ host, origin: `https://${host}.evil.example` }, 'upgrade', false],
  [{ host, origin: 'null' }, 'upgrade', false],
  [{ host, origin: '' }, 'upgrade', false],
  [{ origin: 'https://undefined' }, 'upgrade', false],
] as const)('%j %s: %s', (headers, kind, verdict) => {
  expect(isAllowedOrigin(headers, allowed, kind)).toBe(verdict);
});

test('only names that no foreign page is served under are loopback names', () => {
  const names = ['localhost', 'LOCALHOST:4000', '127.0.0.1:4000', '[::1]:4000'];
  expect(names.map(isLoopbackHost)).toEqual(names.map(() => true));
  const foreign = [
    'localhost.evil.example',
    'evil.example',
    '127.0.0.1.evil.example',
    'localhost:4000.evil',
    '',
    undefined,
  ];
  expect(foreign.map(isLoopbackHost)).toEqual(foreign.map(() => false));
});
