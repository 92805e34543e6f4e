import { describe, expect, test } from 'vitest';
import { dialectOf, eventStream, readReply, readRequest } from './support.ts';

const MB = 1024 * 1024;
const BLOCK = Buffer.alloc(MB, 'abcdefgh ijklmno');

/** Repeats a block without ever holding the whole. */
function* body(head: string, blocks: number, tail: string, block: Uint8Array = BLOCK): Generator<Uint8Array> {
  yield Buffer.from(head);
  for (let at = 0; at < blocks; at++) yield block;
  yield Buffer.from(tail);
}

/** Runs with the most memory that was in use beyond the start, in bytes. */
function peak(chunks: Iterable<Uint8Array>, feed: (chunk: Uint8Array) => void): number {
  const used = (): number => process.memoryUsage().heapUsed + process.memoryUsage().external;
  const before = used();
  let most = 0;
  let count = 0;
  for (const chunk of chunks) {
    feed(chunk);
    if (++count % 8 === 0) most = Math.max(most, used() - before);
  }
  return most;
}

describe('a body of any size is read right in bounded memory', () => {
  const usage = '"usage":{"prompt_tokens":7,"completion_tokens":8}';

  test('a JSON reply of 200 MB', { timeout: 60_000 }, () => {
    const reader = dialectOf('openai').replyReader({
      operation: 'chat',
      path: '/v1/chat/completions',
      status: 200,
      contentType: 'application/json',
      header: () => null,
    });
    const head = '{"id":"c","choices":[{"index":0,"message":{"role":"assistant","content":"';
    const tail = `"},"finish_reason":"length"}],"model":"gpt-4o",${usage}}`;
    const most = peak(body(head, 200, tail), (chunk) => reader.feed(chunk));
    const facts = reader.end();
    expect(facts).toMatchObject({ model: 'gpt-4o', finishReasons: ['length'], complete: true, warnings: [] });
    expect(facts.usage).toMatchObject({ input_tokens: 7, output_tokens: 8 });
    expect(facts.text.characters).toBe(200 * MB);
    expect(facts.text.kept).toHaveLength(MB);
    console.log(`200 MB reply: ${(most / MB).toFixed(1)} MB more in use at the most`);
    expect(most).toBeLessThan(48 * MB);
  });

  test('a request of 30 MB, with the hash of the small path', { timeout: 60_000 }, () => {
    const reader = dialectOf('openai').requestReader({
      operation: 'chat',
      path: '/v1/chat/completions',
      contentType: 'application/json',
    });
    const head = '{"messages":[{"role":"user","content":[{"type":"image_url","image_url":{"url":"';
    const tail = '"}},{"type":"text","text":"what is it?"}]}],"model":"gpt-4o","stream":true}';
    const most = peak(body(head, 30, tail), (chunk) => reader.feed(chunk));
    const facts = reader.end();
    expect(facts).toMatchObject({ model: 'gpt-4o', streamed: true, text: { kept: 'what is it?' } });
    console.log(`30 MB request: ${(most / MB).toFixed(1)} MB more in use at the most`);
    expect(most).toBeLessThan(48 * MB);
    const whole = Buffer.concat([...body(head, 30, tail)]);
    expect(readRequest([whole]).hash).toBe(facts.hash);
    expect(facts.hash).toMatch(/^\d+$/);
  });

  test('an embedding of millions of numbers', { timeout: 60_000 }, () => {
    const numbers = Buffer.from('0.0123456789,'.repeat(80_000));
    const chunks = body('{"model":"e","data":[{"embedding":[', 10, '1]}],"usage":{"prompt_tokens":5}}', numbers);
    expect(readReply(chunks, { path: '/v1/embeddings' })).toMatchObject({ model: 'e', usage: { input_tokens: 5 } });
  });

  const piece = 'abcdefgh ijklmno '.repeat(2_000);
  test.each([
    [
      'events',
      'openai',
      { operation: 'chat', path: '/v1/chat/completions', contentType: 'text/event-stream' },
      Buffer.from(`data: ${JSON.stringify({ choices: [{ index: 0, delta: { content: piece } }] })}\n\n`),
      Buffer.from(`data: {"model":"m","choices":[],${usage}}\n\ndata: [DONE]\n\n`),
    ],
    [
      'lines',
      'ollama',
      { operation: 'chat', path: '/api/chat', contentType: 'application/x-ndjson' },
      Buffer.from(`${JSON.stringify({ model: 'm', message: { content: piece }, done: false })}\n`),
      Buffer.from('{"model":"m","done":true,"prompt_eval_count":7,"eval_count":8}\n'),
    ],
    [
      'messages',
      'bedrock',
      { operation: 'chat', path: '/model/m/converse-stream', contentType: 'application/vnd.amazon.eventstream' },
      eventStream([['contentBlockDelta', { contentBlockIndex: 0, delta: { text: piece } }]]),
      eventStream([
        ['messageStop', { stopReason: 'end_turn' }],
        ['metadata', { usage: { inputTokens: 7, outputTokens: 8, totalTokens: 15 } }],
      ]),
    ],
  ] as const)('a stream of 200 MB of %s', { timeout: 60_000 }, (_, provider, context, part, last) => {
    const reader = dialectOf(provider).replyReader({ ...context, status: 200, header: () => null });
    const count = Math.ceil((200 * MB) / part.length);
    const most = peak(body('', count, '', part), (chunk) => {
      // Cut in the middle of a piece.
      reader.feed(chunk.subarray(0, 1000));
      reader.feed(chunk.subarray(1000));
    });
    reader.feed(last);
    const facts = reader.end();
    expect(facts).toMatchObject({ complete: true, warnings: [] });
    expect(facts.usage).toMatchObject({ input_tokens: 7, output_tokens: 8 });
    expect(facts.text.characters).toBe(count * piece.length);
    expect(facts.text.kept).toHaveLength(MB);
    console.log(`200 MB of ${provider}: ${(most / MB).toFixed(1)} MB more in use at the most`);
    expect(most).toBeLessThan(64 * MB);
  });

  test('one event of 40 MB in a stream', { timeout: 60_000 }, () => {
    const head =
      'data: {"type":"response.completed","response":{"id":"r","output":[{"type":"image_generation_call","result":"';
    const tail = `"}],"model":"gpt-5","status":"completed","usage":{"input_tokens":3,"output_tokens":4}}}\n\n`;
    const facts = readReply(body(head, 40, tail), { path: '/v1/responses', type: 'text/event-stream' });
    expect(facts).toMatchObject({
      model: 'gpt-5',
      complete: true,
      usage: { output_tokens: 4 },
      finishReasons: ['completed'],
    });
  });

  test('large and small replies give the same facts', () => {
    const message = {
      content: 'hi',
      tool_calls: [{ index: 0, id: 'a', type: 'function', function: { name: 'f', arguments: '{}' } }],
    };
    const reply = (pad: string): object => ({
      pad,
      id: 'c',
      model: 'é',
      choices: [{ index: 0, message, finish_reason: 'tool_calls' }],
      service_tier: 'default',
      usage: { prompt_tokens: 5, completion_tokens: 6, prompt_tokens_details: { cached_tokens: 2 } },
    });
    expect(readReply([JSON.stringify(reply('x'.repeat(MB)))])).toEqual(readReply([JSON.stringify(reply(''))]));
  });
});
