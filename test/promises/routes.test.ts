/** A saved route on live calls: what it says is done, recorded with its version, and another version is in force at once. */
import type { RouteSettings } from '@weir/schema/settings/route';
import type { z } from 'zod';
import type { routeSettings } from '@weir/schema/settings/route';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { ask as askAdmin, firstKey, makeKey } from '../support/administration.ts';
import { until } from '../support/deadline.ts';
import { rawRequest, type RawResponse } from '../support/http.ts';
import { chatCompletion, json, startProvider, type ScriptedProvider, type SeenRequest } from '../support/provider.ts';
import { anthropicMessage } from '../support/replies.ts';
import { startWeir, type TestWeir } from '../support/weir.ts';

let weir: TestWeir;
let provider: ScriptedProvider;
let key: string;

const bodyOf = (seen: SeenRequest | undefined) => JSON.parse(seen?.body.toString() ?? '{}') as Record<string, unknown>;
const answer = (seen: SeenRequest, response: Parameters<typeof json>[0]): void =>
  json(response, seen.url.endsWith('/messages') ? anthropicMessage : chatCompletion(String(bodyOf(seen).model)));

beforeAll(async () => {
  provider = await startProvider(answer);
  weir = await startWeir(
    { openai: provider.url, groq: provider.url, anthropic: provider.url },
    { OPENAI_API_KEY: 'sk-held', GROQ_API_KEY: 'gsk-held', ANTHROPIC_API_KEY: 'sk-ant-held' },
  );
  key = firstKey(weir.dataDir);
});
beforeEach(() => {
  provider.script = answer;
  provider.seen.length = 0;
});
afterAll(async () => {
  await weir.stop();
  await provider.close();
});

async function save(settings: z.input<typeof routeSettings>): Promise<void> {
  const saved = await askAdmin(weir.proxy.url, key, 'POST', '/routes', settings);
  expect([saved.status, saved.text]).toEqual([201, saved.text]);
}
interface Asking {
  headers?: [string, string][];
  body?: object;
  path?: string;
  as?: string;
}
const ask = (route: string, { headers = [], body = {}, path = '/openai/v1/chat/completions', as = key }: Asking = {}) =>
  rawRequest(weir.proxy.url, {
    path,
    headers: [['Content-Type', 'application/json'], ['Weir-Key', as], ['Weir-Route', route], ...headers],
    body: JSON.stringify({ model: 'asked', messages: [{ role: 'user', content: 'Hi' }], ...body }),
  });
const rowOf = (got: RawResponse) => weir.request(got.header('weir-id') ?? '');

test('a variant sets parameters, the system prompt and the prompt’s version; a header stands before the route', async () => {
  await save({
    name: 'checkout',
    split: {
      name: 'checkout',
      by: 'user',
      to: [
        {
          name: 'brief',
          target: 'groq/llama-3.3-70b-versatile',
          parameters: { temperature: 0.2, max_tokens: 50 },
          system: { put: 'after', text: 'Be brief.' },
          prompt: 'checkout',
          prompt_version: '7',
        },
      ],
    },
    retry: { retries: 1, min: 1, max: 1 },
  });
  const body = {
    temperature: 1,
    messages: [
      { role: 'system', content: 'You help.' },
      { role: 'user', content: 'Hi' },
    ],
  };
  const got = await ask('checkout', { body, headers: [['Weir-User', 'ann']] });
  expect([got.status, got.header('weir-variant'), got.header('weir-provider')]).toEqual([200, 'brief', 'groq']);
  expect(bodyOf(provider.seen[0])).toEqual({
    model: 'llama-3.3-70b-versatile',
    temperature: 0.2,
    max_tokens: 50,
    messages: [
      { role: 'system', content: 'You help.\n\nBe brief.' },
      { role: 'user', content: 'Hi' },
    ],
  });
  expect(await rowOf(got)).toMatchObject({
    route: 'checkout',
    route_version: '1',
    split: 'checkout',
    variant: 'brief',
    split_unit: 'user:ann',
    prompt: 'checkout',
    prompt_version: '7',
    request_model: 'asked',
  });
  // The header's split takes the place of the route's; its retries stay.
  provider.script = (_, response) => json(response, { error: {} }, 503);
  const other = await ask('checkout', { headers: [['Weir-Split', 'to=(openai/gpt-4o)']] });
  expect([other.status, other.header('weir-attempts'), other.header('weir-variant')]).toEqual([
    503,
    '2',
    'openai/gpt-4o',
  ]);
});

