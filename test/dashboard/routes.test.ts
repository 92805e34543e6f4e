/** Routes are made, tried, changed, brought back and removed in the dashboard, with and without its scripts. */
import type { Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { RouteView } from '@weir/schema/settings/route-desk';
import { routeSettings } from '@weir/schema/settings/route';
import { ask } from '../support/administration.ts';
import { until } from '../support/deadline.ts';
import { overflow } from './browser.ts';
import { openDesk, type KeysDesk } from './keys-desk.ts';
import { startDashboard } from './serve.ts';
import { signIn, tokenOf, visit } from './signed-in.ts';
import { whole } from './whole-route.ts';

const DEADLINE = 600_000;
const refusedForm = /status of 4\d\d/;
let desk: KeysDesk;
beforeAll(async () => {
  desk = await openDesk();
}, DEADLINE);
afterAll(() => desk.stop(), DEADLINE);

const saved = async (name: string): Promise<RouteView> =>
  (await ask(desk.weir.proxy.url, desk.admin, 'GET', `/routes/${name}`)).json as unknown as RouteView;
const save = (settings: object) => ask(desk.weir.proxy.url, desk.admin, 'POST', '/routes', settings);
const planned = (page: Page): Promise<(string | null)[]> =>
  page.locator('[data-plan] [data-target]').evaluateAll((all) => all.map((one) => one.getAttribute('data-target')));

describe.each([true, false])('with scripts: %s', (javaScriptEnabled) => {
  const name = javaScriptEnabled ? 'checkout' : 'by-hand';
  test(
    'a route is made from the example, tried, changed, brought back, switched off and removed',
    async () => {
      await desk.withPage(
        async (page) => {
          await desk.go(page, '/routes/_new?from=example');
          await page.locator('#name').fill(name);
          await page.getByLabel('Weight 1').fill('75');
          await page.getByLabel('Weight 2').fill('25');
          await page.getByLabel('User', { exact: true }).fill('alice');
          if (!javaScriptEnabled) await page.getByRole('button', { name: 'Try it' }).click();
          await page.getByText('for user:alice, always').waitFor();
          expect(await page.getByLabel('Weight 1').inputValue()).toBe('75');
          expect((await planned(page)).at(-1)).toBe('azure:my-resource/gpt-5');
          await page.getByText('Weir holds no key for azure at my-resource.').waitFor();

          await page.getByRole('button', { name: 'Save the route' }).last().click();
          await page.getByRole('heading', { name, exact: true }).waitFor();
          expect(await saved(name)).toMatchObject({
            ...{ version: 1, enabled: true },
            settings: { split: { name: 'checkout', to: [{ weight: 75 }, { weight: 25 }] }, retry: { retries: 1 } },
          });

          await page.getByLabel('Fallback 2').fill('openai/gpt-4o');
          await page.locator('[id="retry.retries"]').fill('3');
          await page.locator('[name="fallback.on"][value="429"]').uncheck({ force: true });
          await page.getByRole('button', { name: 'Save', exact: true }).last().click();
          await page.getByText('Saved: it is version 2.').waitFor();
          expect((await saved(name)).settings).toMatchObject({
            fallback: { to: ['azure:my-resource/gpt-5', 'openai/gpt-4o'], on: ['server-error', 'timeout', 'network'] },
            retry: { retries: 3 },
          });

          await page.getByRole('link', { name: 'JSON' }).click();
          const area = page.getByLabel('Settings as JSON');
          const json = await area.inputValue();
          expect(JSON.parse(json)).toMatchObject({ name, retry: { retries: 3 } });
          await area.fill(json.replace('openai/gpt-4o', 'opnai/gpt-4o'));
          await page.getByRole('button', { name: 'Save', exact: true }).last().click();
          await page.locator('#json-wrong').getByText('fallback.to.1').waitFor();
          expect((await saved(name)).version).toBe(2);
          expect(await area.inputValue()).toContain('opnai/gpt-4o');
          await area.fill(JSON.stringify({ name, target: 'openai/gpt-5' }));
          await page.getByRole('button', { name: 'Save', exact: true }).last().click();
          await page.getByText('Saved: it is version 3.').waitFor();

          await page.getByRole('button', { name: 'Restore version 1' }).click();
          await page.locator('[data-version="4"]').waitFor();
          expect((await saved(name)).settings?.split?.to[0]?.weight).toBe(75);
          await desk.go(page, `/routes/${name}`);
          expect(await page.getByLabel('Weight 1').inputValue()).toBe('75');

          await page.getByText('Disable…').click();
          await page.getByRole('button', { name: 'Disable the route' }).click();
          await page.getByRole('button', { name: 'Enable' }).waitFor();
          expect((await saved(name)).enabled).toBe(false);
          await desk.go(page, '/routes');
          await page.locator(`[data-route="${name}"]`).getByText('disabled').waitFor();
          await page.getByRole('link', { name, exact: true }).click();
          await page.getByText('Remove…').click();
          await page.getByRole('button', { name: 'Remove the route' }).click();
          await page.waitForURL(/\/routes$/);
          expect(await page.locator(`[data-route="${name}"]`).count()).toBe(0);
        },
        { javaScriptEnabled, expected: [refusedForm] },
      );
    },
    DEADLINE,
  );
});

test(
  'form and JSON are the same settings; what is wrong stands at its field and at its line while it is typed',
  async () => {
    await save(whole);
    await desk.withPage(async (page) => {
      await desk.go(page, '/routes/whole');
      await page.getByText('Rule 1', { exact: true }).waitFor();
      await page.getByLabel('Weight 2').fill('x');
      await page.getByText('expected a whole number').waitFor();
      await page.getByLabel('Weight 2').fill('30');
      await page.getByText(/At least [\d.]+.% of team move/).waitFor();
      await page.getByRole('link', { name: 'JSON' }).click();
      const area = page.getByLabel('Settings as JSON');
      const json = await area.inputValue();
      expect(routeSettings.parse(JSON.parse(json)).split?.to[1]).toMatchObject({
        weight: 30,
        system: { put: 'before' },
      });
      await area.fill(json.replace('"retries": 1', '"retries": 77'));
      const line = json.split('\n').findIndex((one) => one.includes('"retries"')) + 1;
      await page.locator('#json-wrong').getByText(`line ${line}`).click();
      expect(
        await area.evaluate((one: HTMLTextAreaElement) => one.value.slice(one.selectionStart, one.selectionEnd)),
      ).toBe('77');
      await page.getByRole('link', { name: 'Form', exact: true }).click();
      expect(await area.isVisible()).toBe(true);
      await area.fill(json.replace('"retries": 1', '"retries": 7').replace('"whole"', '"whole"'));
      await page.locator('#json-wrong').waitFor({ state: 'detached' });
      await page.getByRole('link', { name: 'Form', exact: true }).click();
      expect(await page.locator('[id="retry.retries"]').inputValue()).toBe('7');
      // A rule, by what the sample says.
      await page.getByLabel('User', { exact: true }).fill('anna');
      await page.getByText('More of the request').click();
      await page.getByLabel(/^At, in/).fill('2027-03-03T23:00');
      await page.getByText('Rule 1 decides').waitFor();
      expect((await planned(page))[0]).toBe('openai/o3');
      expect(new URL(page.url()).searchParams.get('user')).toBe('anna');
      await page.reload({ waitUntil: 'networkidle' });
      await page.getByText('Rule 1 decides').waitFor();
    });
    expect((await saved('whole')).version).toBe(1);
  },
  DEADLINE,
);

test(
  'who saves over the change of another is told, and nothing is lost',
  async () => {
    await save({ name: 'shared', target: 'openai/gpt-5' });
    await desk.withPage(
      async (page) => {
        await desk.go(page, '/routes/shared');
        await ask(desk.weir.proxy.url, desk.admin, 'PATCH', '/routes/shared', {
          settings: { name: 'shared', target: 'openai/o3' },
        });
        await page.locator('#target').fill('openai/gpt-5-mini');
        await page.getByRole('button', { name: 'Save', exact: true }).last().click();
        await page.getByText('it was changed meanwhile, by first key: it is version 2 now').waitFor();
        expect(await page.locator('#target').inputValue()).toBe('openai/gpt-5-mini');
      },
      { expected: [refusedForm] },
    );
    expect((await saved('shared')).settings?.target).toBe('openai/o3');
  },
  DEADLINE,
);

test(
  'the list says what each does, how it is used, and by whom it was changed; none at all, how one is made',
  async () => {
    await save({ name: 'used', target: 'openai/gpt-5', fallback: { to: ['openai/o3'] } });
    await desk.weir.db.command({
      query: `INSERT INTO requests (request_id, started_at, route, outcome)
        SELECT generateUUIDv7(), now64(6) - number, 'used', if(number < 5, 'provider_error', 'ok') FROM numbers(50)`,
    });
    const { text } = await visit(desk.url, '/routes');
    const row =
      /<tr[^>]*data-route="used".*?<\/tr>/s
        .exec(text)?.[0]
        .replace(/<[^>]+>/g, ' ')
        .replace(/\s+/g, ' ') ?? '';
    expect(row).toContain('to openai/gpt-5; falls back to openai/o3');
    expect(row).toMatch(/first key 50 10.0.%/);
    const alone = await startDashboard(desk.weir.clickhouseUrl, {
      ...{ WEIR_PROXY_URL: 'http://127.0.0.1:9', WEIR_DATA_DIR: desk.weir.dataDir, WEIR_ADMIN_PASSWORD: '' },
    });
    for (const path of ['/routes', '/routes/used']) {
      const seen = await visit(alone.url, path);
      expect([seen.status, seen.text.includes('The proxy does not answer')], path).toEqual([200, true]);
    }
    await alone.stop();
    expect((await visit(desk.url, '/routes/nobody')).status).toBe(404);
  },
  DEADLINE,
);

test(
  'forms need the session’s token, pages a session where a password is set',
  async () => {
    const token = tokenOf((await visit(desk.url, '/routes/_new')).text);
    expect(token).not.toBe('');
    const json = JSON.stringify({ name: 'forged', target: 'openai/gpt-5' });
    const form = { view: 'json', json };
    expect((await visit(desk.url, '/routes/_new?/create', { form })).status).toBe(403);
    const elsewhere = { form: { ...form, token }, headers: { origin: 'https://evil.example' } };
    expect((await visit(desk.url, '/routes/_new?/create', elsewhere)).status).toBe(403);
    expect((await ask(desk.weir.proxy.url, desk.admin, 'GET', '/routes/forged')).status).toBe(404);
    expect((await visit(desk.url, '/routes/_new?/create', { form: { ...form, token } })).location).toBe(
      '/routes/forged',
    );

    const locked = await startDashboard(desk.weir.clickhouseUrl, {
      ...{ WEIR_PROXY_URL: desk.weir.proxy.url, WEIR_DATA_DIR: desk.weir.dataDir, WEIR_ADMIN_PASSWORD: 'a password' },
    });
    for (const path of ['/routes', '/routes/forged', '/routes/_new', '/routes/forged?/remove']) {
      const seen = await visit(locked.url, path, path.includes('?/') ? { form: { token } } : {});
      expect([seen.status, seen.text.includes('forged')], path).toEqual([303, false]);
    }
    const cookie = await signIn(locked.url, 'a password');
    expect((await visit(locked.url, '/routes/forged', { cookie })).text).toContain('Weir-Route: forged');
    await locked.stop();
  },
  DEADLINE,
);

describe.each([1440, 390])('at %i px', (width) => {
  test(
    'the pages fit, light and dark, and all of them can be used by keys alone',
    async () => {
      const long = `${'a-name-as-long-as-may-be-'.repeat(3).slice(0, 60)}${width}`.slice(0, 64);
      const target = `openai/${'model-'.repeat(30)}`;
      const to = Array.from({ length: 8 }, (_, index) => ({ target: `${target}${index}`, weight: index }));
      await save({ ...{ name: long, description: long.repeat(8) }, split: { to }, fallback: { to: [target] } });
      await desk.withPage(
        async (page) => {
          const routes = `/routes/${long}`;
          for (const path of ['/routes', routes, `${routes}?view=json`, '/routes/_new', '/routes/_new?from=example']) {
            await desk.go(page, path);
            for (const colorScheme of ['light', 'dark'] as const) {
              await page.emulateMedia({ colorScheme });
              expect(await page.locator('.trouble').count()).toBe(0);
              expect(await overflow(page), path).toBeLessThanOrEqual(0);
            }
          }
          await desk.go(page, '/routes/_new');
          await page.locator('#name').focus();
          await page.keyboard.type(`keys-${width}`);
          await page.locator('[name="way"][value="split"]').focus();
          await page.keyboard.press('ArrowLeft');
          await page.locator('#target').focus();
          await page.keyboard.type('openai/gpt-5');
          await page.keyboard.press('Enter');
          await page.waitForURL(new RegExp(`/routes/keys-${width}$`));
          await until(10_000, 'it is saved', async () =>
            (await saved(`keys-${width}`)).settings?.target === 'openai/gpt-5' ? true : undefined,
          );
        },
        { width },
      );
    },
    DEADLINE,
  );
});
