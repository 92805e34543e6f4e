/** The page of a call of several attempts says who was asked why, who answered, and what it cost. */
import type { AttemptRow, RequestRow } from '@weir/schema/records';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { openBrowser, openContext, openPage, overflow } from './browser.ts';
import { attemptRow, insertRows, random, requestRow, uuidv7 } from './seed.ts';
import { type Served, serve } from './serve.ts';

const DEADLINE = 600_000;
const rand = random(5);
const at = Date.now() - 600_000;

interface Case {
  request: Partial<RequestRow>;
  attempts: Partial<AttemptRow>[];
  /** The sentence on top, and what else is said on the page. */
  sentence: string;
  said: string[];
  links?: Record<string, string>;
}

const refused = {
  status: 429,
  outcome: 'rate_limited',
  error_type: 'rate_limit_error',
  error_message: 'Slow down',
} as const;
const openai = { provider: 'openai', host: 'api.openai.com', model: 'gpt-5' };
const groq = { provider: 'groq', host: 'api.groq.com', model: 'llama-3.3-70b-versatile' };
const lost = {
  status: null,
  outcome: 'network_error',
  error_type: 'network:ECONNRESET',
  warnings: ['unknown_attempt_cost'],
} satisfies Partial<AttemptRow>;

const cases: Record<string, Case> = {
  'a retry': {
    request: {
      provider: 'openai',
      host: openai.host,
      wait_ms: 400,
      duration_ms: 1000,
      upstream_ms: 598,
      overhead_ms: 2,
    },
    attempts: [
      { ...openai, ...refused, duration_ms: 300 },
      { ...openai, reason: 'retry', trigger: '429', wait_ms: 400, duration_ms: 298 },
    ],
    sentence: 'gpt-5 answered at attempt 2; before, it refused with 429.',
    said: ['tried again after 400 ms: 429, too many requests', '1 other attempt', 'not billed'],
  },
  'a fallback, and a split by a route': {
    request: {
      provider: 'groq',
      host: groq.host,
      response_model: groq.model,
      retry_cost_usd: null,
      warnings: ['unknown_attempt_cost'],
      route: 'checkout',
      route_version: '3',
      split: 'summary',
      variant: 'large',
      split_unit: 'user:alice',
    },
    attempts: [
      { ...openai, ...lost },
      { ...groq, reason: 'fallback', trigger: 'network:ECONNRESET' },
    ],
    sentence: 'llama-3.3-70b-versatile answered in place of gpt-5, which lost the connection.',
    said: [
      'asked instead: the connection was lost',
      'unanswered',
      'it may have been billed, and is not in the sum',
      'An attempt that gave no answer may have been billed; what it cost is unknown.',
      'assigned by user:alice',
      'version 3',
    ],
    links: {
      checkout: '/routes/checkout',
      summary: '/requests?f=split%20is%20summary',
      large: '/requests?f=variant%20is%20large',
    },
  },
  'an earlier answer that was passed on': {
    request: {
      provider: 'openai',
      host: openai.host,
      status: 429,
      outcome: 'rate_limited',
      error_type: 'rate_limit_error',
      error_message: 'Slow down',
      cost_usd: null,
      retry_cost_usd: null,
    },
    attempts: [
      { ...openai, ...refused },
      { ...groq, ...lost, reason: 'fallback', trigger: '429' },
    ],
    sentence:
      'gpt-5 refused with 429: Slow down. That answer was passed on, because llama-3.3-70b-versatile lost the connection after it.',
    said: ['passed on', 'asked instead: 429, too many requests'],
  },
  'a circuit that is open': {
    request: {
      ...{ provider: 'openai', host: openai.host },
      warnings: ['circuit_open:groq/llama-bad', 'body_not_replayable', 'stream_usage_added', 'weird_thing'],
    },
    attempts: [openai],
    sentence: 'in place of groq/llama-bad, left alone after failures',
    said: [
      'groq/llama-bad was left alone: most of its latest calls had failed.',
      'The body was too long to be sent twice: it was sent once, without retry or fallback.',
      'Weir asked the stream for its usage, and took that out again for the client.',
      'weird thing',
    ],
  },
};

let served: Served;
let browser: Browser;
const ids = new Map<string, string>();
beforeAll(async () => {
  [served, browser] = await Promise.all([serve({ requests: 0, days: 1 }), openBrowser()]);
  for (const [name, { request, attempts }] of Object.entries(cases)) {
    const id = uuidv7(at, rand);
    ids.set(name, id);
    const row = requestRow(at, id, { ...request, request_model: 'gpt-5', attempts: attempts.length });
    const rows = attempts.map((one, attempt_index) =>
      attemptRow(row, { status: 200, outcome: 'ok', ...one, attempt_index }),
    );
    await insertRows(served.db, { requests: [row], attempts: rows });
  }
}, DEADLINE);
afterAll(async () => {
  await browser.close();
  await served.stop();
}, DEADLINE);

async function withPage(width: number, use: (page: Page) => Promise<void>): Promise<void> {
  const context = await openContext(browser, width);
  const { page, problems } = await openPage(context);
  await use(page);
  expect(problems).toEqual([]);
  await context.close();
}
const plain = (text: string): string => text.replace(/\s+/g, ' ');

describe.each([1440, 390])('at %i px', (width) => {
  test.each(Object.entries(cases))('%s', { timeout: DEADLINE }, async (name, { sentence, said, links = {} }) => {
    await withPage(width, async (page) => {
      await page.goto(`${served.url}/requests/${ids.get(name)}`, { waitUntil: 'networkidle' });
      expect(plain(await page.locator('p.say').innerText())).toContain(sentence);
      const text = plain(await page.locator('main').innerText());
      for (const words of said) expect(text).toContain(words);
      for (const [link, href] of Object.entries(links))
        expect(await page.getByRole('link', { name: link, exact: true }).getAttribute('href')).toBe(href);
      expect(await overflow(page)).toBe(0);
    });
  });
});

test('the list filters by route, split and variant, and has a column for each', { timeout: DEADLINE }, async () => {
  await withPage(1440, async (page) => {
    for (const filter of ['route is checkout', 'split is summary', 'variant is large']) {
      await page.goto(`${served.url}/requests?f=${encodeURIComponent(filter)}&cols=time,model,route,split,variant`, {
        waitUntil: 'networkidle',
      });
      const rows = page.locator('tr[data-id]');
      expect(await rows.count()).toBe(1);
      expect(plain(await rows.first().innerText())).toContain('checkout summary large');
    }
  });
});
