/** One client for models of several vendors: each SDK asks each provider through `/v1/…`, and reads the answer as its own. */
import Anthropic from '@anthropic-ai/sdk';
import { createOpenAI } from '@ai-sdk/openai';
import { GoogleGenAI } from '@google/genai';
import { generateText, tool, type ToolSet } from 'ai';
import OpenAI from 'openai';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { z } from 'zod';
import { ask as askAdmin, firstKey, makeKey } from '../support/administration.ts';
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
import { anthropicEvents, anthropicMessage, geminiReply } from '../support/replies.ts';
import { startWeir, type TestWeir } from '../support/weir.ts';

let weir: TestWeir;
let provider: ScriptedProvider;
let key: string;

function answer(seen: SeenRequest, response: Parameters<typeof json>[0]): void {
  const streamed = /"stream":\s*true/.test(seen.body.toString()) || seen.url.includes('streamGenerateContent');
  const sse = (text: string): void => void response.writeHead(200, { 'content-type': 'text/event-stream' }).end(text);
  if (seen.url.includes('enerateContent')) {
    return streamed ? sse(`data: ${JSON.stringify(geminiReply)}\n\n`) : json(response, geminiReply);
  }
  if (seen.url.endsWith('/messages')) return streamed ? sse(anthropicEvents()) : json(response, anthropicMessage);
  if (seen.url.endsWith('/embeddings')) {
    return json(response, {
      object: 'list',
      data: [{ object: 'embedding', index: 0, embedding: [1, 2] }],
      model: 'e',
      usage: { prompt_tokens: 2, total_tokens: 2 },
    });
  }
  return streamed ? sse(chatChunks(['Hello ', 'there.']).join('')) : json(response, chatCompletion());
}

beforeAll(async () => {
  provider = await startProvider(answer);
  const upstreams = Object.fromEntries(['openai', 'anthropic', 'google', 'groq'].map((name) => [name, provider.url]));
  weir = await startWeir(upstreams, {
    OPENAI_API_KEY: 'sk-held',
    ANTHROPIC_API_KEY: 'sk-ant-held',
    GEMINI_API_KEY: 'AIza-held',
    GROQ_API_KEY: 'gsk-held',
  });
  key = firstKey(weir.dataDir);
});
beforeEach(() => {
  provider.script = answer;
  provider.seen.length = 0;
});
afterAll(async () => {
  expect(weir.proxy.log).toEqual([]);
  await weir.stop();
  await provider.close();
});

/** Where each model is asked, and what its provider counts: tokens in and out. */
const models = {
  'openai/gpt-4o-mini': { url: '/v1/chat/completions', input: 12, output: [3, 2], credential: 'Bearer sk-held' },
  'anthropic/claude-sonnet-4-5': { url: '/v1/messages', input: 130, output: [4, 4], credential: 'sk-ant-held' },
  'google/gemini-2.5-flash': {
    url: '/v1beta/models/gemini-2.5-flash:',
    input: 7,
    output: [8, 8],
    credential: 'AIza-held',
  },
  'groq/llama-3.3-70b-versatile': {
    url: '/openai/v1/chat/completions',
    input: 12,
    output: [3, 2],
    credential: 'Bearer gsk-held',
  },
} as const;
type Model = keyof typeof models;

const question = [{ role: 'user' as const, content: 'Hi' }];
const openai = (session = 's'): OpenAI =>
  new OpenAI({
    baseURL: `${weir.proxy.url}/v1`,
    apiKey: key,
    maxRetries: 0,
    defaultHeaders: { 'Weir-Session': session },
  });
const anthropic = (session: string): Anthropic =>
  new Anthropic({ baseURL: weir.proxy.url, apiKey: key, maxRetries: 0, defaultHeaders: { 'Weir-Session': session } });
const google = (session: string): GoogleGenAI =>
  new GoogleGenAI({ apiKey: key, httpOptions: { baseUrl: weir.proxy.url, headers: { 'Weir-Session': session } } });

interface Said {
  text: string;
  finish: string | null | undefined;
  input: number | null | undefined;
  output: number | null | undefined;
}

/** Each SDK, plain or as a stream: what it read. */
const clients: Record<
  string,
  { done: string; ask: (model: Model, streamed: boolean, session: string) => Promise<Said> }
