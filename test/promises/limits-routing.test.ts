/** Limits hold for calls that go elsewhere, and more than once: what is let through never passes a budget, whoever is asked how often. */
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { ask, firstKey, makeKey, type MadeKey } from '../support/administration.ts';
import { until } from '../support/deadline.ts';
import { rawRequest, type RawResponse } from '../support/http.ts';
import { chatCompletion, json, startProvider, type Script, type ScriptedProvider } from '../support/provider.ts';
import { anthropicMessage, geminiReply } from '../support/replies.ts';
import { reachesStore, startWeir, type TestWeir } from '../support/weir.ts';

/** 1,000 tokens in and 1,000 out, at gpt-4o-mini's price: 750 millionths of a dollar. */
const usage = { prompt_tokens: 1000, completion_tokens: 1000, total_tokens: 2000 };
const nanosOfCall = 750_000;

let weir: TestWeir;
const providers: Record<string, ScriptedProvider> = {};
let admin = '';

const answers: Record<string, Script> = {
  openai: (seen, response) => json(response, { ...chatCompletion(modelOf(seen.body)), usage }),
  groq: (seen, response) => json(response, { ...chatCompletion(modelOf(seen.body)), usage }),
  anthropic: (_, response) => json(response, anthropicMessage),
  google: (_, response) => json(response, geminiReply),
};

function modelOf(body: Buffer): string {
  return (JSON.parse(body.toString() || '{}') as { model?: string }).model ?? '';
}

beforeAll(async () => {
  for (const [name, script] of Object.entries(answers)) providers[name] = await startProvider(script);
  const upstreams = Object.fromEntries(Object.entries(providers).map(([name, { url }]) => [name, url]));
  weir = await startWeir(upstreams, {
    OPENAI_API_KEY: 'sk-held',
    GROQ_API_KEY: 'gsk-held',
    ANTHROPIC_API_KEY: 'sk-ant-held',
    GEMINI_API_KEY: 'AIza-held',
  });
  admin = firstKey(weir.dataDir);
});
beforeEach(() => {
  for (const [name, provider] of Object.entries(providers)) {
    provider.script = answers[name] as Script;
    provider.seen.length = 0;
  }
});
afterAll(async () => {
  await weir.stop();
  for (const provider of Object.values(providers)) await provider.close();
});

const minute = { seconds: 600 };
const make = (limits: object[]): Promise<MadeKey> => makeKey(weir.proxy.url, admin, { limits });
const question = (model: string, more: object = {}): string =>
  JSON.stringify({ model, max_tokens: 1000, messages: [{ role: 'user', content: 'Hi' }], ...more });

interface Asking {
  path?: string;
  model?: string;
  headers?: [string, string][];
}
const call = (
  key: string,
  { path = '/openai/v1/chat/completions', model = 'gpt-4o-mini', headers = [] }: Asking = {},
): Promise<RawResponse> =>
  rawRequest(weir.proxy.url, {
    path,
    body: question(model),
    headers: [['Weir-Key', key], ['Content-Type', 'application/json'], ...headers],
  });

/** Waits until every call of a key has its row. */
async function rowsOf(keyId: string, calls: number): Promise<void> {
  await until(60_000, `${calls} rows of ${keyId}`, async () => {
    const [row] = await weir.query<{ rows: string }>(`SELECT count() AS rows FROM requests WHERE key_id = '${keyId}'`);
    return Number(row?.rows) >= calls ? true : undefined;
  });
}

async function restart(): Promise<void> {
  await weir.proxy.stop();
  await weir.restartProxy();
  await reachesStore(weir.proxy.url);
}

async function saveRoute(settings: object): Promise<void> {
  const saved = await ask(weir.proxy.url, admin, 'POST', '/routes', settings);
  expect([saved.status, saved.text]).toEqual([201, expect.any(String)]);
}

