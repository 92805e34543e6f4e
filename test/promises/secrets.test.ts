/** Promise 5: a credential is sent where it belongs, and is found nowhere afterwards. */
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { rawRequest } from '../support/http.ts';
import { chatCompletion, json, startProvider, type ScriptedProvider } from '../support/provider.ts';
import { startWeir, type TestWeir } from '../support/weir.ts';

let weir: TestWeir;
let provider: ScriptedProvider;
let weirKey = '';
const held = 'sk-held-CANARY-9f2c';
beforeAll(async () => {
  provider = await startProvider((_, response) => json(response, chatCompletion()));
  weir = await startWeir(
    { openai: provider.url, anthropic: provider.url, google: provider.url },
    { OPENAI_API_KEY: held, ANTHROPIC_API_KEY: `${held}-a`, WEIR_ALLOW_TARGETS: new URL(provider.url).host },
  );
  weirKey = readFileSync(join(weir.dataDir, 'key'), 'utf8').trim();
});
beforeEach(() => {
  provider.seen.length = 0;
});
afterAll(async () => {
  await weir.stop();
  await provider.close();
});

const body = JSON.stringify({ model: 'gpt-4o-mini', messages: [] });
const call = (path: string, headers: [string, string][]): ReturnType<typeof rawRequest> =>
  rawRequest(weir.proxy.url, { path, body, headers });
const seenHeader = (name: string): string[] => {
  const raw = provider.seen[0]?.headers ?? [];
  return raw.flatMap((entry, index) => (index % 2 === 0 && entry.toLowerCase() === name ? [raw[index + 1] ?? ''] : []));
};

test('the caller’s own credential passes, with and without a Weir key beside it', async () => {
  await call('/openai/v1/chat/completions', [['Authorization', 'Bearer sk-own']]);
  expect(seenHeader('authorization')).toEqual(['Bearer sk-own']);
  provider.seen.length = 0;
  const got = await call('/openai/v1/chat/completions', [
    ['Authorization', 'Bearer sk-own'],
    ['Weir-Key', weirKey],
  ]);
  expect(seenHeader('authorization')).toEqual(['Bearer sk-own']);
  const row = await weir.request(got.header('weir-id') ?? '');
  expect([row.project, row.key_id]).toEqual(['default', expect.stringMatching(/^key_/)]);
});

test('a Weir key in an SDK’s place is taken out, and the key that Weir holds goes in', async () => {
  const places: [string, [string, string][], string, string][] = [
    ['/openai/v1/chat/completions', [['Authorization', `Bearer ${weirKey}`]], 'authorization', `Bearer ${held}`],
    ['/anthropic/v1/messages', [['x-api-key', weirKey]], 'x-api-key', `${held}-a`],
  ];
  for (const [path, headers, name, expected] of places) {
    provider.seen.length = 0;
    expect((await call(path, headers)).status).toBe(200);
    expect(seenHeader(name)).toEqual([expected]);
  }
  expect(JSON.stringify(provider.seen)).not.toContain('wk_');
});

test('a Weir key without a held key, and one that is not valid, are 401 before anything is sent', async () => {
  const none = await call(`/google/v1beta/models/gemini-2.5-flash:generateContent?key=${weirKey}`, []);
  expect([none.status, none.header('weir-error')]).toEqual([401, 'unauthorized']);
  const wrong = await call('/openai/v1/chat/completions', [
    ['Weir-Key', 'wk_wrong'],
    ['Authorization', 'Bearer sk-own'],
  ]);
  expect([wrong.status, wrong.header('weir-error')]).toEqual([401, 'unauthorized']);
  expect(provider.seen).toHaveLength(0);
});

test('a custom target never gets a key that Weir holds', async () => {
  const got = await call('/custom/v1/chat/completions', [
    ['Weir-Target-Url', provider.url],
    ['Authorization', `Bearer ${weirKey}`],
  ]);
  expect(got.status).toBe(401);
  expect(provider.seen).toHaveLength(0);
});

test('no credential is kept anywhere: not in the store, the spool, the settings, the logs or the metrics', async () => {
  const canary = 'CANARY-7a31';
  const got = await call(`/google/v1beta/models/gemini-2.5-flash:generateContent?key=sk-${canary}&alt=json`, [
    ['Authorization', `Bearer sk-${canary}`],
    ['x-api-key', `sk-${canary}`],
    ['x-goog-api-key', `sk-${canary}`],
    ['Cookie', `session=${canary}`],
    ['X-Auth-Token', canary],
  ]);
  const row = await weir.request(got.header('weir-id') ?? '');
  expect(row.query).toBe('?key=***&alt=json');
  const stored = await weir.query<{ n: string }>(
    `SELECT count() AS n FROM bodies WHERE position(toString(tuple(*)), 'CANARY') > 0`,
  );
  expect(Number(stored[0]?.n)).toBe(0);
  const texts = [
    JSON.stringify(await weir.query('SELECT * FROM requests')),
    JSON.stringify(await weir.query('SELECT * FROM attempts')),
    JSON.stringify(await weir.query('SELECT * FROM keys')),
    await (await fetch(`${weir.proxy.url}/weir/metrics`)).text(),
    await (await fetch(`${weir.proxy.url}/weir/health`)).text(),
    weir.proxy.log.join('\n'),
    ...files(join(weir.dataDir, 'spool')),
    readFileSync(join(weir.dataDir, 'settings.json'), 'utf8'),
  ];
  for (const text of texts) {
    expect(text).not.toContain('CANARY');
    expect(text).not.toContain(weirKey);
  }
});

test('files of the data directory are readable by their owner alone', () => {
  expect(statSync(weir.dataDir).mode & 0o077).toBe(0);
  expect(statSync(join(weir.dataDir, 'key')).mode & 0o077).toBe(0);
});

function files(directory: string): string[] {
  return readdirSync(directory, { withFileTypes: true }).flatMap((entry) => {
    const path = join(directory, entry.name);
    return entry.isDirectory() ? files(path) : [readFileSync(path, 'latin1')];
  });
}
