/** A Weir key calls what it may call, on every path, and no longer than it may. */
import { copyFileSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import OpenAI from 'openai';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { WebSocket, WebSocketServer } from 'ws';
import { ask, firstKey, makeKey, type MadeKey } from '../support/administration.ts';
import { until, within } from '../support/deadline.ts';
import { rawRequest, type RawResponse } from '../support/http.ts';
import { chatChunks, chatCompletion, json, startProvider, type ScriptedProvider } from '../support/provider.ts';
import { reachesStore, startProxy, startWeir, type TestWeir } from '../support/weir.ts';

let weir: TestWeir;
let provider: ScriptedProvider;
let sockets: WebSocketServer;
let admin = '';
const settings = {
  OPENAI_API_KEY: 'sk-held-openai',
  ANTHROPIC_API_KEY: 'sk-held-anthropic',
  GEMINI_API_KEY: 'held-google',
  WEIR_REPLAY_LIMIT: '200kb',
  WEIR_SECRET: 'a master secret of tests',
};
beforeAll(async () => {
  provider = await startProvider((seen, response) => {
    if (!seen.body.includes('"stream":true')) return json(response, chatCompletion());
    response.writeHead(200, { 'content-type': 'text/event-stream' }).end(chatChunks(['Hello ', 'there.']).join(''));
  });
  sockets = new WebSocketServer({ server: provider.server });
  weir = await startWeir({ openai: provider.url, anthropic: provider.url, google: provider.url }, settings);
  admin = firstKey(weir.dataDir);
});
beforeEach(() => {
  provider.seen.length = 0;
});
afterAll(async () => {
  await weir.stop();
  sockets.close();
  await provider.close();
});

const make = (asked: object): Promise<MadeKey> => makeKey(weir.proxy.url, admin, asked);
const chat = (model = 'gpt-4o-mini', more: object = {}): string => JSON.stringify({ model, messages: [], ...more });
function call(
  key: string,
  path = '/openai/v1/chat/completions',
  body: string | Buffer = chat(),
  headers: [string, string][] = [['Content-Type', 'application/json']],
): Promise<RawResponse> {
  return rawRequest(weir.proxy.url, { path, body, headers: [['Weir-Key', key], ...headers] });
}
function expectForbidden(got: RawResponse, sentence: string): void {
  expect([got.status, got.header('weir-error')]).toEqual([403, 'forbidden_target']);
  expect(got.body.toString()).toContain(sentence);
  expect(provider.seen).toHaveLength(0);
}

/** The status with which an upgrade ended. */
async function upgrade(path: string, key: string): Promise<number> {
  const client = new WebSocket(`${weir.proxy.url.replace('http', 'ws')}${path}`, { headers: { 'Weir-Key': key } });
  client.on('error', () => undefined);
  const status = new Promise<number>((resolve) => {
    client.on('open', () => resolve(101));
    client.on('unexpected-response', (_, response) => resolve(response.statusCode ?? 0));
  });
  try {
    return await within(10_000, `an answer to the upgrade ${path}`, status);
  } finally {
    client.terminate();
  }
}

describe('a key that may call some', () => {
  test('providers: others are refused, plain, streaming and as a WebSocket, whosever credential is sent', async () => {
    const { key } = await make({ providers: ['anthropic', 'google'] });
    expectForbidden(await call(key), 'the provider openai; it allows anthropic, google.');
    expectForbidden(await call(key, undefined, chat('gpt-4o-mini', { stream: true })), 'openai');
    const own: [string, string][] = [['Authorization', 'Bearer sk-own']];
    expectForbidden(await call(key, undefined, undefined, own), 'openai');
    expect(await upgrade('/openai/v1/realtime?model=gpt-realtime', key)).toBe(403);
    expect((await call(key, '/anthropic/v1/messages', chat('claude-haiku-4-5'))).status).toBe(200);
  });

  test('models: others are refused, plain and streaming, through the SDK too; the row says blocked', async () => {
    const made = await make({ models: ['gpt-4o*'], project: 'shop' });
    const client = new OpenAI({ baseURL: `${weir.proxy.url}/openai/v1`, apiKey: made.key, maxRetries: 0 });
    const messages = [{ role: 'user' as const, content: 'Hello?' }];
    const allowed = await client.chat.completions.create({ model: 'gpt-4o-mini', messages });
    expect(allowed.choices[0]?.message.content).toBe('Hello there.');
    const stream = await client.chat.completions.create({ model: 'gpt-4o', messages, stream: true });
    let text = '';
    for await (const chunk of stream) text += chunk.choices[0]?.delta.content ?? '';
    expect(text).toBe('Hello there.');
    provider.seen.length = 0;
    for (const streamed of [false, true]) {
      const refused = client.chat.completions.create({ model: 'gpt-5', messages, stream: streamed });
      await expect(refused).rejects.toThrow('This Weir key does not allow the model "gpt-5"; it allows gpt-4o*.');
      await expect(refused).rejects.toMatchObject({ status: 403, code: 'forbidden_target' });
    }
    const got = await call(made.key, undefined, chat('gpt-5'));
    expectForbidden(got, 'gpt-5');
    const row = await weir.request(got.header('weir-id') ?? '');
    expect([row.outcome, row.error_type, row.project, row.key_id]).toEqual([
      'blocked',
      'forbidden_target',
      'shop',
      made.key_id,
    ]);
  });

  test('models: what two readers could read in two ways is refused', async () => {
    const { key } = await make({ models: ['gpt-4o-mini'] });
    const type: [string, string] = ['Content-Type', 'application/json'];
    for (const body of [
      '{"model":"gpt-4o-mini","messages":[],"model":"gpt-5"}',
      '{"model":"gpt-4o-mini","messages":[],"mod\\u0065l":"gpt-5"}',
      '{"model":"gpt-4o-mini","messages":[],"models":["gpt-5"]}',
      `{"model":"gpt-4o-mini","messages":[{"role":"user","content":"${'x'.repeat(100_000)}"}],"model":"gpt-5"}`,
    ]) {
      expectForbidden(await call(key, undefined, body), 'gpt-5');
    }
    const packed = await call(key, undefined, gzipSync(chat()), [type, ['Content-Encoding', 'gzip']]);
    expectForbidden(packed, 'whose model Weir cannot know');
    expectForbidden(await call(key, '/openai/v1/files/../chat/completions'), 'dot segments');
    expectForbidden(
      await call(key, '/google/v1beta/models/gpt-4o-mini/%2e%2e/gemini-pro:generateContent'),
      'dot segments',
    );
    expectForbidden(await call(key, '/google/v1beta/models/gemini-pro:generateContent'), 'gemini-pro');
    expectForbidden(await call(key, '/openai/v1/batches'), 'may run any model');
    const large = chat('gpt-4o-mini', { user: 'x'.repeat(300_000) });
    expectForbidden(await call(key, undefined, large), 'over 204800 bytes');
  });

  test('models: what a split puts in the place of one does not let the others by', async () => {
    const { key } = await make({ models: ['gpt-4o-mini'] });
    const split: [string, string] = ['Weir-Split', 'to=(openai/gpt-4o-mini)'];
    for (const body of [
      '{"model":"any","models":["gpt-5"]}',
      '{"model":"any","Model":"gpt-5"}',
      '{"model":"any","mod\\u0065ls":["gpt-4o-mini","gpt-5"]}',
    ]) {
      expectForbidden(await call(key, undefined, body, [split]), 'gpt-5');
      expectForbidden(await call(key, '/v1/chat/completions', body.replace('any', 'openai/gpt-4o-mini')), 'gpt-5');
    }
    expectForbidden(await call(key, '/openai/v1/batches', '{}', [split]), 'may run any model');
    expectForbidden(await call(key, '/openai/v1/audio/speech?model=gpt-5', '{}', [split]), 'gpt-5');
    expect((await call(key, undefined, '{"model":"any","messages":[]}', [split])).status).toBe(200);
  });

  test('models: a body that arrives in pieces, with the model at its end, passes as it came', async () => {
    const { key } = await make({ models: ['gpt-4o-mini', 'whisper-1'] });
    const body = JSON.stringify({ messages: [{ role: 'user', content: 'x'.repeat(150_000) }], model: 'gpt-4o-mini' });
    const got = await rawRequest(weir.proxy.url, {
      path: '/openai/v1/chat/completions',
      body,
      chunkBytes: 20_000,
      headers: [
        ['Weir-Key', key],
        ['Content-Type', 'application/json'],
      ],
    });
    expect(got.status).toBe(200);
    expect(provider.seen[0]?.body.toString()).toBe(body);
    const part = (head: string, value: string): string =>
      `--b\r\nContent-Disposition: form-data; ${head}\r\n\r\n${value}\r\n`;
    const form = (model: string): string =>
      `${part('name="file"; filename="a.wav"', 'R'.repeat(90_000))}${part('name="model"', model)}--b--\r\n`;
    const multipart: [string, string][] = [['Content-Type', 'multipart/form-data; boundary=b']];
    expect((await call(key, '/openai/v1/audio/transcriptions', form('whisper-1'), multipart)).status).toBe(200);
    provider.seen.length = 0;
    expectForbidden(
      await call(key, '/openai/v1/audio/transcriptions', form('gpt-4o-transcribe'), multipart),
      'gpt-4o-transcribe',
    );
    const lists = await rawRequest(weir.proxy.url, {
      method: 'GET',
      path: '/openai/v1/models',
      headers: [['Weir-Key', key]],
    });
    expect(lists.status).toBe(200);
  });

  test('models: of a WebSocket too', async () => {
    const { key } = await make({ models: ['gpt-realtime'] });
    expect(await upgrade('/openai/v1/realtime?model=gpt-realtime', key)).toBe(101);
    for (const path of [
      '/openai/v1/realtime?model=gpt-realtime-2',
      '/openai/v1/realtime?model=gpt-realtime&model=gpt-realtime-2',
      '/openai/v1/realtime',
      '/google/ws/google.ai.generativelanguage.v1beta.GenerativeService.BidiGenerateContent?model=gpt-realtime',
    ]) {
      expect(await upgrade(path, key), path).toBe(403);
    }
  });

  test('a key among a WebSocket’s protocols is a key, and is neither sent nor kept', async () => {
    const { key } = await make({ models: ['gpt-realtime'] });
    const open = async (text: string, model: string): Promise<{ sent: string; id: string } | null> => {
      const sent = new Promise<string>((resolve) => {
        sockets.once('connection', (_, incoming) => resolve(incoming.rawHeaders.join('\n')));
      });
      const url = `${weir.proxy.url.replace('http', 'ws')}/openai/v1/realtime?model=${model}`;
      const client = new WebSocket(url, ['realtime', `openai-insecure-api-key.${text}`]);
      client.on('error', () => undefined);
      const id = new Promise<string | null>((resolve) => {
        client.on('upgrade', (response) => resolve(String(response.headers['weir-id'])));
        client.on('unexpected-response', () => resolve(null));
      });
      const opened = await within(10_000, 'an answer to the upgrade', id);
      client.terminate();
      return opened === null ? null : { sent: await within(10_000, 'the provider’s side', sent), id: opened };
    };
    const mine = await open(key, 'gpt-realtime');
    expect(mine?.sent).toContain('Bearer sk-held-openai');
    expect(mine?.sent).not.toContain('wk_');
    const own = await open('sk-own-CANARY', 'gpt-realtime');
    expect(own?.sent).toContain('openai-insecure-api-key.sk-own-CANARY');
    expect(JSON.stringify(await weir.body(own?.id ?? ''))).not.toContain('CANARY');
    expect(await open(key, 'gpt-realtime-2')).toBeNull();
  });

  test('operations: others are refused', async () => {
    const { key } = await make({ operations: ['embeddings', 'model_list'] });
    expectForbidden(await call(key), 'the operation chat; it allows embeddings, model_list.');
    expect(await upgrade('/openai/v1/realtime?model=gpt-realtime', key)).toBe(403);
    expect((await call(key, '/openai/v1/embeddings', JSON.stringify({ model: 'e', input: 'x' }))).status).toBe(200);
  });
});

test('a key’s properties stand under those of the call, and a key that keeps no bodies keeps none', async () => {
  const { key } = await make({ properties: { team: 'search', tier: 'gold' }, log_bodies: 'none' });
  const got = await call(key, undefined, undefined, [['Weir-Property-Tier', 'silver']]);
  const row = await weir.request(got.header('weir-id') ?? '');
  expect(row.properties).toEqual({ team: 'search', tier: 'silver' });
  const [kept] = await weir.query<{ n: string }>(
    `SELECT count() AS n FROM bodies WHERE request_id = '${row.request_id}' AND request != ''`,
  );
  expect(Number(kept?.n)).toBe(0);
});

test('an expired key is 401 with a sentence that says since when', async () => {
  const { key, key_id } = await make({ expires_at: '2027-03-01T00:00:00+01:00' });
  expect((await call(key)).status).toBe(200);
  const past = '2026-01-01T00:00:00.000Z';
  expect((await ask(weir.proxy.url, admin, 'PATCH', `/keys/${key_id}`, { expires_at: past })).status).toBe(200);
  const got = await call(key);
  expect([got.status, got.header('weir-error')]).toEqual([401, 'unauthorized']);
  expect(got.body.toString()).toContain(`This Weir key has expired, at ${past}.`);
  expect(await upgrade('/openai/v1/realtime?model=gpt-realtime', key)).toBe(401);
});

describe('with another proxy beside it', () => {
  let dataDir = '';
  let beside: Awaited<ReturnType<typeof startProxy>>;
  beforeAll(async () => {
    dataDir = mkdtempSync(join(tmpdir(), 'weir-beside-'));
    beside = await startProxy(dataDir, {
      ...settings,
      CLICKHOUSE_URL: weir.clickhouseUrl,
      WEIR_UPSTREAM_OPENAI: provider.url,
    });
    await reachesStore(beside.url);
  });
  afterAll(async () => {
    await beside.stop();
    rmSync(dataDir, { recursive: true, force: true });
  });
  const there = async (key: string): Promise<RawResponse> =>
    rawRequest(beside.url, { path: '/openai/v1/chat/completions', body: chat(), headers: [['Weir-Key', key]] });
  const becomes = (status: number, key: string): Promise<RawResponse> =>
    until(30_000, `the other proxy answers ${status}`, async () => {
      const got = await there(key);
      return got.status === status ? got : undefined;
    });

  test('a revoked key stops here at once, and there within seconds', async () => {
    const { key, key_id } = await make({});
    await becomes(200, key);
    expect((await ask(weir.proxy.url, admin, 'POST', `/keys/${key_id}/disable`)).status).toBe(200);
    const revoked = performance.now();
    const got = await call(key);
    expect([got.status, got.header('weir-error')]).toEqual([401, 'unauthorized']);
    expect(got.body.toString()).toContain('This Weir key is disabled.');
    await becomes(401, key);
    console.log(`a revoked key stopped in another proxy after ${Math.round(performance.now() - revoked)} ms`);
  });

  test('a rotated key has two texts for a while, then one', async () => {
    const { key, key_id } = await make({});
    const rotate = async (seconds: number): Promise<string> => {
      const { json: made } = await ask(weir.proxy.url, admin, 'POST', `/keys/${key_id}/rotate`, {
        overlap_seconds: seconds,
      });
      return String(made.key);
    };
    const second = await rotate(3600);
    expect([second === key, (await call(key)).status, (await call(second)).status]).toEqual([false, 200, 200]);
    await becomes(200, second);
    const row = await weir.request((await call(second)).header('weir-id') ?? '');
    expect(row.key_id).toBe(key_id);
    const third = await rotate(0);
    expect([(await call(key)).status, (await call(second)).status, (await call(third)).status]).toEqual([
      401, 401, 200,
    ]);
    const fourth = await rotate(1);
    expect((await call(fourth)).status).toBe(200);
    const over = await until(10_000, 'the overlap is over', async () => {
      const got = await call(third);
      return got.status === 401 ? got : undefined;
    });
    expect(over.body.toString()).toContain('This Weir key was replaced by a new one');
  });
});

test('settings outlive the store: keys and provider keys of the last good copy serve, and health says stale', async () => {
  const secret = 'a master secret of the test';
  const dataDir = mkdtempSync(join(tmpdir(), 'weir-stale-'));
  const environment = { WEIR_SECRET: secret, WEIR_UPSTREAM_OPENAI: provider.url };
  const { key } = await make({ models: ['gpt-4o-mini'] });
  const revoked = await make({});
  await ask(weir.proxy.url, admin, 'POST', `/keys/${revoked.key_id}/disable`);
  const first = await startProxy(dataDir, { ...environment, CLICKHOUSE_URL: weir.clickhouseUrl });
  await reachesStore(first.url);
  const stored = { provider: 'openai', secret: 'sk-of-the-vault-0123' };
  const held = await ask(first.url, firstKey(dataDir), 'POST', '/provider-keys', stored);
  expect(held.status, held.text).toBe(201);
  await until(120_000, 'the copy has the keys', () =>
    readFileSync(join(dataDir, 'settings.json'), 'utf8').includes(revoked.key_id) ? true : undefined,
  );
  await first.stop();
  const copy = readFileSync(join(dataDir, 'settings.json'), 'utf8');
  expect(copy).not.toContain('sk-of-the-vault');
  expect(copy).not.toContain(key);
  const alone = mkdtempSync(join(tmpdir(), 'weir-alone-'));
  for (const name of ['settings.json', 'key']) copyFileSync(join(dataDir, name), join(alone, name));
  // Port 9 is nobody's (RFC 863 is long forgotten).
  const second = await startProxy(alone, { ...environment, CLICKHOUSE_URL: 'http://weir:x@127.0.0.1:9/weir' });
  const there = (text: string, model: string): Promise<RawResponse> =>
    rawRequest(second.url, {
      path: '/openai/v1/chat/completions',
      body: chat(model),
      headers: [
        ['Weir-Key', text],
        ['Content-Type', 'application/json'],
      ],
    });
  try {
    expect([(await there(key, 'gpt-4o-mini')).status, (await there(key, 'gpt-5')).status]).toEqual([200, 403]);
    const sent = provider.seen[0]?.headers ?? [];
    expect(sent[sent.findIndex((name) => name.toLowerCase() === 'authorization') + 1]).toBe(
      'Bearer sk-of-the-vault-0123',
    );
    expect((await there(revoked.key, 'gpt-4o-mini')).status).toBe(401);
    const { json: health } = await ask(second.url, null, 'GET', '/health');
    expect([health.stale, health.provider_keys]).toEqual([true, { opened: 1, resting: [], unopened: [] }]);
    const mine = firstKey(alone);
    const write = await ask(second.url, mine, 'POST', '/keys', {});
    expect([write.status, write.json]).toEqual([
      503,
      { error: expect.objectContaining({ code: 'overloaded' }) as object },
    ]);
    expect((await ask(second.url, mine, 'GET', '/keys')).status).toBe(200);
  } finally {
    await second.stop();
    rmSync(alone, { recursive: true, force: true });
    rmSync(dataDir, { recursive: true, force: true });
  }
  const gone = await ask(weir.proxy.url, admin, 'DELETE', `/provider-keys/${String(held.json.provider_key_id)}`);
  expect(gone.status).toBe(200);
});

test('a provider key that was refused rests while another fits: the call goes on with that, and health names it', async () => {
  const asAdmin = (method: string, path: string, body?: object) => ask(weir.proxy.url, admin, method, path, body);
  const stored = await asAdmin('POST', '/provider-keys', { provider: 'anthropic', secret: 'sk-of-the-vault-4567' });
  expect(stored.status).toBe(201);
  const { script } = provider;
  const bearer = (headers: readonly string[]): string => headers[headers.indexOf('x-api-key') + 1] ?? '';
  provider.script = (seen, response) => {
    if (bearer(seen.headers) === 'sk-held-anthropic') return json(response, { type: 'error' }, 401);
    json(response, { type: 'message', model: 'claude', content: [], usage: { input_tokens: 1, output_tokens: 1 } });
  };
  try {
    const { key } = await make({});
    const message = (): Promise<RawResponse> => call(key, '/anthropic/v1/messages', chat('claude-sonnet-4-5'));
    const attempts = await until(20_000, 'the key of the environment is refused', async () => {
      const got = await message();
      expect(got.status).toBe(200);
      return got.header('weir-attempts') === '1' ? undefined : got.header('weir-attempts');
    });
    expect(attempts).toBe('2');
    for (let n = 0; n < 20; n++) expect((await message()).header('weir-attempts')).toBe('1');
    const { json: health } = await asAdmin('GET', '/health');
    expect((health.provider_keys as { resting: object[] }).resting).toEqual([
      { provider_key_id: 'environment:anthropic', status: 401, until: expect.any(Number) as number },
    ]);
  } finally {
    provider.script = script;
    await asAdmin('DELETE', `/provider-keys/${String(stored.json.provider_key_id)}`);
  }
});
