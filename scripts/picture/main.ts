import { writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { type Browser, chromium, type Locator, type Page } from 'playwright-core';
import sharp from 'sharp';
import { Film } from './film.js';
import { startExample } from './running-example.js';
import { renderShots, WINDOW } from './stage.js';
import { TransactionStream } from './transactions.js';

// Makes docs/board.webp, the picture of the README, from a real run of the example: `npm run
// picture`. If RIVULET_PICTURES names a folder, writes each frame there as well.

const PICTURE = fileURLToPath(new URL('../../docs/board.webp', import.meta.url));
const FRAME_MS = 80;
const COMMAND = `npx rivulet sql "update tasks set title = 'Cast them in brass' where id = 3"`;
const FLAGS = [
  '--headless',
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];

interface Person {
  readonly name: string;
  readonly token: string;
}

const example = await startExample();
const browser = await chromium.launch({ executablePath: '/usr/bin/chromium', args: FLAGS });
try {
  const film = await record(browser);
  const frames = await renderShots(browser, film.shots);
  await write(
    frames,
    film.shots.map(({ durationMs }) => durationMs),
  );
} finally {
  await browser.close();
  await example.stop();
}

async function record(browser: Browser): Promise<Film> {
  const people = (await (await fetch(new URL('/development/people', example.url))).json()) as Person[];
  const [ada, alan] = await Promise.all([open(browser, 'ada'), open(browser, 'alan')]);
  const alansToken = people.find(({ name }) => name === 'alan')!.token;
  const transactions = new TransactionStream(example.url, alansToken);
  const film = new Film(ada, alan);
  let transaction = transactions.next();
  await film.settle(FRAME_MS, 200);
  film.shots.length = 0;

  film.caption = { step: 'ada drags a card' };
  await film.shoot(900);
  await drag(ada, film, card(ada, 2), card(ada, 1));
  const moved = await transaction;
  transaction = transactions.next();
  await column(alan, 'doing').locator('[data-task="2"]').waitFor();
  film.caption = {
    step: 'PostgreSQL commits,<br>alan’s board follows',
    transaction: moved,
    reaches: 'right',
  };
  await film.settle(FRAME_MS, 2600);
  film.mouse = null;

  for (let length = 4; length <= COMMAND.length + 5; length += 6) {
    film.caption = { step: 'Or change a row with SQL', command: `$ ${COMMAND.slice(0, length)}▌` };
    await film.shoot(FRAME_MS);
  }
  film.caption = { step: 'Or change a row with SQL', command: `$ ${COMMAND}` };
  await film.shoot(700);
  await example.sql(COMMAND.slice(COMMAND.indexOf('"') + 1, -1));
  const renamed = await transaction;
  for (const page of [ada, alan]) await card(page, 3).getByText('Cast them in brass').waitFor();
  film.caption = {
    step: 'Both boards follow',
    command: `$ ${COMMAND}`,
    transaction: renamed,
    reaches: 'both',
  };
  await film.settle(FRAME_MS, 3200);
  await transactions.close();
  return film;
}

async function open(browser: Browser, person: string): Promise<Page> {
  const page = await browser.newPage({ viewport: WINDOW, colorScheme: 'light' });
  await page.goto(example.url);
  // The pulse of the connection's dot would make each frame another one.
  await page.addStyleTag({ content: '.dot::after { display: none; }' });
  await page.getByRole('button', { name: person }).click();
  await page.getByRole('button', { name: 'Analytical Engine' }).click();
  await page.locator('.connection[data-state="live"]').waitFor();
  await card(page, 3).waitFor();
  return page;
}

function card(page: Page, id: number): Locator {
  return page.locator(`[data-task="${id}"]`);
}

function column(page: Page, status: string): Locator {
  return page.locator(`.column[data-status="${status}"]`);
}

/** Drags a card above another one with the mouse, and shoots each step. */
async function drag(page: Page, film: Film, from: Locator, to: Locator): Promise<void> {
  const start = (await from.boundingBox())!;
  const end = (await to.boundingBox())!;
  const path = {
    from: { x: start.x + 70, y: start.y + start.height / 2 },
    to: { x: end.x + 80, y: end.y - 4 },
  };
  film.mouse = path.from;
  await page.mouse.move(path.from.x, path.from.y);
  await film.shoot(400);
  await page.mouse.down();
  const steps = 14;
  for (let step = 1; step <= steps; step++) {
    const part = (1 - Math.cos((Math.PI * step) / steps)) / 2;
    film.mouse = {
      x: path.from.x + (path.to.x - path.from.x) * part,
      y: path.from.y + (path.to.y - path.from.y) * part,
    };
    await page.mouse.move(film.mouse.x, film.mouse.y);
    await film.shoot(FRAME_MS);
  }
  await page.locator('.drop-line').waitFor();
  await film.shoot(300);
  await page.mouse.up();
  await film.shoot(FRAME_MS);
}

async function write(frames: Buffer[], delay: number[]): Promise<void> {
  const picture = await sharp(frames, { join: { animated: true } })
    .webp({ delay, loop: 0, quality: 80, mixed: true, effort: 6 })
    .toBuffer();
  await writeFile(PICTURE, picture);
  console.log(`${PICTURE}: ${frames.length} frames, ${(picture.length / 1024).toFixed(0)} kB`);
  if (process.env.RIVULET_PICTURES === undefined) return;
  for (const [index, frame] of frames.entries())
    await writeFile(`${process.env.RIVULET_PICTURES}/frame-${String(index).padStart(3, '0')}.png`, frame);
}