describe('a dollar budget, 200 clients at once, a provider that fails three times in ten', () => {
  const policies: [string, [string, string][]][] = [
    ['retries', [['Weir-Retry', 'retries=2, min=1, max=5']]],
    [
      'retries and a fallback',
      [
        ['Weir-Retry', 'retries=1, min=1, max=5'],
        ['Weir-Fallback', 'to=(openai/gpt-4.1-nano groq/llama-3.3-70b-versatile)'],
      ],
    ],
  ];
  test.each(policies)('%s', async (_, headers) => {
    let asked = 0;
    /** Attempts that had the request and gave no answer: the provider may have billed them. */
    let unanswered = 0;
    const failing: Script = (seen, response) => {
      const turn = ++asked % 10;
      if (turn === 1) return json(response, { error: { message: 'slow down' } }, 429);
      if (turn === 4) return json(response, { error: { message: 'broken' } }, 500);
      if (turn === 7) {
        unanswered++;
        return response.socket?.resetAndDestroy();
      }
      return json(response, { ...chatCompletion(modelOf(seen.body)), usage });
    };
    for (const name of ['openai', 'groq']) providers[name]!.script = failing;
    // Room for 60 answers; what each call may come to at most is some of them.
    const quota = (60 * nanosOfCall) / 1e9;
    const { key, key_id } = await make([{ name: 'day', unit: 'usd', quota, window: { calendar: 'day' } }]);
    let calls = 0;
    const one = async (): Promise<RawResponse> => {
      calls++;
      const got = await call(key, { headers });
      if (got.header('weir-error') === 'limit_exceeded')
        expect(got.body.toString()).toContain('The limit day is reached: ');
      return got;
    };
    await Promise.all(Array.from({ length: 200 }, one));
    const read = async (): Promise<{ known: number; counted: number; unknown: number }> => {
      await rowsOf(key_id, calls);
      const [sum] = await weir.query<Record<'known' | 'counted' | 'unknown', string>>(`
        SELECT sum(toInt64(ifNull(cost_usd, 0) * 1000000000)) AS known,
               sum(toInt64(ifNull(limit_usd, ifNull(cost_usd, 0)) * 1000000000)) AS counted,
               countIf(has(warnings, 'unknown_attempt_cost')) AS unknown
        FROM requests WHERE key_id = '${key_id}'`);
      return { known: Number(sum?.known), counted: Number(sum?.counted), unknown: Number(sum?.unknown) };
    };
    // One after the other until nothing is let through any more, and what is taken is what the log counts.
    const { sums, may } = await until(120_000, 'the budget is used up, and nothing is held', async () => {
      const got = await one();
      const [, taken, may] =
        /reached: ([\d.]+) of \S+ usd are taken; this call may come to (\d+(?:\.\d+)?)/.exec(got.body.toString()) ?? [];
      if (taken === undefined || may === undefined) return undefined;
      const found = await read();
      return Math.abs(Number(taken) * 1e9 - found.counted) < 100_000
        ? { sums: found, may: Number(may) * 1e9 }
        : undefined;
    });
    expect(unanswered).toBeGreaterThan(0);
    expect(sums.unknown).toBeGreaterThan(0);
    // Every attempt that nobody answered is in the count, at no less than an answer would have cost.
    expect(sums.counted).toBeGreaterThanOrEqual(sums.known + unanswered * nanosOfCall);
    expect(sums.counted).toBeLessThanOrEqual(quota * 1e9);
    // What was taken for attempts that cannot have been billed came back: less is left than one more call may come to.
    expect(quota * 1e9 - sums.counted).toBeLessThan(may);
    expect(sums.known).toBeGreaterThan(0.3 * quota * 1e9);
  });
});

