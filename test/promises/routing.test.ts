/** Splits, fallbacks and keys between real processes: who is asked with what, and what rows say of it. */
import { gzipSync } from 'node:zlib';
import OpenAI from 'openai';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { ask as askAs, firstKey, type Answered as Asked } from '../support/administration.ts';
import { until } from '../support/deadline.ts';
import { rawRequest, type RawResponse } from '../support/http.ts';
import {
  chatChunks,
  chatCompletion,
  json,
  startProvider,
  type ScriptedProvider,
  type SeenRequest,
} from '../support/provider.ts';
import { startWeir, type TestWeir } from '../support/weir.ts';

let weir: TestWeir;
/** By provider. */
const providers: Record<string, ScriptedProvider> = {};
let key: string;
const names = ['openai', 'groq', 'anthropic', 'google', 'azure', 'xai'];

const modelOf = (seen: SeenRequest): string =>
  (JSON.parse(seen.body.toString() || '{}') as { model?: string }).model ?? '';
const answers = (seen: SeenRequest, response: Parameters<typeof json>[0]): void =>
  json(response, chatCompletion(modelOf(seen)));
const headerOf = (seen: SeenRequest | undefined, name: string): string | undefined => {
  const raw = seen?.headers ?? [];
  const at = raw.findIndex((entry, index) => index % 2 === 0 && entry.toLowerCase() === name);
  return at === -1 ? undefined : raw[at + 1];
};

beforeAll(async () => {
  for (const name of names) providers[name] = await startProvider(answers);
  weir = await startWeir(
    {
      ...Object.fromEntries(names.map((name) => [name, providers[name]?.url ?? ''])),
      mistral: 'http://127.0.0.1:1',
      together: providers.openai?.url ?? '',
    },
    {
      GROQ_API_KEY: 'gsk-held',
      OPENAI_API_KEY: 'sk-held',
      ANTHROPIC_API_KEY: 'sk-ant-held',
      AZURE_OPENAI_API_KEY: 'az-held',
      MISTRAL_API_KEY: 'mi-held',
      XAI_API_KEY: 'xai-held-1',
      WEIR_SECRET: 'a secret of thirty-two characters',
      WEIR_REPLAY_LIMIT: '100kb',
    },
  );
  key = firstKey(weir.dataDir);
});
beforeEach(() => {
  for (const provider of Object.values(providers)) {
    provider.script = answers;
    provider.seen.length = 0;
  }
});
afterAll(async () => {
  expect(weir.proxy.log).toEqual([]);
  await weir.stop();
  for (const provider of Object.values(providers)) await provider.close();
});

interface Asking {
  path?: string;
  headers?: [string, string][];
  body?: string;
}
const question = (model = 'gpt-4o-mini', more: object = {}): string =>
  JSON.stringify({ model, messages: [{ role: 'user', content: 'Hi' }], ...more });
const ask = ({
  path = '/openai/v1/chat/completions',
  headers = [],
  body = question(),
}: Asking = {}): Promise<RawResponse> =>
  rawRequest(weir.proxy.url, { path, body, headers: [['Content-Type', 'application/json'], ...headers] });
const withKey = (...headers: [string, string][]): [string, string][] => [['Weir-Key', key], ...headers];
const rowOf = (answer: RawResponse) => weir.request(answer.header('weir-id') ?? '');
const attemptsOf = (answer: RawResponse) => weir.attempts(answer.header('weir-id') ?? '');
const codeOf = ({ status, header }: RawResponse): [number, string | undefined] => [status, header('weir-error')];

