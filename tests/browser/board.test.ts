import type { Locator, Page, WebSocketRoute } from 'playwright-core';
import { afterEach, describe, expect, test } from 'vitest';
import { isChromiumInstalled, serveBoard, settled } from '../support/board.js';
import { startProxy } from '../support/proxy.js';
import { waitFor } from '../support/wait-for.js';

const board = await serveBoard();
const DESKTOP = { viewport: { width: 1300, height: 850 } };

type Status = 'todo' | 'doing' | 'done';

const card = (page: Page, id: number): Locator => page.locator(`[data-task="${id}"]`);
const column = (page: Page, status: Status): Locator => page.locator(`.column[data-status="${status}"]`);
const cardIn = (page: Page, status: Status, id: number): Locator =>
  column(page, status).locator(`[data-task="${id}"]`);

/** With the mouse, in steps, as a hand does it. */
async function drag(page: Page, id: number, to: Locator, place: 'above' | 'below'): Promise<void> {
  await settled(page);
  const from = await boxOf(card(page, id));
  const target = await boxOf(to);
  await page.mouse.move(from.x + 40, from.y + from.height / 2);
  await page.mouse.down();
  await page.mouse.move(from.x + 60, from.y + from.height / 2 + 12, { steps: 4 });
  const y = place === 'above' ? target.y - 4 : target.y + target.height + 4;
  await page.mouse.move(target.x + 50, y, { steps: 12 });
  await page.locator('.drop-line').waitFor();
  await page.mouse.up();
}

async function boxOf(locator: Locator) {
  return (await locator.boundingBox())!;
}

async function idsIn(page: Page, status: Status): Promise<(string | null)[]> {
  const cards = await column(page, status).locator('[data-task]').all();
  return Promise.all(cards.map((each) => each.getAttribute('data-task')));
}

const query = (statement: string) => board.database.query(statement);

