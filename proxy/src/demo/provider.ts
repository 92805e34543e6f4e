/** The demo's simulated provider: answers like OpenAI, Anthropic and Google, plain and streaming, slow and failing at times. */
import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { z } from 'zod';

const asked = z.object({ model: z.string().catch('gpt-5-mini'), stream: z.boolean().catch(false) });
const sentences = [
  'The brass lamp is in stock in Porto and arrives on Thursday.',
  'Your order was sent this morning; the tracking number is in the mail we just sent you.',
  'In short: revenue grew, costs fell a little, and the plan for the next quarter stands.',
  'I could not find that item. These three come close, and all of them can be delivered this week.',
];

export interface SimulatedProvider {
  url: string;
  close(): void;
}

export async function startSimulatedProvider(): Promise<SimulatedProvider> {
  const server = createServer((incoming, response) => {
    const chunks: Buffer[] = [];
    incoming.on('data', (chunk: Buffer) => chunks.push(chunk));
    incoming.on(
      'end',
      () => void answer(incoming.url ?? '', Buffer.concat(chunks), response).catch(() => response.destroy()),
    );
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    close: () => {
      server.close();
      server.closeAllConnections();
    },
  };
}

async function answer(url: string, body: Buffer, response: ServerResponse): Promise<void> {
  const { model, stream } = asked.parse(parseJson(body));
  await delay(120 + Math.random() * 500);
  const words = (sentences[Math.floor(Math.random() * sentences.length)] as string).split(/(?<= )/);
  const input = Math.ceil(body.length / 4);
  if (Math.random() < 0.03) {
    return json(response, 429, {
      error: { message: 'Rate limit reached', type: 'tokens', code: 'rate_limit_exceeded' },
    });
  }
  if (url.includes('/messages')) return answerMessages(response, model, stream, words, input);
  if (url.includes('enerateContent')) return answerGemini(response, url, words, input);
  return answerChat(response, model, stream, words, input);
}

async function answerChat(
  response: ServerResponse,
  model: string,
  stream: boolean,
  words: string[],
  input: number,
): Promise<void> {
  const usage = { prompt_tokens: input, completion_tokens: words.length, total_tokens: input + words.length };
  const base = { id: `chatcmpl-${Date.now()}`, created: Math.floor(Date.now() / 1000), model };
  if (!stream) {
    const message = { role: 'assistant', content: words.join('') };
    return json(response, 200, {
      ...base,
      object: 'chat.completion',
      choices: [{ index: 0, message, finish_reason: 'stop' }],
      usage,
    });
  }
  const chunk = (delta: object, finish_reason: string | null): object => {
    return { ...base, object: 'chat.completion.chunk', choices: [{ index: 0, delta, finish_reason }] };
  };
  await sse(response, [
    ...words.map((content) => ({ data: chunk({ content }, null) })),
    { data: chunk({}, 'stop') },
    { data: { ...base, object: 'chat.completion.chunk', choices: [], usage } },
    { data: '[DONE]' },
  ]);
}

async function answerMessages(
  response: ServerResponse,
  model: string,
  stream: boolean,
  words: string[],
  input: number,
): Promise<void> {
  const message = { id: `msg_${Date.now()}`, type: 'message', role: 'assistant', model, stop_sequence: null };
  const usage = {
    input_tokens: input,
    output_tokens: words.length,
    cache_read_input_tokens: 0,
    cache_creation_input_tokens: 0,
  };
  if (!stream) {
    return json(response, 200, {
      ...message,
      content: [{ type: 'text', text: words.join('') }],
      stop_reason: 'end_turn',
      usage,
    });
  }
  const event = (type: string, data: object): { event: string; data: object } => ({
    event: type,
    data: { type, ...data },
  });
  await sse(response, [
    event('message_start', {
      message: { ...message, content: [], stop_reason: null, usage: { ...usage, output_tokens: 1 } },
    }),
    event('content_block_start', { index: 0, content_block: { type: 'text', text: '' } }),
    ...words.map((text) => event('content_block_delta', { index: 0, delta: { type: 'text_delta', text } })),
    event('content_block_stop', { index: 0 }),
    event('message_delta', {
      delta: { stop_reason: 'end_turn', stop_sequence: null },
      usage: { output_tokens: words.length },
    }),
    event('message_stop', {}),
  ]);
}

async function answerGemini(response: ServerResponse, url: string, words: string[], input: number): Promise<void> {
  const modelVersion = /models\/([^:/]+)/.exec(url)?.[1] ?? 'gemini-2.5-flash';
  const part = (text: string, finishReason?: string): object => ({
    candidates: [
      {
        content: { role: 'model', parts: [{ text }] },
        index: 0,
        ...(finishReason === undefined ? {} : { finishReason }),
      },
    ],
    usageMetadata: {
      promptTokenCount: input,
      candidatesTokenCount: words.length,
      totalTokenCount: input + words.length,
    },
    modelVersion,
  });
  if (!url.includes('stream')) return json(response, 200, part(words.join(''), 'STOP'));
  await sse(
    response,
    words.map((text, index) => ({ data: part(text, index === words.length - 1 ? 'STOP' : undefined) })),
  );
}

async function sse(response: ServerResponse, events: { event?: string; data: object | string }[]): Promise<void> {
  response.writeHead(200, { 'content-type': 'text/event-stream' });
  for (const { event, data } of events) {
    if (event !== undefined) response.write(`event: ${event}\n`);
    response.write(`data: ${typeof data === 'string' ? data : JSON.stringify(data)}\n\n`);
    await delay(15 + Math.random() * 30);
  }
  response.end();
}

function json(response: ServerResponse, status: number, body: object): void {
  const text = JSON.stringify(body);
  response
    .writeHead(status, { 'content-type': 'application/json', 'content-length': Buffer.byteLength(text) })
    .end(text);
}

function parseJson(body: Buffer): unknown {
  try {
    return JSON.parse(body.toString());
  } catch {
    return {};
  }
}