test('a split assigns by user, always alike, and its rows say so', async () => {
  const split: [string, string] = [
    'Weir-Split',
    'name=checkout, by=user, to=(openai/gpt-5;w=50 groq/llama-3.3-70b-versatile;w=50;n=llama)',
  ];
  const seen = new Map<string, Set<string>>();
  for (let n = 0; n < 40; n++) {
    const user = `user-${n % 10}`;
    const answer = await ask({ headers: withKey(split, ['Weir-User', user]) });
    expect(answer.status).toBe(200);
    const variant = answer.header('weir-variant') ?? '';
    seen.set(user, (seen.get(user) ?? new Set()).add(variant));
    expect(answer.header('weir-model')).toBe(variant === 'llama' ? 'llama-3.3-70b-versatile' : 'gpt-5');
    expect(answer.header('weir-provider')).toBe(variant === 'llama' ? 'groq' : 'openai');
    if (n > 0) continue;
    const row = await rowOf(answer);
    expect(row).toMatchObject({ split: 'checkout', variant, split_unit: `user:${user}`, request_model: 'gpt-4o-mini' });
    expect(row.split_version).toMatch(/^[0-9a-f]{12}$/);
    expect(await attemptsOf(answer)).toMatchObject([{ variant, reason: 'first' }]);
  }
  expect([...seen.values()].every((variants) => variants.size === 1)).toBe(true);
  expect(new Set([...seen.values()].map((variants) => [...variants][0])).size).toBe(2);
  // Each provider got its own path, its own model in place, and Weir's key for it.
  expect(providers.groq?.seen[0]?.url).toBe('/openai/v1/chat/completions');
  expect(providers.groq?.seen[0]?.body.toString()).toBe(question('llama-3.3-70b-versatile'));
  expect(headerOf(providers.groq?.seen[0], 'authorization')).toBe('Bearer gsk-held');
});

test('the user of a split may stand in the body; a call without one is assigned by itself, and kept out of units', async () => {
  const split: [string, string] = ['Weir-Split', 'name=s, by=user, to=(openai/a openai/b)'];
  const named = await ask({
    headers: [split, ['Authorization', 'Bearer sk-own']],
    body: question('x', { user: 'alice' }),
  });
  expect(await rowOf(named)).toMatchObject({ split_unit: 'user:alice', user_id: 'alice' });
  const nobody = await ask({ headers: [split, ['Authorization', 'Bearer sk-own']] });
  const row = await rowOf(nobody);
  expect(row.split_unit).toBe('');
  expect(['openai/a', 'openai/b']).toContain(row.variant);
  const each = await ask({
    headers: [
      ['Weir-Split', 'to=(openai/a)'],
      ['Authorization', 'Bearer sk-own'],
    ],
  });
  expect((await rowOf(each)).split_unit).toBe(`request:${each.header('weir-id')}`);
});

test('the caller’s own credential goes to the provider that the path names, and to no other', async () => {
  const own: [string, string][] = [
    ['Authorization', 'Bearer sk-own'],
    ['OpenAI-Organization', 'org-1'],
    ['X-Session-Token', 'secret-1'],
    ['Cookie', 'a=b'],
  ];
  providers.openai!.script = (_, response) => json(response, { error: { message: 'no' } }, 500);
  const answer = await ask({
    headers: withKey(...own, ['Weir-Fallback', 'to=(openai/gpt-4o groq/llama-3.3-70b-versatile)']),
  });
  expect(answer.status).toBe(200);
  const [first, second] = providers.openai?.seen ?? [];
  for (const seen of [first, second]) expect(headerOf(seen, 'authorization')).toBe('Bearer sk-own');
  const other = providers.groq?.seen[0];
  expect(headerOf(other, 'authorization')).toBe('Bearer gsk-held');
  for (const name of ['x-session-token', 'cookie']) expect([name, headerOf(other, name)]).toEqual([name, undefined]);
  expect(JSON.stringify(other?.headers)).not.toMatch(/sk-own|secret-1|wk_/);
});

