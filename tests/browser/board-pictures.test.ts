import { afterEach, expect, test } from 'vitest';
import { isChromiumInstalled, serveBoard } from '../support/board.js';

const board = await serveBoard();

afterEach(() => board.closeWindows());

const WINDOWS = [
  { name: 'desktop', viewport: { width: 1440, height: 900 }, colorScheme: 'light' },
  { name: 'desktop-dark', viewport: { width: 1440, height: 900 }, colorScheme: 'dark' },
  { name: 'tablet', viewport: { width: 900, height: 1100 }, colorScheme: 'light' },
  { name: 'phone', viewport: { width: 390, height: 844 }, colorScheme: 'light' },
  { name: 'phone-dark', viewport: { width: 390, height: 844 }, colorScheme: 'dark' },
] as const;

test.runIf(isChromiumInstalled).each(WINDOWS)(
  'the board fits into a window: $name',
  async ({ name, ...options }) => {
    const isPhone = options.viewport.width < 500;
    const page = await board.open('ada', { ...options, hasTouch: isPhone, isMobile: isPhone });
    await board.database.query('update tasks set priority = priority + 1 where id in (1, 2)');
    await board.picture(page, `${name}-board`);

    // Nothing but the board itself may be wider than the window.
    expect(await page.evaluate('document.documentElement.scrollWidth')).toBe(options.viewport.width);

    await page.locator('[data-task="1"]').click();
    await page.getByRole('complementary', { name: 'Task' }).getByText('The loom shows how.').waitFor();
    await board.picture(page, `${name}-task`);
    await page.getByRole('button', { name: 'Close', exact: true }).click();

    const changes = page.getByRole('complementary', { name: 'Changes' });
    if (!(await changes.isVisible())) await page.getByRole('button', { name: 'Changes' }).click();
    await changes.getByText('transaction').first().waitFor();
    await board.picture(page, `${name}-changes`);

    await page.getByRole('button', { name: 'Signed in as ada' }).click();
    await board.picture(page, `${name}-menu`);
    await page.getByRole('button', { name: 'Sign out' }).click();
    await page.getByRole('heading', { name: 'Who is at the board?' }).waitFor();
    await board.picture(page, `${name}-sign-in`);
    expect(board.complaints).toEqual([]);
  },
  60_000,
);