> = {
  openai: {
    done: 'stop',
    ask: async (model, streamed, session) => {
      const body = { model, messages: question };
      if (!streamed) {
        const reply = await openai(session).chat.completions.create(body);
        const [choice] = reply.choices;
        return {
          text: choice?.message.content ?? '',
          finish: choice?.finish_reason,
          input: reply.usage?.prompt_tokens,
          output: reply.usage?.completion_tokens,
        };
      }
      const said: Said = { text: '', finish: null, input: null, output: null };
      const stream = await openai(session).chat.completions.create({
        ...body,
        stream: true,
        stream_options: { include_usage: true },
      });
      for await (const { choices, usage } of stream) {
        said.text += choices[0]?.delta.content ?? '';
        said.finish = choices[0]?.finish_reason ?? said.finish;
        if (usage != null) Object.assign(said, { input: usage.prompt_tokens, output: usage.completion_tokens });
      }
      return said;
    },
  },
  anthropic: {
    done: 'end_turn',
    ask: async (model, streamed, session) => {
      const body = { model, max_tokens: 100, messages: question };
      const messages = anthropic(session).messages;
      const reply = streamed ? await messages.stream(body).finalMessage() : await messages.create(body);
      const { input_tokens, cache_read_input_tokens, cache_creation_input_tokens, output_tokens } = reply.usage;
      return {
        text: reply.content.map((block) => (block.type === 'text' ? block.text : '')).join(''),
        finish: reply.stop_reason,
        input: input_tokens + (cache_read_input_tokens ?? 0) + (cache_creation_input_tokens ?? 0),
        output: output_tokens,
      };
    },
  },
  google: {
    done: 'STOP',
    ask: async (model, streamed, session) => {
      const body = { model, contents: 'Hi' };
      const replies = [];
      if (!streamed) replies.push(await google(session).models.generateContent(body));
      else for await (const reply of await google(session).models.generateContentStream(body)) replies.push(reply);
      const last = replies.at(-1);
      const usage = last?.usageMetadata;
      return {
        text: replies.map(({ text }) => text ?? '').join(''),
        finish: last?.candidates?.[0]?.finishReason,
        input: usage?.promptTokenCount,
        output: (usage?.candidatesTokenCount ?? 0) + (usage?.thoughtsTokenCount ?? 0),
      };
    },
  },
};

describe.each(Object.keys(clients))('the SDK of %s', (name) => {
  const { ask, done } = clients[name] as (typeof clients)[string];
  test.each(
    (Object.keys(models) as Model[]).flatMap((model) =>
      [false, true].map((streamed) => [model, streamed ? 'stream' : 'plain', streamed] as const),
    ),
  )('%s, %s', async (model, _, streamed) => {
    const { url, input, output, credential } = models[model];
    const session = `${name}-${model}-${streamed}`;
    const said = await ask(model, streamed, session);
    expect(said).toEqual({ text: 'Hello there.', finish: done, input, output: output[streamed ? 1 : 0] });
    const [seen] = provider.seen;
    expect(seen?.url).toContain(url);
    expect(seen?.headers).toContain(credential);
    expect(JSON.stringify(seen?.headers)).not.toContain(key);
    const row = await until(
      20_000,
      'its row',
      async () =>
        (await weir.query<Record<string, unknown>>(`SELECT * FROM requests WHERE session_id = '${session}'`))[0],
    );
    expect(row).toMatchObject({
      provider: model.split('/')[0],
      request_model: model,
      outcome: 'ok',
      usage_source: 'provider',
      input_tokens: input,
      output_tokens: output[streamed ? 1 : 0],
      attempts: 1,
    });
    expect(Number(row.cost_usd)).toBeGreaterThan(0);
  });
});

test('the AI SDK calls a tool of Claude through OpenAI’s API', async () => {
  provider.script = (_, response) =>
    json(response, {
      ...anthropicMessage,
      stop_reason: 'tool_use',
      content: [{ type: 'tool_use', id: 'toolu_1', name: 'weather', input: { city: 'Bern' } }],
    });
  const { chat } = createOpenAI({ baseURL: `${weir.proxy.url}/v1`, apiKey: key });
  const weather = tool({ description: 'The weather', inputSchema: z.object({ city: z.string() }) });
  // The SDK's own types do not go with `exactOptionalPropertyTypes`.
  const tools = { weather } as unknown as ToolSet;
  const got = await generateText({
    model: chat('anthropic/claude-sonnet-4-5'),
    prompt: 'Weather?',
    tools,
    maxRetries: 0,
  });
  expect(got.toolCalls).toMatchObject([{ toolName: 'weather', input: { city: 'Bern' } }]);
  expect(got.finishReason).toBe('tool-calls');
  expect(JSON.parse(provider.seen[0]?.body.toString() ?? '')).toMatchObject({
    model: 'claude-sonnet-4-5',
    tools: [{ name: 'weather', input_schema: { required: ['city'] } }],
  });
});