test('another target without a Weir key is refused before any attempt, and so is one the key does not allow', async () => {
  const fallback: [string, string] = ['Weir-Fallback', 'to=(groq/llama-3.3-70b-versatile)'];
  const without = await ask({ headers: [fallback, ['Authorization', 'Bearer sk-own']] });
  expect(codeOf(without)).toEqual([401, 'unauthorized']);
  const admin = (method: string, path: string, body?: object): Promise<Asked> =>
    askAs(weir.proxy.url, key, method, path, body);
  for (const [settings, target] of [
    [{ providers: ['openai'] }, 'groq/llama-3.3-70b-versatile'],
    [{ models: ['gpt-*'] }, 'groq/llama-3.3-70b-versatile'],
  ] as const) {
    const made = await admin('POST', '/keys', { name: 'narrow', project: 'p', ...settings });
    const narrow = String(made.json.key);
    const refused = await ask({
      headers: [
        ['Weir-Key', narrow],
        ['Weir-Fallback', `to=(${target})`],
      ],
    });
    expect(codeOf(refused)).toEqual([403, 'forbidden_target']);
    expect((await rowOf(refused)).outcome).toBe('blocked');
  }
  const noKey = await ask({ headers: withKey(['Weir-Fallback', 'to=(together/llama)']) });
  expect(codeOf(noKey)).toEqual([401, 'unauthorized']);
  expect(noKey.body.toString()).toContain('TOGETHER_API_KEY');
  expect(providers.openai?.seen).toHaveLength(0);
});

test('a target of another dialect, an unknown provider and every other mistake is a sentence that names it', async () => {
  for (const [header, text, said] of [
    ['Weir-Fallback', 'to=(anthropic/claude-sonnet-4-5)', /anthropic has no chat of this dialect/],
    ['Weir-Fallback', 'to=(nobody/model)', /no target is at \\"nobody\\"/],
    ['Weir-Fallback', 'to=(openai:place/gpt)', /openai has no places/],
    ['Weir-Fallback', 'to=(azure/gpt)', /expected a resource/],
    ['Weir-Fallback', 'to=(openai/gpt), on=(400)', /weir-fallback: on 1\./],
    ['Weir-Fallback', 'to=(openai/gpt), on=(sometimes)', /server-error/],
    ['Weir-Fallback', 'on=(429)', /weir-fallback: to/],
    ['Weir-Retry', 'retries=2, on=(404)', /weir-retry: on 1\./],
    ['Weir-Retry', 'retries=11', /weir-retry: retries/],
    ['Weir-Retry', 'min=10, max=5', /weir-retry: max/],
    ['Weir-Retry', 'tries=1', /tries/],
    ['Weir-Split', 'by=user, to=(openai/a openai/b)', /weir-split: name/],
    ['Weir-Split', 'name=x, to=(openai/a;w=0)', /weight above 0/],
    ['Weir-Split', 'name=x, to=(openai/a;p=1)', /p is no part of a target/],
    ['Weir-Split', 'name=x, to=(openai/a openai/a)', /different names/],
    ['Weir-Route', '(a b)', /weir-route/],
  ] as const) {
    const answer = await ask({ headers: withKey([header, text]) });
    expect([header, text, ...codeOf(answer)]).toEqual([header, text, 400, 'bad_header']);
    expect(answer.body.toString()).toMatch(said);
  }
  expect(codeOf(await ask({ headers: withKey(['Weir-Route', 'nowhere']) }))).toEqual([404, 'unknown_route']);
  expect(Object.values(providers).flatMap(({ seen }) => seen)).toHaveLength(0);
});

test('in the body only the model changes, in place', async () => {
  const body = `{ "messages" : [ { "role":"user","content":"\\u00e9 \\/ 1.0e3" } ],\n "temperature": 1.0, "model" : "asked" , "n":1 }`;
  const answer = await ask({ headers: withKey(['Weir-Split', 'to=(azure:my-res/gpt-5)']), body });
  expect(answer.status).toBe(200);
  expect(providers.azure?.seen[0]?.url).toBe('/openai/v1/chat/completions');
  expect(providers.azure?.seen[0]?.body.toString()).toBe(body.replace('"asked"', '"gpt-5"'));
  const row = await rowOf(answer);
  expect(row).toMatchObject({ provider: 'azure', request_model: 'asked', response_model: 'gpt-5' });
});

