/** A program of Helicone's changes its base URL alone: its policies are carried out, and what cannot be is said in the row. */
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { firstKey } from '../support/administration.ts';
import { rawRequest, type RawResponse } from '../support/http.ts';
import { chatCompletion, json, startProvider, type ScriptedProvider } from '../support/provider.ts';
import { startWeir, type TestWeir } from '../support/weir.ts';

let weir: TestWeir;
let provider: ScriptedProvider;
let other: ScriptedProvider;
beforeAll(async () => {
  provider = await startProvider((_, response) => json(response, chatCompletion()));
  other = await startProvider((_, response) => json(response, chatCompletion('llama-3.3-70b-versatile')));
  weir = await startWeir({ openai: provider.url, groq: other.url }, { GROQ_API_KEY: 'gsk-held' });
});
beforeEach(() => {
  provider.script = (_, response) => json(response, chatCompletion());
  provider.seen.length = 0;
});
afterAll(async () => {
  await weir.stop();
  await provider.close();
  await other.close();
});

const ask = (...headers: [string, string][]): Promise<RawResponse> =>
  rawRequest(weir.proxy.url, {
    path: '/openai/v1/chat/completions',
    body: JSON.stringify({ model: 'gpt-4o-mini', messages: [] }),
    headers: [['Content-Type', 'application/json'], ['Authorization', 'Bearer sk-own'], ...headers],
  });
const rowOf = (answer: RawResponse) => weir.request(answer.header('weir-id') ?? '');

test('Helicone-Retry-*: as many tries, with its waits, after 429 and 5xx', async () => {
  provider.script = (_, response) => json(response, { error: {} }, 503);
  const retry: [string, string][] = [
    ['Helicone-Retry-Enabled', 'true'],
    ['Helicone-Retry-Num', '2'],
    ['Helicone-Retry-Factor', '2'],
    ['Helicone-Retry-Min-Timeout', '20'],
    ['Helicone-Retry-Max-Timeout', '40'],
  ];
  const answer = await ask(...retry);
  expect([answer.status, answer.header('weir-attempts')]).toEqual([503, '3']);
  const attempts = await weir.attempts(answer.header('weir-id') ?? '');
  expect(attempts.map(({ trigger }) => trigger)).toEqual(['', '503', '503']);
  for (const { wait_ms } of attempts.slice(1)) expect(wait_ms).toBeGreaterThan(18);
  expect((await rowOf(answer)).warnings).toEqual([]);
  expect((await ask(['Helicone-Retry-Enabled', 'false'], ...retry.slice(1))).header('weir-attempts')).toBe('1');
  const odd = await ask(retry[0] as [string, string], ['Helicone-Retry-Factor', '3']);
  expect([odd.header('weir-attempts'), (await rowOf(odd)).warnings]).toEqual([
    '1',
    ['ignored_header:helicone-retry-enabled'],
  ]);
});

test('Helicone-RateLimit-Policy: a limit for each user', async () => {
  const limited = (user: string) =>
    ask(['Helicone-RateLimit-Policy', '2;w=3600;u=request;s=user'], ['Helicone-User-Id', user]);
  const statuses = [];
  for (const user of ['ann', 'ann', 'ann', 'bob']) statuses.push((await limited(user)).status);
  expect(statuses).toEqual([200, 200, 429, 200]);
  const odd = await ask(['Helicone-RateLimit-Policy', 'many']);
  expect([odd.status, (await rowOf(odd)).warnings]).toEqual([200, ['ignored_header:helicone-ratelimit-policy']]);
});

test('Helicone-Fallbacks: a provider by its host, with the key that Weir holds for it', async () => {
  provider.script = (_, response) => json(response, { error: {} }, 500);
  const fallbacks = [
    {
      'target-url': 'https://api.groq.com',
      headers: { Authorization: 'Bearer gsk-in-a-header' },
      onCodes: [500, 401],
      bodyKeyOverride: { model: 'llama-3.3-70b-versatile' },
    },
  ];
  const answer = await ask(['Helicone-Fallbacks', JSON.stringify(fallbacks)], ['Weir-Key', firstKey(weir.dataDir)]);
  expect([answer.status, answer.header('weir-provider')]).toEqual([200, 'groq']);
  expect(JSON.stringify(other.seen)).toContain('gsk-held');
  expect(JSON.stringify(other.seen)).not.toContain('gsk-in-a-header');
  const unknown = await ask(['Helicone-Fallbacks', JSON.stringify([{ 'target-url': 'https://llm.internal' }])]);
  expect([unknown.status, (await rowOf(unknown)).warnings]).toEqual([500, ['ignored_header:helicone-fallbacks']]);
});

test('Helicone-Model-Override: recorded as the model that the caller names, and priced so where the answer names none', async () => {
  const { model: _, ...nameless } = chatCompletion() as Record<string, unknown>;
  provider.script = (_seen, response) => json(response, nameless);
  const row = await rowOf(await ask(['Helicone-Model-Override', 'gpt-4o']));
  expect([row.request_model, row.response_model]).toEqual(['gpt-4o', '']);
  // 12 tokens in at 2.5 dollars a million, 3 out at 10.
  expect(Number(row.cost_usd)).toBeCloseTo(0.00006, 9);
  // It is no way to a lower price.
  provider.script = (_seen, response) => json(response, chatCompletion('gpt-4o'));
  const named = await rowOf(await ask(['Helicone-Model-Override', 'gpt-4o-mini']));
  expect([named.request_model, named.response_model]).toEqual(['gpt-4o-mini', 'gpt-4o']);
  expect(Number(named.cost_usd)).toBeCloseTo(0.00006, 9);
});
