import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { type Browser, type BrowserContextOptions, chromium, type Page } from 'playwright-core';
import { afterAll } from 'vitest';
import { signToken } from '../../src/server/auth/token-verifier.js';
import { type ExampleServer, serveExample } from './example-server.js';

const run = promisify(execFile);
const VITE = fileURLToPath(new URL('../../node_modules/vite/bin/vite.js', import.meta.url));
const CHROMIUM = '/usr/bin/chromium';
const FLAGS = [
  '--headless',
  '--no-sandbox',
  '--disable-gpu',
  '--disable-background-networking',
  '--disable-sync',
];
const SECRET = 'a secret of the tests, long enough for HS256';
const PEOPLE = ['ada', 'grace', 'alan'] as const;

export const isChromiumInstalled = existsSync(CHROMIUM);
if (!isChromiumInstalled)
  console.warn(`the browser tests are left out: there is no ${CHROMIUM} (apt-get install chromium)`);

export interface BoardServer extends ExampleServer {
  /** A window of its own, signed in by choosing one of the people. */
  open(
    person: (typeof PEOPLE)[number],
    options?: BrowserContextOptions,
    prepare?: (page: Page) => Promise<void>,
    path?: string,
  ): Promise<Page>;
  closeWindows(): Promise<void>;
  /** Where a window's picture goes; kept where RIVULET_PICTURES is set. */
  picture(page: Page, name: string): Promise<void>;
  /** What pages complained of: errors that nobody caught, and console errors. */
  readonly complaints: string[];
}

/** The example with the board, built anew from its sources; to be called at the top level of a test file. */
export async function serveBoard(): Promise<BoardServer> {
  const temporary = await mkdtemp(join(tmpdir(), 'rivulet-board-'));
  const folder = join(temporary, 'dist');
  const board = fileURLToPath(new URL('../../examples/board', import.meta.url));
  // In a process of its own: the environment of the tests would make it another build.
  await run(process.execPath, [VITE, 'build', board, '--outDir', folder, '--logLevel', 'warn'], {
    env: { ...process.env, NODE_ENV: 'production' },
  });
  const people = await Promise.all(
    PEOPLE.map(async (name, index) => {
      const id = String(index + 1);
      return { id, name, token: await signToken(SECRET, id, 3_600) };
    }),
  );
  const example = await serveExample({ pages: { folder } }, { secret: SECRET, people });
  const pictures = process.env.RIVULET_PICTURES || join(temporary, 'pictures');
  await mkdir(pictures, { recursive: true });
  const complaints: string[] = [];
  let launched: Promise<Browser> | undefined;
  afterAll(async () => {
    await (await launched)?.close();
    await rm(temporary, { recursive: true });
  });
  return {
    ...example,
    complaints,
    async open(person, options = {}, prepare = async () => {}, path = '/') {
      launched ??= chromium.launch({ executablePath: CHROMIUM, args: FLAGS });
      const context = await (await launched).newContext(options);
      const page = await context.newPage();
      page.setDefaultTimeout(8_000);
      page.on('pageerror', (error) => complaints.push(error.message));
      page.on('console', (message) => {
        if (message.type() === 'error') complaints.push(message.text());
      });
      await prepare(page);
      await page.goto(new URL(path, example.url).href);
      await page.getByRole('button', { name: person }).click();
      await page.locator('.connection[data-state="live"]').waitFor();
      await page.locator('[data-task]').first().waitFor();
      return page;
    },
    async closeWindows() {
      const browser = await launched;
      for (const context of browser?.contexts() ?? []) await context.close();
    },
    async picture(page, name) {
      await settled(page);
      await page.screenshot({ path: join(pictures, `${name}.png`) });
    },
  };
}

/** Resolves when nothing glides or fades any more. */
export async function settled(page: Page): Promise<void> {
  await page.evaluate(`Promise.all(document.getAnimations()
    .filter((animation) => animation.effect.getTiming().iterations !== Infinity)
    .map((animation) => animation.finished.catch(() => {})))`);
}
