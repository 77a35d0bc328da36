import { existsSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Browser, chromium } from 'playwright-core';
import { afterAll, expect, test } from 'vitest';
import config from '../../rivulet.config.js';
import { signToken } from '../../src/server/auth/token-verifier.js';
import { serveExample } from '../support/example-server.js';

const CHROMIUM = '/usr/bin/chromium';
const FLAGS = [
  '--headless',
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];
const SECRET = 'a secret of the tests, long enough for HS256';

const isInstalled = existsSync(CHROMIUM);
if (!isInstalled)
  console.warn(`the browser tests are left out: there is no ${CHROMIUM} (apt-get install chromium)`);

const adasToken = await signToken(SECRET, '1', 3_600);
const example = await serveExample(
  {},
  { secret: SECRET, graphiql: { token: adasToken, document: config.development?.document } },
);
let browser: Browser | undefined;
const pictures = await mkdtemp(join(tmpdir(), 'rivulet-pictures-'));
afterAll(async () => {
  await browser?.close();
  // Kept where somebody wants to look.
  if (process.env.RIVULET_PICTURES === undefined) await rm(pictures, { recursive: true });
  else console.log(`pictures are in ${pictures}`);
});

test.runIf(isInstalled)(
  'GraphiQL, opened by a browser, shows a row changed by SQL in its open tab, also after a reload, and loads nothing from elsewhere',
  async () => {
    browser = await chromium.launch({ executablePath: CHROMIUM, args: FLAGS });
    const page = await browser.newPage({ viewport: { width: 1300, height: 900 } });
    const elsewhere: string[] = [];
    page.on('request', (request) => {
      const { protocol, origin } = new URL(request.url());
      if (!['data:', 'blob:'].includes(protocol) && origin !== new URL(example.url).origin)
        elsewhere.push(request.url());
    });
    const complaints: string[] = [];
    page.on('pageerror', (error) => complaints.push(error.message));

    for (const title of ['SeenAtFirst', 'SeenAfterReload']) {
      await page.goto(example.url);
      const run = page.locator('.graphiql-execute-button');
      await run.waitFor();
      await page.getByText('TasksMove').first().waitFor();
      await run.click();
      await example.subscribed(1);
      await example.database.query('update tasks set title = $1::text where id = 1', title);
      const answer = page.locator('.graphiql-response');
      await answer.filter({ hasText: title }).waitFor();
      await page.screenshot({ path: join(pictures, `${title}.png`) });
      expect(await answer.textContent()).toContain('UPDATE');
      await page.goto('about:blank');
      await example.subscribed(0);
    }
    expect({ elsewhere, complaints }).toEqual({ elsewhere: [], complaints: [] });
  },
  60_000,
);

test('the page names nothing that a browser would load from elsewhere', async () => {
  const page = await (await fetch(example.url, { headers: { accept: 'text/html' } })).text();
  expect(page).toContain('GraphiQL');
  expect(page).not.toMatch(/<(?:script|link|img|iframe)[^>]+(?:src|href)="(?:https?:)?\/\//);
  expect(page).toContain(adasToken);
});

test('the token is not handed to a page under a foreign name', async () => {
  const { hostname, port } = new URL(example.url);
  const page = await pageAs('rebound.example', hostname, Number(port));
  expect(page).toContain('GraphiQL');
  expect(page).not.toContain(adasToken);
});

async function pageAs(host: string, hostname: string, port: number): Promise<string> {
  const { get } = await import('node:http');
  return new Promise((resolve, reject) => {
    get({ hostname, port, path: '/graphql', headers: { host, accept: 'text/html' } }, (response) => {
      let text = '';
      response.on('data', (chunk) => {
        text += String(chunk);
      });
      response.on('end', () => resolve(text));
    }).on('error', reject);
  });
}
