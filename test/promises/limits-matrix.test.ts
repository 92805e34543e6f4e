/** Every way through Weir × every unit × everything that is counted apart: a limit that is used up lets nothing through. */
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { WebSocket, WebSocketServer } from 'ws';
import { ask as askWeir, firstKey, makeKey } from '../support/administration.ts';
import { until, within } from '../support/deadline.ts';
import { rawRequest } from '../support/http.ts';
import { chatChunks, chatCompletion, json, startProvider, type ScriptedProvider } from '../support/provider.ts';
import { startWeir, type TestWeir } from '../support/weir.ts';

let weir: TestWeir;
let provider: ScriptedProvider;
let sockets: WebSocketServer;
const held = new Map<string, () => void>();
/** Questions that have failed once, and are answered the next time. */
const failed = new Set<string>();
beforeAll(async () => {
  provider = await startProvider(async (seen, response) => {
    const failing = /"fails":"([^"]+)"/.exec(seen.body.toString())?.[1];
    if (failing !== undefined && !failed.has(failing)) {
      failed.add(failing);
      return json(response, { error: { message: 'try again' } }, 500);
    }
    const name = /"hold":"([^"]+)"/.exec(seen.body.toString())?.[1];
    if (name !== undefined) await new Promise<void>((resolve) => held.set(name, resolve));
    if (seen.body.includes('"stream":true')) {
      if (seen.body.includes('"endless"')) {
        response.writeHead(200, { 'content-type': 'text/event-stream' });
        response.write(chatChunks(['Hello ', 'there ']).slice(0, 3).join(''));
        return;
      }
      response.writeHead(200, { 'content-type': 'text/event-stream' }).end(chatChunks(['Hello']).join(''));
      return;
    }
    // Of one that failed before it is more than all its attempts may come to at most.
    const tokens = failing === undefined ? 1_000 : 10_000;
    const usage = { prompt_tokens: tokens, completion_tokens: tokens, total_tokens: 2 * tokens };
    json(response, { ...chatCompletion(), usage });
  });
  sockets = new WebSocketServer({ server: provider.server });
  weir = await startWeir(
    { openai: provider.url, groq: provider.url },
    { OPENAI_API_KEY: 'sk-held', GROQ_API_KEY: 'gsk-held' },
  );
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
const again: [string, string][] = [['Weir-Retry', 'retries=2, min=1, max=5']];
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
  retried: { model, ask: async (key) => (await post(key, path, chat(), again)).status },
  'with a fallback': {
    model,
    ask: async (key) =>
      (await post(key, path, chat(), [['Weir-Fallback', 'to=(groq/llama-3.3-70b-versatile)']])).status,
  },
  'to another model of a split': {
    model,
    ask: async (key) =>
      (await post(key, path, chat({ model: 'other' }), [['Weir-Split', `to=(openai/${model})`]])).status,
  },
  'the unified API': {
    model,
    ask: async (key) => (await post(key, '/v1/chat/completions', chat({ model: `openai/${model}` }))).status,
  },
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
  for (const [way, { model: itsModel, ask }] of Object.entries(ways)) {
    // What asks for another model is counted apart, and has room of its own.
    const apart = by.includes('model') && itsModel !== model;
    const status = await ask(key);
    if (!apart) expect(status, way).toBe(429);
  }
  held.get(name)?.();
  expect((await first).status).toBe(200);
});

/** Room for what a call of two or three attempts may come to, and none once it has been answered. */
const room: Record<string, object> = { tokens: { quota: 4_000 }, usd: { quota: 0.001 } };

