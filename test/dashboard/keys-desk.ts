/** A Weir with its dashboard, and a browser before it, for the pages of keys. */
import type { Browser, Page } from 'playwright-core';
import { expect } from 'vitest';
import { firstKey } from '../support/administration.ts';
import { chatCompletion, json, startProvider, type ScriptedProvider } from '../support/provider.ts';
import { startWeir, type TestWeir } from '../support/weir.ts';
import { openBrowser, openContext, openPage } from './browser.ts';
import { startDashboard } from './serve.ts';

export interface KeysDesk {
  weir: TestWeir;
  provider: ScriptedProvider;
  /** Of the dashboard, which asks for no password. */
  url: string;
  /** The first key. */
  admin: string;
  /** Everything that a browser was ever sent. */
  sent: string[];
  withPage(use: (page: Page) => Promise<void>, options?: PageOptions): Promise<void>;
  go(page: Page, path: string): Promise<void>;
  stop(): Promise<void>;
}

interface PageOptions {
  javaScriptEnabled?: boolean;
  width?: number;
  /** Of what goes wrong in the page. */
  expected?: RegExp[];
}

export async function openDesk(): Promise<KeysDesk> {
  const provider = await startProvider((_, response) => json(response, chatCompletion()));
  const [weir, browser] = await Promise.all([
    startWeir({ openai: provider.url }, { WEIR_SECRET: 'a master secret of the test' }),
    openBrowser(),
  ]);
  const dashboard = await startDashboard(weir.clickhouseUrl, {
    WEIR_PROXY_URL: weir.proxy.url,
    WEIR_DATA_DIR: weir.dataDir,
    WEIR_ADMIN_PASSWORD: '',
  });
  const sent: string[] = [];
  return {
    ...{ weir, provider, sent, url: dashboard.url, admin: firstKey(weir.dataDir) },
    withPage: (use, options) => withPage(browser, sent, use, options),
    go: async (page, path) => void (await page.goto(dashboard.url + path, { waitUntil: 'networkidle' })),
    stop: async () => {
      await browser.close();
      await dashboard.stop();
      await weir.stop();
      await provider.close();
    },
  };
}

async function withPage(
  browser: Browser,
  sent: string[],
  use: (page: Page) => Promise<void>,
  { javaScriptEnabled = true, width = 1440, expected = [] }: PageOptions = {},
): Promise<void> {
  const context = javaScriptEnabled
    ? await openContext(browser, width)
    : await browser.newContext({ javaScriptEnabled, viewport: { width, height: 900 } });
  const { page, problems } = await openPage(context);
  const reading: Promise<unknown>[] = [];
  page.on('response', (response) => {
    // A redirect has no body, and one that was left behind none any more.
    reading.push(
      response.text().then(
        (text) => sent.push(text),
        () => undefined,
      ),
    );
  });
  await use(page);
  await Promise.all(reading);
  expect(problems.filter((problem) => !expected.some((one) => one.test(problem)))).toEqual([]);
  await context.close();
}
