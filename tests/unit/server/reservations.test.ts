import pino from 'pino';
import { expect, test } from 'vitest';
import type { Limits, RequestInfo } from '../../../src/server/config.js';
import { createIdentify } from '../../../src/server/identity.js';
import { Quotas } from '../../../src/server/quotas.js';
import { Sessions } from '../../../src/server/sessions.js';
import { resolveSettings } from '../../../src/server/settings.js';
import { Reservations } from '../../../src/server/sse-reservations.js';

const { limits }: { readonly limits: Limits } = resolveSettings(
  { relations: {}, policies: {} } as never,
  {},
  'production',
);
const HOUR_MS = 3_600_000;

/** A request whose context says until when its session lasts; `never`: it says nothing. */
const requestUntil = (until: number | 'never'): RequestInfo => ({
  headers: new Headers({ until: String(until) }),
  transport: 'http',
});

test.each([
  ['never', Date.now() + HOUR_MS, 'never'],
  [Date.now() + HOUR_MS, Date.now() + 2 * HOUR_MS, 'later'],
  [Date.now() + 2 * HOUR_MS, Date.now() + HOUR_MS, 'unchanged'],
  [Date.now() + HOUR_MS, 'never', 'never'],
] as const)(
  'a reservation until %s, asked for until %s, is never shortened: %s',
  async (first, second, expected) => {
    const identify = createIdentify(
      async () => ({}),
      (_claims, { headers }) => {
        const until = headers.get('until')!;
        return { subject: 'one', expiresAt: until === 'never' ? null : new Date(Number(until)) };
      },
    );
    const sessions = new Sessions({ identify, contextMaxAgeSeconds: 0 });
    const logger = pino({ level: 'silent' });
    const reservations = new Reservations({ limits, quotas: new Quotas(limits), logger });
    const own = await sessions.open(null, requestUntil(first));
    const reservation = reservations.reserve(own, requestUntil(first), null);
    const request = await sessions.open(null, requestUntil(second));
    reservations.find(reservation.token, request);
    const end = reservation.session.identity.expiresAtMs;
    const wanted = { never: null, later: second, unchanged: first }[expected];
    expect(end).toBe(wanted);
    reservation.close();
    request.leave();
  },
);
