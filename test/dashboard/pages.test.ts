import type { Browser, BrowserContext, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { openBrowser, openContext, openPage, overflow } from './browser.ts';
import { attemptRow, insertRows, requestRow, uuidv7 } from './seed.ts';
import { bodyRow } from './seed-bodies.ts';
import { type Served, serve } from './serve.ts';

const DEADLINE = 600_000;
let served: Served;
let browser: Browser;

beforeAll(async () => {
  [served, browser] = await Promise.all([serve({ requests: 6000, days: 3 }), openBrowser()]);
}, DEADLINE);
afterAll(async () => {
  await browser.close();
  await served.stop();
}, DEADLINE);

/** Opened once each: what a page of theirs has loaded, the next has too. */
const contexts = new Map<number, BrowserContext>();
async function contextOf(width: number): Promise<BrowserContext> {
  const context = contexts.get(width) ?? (await openContext(browser, width));
  contexts.set(width, context);
  return context;
}

/** @param own a context that nobody else uses, for a test that changes more than its page. */
async function withPage(width: number, use: (page: Page) => Promise<void>, own?: BrowserContext): Promise<void> {
  const { page, problems } = await openPage(own ?? (await contextOf(width)));
  try {
    await use(page);
    expect(problems).toEqual([]);
  } finally {
    await page.close();
    await own?.close();
  }
}
const wide = 1440;
async function go(page: Page, path: string): Promise<void> {
  await page.goto(served.url + path, { waitUntil: 'networkidle' });
  await page.locator('html[data-ready]').waitFor({ state: 'attached' });
}

const rowIds = (page: Page) =>
  page.locator('tr[data-id]').evaluateAll((rows) => rows.map((row) => row.getAttribute('data-id') ?? ''));
/** In one turn: the second key counts for a second only, and a busy machine may take longer between two presses. */
const pressTogether = (page: Page, ...keys: string[]) =>
  page.evaluate((pressed) => {
    for (const key of pressed) document.body.dispatchEvent(new KeyboardEvent('keydown', { key, bubbles: true }));
  }, keys);
function signal(): [Promise<void>, () => void] {
  let send = (): void => undefined;
  return [new Promise<void>((resolve) => (send = resolve)), () => send()];
}
const newestId = async () =>
  ((await (await fetch(`${served.url}/api/newest`)).json()) as { request_id: string }).request_id;

describe.each([wide, 390])('at %i px', (width) => {
  test.each(['/overview', '/requests', '/connect', 'one'])(
    '%s renders without an error and without overflow, light and dark',
    async (path) => {
      await withPage(width, async (page) => {
        await go(page, path === 'one' ? `/requests/${await newestId()}` : path);
        const grounds = new Set<string>();
        for (const colorScheme of ['light', 'dark'] as const) {
          await page.emulateMedia({ colorScheme });
          expect(await page.locator('.trouble').count()).toBe(0);
          expect(await overflow(page)).toBeLessThanOrEqual(0);
          grounds.add(await page.evaluate(() => getComputedStyle(document.documentElement).backgroundColor));
        }
        expect(grounds.size).toBe(2);
      });
    },
    DEADLINE,
  );
});

test(
  'a condition typed into the bar filters the page and stands in the address',
  async () => {
    await withPage(wide, async (page) => {
      await go(page, '/requests');
      await page.keyboard.press('/');
      await page.keyboard.type('provider is anthropic');
      await page.keyboard.press('Enter');
      await page.waitForURL(/f=provider\+is\+anthropic/);
      await page.locator('.chip', { hasText: 'anthropic' }).waitFor();
      const models = await page.locator('tr[data-id] td:nth-child(3)').allInnerTexts();
      expect(models.length).toBeGreaterThan(0);
      expect(models.every((text) => text.startsWith('anthropic/'))).toBe(true);
      await page.goBack();
      await page.waitForURL((url) => !url.searchParams.has('f'));
    });
  },
  DEADLINE,
);

test(
  'a key is heard from the first moment of a page',
  async () => {
    await withPage(wide, async (page) => {
      await page.addInitScript(() => (performance.now = () => 100));
      await go(page, '/requests');
      await page.keyboard.press('/');
      expect(await page.locator('#filter').evaluate((input) => input === document.activeElement)).toBe(true);
    });
  },
  DEADLINE,
);

test(
  'where the store is too slow to suggest values, the bar says so quietly and still takes a condition',
  async () => {
    await withPage(wide, async (page) => {
      await page.route('**/api/values*', (route) => route.fulfill({ json: { values: [], why: 'Stopped after 2 s.' } }));
      await go(page, '/requests');
      await page.keyboard.press('/');
      await page.keyboard.type('provider is anthropic');
      await page.getByRole('status').filter({ hasText: 'No suggestions. Stopped after 2 s.' }).waitFor();
      await page.keyboard.press('Enter');
      await page.waitForURL(/f=provider\+is\+anthropic/);
      expect(await page.getByText('No suggestions').count()).toBe(0);
    });
  },
  DEADLINE,
);

test(
  'dragging across a chart zooms into its time',
  async () => {
    await withPage(wide, async (page) => {
      await go(page, '/overview');
      const box = await page.getByRole('img', { name: /Requests by provider/ }).boundingBox();
      if (!box) throw new Error('no chart');
      await page.mouse.move(box.x + box.width * 0.3, box.y + 60);
      await page.mouse.down();
      await page.mouse.move(box.x + box.width * 0.6, box.y + 60, { steps: 4 });
      await page.mouse.up();
      await page.waitForURL(/from=\d{13}&to=\d{13}/);
      const params = new URL(page.url()).searchParams;
      expect(Number(params.get('to')) - Number(params.get('from'))).toBeLessThan(12 * 3_600_000);
    });
  },
  DEADLINE,
);

test(
  'pages of the list follow one another without a gap, both ways',
  async () => {
    await withPage(wide, async (page) => {
      await go(page, '/requests?range=7d');
      const first = await rowIds(page);
      await page.getByRole('link', { name: 'Next page' }).click();
      await page.waitForURL(/after=/);
      const second = await rowIds(page);
      expect(first).toHaveLength(100);
      expect(second.filter((id) => first.includes(id))).toEqual([]);
      await page.getByRole('link', { name: 'Page before' }).click();
      await page.waitForURL(/before=/);
      expect(await rowIds(page)).toEqual(first);
    });
  },
  DEADLINE,
);

test(
  'j, k, Enter and Esc walk through the list and one request',
  async () => {
    await withPage(wide, async (page) => {
      await go(page, '/requests');
      const ids = await rowIds(page);
      await page.keyboard.press('j');
      await page.keyboard.press('j');
      await page.keyboard.press('k');
      await page.keyboard.press('Enter');
      await page.waitForURL(`**/requests/${ids[0] ?? ''}*`);
      await page.keyboard.press('j');
      await page.waitForURL(`**/requests/${ids[1] ?? ''}*`);
      await page.keyboard.press('Escape');
      await page.waitForURL(/\/requests(\?|$)/);
      await pressTogether(page, 'g', 'o');
      await page.waitForURL(/\/overview/);
    });
  },
  DEADLINE,
);

test(
  'a page that takes longer to answer than the shell waits between two looks still opens',
  async () => {
    const own = await openContext(browser, wide);
    await withPage(
      wide,
      async (page) => {
        await page.clock.install();
        await go(page, '/overview');
        const [asked, ask] = signal();
        const [released, release] = signal();
        await page.route('**/requests/__data.json*', async (route) => {
          ask();
          await released;
          await route.continue();
        });
        await pressTogether(page, 'g', 'r');
        await asked;
        await page.clock.fastForward(25_000);
        release();
        await page.waitForURL(/\/requests/);
      },
      own,
    );
  },
  DEADLINE,
);

test(
  'a request that ends while one looks appears by itself',
  async () => {
    await withPage(wide, async (page) => {
      await go(page, '/requests?range=15m&live=1');
      const id = uuidv7(Date.now(), Math.random);
      await insertRows(served.db, { requests: [requestRow(Date.now(), id, { user_id: 'live-user' })] });
      await page.locator(`tr[data-id="${id}"]`).waitFor({ timeout: 120_000 });
    });
  },
  DEADLINE,
);

test(
  'a reply that is HTML and script stays text',
  async () => {
    const attack =
      '<img src=x onerror="window.hit=1"><script>window.hit=2</script>\n\n[a](javascript:window.hit=3) ![b](https://evil.example/p.png) <iframe srcdoc="<script>parent.hit=4</script>"></iframe><svg onload="window.hit=5"><style>body{display:none}</style><form action="https://evil.example"><input></form>\n\n**bold**';
    const id = uuidv7(Date.now(), Math.random);
    const request = requestRow(Date.now(), id, {
      streamed: false,
      error_message: attack,
      user_id: attack,
      properties: { team: attack },
      response_model: attack.slice(0, 60),
    });
    const asked = JSON.stringify({
      model: 'gpt-5',
      messages: [
        { role: attack, content: attack },
        { role: 'user', content: [{ type: 'image_url', image_url: { url: 'https://evil.example/i.png' } }] },
      ],
    });
    const answered = JSON.stringify({
      choices: [
        {
          message: {
            role: 'assistant',
            content: attack,
            tool_calls: [{ id: attack, function: { name: attack, arguments: attack } }],
          },
        },
      ],
    });
    await insertRows(served.db, {
      requests: [request],
      attempts: [attemptRow(request, { error_message: attack })],
      bodies: [bodyRow(request, asked, answered, { request_headers: { [attack.slice(0, 20)]: attack } })],
    });
    await withPage(wide, async (page) => {
      for (const tab of ['conversation', 'request', 'response', 'headers']) {
        await go(page, `/requests/${id}?tab=${tab}`);
        if (tab === 'conversation') await page.locator('strong', { hasText: 'bold' }).waitFor();
        expect(await page.evaluate(() => (window as unknown as { hit?: number }).hit)).toBeUndefined();
        expect(
          await page
            .locator(
              'main iframe, main script, main form, main svg[onload], main img[onerror], main a[href^="javascript"]',
            )
            .count(),
        ).toBe(0);
      }
      await go(page, '/requests?range=15m&cols=time,status,model,user,properties');
      await go(page, '/overview?range=15m');
      expect(await page.evaluate(() => (window as unknown as { hit?: number }).hit)).toBeUndefined();
    });
    const raw = await fetch(`${served.url}/requests/${id}/body?part=response`);
    expect(raw.headers.get('content-type')).toContain('text/plain');
    expect(raw.headers.get('content-disposition')).toContain('attachment');
    expect(raw.headers.get('x-content-type-options')).toBe('nosniff');
  },
  DEADLINE,
);

describe('the server', () => {
  test('answers to loopback names only', async () => {
    const { request } = await import('node:http');
    const status = await new Promise<number | undefined>((resolve, reject) => {
      request(`${served.url}/overview`, { headers: { host: 'evil.example' } }, (response) => {
        response.resume();
        resolve(response.statusCode);
      })
        .on('error', reject)
        .end();
    });
    expect(status).toBe(403);
  });

  test('allows no inline script and no frame', async () => {
    const policy = (await fetch(`${served.url}/overview`)).headers.get('content-security-policy') ?? '';
    expect(policy).toContain("frame-ancestors 'none'");
    expect(/script-src ([^;]*)/.exec(policy)?.[1]).not.toContain('unsafe-inline');
  });

  test.each(['range=year', 'from=x&to=y', 'f=cost+%3E+much', 'sort=colour', 'before=nonsense', 'after=1~2~3'])(
    'says what is wrong with ?%s and still answers',
    async (query) => {
      const response = await fetch(`${served.url}/requests?${query}`);
      expect(response.status).toBe(200);
      expect(await response.text()).toContain('role="alert"');
    },
    DEADLINE,
  );

  test(
    'guards formulas in CSV, and exports what the filter shows',
    async () => {
      await insertRows(served.db, {
        requests: [
          requestRow(Date.now(), uuidv7(Date.now(), Math.random), {
            user_id: '=HYPERLINK("x")',
            session_id: 'formula',
          }),
        ],
      });
      const csv = await (await fetch(`${served.url}/requests/export?format=csv&f=session+is+formula`)).text();
      expect(csv.trim().split('\n')).toHaveLength(2);
      expect(csv).toContain(`'=HYPERLINK`);
      const lines = (await (await fetch(`${served.url}/requests/export?format=jsonl&f=session+is+formula`)).text())
        .trim()
        .split('\n');
      expect(lines.map((line) => (JSON.parse(line) as { session_id: string }).session_id)).toEqual(['formula']);
      const parquet = Buffer.from(await (await fetch(`${served.url}/requests/export?format=parquet`)).arrayBuffer());
      expect(parquet.subarray(0, 4).toString()).toBe('PAR1');
    },
    DEADLINE,
  );
});