const ask = (
  body: object,
  headers: [string, string][] = [['Weir-Key', key]],
  path = '/v1/chat/completions',
): Promise<RawResponse> =>
  rawRequest(weir.proxy.url, {
    path,
    body: JSON.stringify(body),
    headers: [['Content-Type', 'application/json'], ...headers],
  });
const saidBy = ({ status, header, body }: RawResponse): [number, string | undefined, string] => [
  status,
  header('weir-error'),
  body.toString(),
];

test('what cannot be done is a sentence that names the field, in the shape of the API that was called', async () => {
  const messages = question;
  for (const [body, status, said] of [
    [{ messages }, 400, /model: expected provider\/model/],
    [{ model: 'gpt-4o', messages }, 400, /model: .*gpt-4o.* is no target/],
    [{ model: 'nobody/x', messages }, 400, /model: .*no target is at/],
    [{ model: 'anthropic/claude-sonnet-4-5', messages, n: 2 }, 400, /\bn\b/],
    [{ model: 'anthropic/claude-sonnet-4-5', messages, modalities: ['audio'] }, 400, /modalities/],
  ] as const) {
    const got = await ask(body);
    expect(saidBy(got)).toEqual([status, 'bad_request', expect.stringMatching(said)]);
    expect(JSON.parse(got.body.toString())).toMatchObject({
      error: { code: 'bad_request', message: expect.any(String) as string },
    });
    expect(await weir.request(got.header('weir-id') ?? '')).toMatchObject({
      outcome: 'blocked',
      provider: '',
      attempts: 0,
    });
  }
  const embeddings = await ask({ model: 'anthropic/claude-sonnet-4-5', input: 'x' }, undefined, '/v1/embeddings');
  expect(saidBy(embeddings)).toEqual([400, 'bad_request', expect.stringMatching(/anthropic has no embeddings/)]);
  const without = await ask({ model: 'openai/gpt-4o-mini', messages }, []);
  expect(saidBy(without).slice(0, 2)).toEqual([401, 'unauthorized']);
  // A caller's own credential is for a provider that its path names: here there is none.
  const own = await ask({ model: 'openai/gpt-4o-mini', messages }, [['Authorization', 'Bearer sk-own']]);
  expect(saidBy(own).slice(0, 2)).toEqual([401, 'unauthorized']);
  const nothing = await rawRequest(weir.proxy.url, { path: '/v1/files', method: 'GET', headers: [['Weir-Key', key]] });
  expect(saidBy(nothing)).toEqual([404, 'not_found', expect.stringContaining('/v1/chat/completions')]);
  expect(provider.seen).toHaveLength(0);
});

test('what is lost without harm is a warning in the row', async () => {
  const got = await ask({ model: 'anthropic/claude-sonnet-4-5', messages: question, seed: 7 });
  expect(got.status).toBe(200);
  expect((await weir.request(got.header('weir-id') ?? '')).warnings).toContain('dropped:seed');
});

test('a provider’s error is the client’s kind of error, with its status', async () => {
  provider.script = (_, response) =>
    json(response, { type: 'error', error: { type: 'rate_limit_error', message: 'Slow down' } }, 429);
  const failed = openai().chat.completions.create({ model: 'anthropic/claude-sonnet-4-5', messages: question });
  await expect(failed).rejects.toThrow(OpenAI.RateLimitError);
  await expect(failed).rejects.toThrow(/Slow down/);
  provider.script = (_, response) =>
    json(
      response,
      { error: { message: 'No such model', type: 'invalid_request_error', code: 'model_not_found' } },
      404,
    );
  await expect(
    anthropic('s').messages.create({ model: 'openai/gpt-9', max_tokens: 9, messages: question }),
  ).rejects.toThrow(Anthropic.NotFoundError);
});

