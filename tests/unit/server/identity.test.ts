import { expect, test } from 'vitest';
import { createIdentify } from '../../../src/server/identity.js';
import { Sessions } from '../../../src/server/sessions.js';

const request = { headers: new Headers(), transport: 'websocket' } as const;
const verify = async () => ({ sub: 'ada' });

test('a context that never settles is given up, also one that is no promise of this realm', async () => {
  // biome-ignore lint/suspicious/noThenProperty: a query builder has one.
  const never = { then: () => {} };
  const identify = createIdentify(verify, () => never, 0, 0.01);
  await expect(identify.byToken(null, request)).rejects.toMatchObject({ code: 'CONTEXT_TIMED_OUT' });
});

test('a token that comes while the rights are found out does not hide that they changed', async () => {
  let gate: Promise<void> = Promise.resolve();
  const user = { may: () => true };
  const identify = createIdentify(verify, async () => {
    await gate;
    return user;
  });
  const sessions = new Sessions({ identify, contextMaxAgeSeconds: 0 });
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
