/** Keys are administered in the dashboard, with and without its scripts, and no secret comes back to a page. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ask, firstKey, makeKey } from '../support/administration.ts';
import { until } from '../support/deadline.ts';
import { chatCompletion, json, startProvider, type ScriptedProvider } from '../support/provider.ts';
import { startWeir, type TestWeir } from '../support/weir.ts';
import { openBrowser, openContext, openPage, overflow } from './browser.ts';
import { startDashboard } from './serve.ts';
import { tokenOf, visit } from './signed-in.ts';

const DEADLINE = 600_000;
const canary = 'sk-CANARY-of-a-provider-key-which-no-page-may-show';
const secondCanary = 'sk-CANARY-second-which-no-page-may-show-either';
let provider: ScriptedProvider;
let weir: TestWeir;
let dashboard: { url: string; stop(): Promise<void> };
let browser: Browser;
let admin = '';
/** Everything that a browser was ever sent. */
const sent: string[] = [];

beforeAll(async () => {
  provider = await startProvider((_, response) => json(response, chatCompletion()));
  [weir, browser] = await Promise.all([
    startWeir({ openai: provider.url }, { WEIR_SECRET: 'a master secret of the test' }),
    openBrowser(),
  ]);
  dashboard = await startDashboard(weir.clickhouseUrl, {
    WEIR_PROXY_URL: weir.proxy.url,
    WEIR_DATA_DIR: weir.dataDir,
    WEIR_ADMIN_PASSWORD: '',
  });
  admin = firstKey(weir.dataDir);
}, DEADLINE);
afterAll(async () => {
  await browser.close();
  await dashboard.stop();
  await weir.stop();
  await provider.close();
}, DEADLINE);