test('a model in the path changes there', async () => {
  providers.google!.script = (_, response) =>
    json(response, { candidates: [], usageMetadata: { promptTokenCount: 1 } });
  const answer = await ask({
    path: '/google/v1beta/models/gemini-2.5-pro:generateContent?alt=json',
    headers: [
      ['x-goog-api-key', 'AIza-own'],
      ['Weir-Split', 'to=(google/gemini-2.5-flash)'],
    ],
    body: '{"contents":[]}',
  });
  expect(answer.status).toBe(200);
  expect(providers.google?.seen[0]?.url).toBe('/v1beta/models/gemini-2.5-flash:generateContent?alt=json');
  expect(providers.google?.seen[0]?.body.toString()).toBe('{"contents":[]}');
  expect(headerOf(providers.google?.seen[0], 'x-goog-api-key')).toBe('AIza-own');
});

test('when attempts end without an answer, the client gets the last answer that a provider gave', async () => {
  providers.openai!.script = (_, response) => {
    response.setHeader('x-from', 'openai');
    json(response, { error: { message: 'Slow down', type: 'rate_limit_error' } }, 429);
  };
  const answer = await ask({ headers: withKey(['Weir-Fallback', 'to=(mistral/mistral-small)']) });
  expect([answer.status, answer.header('x-from')]).toEqual([429, 'openai']);
  // The headers name who said it, not who was asked last.
  expect([answer.header('weir-provider'), answer.header('weir-model')]).toEqual(['openai', 'gpt-4o-mini']);
  expect(JSON.parse(answer.body.toString())).toMatchObject({ error: { message: 'Slow down' } });
  expect(await rowOf(answer)).toMatchObject({
    status: 429,
    outcome: 'rate_limited',
    provider: 'openai',
    attempts: 2,
    error_message: 'Slow down',
  });
  expect(await attemptsOf(answer)).toMatchObject([
    { provider: 'openai', outcome: 'rate_limited', status: 429, error_message: 'Slow down' },
    { provider: 'mistral', outcome: 'network_error', status: null, trigger: '429' },
  ]);
});

test('a wait that the total clock would not outlast is not begun: the answer goes on at once', async () => {
  providers.openai!.script = (_, response) => json(response, { error: {} }, 503);
  const started = Date.now();
  const answer = await ask({
    headers: [
      ['Weir-Retry', 'retries=3, min=60000, max=60000'],
      ['Weir-Timeout', 'total=20000'],
      ['Authorization', 'Bearer sk-own'],
    ],
  });
  expect([answer.status, answer.header('weir-attempts')]).toEqual([503, '1']);
  expect(Date.now() - started).toBeLessThan(10_000);
});

test('a client that leaves in a wait ends it at once: nothing more is asked, and the row says how long it was', async () => {
  providers.openai!.script = (_, response) => json(response, { error: {} }, 503);
  const gone = new AbortController();
  const asked = fetch(`${weir.proxy.url}/openai/v1/chat/completions`, {
    method: 'POST',
    body: question(),
    headers: {
      'content-type': 'application/json',
      authorization: 'Bearer sk-own',
      'weir-id': 'left',
      'weir-retry': 'min=30000, max=30000',
    },
    signal: gone.signal,
  }).catch(() => undefined);
  await until(10_000, 'the first attempt', () => (providers.openai?.seen.length === 1 ? true : undefined));
  await new Promise((resolve) => setTimeout(resolve, 300));
  gone.abort();
  await asked;
  const row = await until(
    20_000,
    'its row',
    async () =>
      (await weir.query<Record<string, unknown>>(`SELECT * FROM requests WHERE client_request_id = 'left'`))[0],
  );
  expect(row).toMatchObject({ outcome: 'cancelled', status: 499, attempts: 1 });
  expect(Number(row.wait_ms)).toBeGreaterThan(100);
  expect(Number(row.wait_ms)).toBeLessThan(20_000);
  expect(Number(row.overhead_ms) + Number(row.wait_ms) + Number(row.upstream_ms)).toBeCloseTo(
    Number(row.duration_ms),
    2,
  );
  expect(providers.openai?.seen).toHaveLength(1);
});