describe('a limit of a provider or model counts where the call goes first', () => {
  const split: [string, string] = ['Weir-Split', 'to=(groq/llama-3.3-70b-versatile)'];
  const ways: Record<string, (key: string) => Promise<RawResponse>> = {
    'native path': (key) => call(key, { path: '/groq/openai/v1/chat/completions', model: 'llama-3.3-70b-versatile' }),
    'unified API': (key) => call(key, { path: '/v1/chat/completions', model: 'groq/llama-3.3-70b-versatile' }),
    'split from another provider': (key) => call(key, { headers: [split] }),
    'split in the unified API': (key) =>
      call(key, { path: '/v1/chat/completions', model: 'openai/gpt-4o-mini', headers: [split] }),
  };
  const limits: [string, object][] = [
    ['a provider', { match: { providers: ['groq'] } }],
    ['a model', { match: { models: ['llama-3.3-70b-versatile'] } }],
    ['each model', { by: ['model', 'provider'] }],
  ];
  test.each(limits)('%s', async (_, limit) => {
    for (const [way, asking] of Object.entries(ways)) {
      const { key } = await make([{ name: 'one', quota: 1, window: minute, ...limit }]);
      expect([way, (await asking(key)).status]).toEqual([way, 200]);
      for (const [other, again] of Object.entries(ways))
        expect([way, other, (await again(key)).status]).toEqual([way, other, 429]);
      // What goes elsewhere first is not counted, also when it falls back to there.
      providers.openai!.script = (__, response) => json(response, { error: {} }, 500);
      const rescued = await call(key, { headers: [['Weir-Fallback', 'to=(groq/llama-3.3-70b-versatile)']] });
      expect([rescued.status, rescued.header('weir-provider')]).toEqual([200, 'groq']);
      providers.openai!.script = answers.openai as Script;
    }
  });

  test('and is read from the log so, after a restart', async () => {
    const keys: [string, MadeKey][] = [];
    for (const [way, asking] of Object.entries(ways)) {
      for (const [, limit] of limits) {
        const made = await make([{ name: 'one', quota: 1, window: minute, ...limit }]);
        expect((await asking(made.key)).status).toBe(200);
        keys.push([way, made]);
      }
    }
    // A rescue by groq counts as the call to OpenAI that it was.
    const rescued = await make([{ name: 'one', quota: 1, window: minute, match: { providers: ['groq'] } }]);
    providers.openai!.script = (_, response) => json(response, { error: {} }, 500);
    const headers: [string, string][] = [['Weir-Fallback', 'to=(groq/llama-3.3-70b-versatile)']];
    expect((await call(rescued.key, { headers })).status).toBe(200);
    for (const [, { key_id }] of [...keys, ['', rescued] as const]) await rowsOf(key_id, 1);
    await restart();
    for (const [way, { key }] of keys)
      for (const [other, again] of Object.entries(ways))
        expect([way, other, (await again(key)).status]).toEqual([way, other, 429]);
    expect((await (ways['native path'] as (typeof ways)[string])(rescued.key)).status).toBe(200);
  });
});

describe('the limits of a saved route', () => {
  test('count its calls alone, by whichever key, and are remembered over a restart', async () => {
    await saveRoute({
      name: 'counted',
      split: { to: [{ target: 'openai/gpt-4o-mini' }, { target: 'groq/llama-3.3-70b-versatile' }] },
      limits: [{ name: 'of the route', quota: 3, window: minute }],
    });
    const route: [string, string] = ['Weir-Route', 'counted'];
    const [one, other] = [await make([]), await make([])];
    for (const { key } of [one, other, one]) {
      const got = await call(key, { headers: [route] });
      expect([got.status, got.header('ratelimit-policy')]).toEqual([200, '"of the route";q=3;w=600']);
    }
    const refused = async (key: string): Promise<void> => {
      const got = await call(key, { headers: [route] });
      expect([got.status, got.header('weir-error')]).toEqual([429, 'limit_exceeded']);
      expect(got.header('ratelimit-policy')).toContain('"of the route"');
      expect(got.body.toString()).toContain('The limit of the route is reached: 3 of 3 requests are taken.');
    };
    await refused(other.key);
    // Calls that do not name it are not its own.
    expect((await call(one.key)).status).toBe(200);
    await rowsOf(one.key_id, 3);
    await rowsOf(other.key_id, 2);
    const [blocked] = await weir.query<object>(
      `SELECT outcome, error_type, route, attempts FROM requests WHERE key_id = '${other.key_id}' AND outcome = 'blocked'`,
    );
    expect(blocked).toMatchObject({ outcome: 'blocked', error_type: 'limit_exceeded', route: 'counted', attempts: 0 });
    await restart();
    await refused(one.key);
    expect((await call(one.key)).status).toBe(200);
  });

  test('a larger quota is in force at once, and keeps what is counted', async () => {
    const settings = (quota: number): object => ({
      name: 'grown',
      target: 'openai/gpt-4o-mini',
      limits: [{ name: 'few', quota, window: minute }],
    });
    await saveRoute(settings(1));
    const { key } = await make([]);
    const status = async (): Promise<number> => (await call(key, { headers: [['Weir-Route', 'grown']] })).status;
    expect([await status(), await status()]).toEqual([200, 429]);
    const changed = await ask(weir.proxy.url, admin, 'PATCH', '/routes/grown', { settings: settings(2) });
    expect(changed.status).toBe(200);
    expect([await status(), await status()]).toEqual([200, 429]);
  });
});

