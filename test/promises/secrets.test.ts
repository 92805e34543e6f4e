/** Promise 5: a credential is sent where it belongs, and is found nowhere afterwards. */
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { ask, type Answered } from '../support/administration.ts';
import { rawRequest } from '../support/http.ts';
import { chatCompletion, json, startProvider, type ScriptedProvider } from '../support/provider.ts';
import { reachesStore, startWeir, type TestWeir } from '../support/weir.ts';

let weir: TestWeir;
let provider: ScriptedProvider;
let weirKey = '';
const held = 'sk-held-CANARY-9f2c';
const masterSecret = 'CANARY of a master secret';
beforeAll(async () => {
  provider = await startProvider((_, response) => json(response, chatCompletion()));
  weir = await startWeir(
    { openai: provider.url, anthropic: provider.url, google: provider.url },
    {
      OPENAI_API_KEY: held,
      ANTHROPIC_API_KEY: `${held}-a`,
      WEIR_SECRET: masterSecret,
      WEIR_ALLOW_TARGETS: new URL(provider.url).host,
    },
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

test('a Weir key goes nowhere, however its place is written, and is kept nowhere', async () => {
  const escaped = `%77${weirKey.slice(1)}`;
  const path = '/google/v1beta/models/gemini-2.5-flash:generateContent';
  const got = await call(`${path}?%6bey=${escaped}&a=b%20c&alt=json`, [['X-Other', weirKey]]);
  expect(got.status).toBe(401); // No key of Google's is held here.
  const own = await call(`${path}?key=AIza-own&%6bey=${escaped}&a=b%20c`, [['X-Other', weirKey]]);
  expect(own.status).toBe(200);
  expect(provider.seen[0]?.url).toBe(`${path.replace('/google', '')}?key=AIza-own&a=b%20c`);
  expect(JSON.stringify(provider.seen[0]?.headers)).not.toContain(weirKey);
  const id = own.header('weir-id') ?? '';
  expect((await weir.request(id)).query).toBe('?key=***&%6bey=***&a=b%20c');
  expect(JSON.stringify(await weir.body(id))).not.toContain(weirKey);
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
  await expectNowhere(['CANARY', weirKey]);
});

test('a secret given to administration is found nowhere afterwards, wherever and however wrongly it is given', async () => {
  const secret = 'sk-CANARY-vault-5b1e';
  const answers: Answered[] = [];
  const admin = async (method: string, path: string, body?: unknown): Promise<Answered> => {
    const got = await ask(weir.proxy.url, weirKey, method, path, body);
    answers.push(got);
    return got;
  };
  const made = await admin('POST', '/provider-keys', { provider: 'anthropic', name: 'team', weight: 1000, secret });
  expect([made.status, made.json.last4]).toEqual([201, '5b1e']);
  const id = String(made.json.provider_key_id);
  await admin('PUT', `/provider-keys/${id}/secret`, { secret: `${secret}-next` });
  // Given where it does not belong, or in a form that is refused.
  await admin('POST', '/provider-keys', { provider: secret, secret });
  await admin('POST', '/provider-keys', { provider: 'openai', secret: `${secret} with\nspaces` });
  await admin('POST', '/provider-keys', { provider: 'openai', [secret]: 1 });
  await admin('POST', '/provider-keys', { provider: 'openai', place: secret, secret });
  await admin('PATCH', `/provider-keys/${id}`, { secret });
  await admin('POST', '/keys', { role: secret });
  await admin('POST', '/keys', { limits: [{ [secret]: 1 }] });
  await admin('POST', '/keys', secret);
  await ask(weir.proxy.url, secret, 'GET', '/keys').then((got) => answers.push(got));
  for (const path of ['/provider-keys', '/keys', '/audit', '/openapi.json', '/health']) await admin('GET', path);
  // It is used, and a provider's failure with it is not told either.
  provider.script = (_, response) =>
    json(response, { type: 'error', error: { type: 'authentication_error', message: 'no' } }, 401);
  const used = await call('/anthropic/v1/messages', [['x-api-key', weirKey]]);
  provider.script = (_, response) => json(response, chatCompletion());
  // It is Weir's key that was refused, and not the caller's.
  expect(used.status).toBe(502);
  expect(provider.seen.some(({ headers }) => headers.includes(`${secret}-next`))).toBe(true);
  await weir.request(used.header('weir-id') ?? '');
  const { json: key } = await ask(weir.proxy.url, weirKey, 'POST', '/keys', { name: 'canary' });
  const { json: rotated } = await ask(weir.proxy.url, weirKey, 'POST', `/keys/${String(key.key_id)}/rotate`, {});
  const secrets = ['CANARY', String(key.key), String(rotated.key), weirKey, masterSecret];
  const told = answers.map(({ text, headers }) => text + JSON.stringify([...headers]));
  for (const text of told) for (const one of secrets) expect(text).not.toContain(one);
  // Whatever a process that is killed leaves behind, too.
  await weir.proxy.kill();
  await weir.restartProxy();
  await reachesStore(weir.proxy.url);
  await expectNowhere(secrets);
  const gone = await admin('DELETE', `/provider-keys/${id}`);
  expect(gone.status, gone.text).toBe(200);
});

/** Every place that outlives a call: tables, files, logs, metrics, what is told to anyone. */
async function expectNowhere(secrets: readonly string[]): Promise<void> {
  const tables = await weir.query<{ name: string }>(
    'SELECT name FROM system.tables WHERE database = currentDatabase()',
  );
  const dumps = tables.map(async ({ name }) => JSON.stringify(await weir.query(`SELECT * FROM ${name}`)));
  const texts = [
    ...(await Promise.all(dumps)),
    await (await fetch(`${weir.proxy.url}/weir/metrics`)).text(),
    await (await fetch(`${weir.proxy.url}/weir/health`)).text(),
    weir.proxy.log.join('\n'),
    // All but the first key's own file, which is there to be read.
    ...files(weir.dataDir).filter((text) => text.trim() !== weirKey),
  ];
  expect(tables.map(({ name }) => name)).toEqual(expect.arrayContaining(['bodies', 'keys', 'provider_keys', 'audit']));
  for (const text of texts) {
    for (const secret of secrets) if (text.includes(secret)) expect.fail(`${secret} stands in ${text.slice(0, 200)}`);
  }
}

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