test('a body over WEIR_REPLAY_LIMIT is sent once, with a warning', async () => {
  providers.openai!.script = (_, response) => json(response, { error: {} }, 503);
  const body = question('gpt-4o-mini', { padding: 'x'.repeat(200_000) });
  const headers: [string, string][] = [
    ['Weir-Retry', 'retries=3, min=1, max=1'],
    ['Authorization', 'Bearer sk-own'],
  ];
  const answer = await ask({ headers, body });
  expect([answer.status, answer.header('weir-attempts')]).toEqual([503, '1']);
  expect((await rowOf(answer)).warnings).toContain('body_not_replayable');
  expect(providers.openai?.seen[0]?.body.toString()).toBe(body);
  const split = await ask({
    headers: [
      ['Weir-Split', 'to=(openai/b)'],
      ['Authorization', 'Bearer sk-own'],
    ],
    body,
  });
  expect(split.status).toBe(400);
  expect(split.body.toString()).toContain('WEIR_REPLAY_LIMIT');
});

test('keys that Weir holds: 429 takes the next, 401 lets one rest, a 5xx asks the same again; all refused is Weir’s own error', async () => {
  const stored = await askAs(weir.proxy.url, key, 'POST', '/provider-keys', {
    provider: 'xai',
    secret: 'xai-held-2222',
  });
  expect(stored.status).toBe(201);
  const path = '/xai/v1/chat/completions';
  const keyOf = (seen: SeenRequest): string => (headerOf(seen, 'authorization') ?? '').slice(7);
  const used = (): string[] => providers.xai?.seen.map(keyOf) ?? [];
  const both = ['xai-held-1', 'xai-held-2222'];
  await until(10_000, 'both are held', async () => {
    await ask({ path, headers: withKey() });
    return new Set(used()).size === 2 ? true : undefined;
  });

  // A 5xx says nothing of the key.
  providers.xai!.seen.length = 0;
  providers.xai!.script = (_, response) => json(response, { error: {} }, 500);
  const failed = await ask({ path, headers: withKey(['Weir-Retry', 'retries=1, min=1, max=1']) });
  expect([failed.status, failed.header('weir-attempts')]).toEqual([500, '2']);

  providers.xai!.seen.length = 0;
  let first = '';
  providers.xai!.script = (seen, response) => {
    first ||= keyOf(seen);
    if (keyOf(seen) === first) json(response, { error: {} }, 429);
    else answers(seen, response);
  };
  const limited = await ask({ path, headers: withKey() });
  expect([limited.status, limited.header('weir-attempts')]).toEqual([200, '2']);
  expect(new Set(used())).toEqual(new Set(both));
  expect(await attemptsOf(limited)).toMatchObject([
    { status: 429 },
    { status: 200, reason: 'retry', trigger: '429', wait_ms: 0 },
  ]);

  providers.xai!.seen.length = 0;
  providers.xai!.script = (_, response) =>
    json(response, { error: { message: 'Incorrect API key provided: xai-held-1' } }, 401);
  const refused = await ask({ path, headers: withKey() });
  expect(codeOf(refused)).toEqual([502, 'upstream_credentials']);
  expect(refused.body.toString()).not.toContain('xai-held');
  expect([...used()].sort()).toEqual(both);
  expect(await rowOf(refused)).toMatchObject({
    status: 502,
    outcome: 'provider_error',
    error_type: 'upstream_credentials',
    attempts: 2,
  });
  // One whose quota is used up has answered: that is the answer.
  first = '';
  providers.xai!.script = (seen, response) => {
    first ||= keyOf(seen);
    json(response, { error: {} }, keyOf(seen) === first ? 429 : 401);
  };
  const mixed = await ask({ path, headers: withKey() });
  expect([mixed.status, mixed.header('weir-error'), mixed.header('weir-attempts')]).toEqual([429, undefined, '2']);
  providers.xai!.script = (_, response) => json(response, { error: {} }, 401);
  // It is not the caller's fault: another provider may still answer.
  const elsewhere = await ask({ path, headers: withKey(['Weir-Fallback', 'to=(groq/llama-3.3-70b-versatile)']) });
  expect([elsewhere.status, elsewhere.header('weir-provider')]).toEqual([200, 'groq']);
  await askAs(weir.proxy.url, key, 'DELETE', `/provider-keys/${String(stored.json.provider_key_id)}`);
});