test('another version is in force with the next call, and rows say by which version they were routed', async () => {
  await save({ name: 'moving', target: 'openai/first' });
  expect((await rowOf(await ask('moving'))).route_version).toBe('1');
  const settings: Partial<RouteSettings> = { name: 'moving', target: 'openai/second' };
  const changed = await askAdmin(weir.proxy.url, key, 'PATCH', '/routes/moving', { settings });
  expect(changed.status).toBe(200);
  const got = await ask('moving');
  expect(await rowOf(got)).toMatchObject({ route: 'moving', route_version: '2', response_model: 'second' });
  expect((await askAdmin(weir.proxy.url, key, 'PATCH', '/routes/moving', { enabled: false })).status).toBe(200);
  const off = await ask('moving');
  expect([off.status, off.header('weir-error')]).toEqual([404, 'unknown_route']);
});

test('rules decide by model, property and size; what a rule leaves out is as the route says', async () => {
  await save({
    name: 'sized',
    target: 'openai/small',
    retry: { retries: 1, min: 1, max: 1 },
    rules: [
      { when: { properties: { tier: 'gold*' } }, target: 'openai/best' },
      { when: { min_bytes: 5_000 }, target: 'groq/long' },
      { when: { models: ['gpt-5*'] }, target: 'openai/gpt-5' },
    ],
  });
  const modelAsked = async (asking: Asking): Promise<unknown> => {
    provider.seen.length = 0;
    await ask('sized', asking);
    return bodyOf(provider.seen[0]).model;
  };
  expect(await modelAsked({})).toBe('small');
  expect(await modelAsked({ headers: [['Weir-Property-Tier', 'golden']] })).toBe('best');
  expect(await modelAsked({ body: { padding: 'x'.repeat(6_000) } })).toBe('long');
  expect(await modelAsked({ body: { model: 'gpt-5-turbo' } })).toBe('gpt-5');
  provider.script = (_, response) => json(response, { error: {} }, 500);
  const failed = await ask('sized', { headers: [['Weir-Property-Tier', 'gold']] });
  expect(failed.header('weir-attempts')).toBe('2');
});

test.each([
  [
    'OpenAI',
    { error: { message: 'This model has a limit.', type: 'invalid_request_error', code: 'context_length_exceeded' } },
  ],
  [
    'Anthropic',
    {
      type: 'error',
      error: { type: 'invalid_request_error', message: 'prompt is too long: 210000 tokens > 200000 maximum' },
    },
  ],
])('a question that is too long goes to a larger model, as %s says it; another 400 does not', async (name, error) => {
  const route = `larger-${name}`;
  await save({ name: route, fallback: { to: ['openai/gpt-4.1'], on: ['context-overflow'] } });
  provider.script = (seen, response) =>
    bodyOf(seen).model === 'gpt-4.1' ? answer(seen, response) : json(response, error, 400);
  const got = await ask(route);
  expect([got.status, got.header('weir-model')]).toEqual([200, 'gpt-4.1']);
  expect(await weir.attempts(got.header('weir-id') ?? '')).toMatchObject([
    { status: 400 },
    { reason: 'fallback', trigger: '400', status: 200 },
  ]);
  const wrong = { error: { message: 'Unknown parameter', type: 'invalid_request_error', code: 'unknown_parameter' } };
  provider.script = (_, response) => json(response, wrong, 400);
  const passed = await ask(route);
  expect([passed.status, passed.header('weir-attempts'), JSON.parse(passed.body.toString())]).toEqual([
    400,
    '1',
    wrong,
  ]);
});

test('a balance fails over to its other targets by itself, and its clocks are the route’s', async () => {
  await save({
    name: 'balanced',
    balance: {
      by: 'weighted',
      to: [
        { target: 'openai/a', weight: 1 },
        { target: 'groq/b', weight: 1 },
      ],
    },
    timeout: { headers: 300 },
  });
  const models = new Set<string | undefined>();
  for (let n = 0; n < 24; n++) models.add((await ask('balanced')).header('weir-model'));
  expect(models).toEqual(new Set(['a', 'b']));
  provider.script = (seen, response) => (bodyOf(seen).model === 'a' ? undefined : answer(seen, response));
  const slow = await until(20_000, 'the silent one is drawn', async () => {
    const got = await ask('balanced');
    expect([got.status, got.header('weir-model')]).toEqual([200, 'b']);
    return got.header('weir-attempts') === '2' ? got : undefined;
  });
  expect(await weir.attempts(slow.header('weir-id') ?? '')).toMatchObject([
    { outcome: 'timeout', error_type: 'timeout:headers' },
    { reason: 'fallback', trigger: 'timeout:headers', outcome: 'ok' },
  ]);
});