async function withPage(
  use: (page: Page) => Promise<void>,
  { javaScriptEnabled = true, width = 1440, expected = [] as RegExp[] } = {},
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
async function go(page: Page, path: string): Promise<void> {
  await page.goto(dashboard.url + path, { waitUntil: 'networkidle' });
}
const call = async (key: string, model = 'gpt-4o-mini'): Promise<number> => {
  const response = await fetch(`${weir.proxy.url}/openai/v1/chat/completions`, {
    method: 'POST',
    headers: { 'weir-key': key, 'content-type': 'application/json' },
    body: JSON.stringify({ model, messages: [{ role: 'user', content: 'hi' }] }),
  });
  await response.text();
  return response.status;
};
const shown = (page: Page): Promise<string> => page.locator('[data-key]').innerText();
const refusedForm = /status of 4\d\d/;

describe.each([true, false])('with scripts: %s', (javaScriptEnabled) => {
  test(
    'a provider key and a key are made, and the key calls; rotated, disabled and enabled it does what was said',
    async () => {
      const name = javaScriptEnabled ? 'checkout' : 'checkout, by hand';
      await withPage(
        async (page) => {
          await go(page, '/keys/provider/new');
          await page.locator('#name').fill(`held ${name}`);
          await page.locator('#secret').fill(canary);
          await page.getByRole('button', { name: 'Store the key' }).click();
          await page.getByRole('heading', { name: `openai, held ${name}` }).waitFor();

          await go(page, '/keys');
          await page.getByRole('link', { name: 'New key' }).click();
          await page.locator('#name').fill(name);
          await page.locator('#project').fill('shop');
          await page.locator('#models').fill('gpt-4o*, gpt-5*');
          await page.getByText('every provider').click();
          await page.getByText('openai', { exact: true }).click();
          await page.getByRole('button', { name: 'Add a limit' }).click();
          await page.locator('[name="limits.0.name"]').fill('day');
          await page.locator('[name="limits.0.quota"]').fill('1,250.5');
          await page.locator('[name="limits.0.unit"]').selectOption('usd');
          await page.locator('[name="limits.0.window"]').selectOption('day');
          await page.locator('[name="limits.0.zone"]').fill('Europe/Berlin');
          await page.locator('[name="limits.0.by"][value="user"]').check({ force: true });
          await page.locator('[name="limits.0.property"]').fill('team');
          await page.locator('[name="limits.0.action"]').selectOption('warn');
          expect(await page.locator('#name').inputValue()).toBe(name);
          await page.getByRole('button', { name: 'Make the key' }).last().click();
          const text = await shown(page);
          expect(text).toMatch(/^wk_[\w-]{43}$/);

          provider.seen.length = 0;
          expect([await call(text), await call(text, 'o3')]).toEqual([200, 403]);
          expect(provider.seen[0]?.headers.join('\n')).toContain(canary);

          await page.getByRole('link', { name: 'This key' }).click();
          await page.getByRole('heading', { name, exact: true }).waitFor();
          const id = new URL(page.url()).pathname.split('/').pop() ?? '';
          const { json: made } = await ask(weir.proxy.url, admin, 'GET', `/keys/${id}`);
          expect(made).toMatchObject({
            ...{ name, project: 'shop', providers: ['openai'], models: ['gpt-4o*', 'gpt-5*'], role: '' },
            limits: [
              {
                ...{ name: 'day', unit: 'usd', quota: 1250.5, by: ['user', 'property:team'], action: 'warn' },
                window: { calendar: 'day', zone: 'Europe/Berlin' },
              },
            ],
          });
          await page.getByText('$1,250.50 a day (Europe/Berlin) for each user and property team, warns only').waitFor();

          await page.getByText('Rotate…').click();
          await page.getByRole('button', { name: 'Give it a new text' }).click();
          const second = await shown(page);
          expect([second === text, await call(text), await call(second)]).toEqual([false, 200, 200]);
          await go(page, `/keys/${id}`);
          await page.getByText('Rotate…').click();
          await page.locator('#overlap').selectOption('0');
          await page.getByRole('button', { name: 'Give it a new text' }).click();
          await page.locator('[data-key]').filter({ hasNotText: second }).waitFor();
          const third = await shown(page);
          expect([await call(second), await call(third)]).toEqual([401, 200]);

          await go(page, `/keys/${id}`);
          // Of what is sent from here on no text is part: each was shown in the one answer that made it.
          const before = sent.length;
          expect(await page.content()).not.toContain(third);
          await page.getByText('Disable…').click();
          await page.getByRole('button', { name: 'Disable the key' }).click();
          await page.getByText('may not call').waitFor();
          expect(await call(third)).toBe(401);
          await page.getByRole('button', { name: 'Enable' }).click();
          await page.getByText('may call', { exact: false }).first().waitFor();
          await page.getByRole('button', { name: 'Save' }).last().waitFor();
          await until(60_000, 'it calls again', async () => ((await call(third)) === 200 ? true : undefined));
          await go(page, '/keys');
          await page.locator(`tr[data-key-id="${id}"]`).waitFor();
          for (const one of [text, second, third]) {
            expect(sent.slice(before).some((answer) => answer.includes(one))).toBe(false);
          }
        },
        { javaScriptEnabled },
      );
    },
    DEADLINE,
  );

  test(
    'what is wrong is said at its field, and nothing that was typed is lost',
    async () => {
      await withPage(
        async (page) => {
          await go(page, '/keys/new');
          await page.locator('#name').fill('almost');
          await page.locator('#project').fill('a b');
          await page.getByRole('button', { name: 'Add a limit' }).click();
          await page.locator('[name="limits.0.name"]').fill('rpm');
          await page.locator('[name="limits.0.quota"]').fill('1.5');
          await page.getByRole('button', { name: 'Make the key' }).last().click();
          await page.getByText('Nothing was saved: look at what is marked.').waitFor();
          const wrongAt = (field: string): Promise<string> =>
            page.locator(`.f:has(> [name="${field}"]) .wrong`).innerText();
          expect(await wrongAt('project')).toMatch(/^expected letters/);
          expect(await wrongAt('limits.0.quota')).toBe('expected a whole number');
          expect(await page.locator('#name').inputValue()).toBe('almost');
          await page.locator('[name="limits.0.quota"]').fill('many');
          await page.getByRole('button', { name: 'Make the key' }).last().click();
          await page.getByText('expected a number', { exact: true }).waitFor();

          await go(page, '/keys/provider/new');
          await page.locator('#provider').selectOption('azure');
          await page.locator('#name').fill('europe');
          await page.locator('#secret').fill(canary);
          await page.getByRole('button', { name: 'Store the key' }).click();
          expect(await wrongAt('place')).toMatch(/^expected the resource/);
          expect(await page.locator('#provider').inputValue()).toBe('azure');
        },
        { javaScriptEnabled, expected: [refusedForm] },
      );
    },
    DEADLINE,
  );
});

test(
  'a change keeps what the form does not show, and the list says when a key was used last',
  async () => {
    const match = { models: ['gpt-4o*'], properties: { team: 'search' } };
    const settings = {
      ...{
        name: 'kept',
        project: 'kept',
        expires_at: '2031-05-06T07:08:09.000Z',
        operations: ['chat'],
        role: 'viewer',
      },
      ...{ properties: { team: 'search', env: 'prod' }, log_bodies: 'none', routes: ['fast'], owner: 'ann' },
      limits: [
        { name: 'odd', quota: 7, window: { seconds: 777 }, match, by: ['property:team', 'property:env'] },
        { name: 'once', unit: 'concurrent', quota: 3 },
      ],
    };
    const made = await makeKey(weir.proxy.url, admin, settings);
    const read = async (): Promise<Record<string, unknown>> =>
      (await ask(weir.proxy.url, admin, 'GET', `/keys/${made.key_id}`)).json;
    const before = await read();
    expect(await call(made.key)).toBe(200);
    await withPage(async (page) => {
      await go(page, `/keys/${made.key_id}`);
      await page.locator('#owner').fill('beth');
      await page.getByRole('button', { name: 'Save' }).last().click();
      await page.getByText('Saved: it holds from now on.').waitFor();
      const { updated_at: _, ...after } = await read();
      const { updated_at: __, ...was } = before;
      expect(after).toEqual({ ...was, owner: 'beth' });
      await until(90_000, 'the call is in the list', async () => {
        await go(page, '/keys');
        const row = await page.locator(`tr[data-key-id="${made.key_id}"]`).innerText();
        return /\d\d:\d\d:\d\d\s+1\s+/.test(row) ? true : undefined;
      });
      await page.getByText('first key, for dashboard', { exact: false }).first().waitFor();
    });
    const { json: audit } = await ask(weir.proxy.url, admin, 'GET', '/audit?limit=1');
    expect((audit.entries as object[])[0]).toMatchObject({ actor_name: 'first key, for dashboard', action: 'update' });
  },
  DEADLINE,
);

test(
  'a provider key is changed, its secret replaced, and it is removed',
  async () => {
    await withPage(async (page) => {
      await go(page, '/keys/provider/new');
      await page.locator('#name').fill('short life');
      await page.locator('#weight').fill('7');
      await page.locator('#secret').fill(canary);
      await page.getByRole('button', { name: 'Store the key' }).click();
      await page.getByRole('heading', { name: 'openai, short life' }).waitFor();
      expect(await page.locator('.kv').innerText()).toContain(`…${canary.slice(-4)}`);
      await page.getByText('Replace the secret…').click();
      await page.locator('#secret').fill(secondCanary);
      await page.getByRole('button', { name: 'Replace it' }).click();
      await page.getByText('The secret is replaced.').waitFor();
      expect(await page.locator('.kv').innerText()).toContain(`…${secondCanary.slice(-4)}`);
      await page.locator('#weight').fill('9');
      await page.getByRole('button', { name: 'Save' }).click();
      await page.getByText('Saved: it holds from now on.').waitFor();
      await page.getByRole('button', { name: 'Disable' }).click();
      await page.getByText('It is used no more.').waitFor();
      await page.getByText('Remove…').click();
      await page.getByRole('button', { name: 'Remove the key' }).click();
      await page.waitForURL(`${dashboard.url}/keys`);
      const { json: left } = await ask(weir.proxy.url, admin, 'GET', '/provider-keys');
      expect(JSON.stringify(left)).not.toContain('short life');
    });
  },
  DEADLINE,
);

test(
  'no secret is in any page, nor in the data of one',
  async () => {
    const ids = async (path: string, list: string, name: string): Promise<string[]> => {
      const { json: answer } = await ask(weir.proxy.url, admin, 'GET', path);
      return (answer[list] as Record<string, string>[]).map((one) => one[name] ?? '');
    };
    const paths = [
      ...['/keys', '/keys/new', '/keys/provider/new', '/connect', '/overview', '/requests'],
      ...(await ids('/keys', 'keys', 'key_id')).map((id) => `/keys/${id}`),
      ...(await ids('/provider-keys', 'provider_keys', 'provider_key_id')).map((id) => `/keys/provider/${id}`),
    ];
    for (const path of paths) {
      for (const form of [path, `${path}/__data.json`]) {
        const seen = await visit(dashboard.url, form);
        expect(seen.status, form).toBe(200);
        expect(seen.headers.get('cache-control'), form).toMatch(/no-store/);
        sent.push(seen.text);
      }
    }
    const store = new URL(weir.clickhouseUrl).password;
    const cookieSecret = readFileSync(join(weir.dataDir, 'session.secret'), 'utf8').trim();
    const master = 'a master secret of the test';
    for (const secret of [canary, secondCanary, admin, cookieSecret, master, ...(store === '' ? [] : [store])]) {
      expect(sent.findIndex((text) => text.includes(secret))).toBe(-1);
    }
  },
  DEADLINE,
);

test(
  'the first key is not changed from here, whatever is sent',
  async () => {
    const { json: all } = await ask(weir.proxy.url, admin, 'GET', '/keys');
    const first = (all.keys as Record<string, string>[]).find(({ name }) => name === 'first key')?.['key_id'] ?? '';
    const page = await visit(dashboard.url, `/keys/${first}`);
    expect(page.text).toContain('This is the first key.');
    expect(page.text).not.toMatch(/\?\/(rotate|disable|change)/);
    const token = tokenOf((await visit(dashboard.url, '/keys/new')).text);
    for (const action of ['rotate', 'disable', 'enable', 'change']) {
      const form = { token, overlap: '0', name: 'x', project: 'x' };
      const seen = await visit(dashboard.url, `/keys/${first}?/${action}`, { form });
      expect([seen.status, (await ask(weir.proxy.url, admin, 'GET', '/keys')).status], action).toEqual([409, 200]);
    }
    const elsewhere = { form: { token }, headers: { origin: 'https://evil.example' } };
    expect((await visit(dashboard.url, '/keys/new?/create', elsewhere)).status).toBe(403);
    expect((await visit(dashboard.url, '/keys/new?/create', { form: { name: 'x' } })).status).toBe(403);
  },
  DEADLINE,
);

test(
  'without a proxy, or without a key to ask it with, the page says so and lists nothing',
  async () => {
    const away = { WEIR_PROXY_URL: 'http://127.0.0.1:9', WEIR_DATA_DIR: weir.dataDir };
    const keyless = { WEIR_PROXY_URL: weir.proxy.url, WEIR_DATA_DIR: '' };
    const wrongKey = { ...keyless, WEIR_KEY: 'wk_wrong' };
    const named = { ...keyless, WEIR_KEY: admin };
    for (const [settings, sentence] of [
      [away, 'The proxy does not answer at http://127.0.0.1:9.'],
      [keyless, 'No Weir key is at hand to administer with'],
      [wrongKey, 'This Weir key is not known here.'],
      [named, ''],
    ] as const) {
      const alone = await startDashboard(weir.clickhouseUrl, { WEIR_ADMIN_PASSWORD: '', ...settings });
      // Which providers there are is told to whoever asks; a key that is refused is told by the answer to the form.
      const forms = settings === wrongKey ? [] : ['/keys/new', '/keys/provider/new'];
      for (const path of ['/keys', '/keys/key_1', '/keys/provider/pk_1', ...forms]) {
        const seen = await visit(alone.url, path);
        if (sentence === '') {
          expect(seen.status, path).toBe(path.endsWith('_1') ? 404 : 200);
          continue;
        }
        expect([seen.status, seen.text.includes(sentence)], path).toEqual([200, true]);
        expect(seen.text).not.toMatch(/data-key-id|may call|None is stored/);
      }
      await alone.stop();
    }
  },
  DEADLINE,
);

describe.each([1440, 390])('at %i px', (width) => {
  test(
    'the pages fit, light and dark, and nothing goes wrong in them',
    async () => {
      const long = 'a-name-that-is-as-long-as-a-name-may-be-'.repeat(3).slice(0, 120);
      const made = await makeKey(weir.proxy.url, admin, {
        ...{ name: `${long}${width}`, project: 'p'.repeat(64), owner: long, models: Array(40).fill('claude-opus-*') },
        limits: [{ name: 'l'.repeat(60), quota: 1e12, window: { seconds: 999_999 }, by: ['key', 'user', 'session'] }],
      });
      const paths = ['/keys', '/keys/new', `/keys/${made.key_id}`, '/keys/provider/new', '/connect'];
      await withPage(
        async (page) => {
          for (const path of paths) {
            await go(page, path);
            for (const colorScheme of ['light', 'dark'] as const) {
              await page.emulateMedia({ colorScheme });
              expect(await page.locator('.trouble').count()).toBe(0);
              expect(await overflow(page), path).toBeLessThanOrEqual(0);
            }
          }
        },
        { width },
      );
    },
    DEADLINE,
  );
});
