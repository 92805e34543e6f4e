/** An existing program changes its base URL and adds a header: the vendors' own SDKs, plain and streaming. */
import Anthropic from '@anthropic-ai/sdk';
import { createOpenAI } from '@ai-sdk/openai';
import { GoogleGenAI } from '@google/genai';
import { generateText } from 'ai';
import OpenAI from 'openai';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { chatChunks, chatCompletion, json, startProvider, type ScriptedProvider } from '../support/provider.ts';
import { anthropicEvents, anthropicMessage, geminiReply } from '../support/replies.ts';
import { startWeir, type TestWeir } from '../support/weir.ts';
import { until } from '../support/deadline.ts';

let weir: TestWeir;
let provider: ScriptedProvider;

beforeAll(async () => {
  provider = await startProvider((seen, response) => {
    const streamed = seen.body.includes('"stream":true') || seen.url.includes('streamGenerateContent');
    const sse = (text: string): void => void response.writeHead(200, { 'content-type': 'text/event-stream' }).end(text);
    if (seen.url.includes('generateContent')) return json(response, geminiReply);
    if (seen.url.includes('streamGenerateContent')) return sse(`data: ${JSON.stringify(geminiReply)}\n\n`);
    if (seen.url.endsWith('/messages')) return streamed ? sse(anthropicEvents()) : json(response, anthropicMessage);
    return streamed ? sse(chatChunks(['Hello ', 'there.']).join('')) : json(response, chatCompletion());
  });
  weir = await startWeir({ openai: provider.url, anthropic: provider.url, google: provider.url });
});
afterAll(async () => {
  await weir.stop();
  await provider.close();
});

interface Seen {
  provider: string;
  operation: string;
  response_model: string;
  streamed: boolean;
  input_tokens: number;
  output_tokens: number;
  cost_usd: string;
  ttft_ms: number | null;
  finish_reasons: string[];
}

/** The row of a user's only call. */
async function rowOf(user: string): Promise<Seen> {
  const [row] = await until(90_000, `a row of ${user}`, async () => {
    const rows = await weir.query<Seen>(`SELECT * FROM requests WHERE user_id = '${user}'`).catch(() => []);
    return rows.length > 0 ? rows : undefined;
  });
  return row as Seen;
}

test('openai: plain and streaming', async () => {
  const client = new OpenAI({
    apiKey: 'sk-test',
    baseURL: `${weir.proxy.url}/openai/v1`,
    defaultHeaders: { 'Weir-User': 'o-plain' },
  });
  const messages = [{ role: 'user' as const, content: 'Hi' }];
  const plain = await client.chat.completions.create({ model: 'gpt-4o-mini', messages });
  expect(plain.choices[0]?.message.content).toBe('Hello there.');
  // gpt-4o-mini: $0.15 and $0.60 a million tokens.
  expect(await rowOf('o-plain')).toMatchObject({
    operation: 'chat',
    input_tokens: 12,
    output_tokens: 3,
    cost_usd: '0.0000036',
    ttft_ms: null,
    finish_reasons: ['stop'],
  });
  let text = '';
  const stream = await client.chat.completions.create(
    { model: 'gpt-4o-mini', messages, stream: true, stream_options: { include_usage: true } },
    { headers: { 'Weir-User': 'o-stream' } },
  );
  for await (const chunk of stream) text += chunk.choices[0]?.delta.content ?? '';
  expect(text).toBe('Hello there.');
  const row = await rowOf('o-stream');
  expect(row).toMatchObject({ streamed: true, input_tokens: 12, output_tokens: 2, cost_usd: '0.000003' });
  expect(row.ttft_ms).toBeGreaterThan(0);
});

test('anthropic: plain and streaming, cached tokens inside the input', async () => {
  const client = new Anthropic({ apiKey: 'sk-ant', baseURL: `${weir.proxy.url}/anthropic` });
  const question = { model: 'claude-sonnet-4-5', max_tokens: 64, messages: [{ role: 'user' as const, content: 'Hi' }] };
  await client.messages.create(question, { headers: { 'Weir-User': 'a-plain' } });
  const stream = client.messages.stream(question, { headers: { 'Weir-User': 'a-stream' } });
  expect((await stream.finalMessage()).content[0]).toMatchObject({ text: 'Hello there.' });
  for (const user of ['a-plain', 'a-stream']) {
    // $3, $15, read $0.30, written $3.75 a million tokens: 10·3 + 100·0.3 + 20·3.75 + 4·15 = 195 millionths.
    expect(await rowOf(user)).toMatchObject({
      provider: 'anthropic',
      operation: 'messages',
      input_tokens: 130,
      output_tokens: 4,
      cost_usd: '0.000195',
      finish_reasons: ['end_turn'],
    });
  }
});

test('google: plain and streaming, thoughts inside the output', async () => {
  for (const user of ['g-plain', 'g-stream']) {
    const client = new GoogleGenAI({
      apiKey: 'AIza',
      httpOptions: { baseUrl: `${weir.proxy.url}/google`, headers: { 'Weir-User': user } },
    });
    const question = { model: 'gemini-2.5-flash', contents: 'Hi' };
    if (user === 'g-plain') expect((await client.models.generateContent(question)).text).toBe('Hello there.');
    else
      for await (const chunk of await client.models.generateContentStream(question))
        expect(chunk.text).toBe('Hello there.');
    expect(await rowOf(user)).toMatchObject({
      provider: 'google',
      operation: 'generate_content',
      response_model: 'gemini-2.5-flash',
      input_tokens: 7,
      output_tokens: 8,
      finish_reasons: ['STOP'],
    });
  }
});

test('ai: a program of the AI SDK', async () => {
  const openai = createOpenAI({
    apiKey: 'sk-test',
    baseURL: `${weir.proxy.url}/openai/v1`,
    headers: { 'Weir-User': 'ai-sdk' },
  });
  const { text } = await generateText({ model: openai.chat('gpt-4o-mini'), prompt: 'Hi' });
  expect(text).toBe('Hello there.');
  expect(await rowOf('ai-sdk')).toMatchObject({ operation: 'chat', input_tokens: 12, output_tokens: 3 });
});

test('a provider’s error raises the SDK’s own exception, and its type is in the row', async () => {
  const before = provider.script;
  provider.script = (_, response) =>
    json(response, { error: { message: 'Rate limit reached', type: 'tokens', code: 'rate_limit_exceeded' } }, 429);
  const client = new OpenAI({
    apiKey: 'sk',
    baseURL: `${weir.proxy.url}/openai/v1`,
    maxRetries: 0,
    defaultHeaders: { 'Weir-User': 'limited' },
  });
  const call = client.chat.completions.create({ model: 'gpt-4o-mini', messages: [] });
  await expect(call).rejects.toBeInstanceOf(OpenAI.RateLimitError);
  provider.script = before;
  expect(await rowOf('limited')).toMatchObject({
    outcome: 'rate_limited',
    status: 429,
    cost_usd: null,
    error_message: 'Rate limit reached',
  });
});
