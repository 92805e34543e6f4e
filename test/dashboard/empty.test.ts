import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { openBrowser, openContext, openPage } from './browser.ts';
import { insertRows, requestRow, uuidv7 } from './seed.ts';
import { type Served, serve, startDashboard } from './serve.ts';

const DEADLINE = 600_000;
let served: Served;
let browser: Browser;
beforeAll(async () => {
  [served, browser] = await Promise.all([serve({ requests: 0, days: 1 }), openBrowser()]);
}, DEADLINE);
afterAll(async () => {
  await browser.close();
  await served.stop();
}, DEADLINE);

test(
  'a first visit waits for the first request and then shows it',
  async () => {
    const context = await openContext(browser, 1440);
    const { page, problems } = await openPage(context);
    await page.goto(served.url, { waitUntil: 'networkidle' });
    expect(new URL(page.url()).pathname).toBe('/connect');
    await page.getByText('Waiting for the first request').waitFor();
    await insertRows(served.db, { requests: [requestRow(Date.now(), uuidv7(Date.now(), Math.random))] });
    await page.getByText('Weir sees your traffic').waitFor({ timeout: 120_000 });
    expect(problems).toEqual([]);
    await context.close();
  },
  DEADLINE,
);

test(
  'empty pages say what would be here',
  async () => {
    const response = await fetch(`${served.url}/overview?range=15m&f=provider+is+nobody`);
    expect(await response.text()).toMatch(/No request (in|of) this range/);
  },
  DEADLINE,
);

test(
  'without a store the pages stand and say so',
  async () => {
    const alone = await startDashboard('http://weir:x@127.0.0.1:9/weir');
    try {
      for (const path of ['/overview', '/requests', '/connect']) {
        const response = await fetch(alone.url + path);
        expect(response.status).toBe(200);
        expect(await response.text()).toContain('The store does not answer');
      }
      // Suggestions are no error of the page: there are none, and why.
      const suggested = await fetch(`${alone.url}/api/values?field=user&like=a`);
      expect([suggested.status, await suggested.json()]).toEqual([
        200,
        { values: [], why: expect.stringContaining('The store does not answer') as string },
      ]);
    } finally {
      await alone.stop();
    }
  },
  DEADLINE,
);
