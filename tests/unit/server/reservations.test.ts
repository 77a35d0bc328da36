import { expect, test } from 'vitest';
import { createIdentityResolver } from '../../../src/server/auth/identity.js';
import { SessionRegistry } from '../../../src/server/auth/session-registry.js';
import type { RequestInfo, ServerLimits } from '../../../src/server/engine/config.js';
import { resolveSettings } from '../../../src/server/engine/settings.js';
import { ServerQuotas } from '../../../src/server/quotas/quotas.js';
import { ReservedStreams } from '../../../src/server/transport/sse/reserved-streams.js';

const { limits }: { readonly limits: ServerLimits } = resolveSettings(
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
    const identify = createIdentityResolver(
      async () => ({}),
      (_claims, { headers }) => {
        const until = headers.get('until')!;
        return { subject: 'one', expiresAt: until === 'never' ? null : new Date(Number(until)) };
      },
    );
    const sessions = new SessionRegistry({ identify, contextMaxAgeSeconds: 0 });
    const reservations = new ReservedStreams({ limits, quotas: new ServerQuotas(limits) });
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