describe.runIf(isChromiumInstalled)('two people at the board', () => {
  afterEach(async () => {
    await board.closeWindows();
    expect(board.complaints.splice(0)).toEqual([]);
  });

  test('what one drags appears where it was dropped in the window of the other', async () => {
    const [ada, alan] = await Promise.all([board.open('ada', DESKTOP), board.open('alan', DESKTOP)]);
    await alan.getByRole('button', { name: 'Analytical Engine' }).click();
    await cardIn(alan, 'todo', 2).waitFor();

    await drag(ada, 2, card(ada, 1), 'above');
    await cardIn(ada, 'doing', 2).waitFor();
    await cardIn(alan, 'doing', 2).waitFor();
    expect(await idsIn(alan, 'doing')).toEqual(['2', '1']);

    await drag(alan, 4, card(alan, 2), 'below');
    await cardIn(ada, 'doing', 4).waitFor();
    expect(await idsIn(ada, 'doing')).toEqual(['2', '4', '1']);
    expect(await idsIn(ada, 'done')).toEqual([]);
    await board.picture(alan, 'after-two-drags');
  }, 60_000);

  test('what SQL changes appears in both windows, and as a message', async () => {
    const [ada, grace] = await Promise.all([board.open('ada', DESKTOP), board.open('grace', DESKTOP)]);
    await ada.getByRole('button', { name: 'Compiler' }).click();
    await grace.getByRole('button', { name: 'Compiler' }).click();
    for (const page of [ada, grace]) await cardIn(page, 'todo', 6).waitFor();
    await waitFor('both panels', () => board.server.scopes.status().subscribers >= 6);

    await query(`update tasks set title = 'Link them by hand', status = 'done', position = 9 where id = 6`);
    await query(`insert into comments (task_id, author_id, body) values (6, 2, 'From SQL')`);
    for (const page of [ada, grace]) {
      await cardIn(page, 'done', 6).getByText('Link them by hand').waitFor();
      const changes = page.getByRole('complementary', { name: 'Changes' });
      await changes.getByText('Link them by hand').first().waitFor();
      await changes.getByText('From SQL').first().waitFor();
      await cardIn(page, 'done', 6).getByTitle('2 comments').waitFor();
    }
  }, 60_000);

  test('who is taken out of a project loses its tasks at once, and gets them back with the membership', async () => {
    const [ada, grace] = await Promise.all([board.open('ada', DESKTOP), board.open('grace', DESKTOP)]);
    for (const page of [ada, grace]) {
      await page.getByRole('button', { name: 'Compiler' }).click();
      await card(page, 5).waitFor();
    }
    await query('delete from members where project_id = 2 and user_id = 1');
    await ada.getByText('This project is not yours to see').waitFor();
    expect(await ada.locator('[data-task]').count()).toBe(0);
    expect(await ada.getByRole('navigation').getByText('Compiler').count()).toBe(0);
    await board.picture(ada, 'no-longer-a-member');
    expect(await card(grace, 5).isVisible()).toBe(true);
    expect(await grace.locator('.member').allInnerTexts()).toEqual([expect.stringContaining('grace')]);

    await query(`insert into members (project_id, user_id, role) values (2, 1, 'viewer')`);
    await card(ada, 5).waitFor();
    await ada.getByText('You may look, not change').waitFor();
  }, 60_000);

  test('a task is made, renamed, labelled, commented and deleted, and the other sees each', async () => {
    const [alan, ada] = await Promise.all([board.open('alan', DESKTOP), board.open('ada', DESKTOP)]);
    for (const page of [alan, ada]) {
      await page.getByRole('button', { name: 'Analytical Engine' }).click();
      await card(page, 3).waitFor();
    }
    await column(alan, 'todo').getByRole('button', { name: 'Add a task' }).click();
    await alan.getByLabel('Title of the new task').fill('Oil the gears');
    await alan.keyboard.press('Enter');
    await ada.getByText('Oil the gears').first().waitFor();

    await column(alan, 'todo').getByText('Oil the gears').click();
    const sheet = alan.getByRole('complementary', { name: 'Task' });
    await sheet.getByLabel('Title').fill('Oil all gears');
    await alan.keyboard.press('Enter');
    await sheet.getByRole('button', { name: 'hardware' }).click();
    await sheet.getByLabel('Assignee').selectOption({ label: 'ada' });
    await sheet.getByLabel('Write a comment').fill('With whale oil?');
    await alan.keyboard.press('Enter');
    const theirs = column(ada, 'todo').locator('[data-task]', { hasText: 'Oil all gears' });
    await theirs.getByText('hardware').waitFor();
    await theirs.getByTitle('1 comment').waitFor();
    await theirs.getByRole('img', { name: 'ada' }).waitFor();

    await sheet.getByRole('button', { name: 'Done' }).click();
    await column(ada, 'done').getByText('Oil all gears').waitFor();
    await sheet.getByRole('button', { name: 'Delete the task' }).click();
    await sheet.getByRole('button', { name: 'Delete it' }).click();
    await column(ada, 'done').getByText('Oil all gears').waitFor({ state: 'detached' });
  }, 60_000);

  test('the keyboard moves a card, and keeps it in focus', async () => {
    const alan = await board.open('alan', DESKTOP);
    await alan.getByRole('button', { name: 'Bombe' }).click();
    await card(alan, 10).focus();
    await alan.keyboard.press('ArrowDown');
    await alan.keyboard.press('Shift+ArrowRight');
    await cardIn(alan, 'doing', 11).waitFor();
    await alan.keyboard.press('Shift+ArrowUp');
    await alan.keyboard.press('Enter');
    await alan.getByRole('complementary', { name: 'Task' }).getByText('Task 11').waitFor();
    await waitFor('the card above the other', async () => (await idsIn(alan, 'doing')).join() === '11,9');
  }, 60_000);

  test('a finger moves a card to the next column, after it was held for a moment', async () => {
    const alan = await board.open('alan', {
      viewport: { width: 390, height: 844 },
      hasTouch: true,
      isMobile: true,
    });
    await alan.getByRole('button', { name: 'Bombe' }).click();
    await card(alan, 10).waitFor();
    const from = await boxOf(card(alan, 10));
    const touch = await alan.context().newCDPSession(alan);
    const at = (x: number, y: number) => ({ touchPoints: [{ x, y }] });
    const [x, y] = [from.x + 40, from.y + 20];
    await touch.send('Input.dispatchTouchEvent', { type: 'touchStart', ...at(x, y) });
    await alan.locator('.card.lifted').waitFor();
    // At the edge the board scrolls on by itself: the finger follows the column.
    const doing = column(alan, 'doing');
    let moves = 0;
    const overColumn = async (): Promise<boolean> => {
      const over = await boxOf(doing);
      const middle = (Math.max(over.x, 0) + Math.min(over.x + over.width, 390)) / 2;
      await touch.send('Input.dispatchTouchEvent', { type: 'touchMove', ...at(middle, y + (++moves % 9)) });
      return doing.locator('.drop-line').isVisible();
    };
    await waitFor('the finger over the column', overColumn);
    await board.picture(alan, 'phone-drag');
    await waitFor('the finger over the column still', overColumn);
    await touch.send('Input.dispatchTouchEvent', { type: 'touchEnd', touchPoints: [] });
    await cardIn(alan, 'doing', 10).waitFor();
  }, 60_000);

  test('after the connection was cut the board says so, comes back, and shows what it missed', async () => {
    const sockets: WebSocketRoute[] = [];
    let isCut = false;
    const ada = await board.open('ada', DESKTOP, async (page) => {
      await page.routeWebSocket(/graphql/, (socket) => {
        if (isCut) return void socket.close({ code: 1013 });
        sockets.push(socket);
        socket.connectToServer();
      });
    });
    await ada.getByRole('button', { name: 'Analytical Engine' }).click();
    await card(ada, 3).waitFor();
    isCut = true;
    for (const socket of sockets) await socket.close({ code: 1012 });
    await ada.locator('.connection[data-state="lost"]').waitFor();
    await board.picture(ada, 'reconnecting');
    await query(`update tasks set title = 'Cast them in brass' where id = 3`);
    isCut = false;
    await ada.locator('.connection[data-state="live"]').waitFor();
    await card(ada, 3).getByText('Cast them in brass').waitFor();
  }, 60_000);

  test('the same with Apollo: a list in its order, which SQL, the board and a tick change', async () => {
    const alan = await board.open('alan', DESKTOP);
    await alan.goto(new URL('/apollo.html', board.url).href);
    const list = alan.locator('.open-tasks');
    const first = list.locator('li').first();
    await first.getByText('Wire the drums').waitFor();
    await waitFor('the stream', () => board.server.scopes.status().subscribers >= 1);
    await query("update tasks set priority = 9, title = 'Order relays, now', status = 'todo' where id = 12");
    await first.getByText('Order relays, now').waitFor();
    await board.picture(alan, 'apollo');
    await first.getByRole('button', { name: 'Order relays, now is done' }).click();
    await list.getByText('Order relays, now').waitFor({ state: 'detached' });
  }, 60_000);

  test('over one event stream all of it is live on one connection, which is made again after a cut', async () => {
    const streams: string[] = [];
    const network = await startProxy(board.url);
    const prepare = async (page: Page): Promise<void> => {
      page.on('request', (request) => {
        if (request.headers().accept === 'text/event-stream') streams.push(request.url());
      });
      page.on('websocket', (socket) => streams.push(socket.url()));
    };
    const ada = await board.open('ada', DESKTOP, prepare, new URL('/?over=sse', network.url).href);
    await card(ada, 1).click();
    const task = ada.getByRole('complementary', { name: 'Task' });
    await task.getByText('The loom shows how.').waitFor();
    await waitFor('its streams', () => board.server.scopes.status().subscribers >= 3);
    await query("update tasks set title = 'over one stream' where id = 1");
    await card(ada, 1).getByText('over one stream').waitFor();
    await query("update comments set body = 'and below' where id = 1");
    await task.getByText('and below').waitFor();
    expect(streams).toHaveLength(1);

    network.refuse();
    network.reset();
    await ada.locator('.connection[data-state="lost"]').waitFor();
    await query("update tasks set title = 'after a cut' where id = 1");
    network.resume();
    await ada.locator('.connection[data-state="live"]').waitFor();
    await card(ada, 1).getByText('after a cut').waitFor();
    expect(new Set(streams)).toEqual(new Set([new URL('/graphql', network.url).href]));
    await board.closeWindows();
    await network.close();
    // The browser's own words about the cut.
    expect(board.complaints.splice(0).filter((complaint) => !complaint.includes('net::ERR_'))).toEqual([]);
  }, 60_000);
});