test('a target whose calls fail is left alone for a while: its circuit is seen in health, metrics and rows', async () => {
  const headers = withKey(['Weir-Split', 'to=(xai/grok-bad)'], ['Weir-Fallback', 'to=(groq/llama-3.3-70b-versatile)']);
  providers.xai!.script = (_, response) => json(response, { error: {} }, 503);
  for (let n = 0; n < 5; n++)
    expect((await ask({ path: '/xai/v1/chat/completions', headers })).header('weir-attempts')).toBe('2');
  const asked = providers.xai?.seen.length;
  const answer = await ask({ path: '/xai/v1/chat/completions', headers });
  expect([answer.header('weir-attempts'), answer.header('weir-provider'), answer.header('weir-variant')]).toEqual([
    '1',
    'groq',
    'xai/grok-bad',
  ]);
  expect(providers.xai?.seen).toHaveLength(asked ?? -1);
  expect(await rowOf(answer)).toMatchObject({
    variant: 'xai/grok-bad',
    provider: 'groq',
    warnings: ['circuit_open:xai/grok-bad'],
  });
  const health = (await (await fetch(`${weir.proxy.url}/weir/health`)).json()) as { circuits: object[] };
  expect(health.circuits).toEqual([expect.objectContaining({ target: 'xai/grok-bad', state: 'open', failures: 5 })]);
  const metrics = await (await fetch(`${weir.proxy.url}/weir/metrics`)).text();
  expect(metrics).toContain('weir_circuit_open{target="xai/grok-bad"} 1');
  // A call that has no other target is sent all the same.
  const alone = await ask({ path: '/xai/v1/chat/completions', headers: withKey(['Weir-Split', 'to=(xai/grok-bad)']) });
  expect(alone.status).toBe(503);
  // When it has been left alone long enough, one call finds out that it is well.
  providers.xai!.script = answers;
  await until(30_000, 'the circuit closes', async () => {
    const got = await ask({ path: '/xai/v1/chat/completions', headers });
    return got.header('weir-provider') === 'xai' ? true : undefined;
  });
  const after = (await (await fetch(`${weir.proxy.url}/weir/health`)).json()) as { circuits: object[] };
  expect(after.circuits).toEqual([]);
});

test('a real SDK streams through a fallback as if nothing had happened', async () => {
  providers.openai!.script = (_, response) => json(response, { error: {} }, 503);
  providers.groq!.script = (_, response) => {
    response.writeHead(200, { 'content-type': 'text/event-stream' });
    response.end(chatChunks(['Hel', 'lo']).join(''));
  };
  const client = new OpenAI({
    baseURL: `${weir.proxy.url}/openai/v1`,
    apiKey: key,
    maxRetries: 0,
    defaultHeaders: { 'Weir-Fallback': 'to=(groq/llama-3.3-70b-versatile)', 'Weir-Session': 'sdk-fallback' },
  });
  const stream = await client.chat.completions.create({
    model: 'gpt-4o-mini',
    stream: true,
    messages: [{ role: 'user', content: 'Hi' }],
  });
  let text = '';
  for await (const chunk of stream) text += chunk.choices[0]?.delta.content ?? '';
  expect(text).toBe('Hello');
  const row = await until(
    20_000,
    'its row',
    async () =>
      (await weir.query<Record<string, unknown>>(`SELECT * FROM requests WHERE session_id = 'sdk-fallback'`))[0],
  );
  expect(row).toMatchObject({
    provider: 'groq',
    attempts: 2,
    outcome: 'ok',
    input_tokens: 12,
    usage_source: 'provider',
  });
  expect(Number(row.ttft_ms)).toBeGreaterThan(0);
});