test('a stream that dies ends as an error, and never as if it were whole', async () => {
  provider.script = (_, response) => {
    response.writeHead(200, { 'content-type': 'text/event-stream' });
    response.write(anthropicEvents().slice(0, anthropicEvents().indexOf('event: content_block_stop')));
    setTimeout(() => response.socket?.resetAndDestroy(), 50);
  };
  const got = await ask({ model: 'anthropic/claude-sonnet-4-5', messages: question, stream: true });
  expect([got.status, got.complete]).toEqual([200, false]);
  expect(got.body.toString()).toContain('Hello there.');
  expect(got.body.toString()).toContain('event: error');
  expect(got.body.toString()).not.toContain('[DONE]');
  expect(await weir.request(got.header('weir-id') ?? '')).toMatchObject({ outcome: 'truncated' });
  // One that ends cleanly, but in the middle of what its format says, is not whole either.
  provider.script = (_, response) => {
    response.writeHead(200, { 'content-type': 'text/event-stream' });
    response.end(anthropicEvents().slice(0, anthropicEvents().indexOf('event: content_block_stop')));
  };
  const short = await ask({ model: 'anthropic/claude-sonnet-4-5', messages: question, stream: true });
  expect(short.complete).toBe(false);
  expect(short.body.toString()).not.toContain('[DONE]');
});

test('splits and fallbacks of unified calls go over all dialects', async () => {
  provider.script = (seen, response) => {
    if (seen.url.endsWith('/messages'))
      return json(response, { type: 'error', error: { type: 'overloaded_error', message: 'Overloaded' } }, 529);
    answer(seen, response);
  };
  const got = await ask({ model: 'anthropic/claude-sonnet-4-5', messages: question }, [
    ['Weir-Key', key],
    ['Weir-Fallback', 'to=(google/gemini-2.5-flash openai/gpt-4o-mini)'],
  ]);
  expect([got.status, got.header('weir-provider'), got.header('weir-attempts')]).toEqual([200, 'google', '2']);
  expect(JSON.parse(got.body.toString())).toMatchObject({
    object: 'chat.completion',
    choices: [{ message: { content: 'Hello there.' } }],
  });
  const id = got.header('weir-id') ?? '';
  expect(await weir.attempts(id)).toMatchObject([
    { provider: 'anthropic', outcome: 'provider_error', error_type: 'overloaded_error', model: 'claude-sonnet-4-5' },
    { provider: 'google', outcome: 'ok', trigger: '529', input_tokens: 7, output_tokens: 8 },
  ]);
  expect(await weir.request(id)).toMatchObject({
    provider: 'google',
    operation: 'chat',
    path: '/v1/chat/completions',
    retry_cost_usd: '0',
  });
  expect((await weir.body(id)).response).toContain('usageMetadata');
  const split = await ask({ model: 'any', messages: question }, [
    ['Weir-Key', key],
    ['Weir-Split', 'name=x, by=user, to=(google/gemini-2.5-flash;n=g)'],
    ['Weir-User', 'ann'],
  ]);
  expect([split.status, split.header('weir-variant')]).toEqual([200, 'g']);
});

test('embeddings go to whoever has them, unchanged but for the model', async () => {
  const got = await openai().embeddings.create({
    model: 'openai/text-embedding-3-small',
    input: 'Hi',
    encoding_format: 'float',
  });
  expect(got.data[0]?.embedding).toEqual([1, 2]);
  expect(JSON.parse(provider.seen[0]?.body.toString() ?? '')).toEqual({
    model: 'text-embedding-3-small',
    input: 'Hi',
    encoding_format: 'float',
  });
});

test('the list of models is what Weir holds keys for, and what the key allows', async () => {
  const listed: string[] = [];
  for await (const { id } of openai('list').models.list()) listed.push(id);
  expect(listed).toEqual(
    expect.arrayContaining(['openai/gpt-4o-mini', 'anthropic/claude-sonnet-4-5', 'google/gemini-2.5-flash']),
  );
  expect(new Set(listed.map((id) => id.split('/')[0]))).toEqual(new Set(['openai', 'anthropic', 'google', 'groq']));
  const narrow = await makeKey(weir.proxy.url, key, {
    name: 'narrow',
    project: 'p',
    providers: ['openai'],
    models: ['gpt-4o*'],
  });
  const few = await rawRequest(weir.proxy.url, {
    path: '/v1/models',
    method: 'GET',
    headers: [['Authorization', `Bearer ${narrow.key}`]],
  });
  const { data } = JSON.parse(few.body.toString()) as { data: { id: string }[] };
  expect(data.length).toBeGreaterThan(2);
  expect(data.every(({ id }) => id.startsWith('openai/gpt-4o'))).toBe(true);
  expect(await weir.request(few.header('weir-id') ?? '')).toMatchObject({
    operation: 'model_list',
    outcome: 'ok',
    attempts: 0,
  });
});