/** Ways in which the one call goes that uses a limit up. @param name of the cell. */
const users: Record<string, (key: string, name: string) => Promise<number>> = {
  'a retry': async (key, name) => (await post(key, path, chat({ metadata: { fails: name } }), again)).status,
  'a fallback': async (key, name) =>
    (
      await post(key, path, chat({ metadata: { fails: name } }), [
        ['Weir-Fallback', 'to=(openai/gpt-4o-mini-2024-07-18)'],
      ])
    ).status,
  'a unified call that is retried': async (key, name) =>
    (await post(key, '/v1/chat/completions', chat({ model: `openai/${model}`, metadata: { fails: name } }), again))
      .status,
};
const used = Object.keys(users).flatMap((way) =>
  ['requests', 'tokens', 'usd'].flatMap((unit) =>
    [[], ['user'], ['property:team']].map((by) => [way, unit, by] as const),
  ),
);
test.concurrent.each(used)('%s uses up %s by %j', async (way, unit, by) => {
  const name = `${way} ${unit} ${by.join(' ')}`;
  const limits = [{ name: 'full', ...units[unit], ...(unit === 'requests' ? {} : room[unit]), by }];
  const { key, key_id } = await makeKey(weir.proxy.url, firstKey(weir.dataDir), { limits, project: 'p' });
  expect(await users[way]?.(key, name)).toBe(200);
  await counted(key_id, 1);
  // All attempts of a call are one: the failed one takes nothing.
  const [row] = await weir.query<object>(`SELECT attempts, retry_cost_usd FROM requests WHERE key_id = '${key_id}'`);
  expect(row).toMatchObject({ attempts: 2, retry_cost_usd: '0' });
  for (const [other, { ask }] of Object.entries(ways)) expect([other, await ask(key)]).toEqual([other, 429]);
});
test.each([[], ['user'], ['session'], ['property:team']].map((by) => [by] as const))(
  'a stream that its client leaves is counted by %j as a request and by what had come, and gives its place back',
  async (by) => {
    const limits = Object.keys(units).map((unit) => ({
      name: unit,
      ...units[unit],
      quota: unit === 'requests' ? 1 : unit === 'concurrent' ? 1 : 1e6,
      by,
    }));
    const { key, key_id } = await makeKey(weir.proxy.url, firstKey(weir.dataDir), { limits, project: 'p' });
    const gone = new AbortController();
    const response = await fetch(`${weir.proxy.url}${path}`, {
      method: 'POST',
      body: chat({ stream: true, metadata: { endless: 'endless' } }),
      headers: {
        'content-type': 'application/json',
        'weir-key': key,
        ...Object.fromEntries(mine),
        ...Object.fromEntries(again),
      },
      signal: gone.signal,
    });
    await response.body?.getReader().read();
    gone.abort();
    await counted(key_id, 1);
    const [row] = await weir.query<{ outcome: string; tokens: string }>(
      `SELECT outcome, input_tokens + output_tokens AS tokens FROM requests WHERE key_id = '${key_id}'`,
    );
    expect(row?.outcome).toBe('cancelled');
    expect(Number(row?.tokens)).toBeGreaterThan(0);
    const stands = await until(30_000, 'it is settled', async () => {
      const told = await askWeir(weir.proxy.url, firstKey(weir.dataDir), 'GET', `/keys/${key_id}/spend`);
      const limitsNow = told.json.limits as { name: string; counts: { used: number }[] }[];
      const of = (name: string): number => limitsNow.find((one) => one.name === name)?.counts[0]?.used ?? 0;
      return of('tokens') === Number(row?.tokens) && of('concurrent') === 0 ? of : undefined;
    });
    expect(stands('requests')).toBe(1);
    expect(stands('usd')).toBeGreaterThan(0);
    for (const [other, { ask }] of Object.entries(ways)) expect([other, await ask(key)]).toEqual([other, 429]);
  },
);

async function counted(keyId: string, calls: number): Promise<void> {
  await until(30_000, `${calls} rows of ${keyId}`, async () => {
    const [row] = await weir.query<{ rows: string }>(`SELECT count() AS rows FROM requests WHERE key_id = '${keyId}'`);
    return Number(row?.rows) >= calls ? true : undefined;
  });
}