describe('a key’s budget counts unified calls to each dialect, whatever the client speaks', () => {
  const asked = {
    openai: 'openai/gpt-4o-mini',
    anthropic: 'anthropic/claude-sonnet-4-5',
    google: 'google/gemini-2.5-flash',
  };
  const clients: Record<string, (model: string) => { path: string; body: string }> = {
    chat: (model) => ({ path: '/v1/chat/completions', body: question(model) }),
    messages: (model) => ({ path: '/v1/messages', body: question(model) }),
    generate_content: (model) => ({
      path: `/v1/models/${model}:generateContent`,
      body: JSON.stringify({
        contents: [{ role: 'user', parts: [{ text: 'Hi' }] }],
        generationConfig: { maxOutputTokens: 1000 },
      }),
    }),
  };
  const cells = Object.keys(clients).flatMap((client) => Object.keys(asked).map((to) => [client, to] as const));
  test.each(cells)('%s to %s', async (client, to) => {
    const { path, body } = (clients[client] as (typeof clients)[string])(asked[to as keyof typeof asked]);
    const headers = (key: string): [string, string][] => [
      ['Weir-Key', key],
      ['Content-Type', 'application/json'],
    ];
    const send = (key: string): Promise<RawResponse> =>
      rawRequest(weir.proxy.url, { path, body, headers: headers(key) });
    // What it costs is told by a call without a limit.
    const free = await make([]);
    expect((await send(free.key)).status).toBe(200);
    await rowsOf(free.key_id, 1);
    const [row] = await weir.query<{ nanos: string }>(
      `SELECT toInt64(cost_usd * 1000000000) AS nanos FROM requests WHERE key_id = '${free.key_id}'`,
    );
    const nanos = Number(row?.nanos);
    expect(nanos).toBeGreaterThan(0);
    // Room for what one may come to, and for less than two.
    const { key, key_id } = await make([{ name: 'day', unit: 'usd', quota: 1, window: { calendar: 'day' } }]);
    expect((await send(key)).status).toBe(200);
    const spend = await until(30_000, 'it is counted', async () => {
      const { json: told } = await ask(weir.proxy.url, admin, 'GET', `/keys/${key_id}/spend`);
      const used = (told.limits as { counts: { used: number }[] }[])[0]?.counts[0]?.used ?? 0;
      return Math.round(used * 1e9) === nanos ? used : undefined;
    });
    expect(Math.round(spend * 1e9)).toBe(nanos);
    const tight = await make([{ name: 'day', unit: 'usd', quota: nanos / 1e9, window: { calendar: 'day' } }]);
    const refused = await send(tight.key);
    expect([refused.status, refused.header('weir-error')]).toEqual([429, 'limit_exceeded']);
    expect(refused.body.toString()).toContain('The limit day is reached: 0 of ');
  });
});
