/** Keys are administered in the dashboard, with and without its scripts, and no secret comes back to a page. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ask, makeKey } from '../support/administration.ts';
import { until } from '../support/deadline.ts';
import { openDesk, type KeysDesk } from './keys-desk.ts';
import { visit } from './signed-in.ts';

const DEADLINE = 600_000;
const canary = 'sk-CANARY-of-a-provider-key-which-no-page-may-show';
const secondCanary = 'sk-CANARY-second-which-no-page-may-show-either';
let desk: KeysDesk;
beforeAll(async () => {
  desk = await openDesk();
}, DEADLINE);
afterAll(() => desk.stop(), DEADLINE);

const call = async (key: string, model = 'gpt-4o-mini'): Promise<number> => {
  const response = await fetch(`${desk.weir.proxy.url}/openai/v1/chat/completions`, {
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
      await desk.withPage(
        async (page) => {
          await desk.go(page, '/keys/provider/new');
          await page.locator('#name').fill(`held ${name}`);
          await page.locator('#secret').fill(canary);
          await page.getByRole('button', { name: 'Store the key' }).click();
          await page.getByRole('heading', { name: `openai, held ${name}` }).waitFor();

          await desk.go(page, '/keys');
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

          desk.provider.seen.length = 0;
          expect([await call(text), await call(text, 'o3')]).toEqual([200, 403]);
          expect(desk.provider.seen[0]?.headers.join('\n')).toContain(canary);

          await page.getByRole('link', { name: 'This key' }).click();
          await page.getByRole('heading', { name, exact: true }).waitFor();
          const id = new URL(page.url()).pathname.split('/').pop() ?? '';
          const { json: made } = await ask(desk.weir.proxy.url, desk.admin, 'GET', `/keys/${id}`);
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
          await desk.go(page, `/keys/${id}`);
          await page.getByText('Rotate…').click();
          await page.locator('#overlap').selectOption('0');
          await page.getByRole('button', { name: 'Give it a new text' }).click();
          await page.locator('[data-key]').filter({ hasNotText: second }).waitFor();
          const third = await shown(page);
          expect([await call(second), await call(third)]).toEqual([401, 200]);

          await desk.go(page, `/keys/${id}`);
          // Of what is sent from here on no text is part: each was shown in the one answer that made it.
          const before = desk.sent.length;
          expect(await page.content()).not.toContain(third);
          await page.getByText('Disable…').click();
          await page.getByRole('button', { name: 'Disable the key' }).click();
          await page.getByText('may not call').waitFor();
          expect(await call(third)).toBe(401);
          await page.getByRole('button', { name: 'Enable' }).click();
          await page.getByText('may call', { exact: false }).first().waitFor();
          await page.getByRole('button', { name: 'Save' }).last().waitFor();
          await until(60_000, 'it calls again', async () => ((await call(third)) === 200 ? true : undefined));
          await desk.go(page, '/keys');
          await page.locator(`tr[data-key-id="${id}"]`).waitFor();
          for (const one of [text, second, third]) {
            expect(desk.sent.slice(before).some((answer) => answer.includes(one))).toBe(false);
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
      await desk.withPage(
        async (page) => {
          await desk.go(page, '/keys/new');
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

          await desk.go(page, '/keys/provider/new');
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
    const made = await makeKey(desk.weir.proxy.url, desk.admin, settings);
    const read = async (): Promise<Record<string, unknown>> =>
      (await ask(desk.weir.proxy.url, desk.admin, 'GET', `/keys/${made.key_id}`)).json;
    const before = await read();
    expect(await call(made.key)).toBe(200);
    await desk.withPage(async (page) => {
      await desk.go(page, `/keys/${made.key_id}`);
      await page.locator('#owner').fill('beth');
      await page.getByRole('button', { name: 'Save' }).last().click();
      await page.getByText('Saved: it holds from now on.').waitFor();
      const { updated_at: _, ...after } = await read();
      const { updated_at: __, ...was } = before;
      expect(after).toEqual({ ...was, owner: 'beth' });
      await until(90_000, 'the call is in the list', async () => {
        await desk.go(page, '/keys');
        const row = await page.locator(`tr[data-key-id="${made.key_id}"]`).innerText();
        return /\d\d:\d\d:\d\d\s+1\s+/.test(row) ? true : undefined;
      });
      await page.getByText('first key, for dashboard', { exact: false }).first().waitFor();
    });
    const { json: audit } = await ask(desk.weir.proxy.url, desk.admin, 'GET', '/audit?limit=1');
    expect((audit.entries as object[])[0]).toMatchObject({ actor_name: 'first key, for dashboard', action: 'update' });
  },
  DEADLINE,
);

test(
  'a provider key is changed, its secret replaced, and it is removed',
  async () => {
    await desk.withPage(async (page) => {
      await desk.go(page, '/keys/provider/new');
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
      await page.waitForURL(`${desk.url}/keys`);
      const { json: left } = await ask(desk.weir.proxy.url, desk.admin, 'GET', '/provider-keys');
      expect(JSON.stringify(left)).not.toContain('short life');
    });
  },
  DEADLINE,
);

test(
  'no secret is in any page, nor in the data of one',
  async () => {
    const ids = async (path: string, list: string, name: string): Promise<string[]> => {
      const { json: answer } = await ask(desk.weir.proxy.url, desk.admin, 'GET', path);
      return (answer[list] as Record<string, string>[]).map((one) => one[name] ?? '');
    };
    const paths = [
      ...['/keys', '/keys/new', '/keys/provider/new', '/connect', '/overview', '/requests'],
      ...(await ids('/keys', 'keys', 'key_id')).map((id) => `/keys/${id}`),
      ...(await ids('/provider-keys', 'provider_keys', 'provider_key_id')).map((id) => `/keys/provider/${id}`),
    ];
    for (const path of paths) {
      for (const form of [path, `${path}/__data.json`]) {
        const seen = await visit(desk.url, form);
        expect(seen.status, form).toBe(200);
        expect(seen.headers.get('cache-control'), form).toMatch(/no-store/);
        desk.sent.push(seen.text);
      }
    }
    const store = new URL(desk.weir.clickhouseUrl).password;
    const cookieSecret = readFileSync(join(desk.weir.dataDir, 'session.secret'), 'utf8').trim();
    const master = 'a master secret of the test';
    for (const secret of [canary, secondCanary, desk.admin, cookieSecret, master, ...(store === '' ? [] : [store])]) {
      expect(desk.sent.findIndex((text) => text.includes(secret))).toBe(-1);
    }
  },
  DEADLINE,
);
