import { expect, test } from 'vitest';
import { createIdentityResolver } from '../../../src/server/auth/identity.js';
import { SessionRegistry } from '../../../src/server/auth/session-registry.js';

const request = { headers: new Headers(), transport: 'websocket' } as const;
const verify = async () => ({ sub: 'ada' });

test('a context that never settles is given up, also one that is no promise of this realm', async () => {
  // biome-ignore lint/suspicious/noThenProperty: a query builder has one.
  const never = { then: () => {} };
  const identify = createIdentityResolver(verify, () => never, 0, 0.01);
  await expect(identify.byToken(null, request)).rejects.toMatchObject({ code: 'CONTEXT_TIMED_OUT' });
});

test('a token that comes while the rights are found out does not hide that they changed', async () => {
  let gate: Promise<void> = Promise.resolve();
  const user = { may: () => true };
  const identify = createIdentityResolver(verify, async () => {
    await gate;
    return user;
  });
  const sessions = new SessionRegistry({ identify, contextMaxAgeSeconds: 0 });
  const session = await sessions.open('token', request);
  let changes = 0;
  session.hold({ request, rightsChanged: () => changes++, ended() {} });
  let release = (): void => {};
  gate = new Promise((resolve) => {
    release = resolve;
  });
  const changed = sessions.rightsChanged('ada');
  gate = Promise.resolve();
  await sessions.renew(session, 'token', request);
  expect(session.isSuspended).toBe(false);
  expect(changes).toBe(1);
  release();
  await changed;
});