test('a target that is refused its key is no answer for the caller, when those after it fail too', async () => {
  providers.groq!.script = (_, response) =>
    json(response, { error: { type: 'invalid_request_error', message: 'Incorrect API key provided: gsk-held' } }, 401);
  const answer = await ask({
    path: '/groq/openai/v1/chat/completions',
    headers: withKey(['Weir-Fallback', 'to=(mistral/mistral-small)']),
  });
  expect(codeOf(answer)).toEqual([502, 'upstream_unreachable']);
  expect(answer.body.toString()).not.toContain('gsk-held');
  const attempts = await attemptsOf(answer);
  expect(attempts).toMatchObject([
    { provider: 'groq', status: 401, error_message: 'Incorrect API key provided: [removed]' },
    { provider: 'mistral', outcome: 'network_error' },
  ]);
  expect(JSON.stringify(await rowOf(answer))).not.toContain('gsk-held');
});

test('a body that is no plain JSON object is refused with a sentence where it had to change, and never corrupted', async () => {
  const form = [
    '--cut',
    'Content-Disposition: form-data; name="metadata"',
    '',
    '{"a":1}',
    '--cut',
    'Content-Disposition: form-data; name="model"',
    '',
    'whisper-1',
    '--cut--',
    '',
  ].join('\r\n');
  const split: [string, string] = ['Weir-Split', 'to=(openai/whisper-2)'];
  const asForm = (...headers: [string, string][]) =>
    rawRequest(weir.proxy.url, {
      path: '/openai/v1/audio/transcriptions',
      body: form,
      headers: withKey(['Content-Type', 'multipart/form-data; boundary=cut'], ...headers),
    });
  const changed = await asForm(split);
  expect([changed.status, changed.body.toString()]).toEqual([400, expect.stringContaining('expected a JSON object')]);
  const packed = await rawRequest(weir.proxy.url, {
    path: '/openai/v1/chat/completions',
    body: gzipSync(question()),
    headers: withKey(['Content-Type', 'application/json'], ['Content-Encoding', 'gzip'], split),
  });
  expect([packed.status, packed.body.toString()]).toEqual([400, expect.stringContaining('compressed (gzip)')]);
  expect(providers.openai?.seen).toHaveLength(0);
  // What only repeats a call changes nothing of it.
  providers.openai!.script = (_, response) => json(response, { error: {} }, 503);
  expect((await asForm(['Weir-Retry', 'retries=1, min=1, max=1'])).header('weir-attempts')).toBe('2');
  expect(providers.openai?.seen.map(({ body }) => body.toString())).toEqual([form, form]);
});

test('a policy in several lines is one value', async () => {
  providers.openai!.script = (_, response) => json(response, { error: {} }, 503);
  const headers = withKey(['Weir-Fallback', 'on=(503)'], ['Weir-Fallback', 'to=(groq/llama-3.3-70b-versatile)']);
  const answer = await ask({ headers: [...headers, ['Weir-Retry', 'min=1, max=1'], ['Weir-Retry', 'retries=1']] });
  expect([answer.status, answer.header('weir-attempts')]).toEqual([200, '3']);
  expect(codeOf(await ask({ headers: withKey(['Weir-Route', 'a'], ['Weir-Route', 'b']) }))).toEqual([
    400,
    'bad_header',
  ]);
  const weighted = await ask({ headers: withKey(['Weir-Fallback', 'to=(groq/llama;w=3)']) });
  expect(codeOf(weighted)).toEqual([400, 'bad_header']);
  expect(weighted.body.toString()).toContain('w is no part of it');
});