test('limits and restrictions of a key hold for unified calls as for native ones', async () => {
  const limited = await makeKey(weir.proxy.url, key, {
    name: 'two',
    project: 'p',
    models: ['gpt-4o-mini', 'claude-*'],
    limits: [{ name: 'few', unit: 'requests', quota: 2, window: { seconds: 3600 } }],
  });
  const as: [string, string][] = [['Weir-Key', limited.key]];
  const call = (model: string) => ask({ model, messages: question }, as);
  expect(saidBy(await call('google/gemini-2.5-flash')).slice(0, 2)).toEqual([403, 'forbidden_target']);
  expect((await call('openai/gpt-4o-mini')).status).toBe(200);
  expect((await call('anthropic/claude-sonnet-4-5')).status).toBe(200);
  expect(saidBy(await call('openai/gpt-4o-mini')).slice(0, 2)).toEqual([429, 'limit_exceeded']);
  expect((await askAdmin(weir.proxy.url, key, 'GET', '/health')).status).toBe(200);
});

test('a model name that no model has is refused before it is kept anywhere', async () => {
  const got = await ask({ model: `openai/${'x'.repeat(100_000)}`, messages: question });
  expect(saidBy(got).slice(0, 2)).toEqual([400, 'bad_request']);
  expect(got.body.length).toBeLessThan(1_000);
});

test('an answer that is no stream and dies, or is none, is an error that the client can read', async () => {
  provider.script = (_, response) => {
    const text = JSON.stringify(anthropicMessage);
    response.writeHead(200, { 'content-type': 'application/json', 'content-length': text.length });
    response.write(text.slice(0, 40));
    setTimeout(() => response.socket?.resetAndDestroy(), 50);
  };
  const dies = await ask({ model: 'anthropic/claude-sonnet-4-5', messages: question });
  expect(saidBy(dies)).toEqual([502, 'upstream_unreachable', expect.stringContaining('network:')]);
  expect(await weir.request(dies.header('weir-id') ?? '')).toMatchObject({ status: 502, outcome: 'network_error' });
  provider.script = (_, response) =>
    response.writeHead(200, { 'content-type': 'application/json' }).end('{"type":"mess');
  const cut = await ask({ model: 'anthropic/claude-sonnet-4-5', messages: question });
  expect([cut.status, cut.complete]).toEqual([502, true]);
  expect(JSON.parse(cut.body.toString())).toMatchObject({ error: { message: expect.any(String) as string } });
});

test('a fallback that cannot be asked the question is passed over; what came before still counts', async () => {
  provider.script = (seen, response) =>
    seen.url.startsWith('/v1/') ? json(response, { error: { message: 'down' } }, 500) : answer(seen, response);
  const both = (to: string) =>
    ask({ model: 'openai/gpt-4o-mini', messages: question, n: 2 }, [
      ['Weir-Key', key],
      ['Weir-Fallback', `to=(${to})`],
    ]);
  const other = await both('anthropic/claude-sonnet-4-5 groq/llama-3.3-70b-versatile');
  expect([other.status, other.header('weir-provider'), other.header('weir-attempts')]).toEqual([200, 'groq', '2']);
  expect((await weir.request(other.header('weir-id') ?? '')).warnings).toEqual([
    'not_sent:anthropic/claude-sonnet-4-5',
  ]);
  const none = await both('anthropic/claude-sonnet-4-5');
  expect([none.status, none.body.toString()]).toEqual([500, expect.stringContaining('down')]);
});

test('paths that are almost one of the unified API’s are 404 with a sentence, and nobody is asked', async () => {
  for (const path of [
    '/v1',
    '/v1/',
    '/v1//chat/completions',
    '/v1/chat/completions/',
    '/v1beta/chat/completions',
    '/v1/models/',
  ]) {
    const got = await ask({ model: 'openai/gpt-4o-mini', messages: question }, undefined, path);
    expect([path, ...saidBy(got).slice(0, 2)]).toEqual([path, 404, 'not_found']);
  }
  expect(provider.seen).toHaveLength(0);
});
