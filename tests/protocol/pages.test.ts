import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { type IncomingHttpHeaders, request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { afterAll, describe, expect, test } from 'vitest';
import { serveExample } from '../support/example-server.js';

const SECRET = 'a secret of the tests, long enough for HS256';
const PEOPLE = [{ id: '1', name: 'ada', token: 'not a real token' }];

const outside = await mkdtemp(join(tmpdir(), 'rivulet-pages-'));
const folder = join(outside, 'dist');
await mkdir(join(folder, 'assets'), { recursive: true });
await writeFile(join(outside, 'secret.txt'), 'secret');
await writeFile(join(folder, 'index.html'), '<title>Pages</title>');
await writeFile(join(folder, '.hidden'), 'hidden');
await writeFile(join(folder, 'assets', 'index-BxK3_a9Z.js'), `/* ${'long '.repeat(200)} */`);
await symlink(join(outside, 'secret.txt'), join(folder, 'link.txt'));
afterAll(() => rm(outside, { recursive: true }));

const withPages = await serveExample({ pages: { folder } }, { secret: SECRET, people: PEOPLE });
const inProduction = await serveExample({}, { secret: SECRET, people: PEOPLE, mode: 'production' });

interface Answer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
}

/** As it stands: `fetch` would tidy the path up, and forbids some headers. */
function ask(path: string, headers: Record<string, string> = {}, method = 'GET', url = withPages.url) {
  const { hostname, port } = new URL(url);
  return new Promise<Answer>((resolve, reject) => {
    const asked = request({ hostname, port, path, method, headers }, (response) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => chunks.push(chunk));
      response.on('end', () => {
        resolve({ status: response.statusCode!, headers: response.headers, body: Buffer.concat(chunks) });
      });
    });
    asked.on('error', reject);
    asked.end();
  });
}

describe('pages', () => {
  test('the root is index.html, to be asked for again each time, and not answered where it is the same', async () => {
    const first = await ask('/?from=somewhere');
    expect([first.status, String(first.body)]).toEqual([200, '<title>Pages</title>']);
    expect(first.headers).toMatchObject({
      'content-type': 'text/html; charset=utf-8',
      'cache-control': 'no-cache',
      'x-content-type-options': 'nosniff',
      'x-frame-options': 'DENY',
    });
    const again = await ask('/', { 'if-none-match': `"other", W/${first.headers.etag}` });
    expect([again.status, again.body.length]).toEqual([304, 0]);
  });

  test('a file whose name has its hash is kept, and compressed for whoever takes that', async () => {
    const plain = await ask('/assets/index-BxK3_a9Z.js');
    expect(plain.headers['content-type']).toBe('text/javascript; charset=utf-8');
    expect(plain.headers['cache-control']).toBe('public, max-age=31536000, immutable');
    const zipped = await ask('/assets/index-BxK3_a9Z.js', { 'accept-encoding': 'br, gzip' });
    expect(zipped.headers['content-encoding']).toBe('gzip');
    expect(zipped.body.length).toBeLessThan(plain.body.length);
    expect(gunzipSync(zipped.body)).toEqual(plain.body);
  });

  test('HEAD answers without a body; other methods find nothing', async () => {
    const head = await ask('/', {}, 'HEAD');
    expect([head.status, head.headers['content-length'], head.body.length]).toEqual([200, '20', 0]);
    expect((await ask('/', { 'content-type': 'text/plain' }, 'POST')).status).not.toBe(200);
    expect((await ask('/index.html', {}, 'DELETE')).status).toBe(404);
  });

  test.each([
    '/../secret.txt',
    '/assets/../../secret.txt',
    '/%2e%2e/secret.txt',
    '/..%2fsecret.txt',
    '/assets/..%5c..%5csecret.txt',
    '/link.txt',
    '/.hidden',
    '/assets',
    '/assets/',
    '//index.html',
    '/index.html%00.js',
    '/%ff',
    '/__proto__',
  ])('%s is not there', async (path) => {
    const { status, body } = await ask(path);
    expect(status).toBe(404);
    expect(JSON.parse(String(body))).toMatchObject({ errors: [{ extensions: { code: 'NOT_FOUND' } }] });
  });

  test('pages do not cover the API', async () => {
    expect((await ask('/health/live')).status).toBe(200);
    expect(String((await ask('/graphql', { accept: 'text/html' })).body)).toContain('GraphiQL');
  });
});

describe('the people to sign in as', () => {
  const { host } = new URL(withPages.url);

  test('are handed to a page of this server', async () => {
    const { status, headers, body } = await ask('/development/people', { 'sec-fetch-site': 'same-origin' });
    expect([status, headers['cache-control']]).toEqual([200, 'no-store']);
    expect(JSON.parse(String(body))).toEqual(PEOPLE);
  });

  test.each([
    ['a page of another origin', { host, origin: 'https://evil.example' }],
    ['a page of another site that hides its origin', { host, 'sec-fetch-site': 'cross-site' }],
    ['a page of another port', { host, 'sec-fetch-site': 'same-site' }],
    ['a page under a foreign name', { host: 'rebound.example' }],
  ])('are not handed to %s', async (_who, headers) => {
    const { status, body } = await ask('/development/people', headers);
    expect(status).toBe(404);
    expect(String(body)).not.toContain('token"');
  });

  test('do not exist in production, nor does the manifest where introspection is off', async () => {
    expect((await ask('/development/people', {}, 'GET', inProduction.url)).status).toBe(404);
    expect((await ask('/manifest.json', {}, 'GET', inProduction.url)).status).toBe(404);
  });
});

test('the manifest is served in development, as the client has it', async () => {
  const { default: generated } = await import('../../client/generated/manifest.json', {
    with: { type: 'json' },
  });
  expect(JSON.parse(String((await ask('/manifest.json')).body))).toEqual(generated);
});