test('a split that is for some calls alone leaves the others to their path, or to their model', async () => {
  await save({
    name: 'some',
    split: { name: 'some', by: 'user', to: [{ target: 'groq/arm' }], only: { projects: ['trial'] } },
  });
  const trial = await makeKey(weir.proxy.url, key, { name: 'trial', project: 'trial' });
  expect((await ask('some', { as: trial.key })).header('weir-variant')).toBe('groq/arm');
  const out = await ask('some');
  expect([out.header('weir-variant'), out.header('weir-provider')]).toEqual([undefined, 'openai']);
  expect(await rowOf(out)).toMatchObject({ route: 'some', split: '', variant: '' });
  const unified = await ask('some', { path: '/v1/chat/completions', body: { model: 'anthropic/claude-sonnet-4-5' } });
  expect([unified.status, unified.header('weir-provider')]).toEqual([200, 'anthropic']);
  // On a native path nobody translates.
  await save({ name: 'foreign', target: 'anthropic/claude-sonnet-4-5' });
  expect((await ask('foreign')).status).toBe(400);
  expect((await ask('foreign', { path: '/v1/chat/completions' })).status).toBe(200);
});

test('a key may be for some routes alone', async () => {
  await save({ name: 'mine', target: 'openai/x' });
  const narrow = await makeKey(weir.proxy.url, key, { name: 'narrow', project: 'p', routes: ['mine'] });
  expect((await ask('mine', { as: narrow.key })).status).toBe(200);
  const other = await ask('sized', { as: narrow.key });
  expect([other.status, other.header('weir-error')]).toEqual([403, 'forbidden_target']);
});

test('what a limit has no room for goes to a cheaper model, where the route says so', async () => {
  const limited = await makeKey(weir.proxy.url, key, {
    name: 'dear',
    project: 'p',
    limits: [
      { name: 'best', unit: 'requests', quota: 1, window: { seconds: 3600 }, match: { models: ['gpt-5'] } },
      { name: 'all', unit: 'requests', quota: 3, window: { seconds: 3600 } },
    ],
  });
  await save({ name: 'thrifty', target: 'openai/gpt-5', fallback: { to: ['groq/small'], on: ['limit'] } });
  const first = await ask('thrifty', { as: limited.key });
  expect([first.status, first.header('weir-model')]).toEqual([200, 'gpt-5']);
  const second = await ask('thrifty', { as: limited.key });
  expect([second.status, second.header('weir-model'), second.header('weir-attempts')]).toEqual([200, 'small', '1']);
  expect(await weir.attempts(second.header('weir-id') ?? '')).toMatchObject([
    { reason: 'fallback', trigger: 'limit', provider: 'groq', outcome: 'ok' },
  ]);
  expect((await ask('thrifty', { as: limited.key })).header('weir-model')).toBe('small');
  // The one for every model has no room for the cheaper either, and says so.
  const none = await ask('thrifty', { as: limited.key });
  expect([none.status, none.header('weir-error')]).toEqual([429, 'limit_exceeded']);
  expect(none.body.toString()).toContain('The limit all is reached');
  // Without the word the limit refuses.
  await save({ name: 'strict', target: 'openai/gpt-5', fallback: { to: ['groq/small'] } });
  const strict = await ask('strict', { as: limited.key });
  expect([strict.status, strict.header('weir-error')]).toEqual([429, 'limit_exceeded']);
});

test('what a variant lets a model write is taken from a budget, and not what the caller asked for', async () => {
  const limited = await makeKey(weir.proxy.url, key, {
    name: 'tokens',
    project: 'p',
    limits: [{ name: 'tokens', unit: 'tokens', quota: 10_000, window: { seconds: 3600 } }],
  });
  const to = [{ target: 'openai/wordy', parameters: { max_tokens: 20_000 } }];
  await save({ name: 'wordy', split: { name: 'wordy', by: 'request', to } });
  const asked = { as: limited.key, body: { max_tokens: 10 } };
  const got = await ask('wordy', asked);
  expect([got.status, got.header('weir-error')]).toEqual([429, 'limit_exceeded']);
  await save({ name: 'brief', target: 'openai/brief' });
  expect((await ask('brief', asked)).status).toBe(200);
});