test('a refusal that is too long to be read goes on to its end', async () => {
  const long = JSON.stringify({ error: { message: 'no', padding: 'x'.repeat(600_000) } });
  providers.openai!.script = (_, response) => {
    response.writeHead(400, { 'content-type': 'application/json' });
    response.end(long);
  };
  const fallback: [string, string] = ['Weir-Fallback', 'to=(groq/llama-3.3-70b-versatile), on=(context-overflow)'];
  const answer = await ask({ headers: withKey(fallback) });
  expect([answer.status, answer.complete, answer.body.toString() === long]).toEqual([400, true, true]);
  expect((await rowOf(answer)).outcome).toBe('client_error');
  // As does one that is slow, and one that breaks off is told as such.
  for (const breaks of [false, true]) {
    providers.openai!.script = (_, response) => {
      response.writeHead(400, { 'content-type': 'application/json' });
      response.write('{"error":');
      if (breaks) setTimeout(() => response.socket?.resetAndDestroy(), 200);
      else setTimeout(() => response.end('{}}'), 2_600);
    };
    const slow = await ask({ headers: withKey(fallback) });
    expect([slow.status, slow.complete, slow.body.toString()]).toEqual([
      400,
      !breaks,
      breaks ? '{"error":' : '{"error":{}}',
    ]);
    expect((await rowOf(slow)).outcome).toBe(breaks ? 'truncated' : 'client_error');
  }
});

test('a key that is taken away in mid-call ends its retries, and the answer goes on', async () => {
  const stored = await askAs(weir.proxy.url, key, 'POST', '/provider-keys', {
    provider: 'together',
    secret: 'tg-held-3333',
  });
  const path = '/together/v1/chat/completions';
  const headers = withKey(['Weir-Retry', 'retries=2, min=1, max=1']);
  await until(10_000, 'the key is held', async () =>
    (await ask({ path, headers })).status === 200 ? true : undefined,
  );
  providers.openai!.script = async (_, response) => {
    await askAs(weir.proxy.url, key, 'DELETE', `/provider-keys/${String(stored.json.provider_key_id)}`);
    json(response, { error: { message: 'later' } }, 503);
  };
  const answer = await ask({ path, headers });
  expect([answer.status, answer.header('weir-attempts')]).toEqual([503, '1']);
  expect(answer.body.toString()).toContain('later');
});

test('a stream whose events nobody reads for content goes on at once, also where it might be retried', async () => {
  providers.openai!.script = (_, response) => {
    response.writeHead(200, { 'content-type': 'text/event-stream' });
    response.write('data: {"jsonrpc":"2.0","method":"notifications/message"}\n\n');
    setTimeout(() => response.end(), 20_000).unref();
  };
  const gone = new AbortController();
  const response = await fetch(`${weir.proxy.url}/openai/v1/mcp`, {
    method: 'POST',
    body: '{}',
    headers: { 'content-type': 'application/json', 'weir-key': key, 'weir-retry': 'retries=1' },
    signal: AbortSignal.any([gone.signal, AbortSignal.timeout(5_000)]),
  });
  const first = await response.body?.getReader().read();
  expect(Buffer.from(first?.value ?? []).toString()).toContain('notifications/message');
  gone.abort();
});

test.for(['GET', 'HEAD', 'DELETE'])('%s may be repeated, whatever comes back', async (method) => {
  const answers = [503, 204];
  providers.openai!.script = (_, response) =>
    response.writeHead(answers[providers.openai!.seen.length - 1] ?? 500).end();
  const headers = withKey(['Weir-Retry', 'retries=1, min=1, max=1']);
  const answer = await rawRequest(weir.proxy.url, { method, path: '/openai/v1/files/file-1', headers });
  expect([answer.status, answer.header('weir-attempts'), answer.body.length]).toEqual([204, '2', 0]);
  expect(await rowOf(answer)).toMatchObject({ status: 204, outcome: 'ok', attempts: 2 });
});

test('a credential in the query stays with the place that the path names', async () => {
  const path = '/azure/my-res/openai/v1/chat/completions?api-key=az-own&api-version=preview';
  expect((await ask({ path })).status).toBe(200);
  expect((await ask({ path, headers: withKey(['Weir-Split', 'to=(azure:other/gpt-5)']) })).status).toBe(200);
  const [own, other] = providers.azure?.seen ?? [];
  expect(own?.url).toBe('/openai/v1/chat/completions?api-key=az-own&api-version=preview');
  expect(other?.url).toBe('/openai/v1/chat/completions?api-version=preview');
  expect([headerOf(own, 'api-key'), headerOf(other, 'api-key')]).toEqual([undefined, 'az-held']);
});
