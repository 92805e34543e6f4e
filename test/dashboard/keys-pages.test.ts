/** The pages of keys as such: how they fit, what they leave alone, and what they say where there is nothing to say. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ask, makeKey } from '../support/administration.ts';
import { overflow } from './browser.ts';
import { openDesk, type KeysDesk } from './keys-desk.ts';
import { startDashboard } from './serve.ts';
import { tokenOf, visit } from './signed-in.ts';

const DEADLINE = 600_000;
let desk: KeysDesk;
beforeAll(async () => {
  desk = await openDesk();
}, DEADLINE);
afterAll(() => desk.stop(), DEADLINE);

test(
  'the first key is not changed from here, whatever is sent',
  async () => {
    const { json: all } = await ask(desk.weir.proxy.url, desk.admin, 'GET', '/keys');
    const first = (all.keys as Record<string, string>[]).find(({ name }) => name === 'first key')?.['key_id'] ?? '';
    const page = await visit(desk.url, `/keys/${first}`);
    expect(page.text).toContain('This is the first key.');
    expect(page.text).not.toMatch(/\?\/(rotate|disable|change)/);
    const token = tokenOf((await visit(desk.url, '/keys/new')).text);
    for (const action of ['rotate', 'disable', 'enable', 'change']) {
      const form = { token, overlap: '0', name: 'x', project: 'x' };
      const seen = await visit(desk.url, `/keys/${first}?/${action}`, { form });
      expect([seen.status, (await ask(desk.weir.proxy.url, desk.admin, 'GET', '/keys')).status], action).toEqual([
        409, 200,
      ]);
    }
    const elsewhere = { form: { token }, headers: { origin: 'https://evil.example' } };
    expect((await visit(desk.url, '/keys/new?/create', elsewhere)).status).toBe(403);
    expect((await visit(desk.url, '/keys/new?/create', { form: { name: 'x' } })).status).toBe(403);
  },
  DEADLINE,
);

test(
  'without a proxy, or without a key to ask it with, the page says so and lists nothing',
  async () => {
    const away = { WEIR_PROXY_URL: 'http://127.0.0.1:9', WEIR_DATA_DIR: desk.weir.dataDir };
    const keyless = { WEIR_PROXY_URL: desk.weir.proxy.url, WEIR_DATA_DIR: '' };
    const wrongKey = { ...keyless, WEIR_KEY: 'wk_wrong' };
    const named = { ...keyless, WEIR_KEY: desk.admin };
    for (const [settings, sentence] of [
      [away, 'The proxy does not answer at http://127.0.0.1:9.'],
      [keyless, 'No Weir key is at hand to administer with'],
      [wrongKey, 'This Weir key is not known here.'],
      [named, ''],
    ] as const) {
      const alone = await startDashboard(desk.weir.clickhouseUrl, { WEIR_ADMIN_PASSWORD: '', ...settings });
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
      const made = await makeKey(desk.weir.proxy.url, desk.admin, {
        ...{ name: `${long}${width}`, project: 'p'.repeat(64), owner: long, models: Array(40).fill('claude-opus-*') },
        limits: [{ name: 'l'.repeat(60), quota: 1e12, window: { seconds: 999_999 }, by: ['key', 'user', 'session'] }],
      });
      const paths = ['/keys', '/keys/new', `/keys/${made.key_id}`, '/keys/provider/new', '/connect'];
      await desk.withPage(
        async (page) => {
          for (const path of paths) {
            await desk.go(page, path);
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
