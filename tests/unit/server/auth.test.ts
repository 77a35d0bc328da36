import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { exportJWK, generateKeyPair, SignJWT } from 'jose';
import { afterAll, describe, expect, test } from 'vitest';
import { bearerToken, createTokenVerifier, signToken } from '../../../src/server/auth/token-verifier.js';

const SECRET = 'a secret of the tests, long enough for HS256';
const verify = createTokenVerifier({ secret: SECRET });

describe('with a secret', () => {
  test('what was signed is verified, and says whose it is', async () => {
    expect(await verify(await signToken(SECRET, '7', 60))).toMatchObject({ sub: '7' });
  });

  test('an expired token is told apart from one that is not good, and a tolerance for clocks is kept', async () => {
    const expired = await signToken(SECRET, '7', -30);
    await expect(verify(expired)).rejects.toMatchObject({ code: 'TOKEN_EXPIRED' });
    const lenient = createTokenVerifier({ secret: SECRET, clockToleranceSeconds: 60 });
    expect(await lenient(expired)).toMatchObject({ sub: '7' });
    await expect(verify('x.y.z')).rejects.toMatchObject({ code: 'TOKEN_INVALID' });
  });

  test('a token that never expires, or is nobody’s, is refused', async () => {
    const key = new TextEncoder().encode(SECRET);
    const header = { alg: 'HS256' };
    const eternal = await new SignJWT({ sub: '7' }).setProtectedHeader(header).sign(key);
    const nobodys = await new SignJWT().setProtectedHeader(header).setExpirationTime('1h').sign(key);
    await expect(verify(eternal)).rejects.toMatchObject({ code: 'TOKEN_INVALID' });
    await expect(verify(nobodys)).rejects.toMatchObject({ code: 'TOKEN_INVALID' });
  });

  test('issuer and audience are checked where they are configured', async () => {
    const strict = createTokenVerifier({
      secret: SECRET,
      issuer: 'https://issuer.example',
      audience: 'rivulet',
    });
    const make = (issuer: string, audience: string) =>
      new SignJWT({ sub: '7' })
        .setProtectedHeader({ alg: 'HS256' })
        .setIssuer(issuer)
        .setAudience(audience)
        .setExpirationTime('1h')
        .sign(new TextEncoder().encode(SECRET));
    expect(await strict(await make('https://issuer.example', 'rivulet'))).toMatchObject({ sub: '7' });
    await expect(strict(await make('https://other.example', 'rivulet'))).rejects.toMatchObject({
      code: 'TOKEN_INVALID',
    });
    await expect(strict(await make('https://issuer.example', 'other'))).rejects.toMatchObject({
      code: 'TOKEN_INVALID',
    });
  });

  test('a short secret is refused, and no secret means no token is good', async () => {
    expect(() => createTokenVerifier({ secret: 'short' })).toThrow(
      expect.objectContaining({ code: 'AUTH_SECRET_WEAK' }),
    );
    await expect(createTokenVerifier({})(await signToken(SECRET, '7', 60))).rejects.toMatchObject({
      code: 'TOKEN_INVALID',
    });
  });
});

describe('with a key set', async () => {
  const { publicKey, privateKey } = await generateKeyPair('ES256');
  const jwk = { ...(await exportJWK(publicKey)), kid: 'one', alg: 'ES256' };
  let requests = 0;
  const keys = await serve((respond) => {
    requests++;
    respond(200, JSON.stringify({ keys: [jwk] }));
  });
  const sign = (kid: string) =>
    new SignJWT({ sub: '7' })
      .setProtectedHeader({ alg: 'ES256', kid })
      .setExpirationTime('1h')
      .sign(privateKey);

  test('a token of one of its keys is good, and the set is fetched once', async () => {
    const verifyByKey = createTokenVerifier({ jwks: keys });
    expect(await verifyByKey(await sign('one'))).toMatchObject({ sub: '7' });
    expect(await verifyByKey(await sign('one'))).toMatchObject({ sub: '7' });
    expect(requests).toBe(1);
  });

  test('a token of another key is not good', async () => {
    await expect(createTokenVerifier({ jwks: keys })(await sign('two'))).rejects.toMatchObject({
      code: 'TOKEN_INVALID',
    });
  });

  test('a token signed by the public key as if it were a secret is not good', async () => {
    const confused = await new SignJWT({ sub: '7' })
      .setProtectedHeader({ alg: 'HS256', kid: 'one' })
      .setExpirationTime('1h')
      .sign(new TextEncoder().encode(JSON.stringify(jwk)));
    await expect(createTokenVerifier({ jwks: keys })(confused)).rejects.toMatchObject({
      code: 'TOKEN_INVALID',
    });
  });

  test('a key set that cannot be fetched is no fault of the token', async () => {
    const broken = await serve((respond) => respond(500, ''));
    for (const jwks of [broken, 'http://127.0.0.1:1/keys']) {
      await expect(createTokenVerifier({ jwks })(await sign('one'))).rejects.toMatchObject({
        code: 'AUTH_UNAVAILABLE',
      });
    }
  });
});

test('only `Bearer <token>` is a token; nothing is nobody', () => {
  expect([null, undefined, ''].map(bearerToken)).toEqual([null, null, null]);
  expect(['Bearer a.b.c', 'bearer  a.b.c '].map(bearerToken)).toEqual(['a.b.c', 'a.b.c']);
  for (const header of ['Basic YTpi', 'Bearer', 'Bearer a b', 'a.b.c']) {
    expect(() => bearerToken(header)).toThrow(expect.objectContaining({ code: 'TOKEN_INVALID' }));
  }
});

const servers: Server[] = [];
afterAll(() => {
  for (const server of servers) server.close();
});

async function serve(answer: (respond: (status: number, body: string) => void) => void): Promise<string> {
  const server = createServer((_request, response) => {
    answer((status, body) => response.writeHead(status, { 'content-type': 'application/json' }).end(body));
  });
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/keys`;
}
