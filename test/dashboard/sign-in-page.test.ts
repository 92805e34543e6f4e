/** The sign-in page in a real browser, with and without its scripts. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startProvider, type ScriptedProvider } from '../support/provider.ts';
import { openBrowser, openContext, openPage, overflow } from './browser.ts';
import { startDashboard } from './serve.ts';

const DEADLINE = 600_000;
const password = 'correct horse';
const dataDir = mkdtempSync(join(tmpdir(), 'weir-sign-in-'));
let store: ScriptedProvider;
let dashboard: { url: string; stop(): Promise<void> };
let browser: Browser;
beforeAll(async () => {
  store = await startProvider((_, response) => response.writeHead(503).end());
  const settings = { WEIR_DATA_DIR: dataDir, WEIR_ADMIN_PASSWORD: password };
  [dashboard, browser] = await Promise.all([startDashboard(`${store.url}/weir`, settings), openBrowser()]);
}, DEADLINE);
afterAll(async () => {
  await browser.close();
  await dashboard.stop();
  await store.close();
  rmSync(dataDir, { recursive: true, force: true });
}, DEADLINE);

describe.each([true, false])('with scripts: %s', (javaScriptEnabled) => {
  test(
    'one signs in, lands where one wanted to go, and signs out',
    async () => {
      const context = await browser.newContext({ javaScriptEnabled, viewport: { width: 1440, height: 900 } });
      const page = await context.newPage();
      page.setDefaultTimeout(120_000);
      await page.goto(`${dashboard.url}/connect?with=curl`);
      expect(new URL(page.url()).pathname).toBe('/sign-in');
      await page.getByLabel('Password').fill('wrong horse');
      await page.getByRole('button', { name: 'Sign in' }).click();
      await page.getByText('This is not the password.').waitFor();
      await page.getByLabel('Password').fill(password);
      await page.getByRole('button', { name: 'Sign in' }).click();
      await page.waitForURL(`${dashboard.url}/connect?with=curl`);
      await page.getByRole('button', { name: 'Sign out' }).first().click();
      await page.waitForURL(`${dashboard.url}/sign-in`);
      await page.goto(`${dashboard.url}/overview`);
      expect(new URL(page.url()).pathname).toBe('/sign-in');
      await context.close();
    },
    DEADLINE,
  );
});

test(
  'a page whose session has ended leads to the sign-in page by itself',
  async () => {
    const context = await openContext(browser, 1440);
    const { page } = await openPage(context);
    await page.goto(`${dashboard.url}/connect`);
    await page.getByLabel('Password').fill(password);
    await page.getByRole('button', { name: 'Sign in' }).click();
    await page.waitForURL(`${dashboard.url}/connect`);
    await page.locator('html[data-ready]').waitFor({ state: 'attached' });
    await context.clearCookies();
    await page.getByRole('link', { name: 'Requests' }).first().click();
    await page.waitForURL(`${dashboard.url}/sign-in?to=%2Frequests`);
    await context.close();
  },
  DEADLINE,
);

test.each([1440, 390])(
  'it fits at %i px, and nothing goes wrong in it',
  async (width) => {
    const context = await openContext(browser, width);
    const { page, problems } = await openPage(context);
    await page.goto(`${dashboard.url}/sign-in`, { waitUntil: 'networkidle' });
    expect(await overflow(page)).toBeLessThanOrEqual(0);
    expect(problems).toEqual([]);
    await context.close();
  },
  DEADLINE,
);
