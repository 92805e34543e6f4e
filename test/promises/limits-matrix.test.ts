/** Every way through Weir × every unit × everything that is counted apart: a limit that is used up lets nothing through. */
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { WebSocket, WebSocketServer } from 'ws';
import { firstKey, makeKey } from '../support/administration.ts';
import { until, within } from '../support/deadline.ts';
import { rawRequest } from '../support/http.ts';
import { chatChunks, chatCompletion, json, startProvider, type ScriptedProvider } from '../support/provider.ts';
import { startWeir, type TestWeir } from '../support/weir.ts';

let weir: TestWeir;
let provider: ScriptedProvider;
let sockets: WebSocketServer;
const held = new Map<string, () => void>();
beforeAll(async () => {
  provider = await startProvider(async (seen, response) => {
    const name = /"hold":"([^"]+)"/.exec(seen.body.toString())?.[1];
    if (name !== undefined) await new Promise<void>((resolve) => held.set(name, resolve));
    if (seen.body.includes('"stream":true')) {
      response.writeHead(200, { 'content-type': 'text/event-stream' }).end(chatChunks(['Hello']).join(''));
      return;
    }
    const usage = { prompt_tokens: 1000, completion_tokens: 1000, total_tokens: 2000 };
    json(response, { ...chatCompletion(), usage });
  });
  sockets = new WebSocketServer({ server: provider.server });
  weir = await startWeir({ openai: provider.url, groq: provider.url }, { OPENAI_API_KEY: 'sk-held' });
});
afterAll(async () => {
  for (const release of held.values()) release();
  await weir.stop();
  sockets.close();
  await provider.close();
});

const model = 'gpt-4o-mini';
const chat = (more: object = {}): string => JSON.stringify({ model, max_tokens: 1, messages: [], ...more });
const mine: [string, string][] = [
  ['Weir-User', 'a'],
  ['Weir-Session', 's'],
  ['Weir-Property-Team', 't'],
];
const post = (key: string, path: string, body: string | Buffer, headers: [string, string][] = []) =>
  rawRequest(weir.proxy.url, { path, body, headers: [['Weir-Key', key], ...mine, ...headers] });

const path = '/openai/v1/chat/completions';
/** @returns the status that a call ends with. `model`: the model that Weir counts it by. */
const ways: Record<string, { model: string; ask: (key: string) => Promise<number> }> = {
  plain: { model, ask: async (key) => (await post(key, path, chat())).status },
  streaming: { model, ask: async (key) => (await post(key, path, chat({ stream: true }))).status },
  compressed: {
    model: '',
    ask: async (key) => (await post(key, path, gzipSync(chat()), [['Content-Encoding', 'gzip']])).status,
  },
  'a path that nobody knows': { model: '', ask: async (key) => (await post(key, '/openai/v9/new', '{}')).status },
  'a form': {
    model: 'whisper-1',
    ask: async (key) => {
      const part = (name: string, value: string): string =>
        `--x\r\nContent-Disposition: form-data; name="${name}"\r\n\r\n${value}\r\n`;
      const form = `${part('file', 'sound')}${part('model', 'whisper-1')}--x--\r\n`;
      const type: [string, string][] = [['Content-Type', 'multipart/form-data; boundary=x']];
      return (await post(key, '/openai/v1/audio/transcriptions', form, type)).status;
    },
  },
  'a list of models': {
    model: '',
    ask: async (key) =>
      (await rawRequest(weir.proxy.url, { path: '/openai/v1/models', headers: [['Weir-Key', key], ...mine] })).status,
  },
  'the key where SDKs have it': {
    model,
    ask: async (key) => {
      const headers: [string, string][] = [['Authorization', `Bearer ${key}`], ...mine];
      return (await rawRequest(weir.proxy.url, { path, body: chat(), headers })).status;
    },
  },
  'with a credential of one’s own': {
    model,
    ask: async (key) => (await post(key, path, chat(), [['Authorization', 'Bearer sk-own']])).status,
  },
  'a WebSocket': { model: '', ask: upgrade },
};

function upgrade(key: string): Promise<number> {
  const url = `${weir.proxy.url.replace('http', 'ws')}/openai/v1/realtime?model=gpt-realtime`;
  const client = new WebSocket(url, { headers: Object.fromEntries([['Weir-Key', key], ...mine]) });
  client.on('error', () => undefined);
  const status = new Promise<number>((resolve) => {
    client.on('open', () => resolve(101));
    client.on('unexpected-response', (_, response) => resolve(response.statusCode ?? 0));
  });
  return within(20_000, 'an answer to the upgrade', status).finally(() => client.terminate());
}

const minute = { seconds: 600 };
/** Limits that the first call uses up: its usage, 2,000 tokens and 750 millionths of a dollar, is more than it may come to. */
const units: Record<string, object> = {
  requests: { unit: 'requests', quota: 1, window: minute },
  tokens: { unit: 'tokens', quota: 1_500, window: { calendar: 'month' } },
  usd: { unit: 'usd', quota: 0.0005, window: minute },
  concurrent: { unit: 'concurrent', quota: 1 },
};
const scopes = [
  [],
  ['key'],
  ['project'],
  ['user'],
  ['session'],
  ['provider'],
  ['model'],
  ['property:team'],
  ['user', 'model'],
];

const cells = Object.keys(units).flatMap((unit) => scopes.map((by) => [unit, by] as const));
test.concurrent.each(cells)('%s by %j', async (unit, by) => {
  const name = `${unit} ${by.join(' ')}`.trim();
  const limits = [{ name: 'full', ...units[unit], by }];
  const { key, key_id } = await makeKey(weir.proxy.url, firstKey(weir.dataDir), { limits, project: 'p' });
  const first = post(key, path, chat(unit === 'concurrent' ? { metadata: { hold: name } } : {}));
  if (unit === 'concurrent') await until(20_000, `${name} is held`, async () => (held.has(name) ? true : undefined));
  else {
    expect((await first).status).toBe(200);
    await until(30_000, `${name} is counted`, async () => {
      const [row] = await weir.query<{ rows: string }>(
        `SELECT count() AS rows FROM requests WHERE key_id = '${key_id}'`,
      );
      return row?.rows === '1' ? true : undefined;
    });
  }
  for (const [way, { model: counted, ask }] of Object.entries(ways)) {
    // What asks for another model is counted apart, and has room of its own.
    const apart = by.includes('model') && counted !== model;
    const status = await ask(key);
    if (!apart) expect(status, way).toBe(429);
  }
  held.get(name)?.();
  expect((await first).status).toBe(200);
});
