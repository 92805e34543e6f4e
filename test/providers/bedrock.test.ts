import { describe, expect, test } from 'vitest';
import { encodeMessage } from '../../proxy/src/event-stream.ts';
import { chunkEvent, dialectOf, eventStream, readReply } from './support.ts';

const EVENTS = 'application/vnd.amazon.eventstream';
const converse = { provider: 'bedrock', path: '/model/us.amazon.nova-lite-v1%3A0/converse' };
const streamed = { provider: 'bedrock', path: '/model/us.amazon.nova-lite-v1%3A0/converse-stream', type: EVENTS };
const invoke = { provider: 'bedrock', path: '/model/arn:aws:bedrock:us-east-1:1:inference-profile/x/invoke' };
const invoked = { ...invoke, path: `${invoke.path}-with-response-stream`, type: EVENTS };

const usage = { inputTokens: 10, outputTokens: 7, totalTokens: 37, cacheReadInputTokens: 15, cacheWriteInputTokens: 5 };
const counts = { input_tokens: 30, output_tokens: 7, cache_read_tokens: 15, cache_write_tokens: 5 };

describe('Converse', () => {
  const body = {
    output: {
      message: {
        content: [
          { reasoningContent: { reasoningText: { text: 'hm ' } } },
          { text: 'hi' },
          { toolUse: { name: 'f', toolUseId: 't', input: { a: 1 } } },
          { toolUse: { name: 'nova_grounding', toolUseId: 'u', type: 'server_tool_use', input: {} } },
        ],
      },
    },
    stopReason: 'tool_use',
    serviceTier: { type: 'flex' },
    usage: {
      ...usage,
      cacheDetails: [
        { ttl: '5m', inputTokens: 2 },
        { ttl: '1h', inputTokens: 3 },
      ],
    },
  };

  test('counts cached tokens as input, and client tools only', () => {
    expect(readReply([JSON.stringify(body)], converse)).toMatchObject({
      model: null,
      usage: { ...counts, cache_write_1h_tokens: 3 },
      finishReasons: ['tool_use'],
      toolCalls: 1,
      serviceTier: 'flex',
      complete: true,
      text: { kept: 'hm hif{"a":1}' },
    });
  });

  test('names the model that a prompt router chose', () => {
    const trace = { promptRouter: { invokedModelId: 'arn:aws:bedrock:x' } };
    expect(readReply([JSON.stringify({ ...body, trace })], converse).model).toBe('arn:aws:bedrock:x');
  });

  const events: [string, unknown][] = [
    ['messageStart', { role: 'assistant', p: 'abc' }],
    ['contentBlockDelta', { contentBlockIndex: 0, delta: { text: 'hi' } }],
    ['contentBlockStop', { contentBlockIndex: 0 }],
    ['contentBlockStart', { contentBlockIndex: 1, start: { toolUse: { name: 'f', toolUseId: 't' } } }],
    ['contentBlockDelta', { contentBlockIndex: 1, delta: { toolUse: { input: '{}' } } }],
    ['contentBlockStart', { contentBlockIndex: 2, start: { toolUse: { name: 'g', type: 'server_tool_use' } } }],
    ['messageStop', { stopReason: 'tool_use' }],
    ['metadata', { usage, metrics: { latencyMs: 1 } }],
  ];

  test('as a stream is read however it is split', () => {
    const bytes = eventStream(events);
    for (let at = 0; at <= bytes.length; at += 3) {
      expect(readReply([bytes.subarray(0, at), bytes.subarray(at)], streamed)).toMatchObject({
        usage: counts,
        toolCalls: 1,
        finishReasons: ['tool_use'],
        complete: true,
        text: { kept: 'hif{}' },
        warnings: [],
      });
    }
  });

  test('as a stream that was cut keeps what came, and is not complete', () => {
    const facts = readReply([eventStream(events.slice(0, 5))], streamed, true);
    expect(facts).toMatchObject({ complete: false, toolCalls: 1, usage: null, finishReasons: [] });
    expect(readReply([eventStream(events.slice(0, 7))], streamed, true).complete).toBe(false);
  });

  test('in which a message is damaged goes on, and the row says so', () => {
    const bytes = eventStream(events);
    const second = bytes.readUInt32BE(0);
    const at = second + bytes.readUInt32BE(second) - 10;
    bytes[at] = (bytes[at] ?? 0) ^ 1;
    expect(readReply([bytes], streamed)).toMatchObject({ warnings: ['damaged_stream'], usage: counts });
  });

  test('is known by its bytes when its type does not say so', () => {
    expect(readReply([eventStream(events)], { ...streamed, type: '' }).usage).toMatchObject(counts);
  });
});

describe('an error of Bedrock', () => {
  test.each([
    [{ 'x-amzn-errortype': 'ThrottlingException:http://internal.amazon.com/coral/' }, '{"message":"slow"}'],
    [{}, '{"__type":"com.amazon.coral.service#ThrottlingException","message":"slow"}'],
    [{}, '{"__type":"ThrottlingException","Message":"slow"}'],
  ])('has its type from a header or the body: %j %s', (headers, text) => {
    const { error } = readReply([text], { ...converse, status: 429, headers });
    expect(error).toEqual({ type: 'ThrottlingException', message: 'slow' });
  });

  test('in a stream is an exception', () => {
    const exception = encodeMessage(
      { ':exception-type': 'throttlingException', ':content-type': 'application/json', ':message-type': 'exception' },
      Buffer.from('{"message":"slow"}'),
    );
    const unnamed = encodeMessage(
      { ':error-code': 'internal', ':error-message': 'broke', ':message-type': 'error' },
      Buffer.alloc(0),
    );
    const start = eventStream([['messageStart', { role: 'assistant' }]]);
    const error = { type: 'throttlingException', message: 'slow' };
    expect(readReply([start, exception], streamed)).toMatchObject({ error, complete: false });
    expect(readReply([start, exception], invoked)).toMatchObject({ error, complete: false });
    expect(readReply([start, unnamed], streamed).error).toEqual({ type: 'internal', message: 'broke' });
  });

  test("of Weir's own is an exception that is read back", () => {
    const { errorMessage } = dialectOf('bedrock');
    const bytes = errorMessage?.({ status: 502, code: 'upstream_unreachable', message: 'gone' }) ?? Buffer.alloc(0);
    expect(readReply([bytes], streamed).error).toEqual({ type: 'modelStreamErrorException', message: 'gone' });
  });
});

describe('an invoked model', () => {
  const headers = {
    'x-amzn-bedrock-input-token-count': '3',
    'x-amzn-bedrock-output-token-count': '4',
    'x-amzn-bedrock-cache-read-input-token-count': '5',
    'x-amzn-bedrock-service-tier': 'priority',
  };
  const own = { input_tokens: 1, output_tokens: 2 };
  const counted = { input_tokens: 8, output_tokens: 4, cache_read_tokens: 5 };

  test.each([
    [
      'Anthropic',
      {
        type: 'message',
        model: 'claude',
        content: [{ type: 'text', text: 'hi' }],
        stop_reason: 'end_turn',
        usage: own,
      },
      'end_turn',
      own,
    ],
    ['Claude 2', { completion: 'hi', stop_reason: 'stop_sequence' }, 'stop_sequence', counted],
    [
      'Nova',
      {
        output: { message: { content: [{ text: 'hi' }] } },
        stopReason: 'end_turn',
        usage: { inputTokens: 1, outputTokens: 2 },
      },
      'end_turn',
      own,
    ],
    ['Llama', { generation: 'hi', prompt_token_count: 1, generation_token_count: 2, stop_reason: 'stop' }, 'stop', own],
    [
      'Titan',
      { inputTextTokenCount: 1, results: [{ tokenCount: 2, outputText: 'hi', completionReason: 'FINISH' }] },
      'FINISH',
      own,
    ],
    ['Mistral', { outputs: [{ text: 'hi', stop_reason: 'stop' }] }, 'stop', counted],
    [
      'OpenAI-shaped',
      {
        choices: [{ message: { content: 'hi' }, finish_reason: 'stop' }],
        usage: { prompt_tokens: 1, completion_tokens: 2 },
      },
      'stop',
      own,
    ],
    ['DeepSeek', { choices: [{ text: 'hi', stop_reason: 'length' }] }, 'length', counted],
    ['Cohere', { text: 'hi', finish_reason: 'COMPLETE', meta: { tokens: { input_tokens: 70 } } }, 'COMPLETE', counted],
    ['Command', { generations: [{ text: 'hi', finish_reason: 'MAX_TOKENS' }] }, 'MAX_TOKENS', counted],
    [
      'Jurassic',
      { id: 1, completions: [{ data: { text: 'hi' }, finishReason: { reason: 'endoftext' } }] },
      'endoftext',
      counted,
    ],
  ])('%s is read by its shape; the headers count where it does not', (_, body, finish, expected) => {
    const facts = readReply([JSON.stringify(body)], { ...invoke, headers });
    expect(facts).toMatchObject({
      finishReasons: [finish],
      text: { kept: 'hi' },
      usage: expected,
      serviceTier: 'priority',
    });
  });

  test('that embeds counts its input, one that paints its pictures', () => {
    const path = '/model/amazon.titan-embed-text-v2:0/invoke';
    const embedding = readReply(['{"embedding":[0.1],"inputTextTokenCount":5}'], { ...invoke, path });
    expect(embedding.usage).toMatchObject({ input_tokens: 5, output_tokens: null });
    expect(readReply(['{"embeddings":[[0.1]],"id":"x"}'], { ...invoke, path, headers }).usage).toMatchObject({
      input_tokens: 8,
    });
    const images = readReply(['{"images":["aGk=","aGk="]}'], {
      ...invoke,
      path: '/model/amazon.nova-canvas-v1:0/invoke',
    });
    expect(images.units).toMatchObject({ images: 2 });
  });

  const metrics = { 'amazon-bedrock-invocationMetrics': { inputTokenCount: 3, outputTokenCount: 4 } };
  const seen = { input_tokens: 3, output_tokens: 4 };
  test.each([
    [
      'Anthropic',
      [
        { type: 'message_start', message: { id: 'm', model: 'claude', usage: { input_tokens: 1, output_tokens: 1 } } },
        { type: 'content_block_delta', index: 0, delta: { type: 'text_delta', text: 'hi' } },
        { type: 'message_delta', delta: { stop_reason: 'end_turn' }, usage: { output_tokens: 2 } },
        { type: 'message_stop', ...metrics },
      ],
      'end_turn',
      own,
    ],
    [
      'Claude 2',
      [
        { completion: 'hi', stop_reason: null },
        { completion: '', stop_reason: 'stop_sequence', ...metrics },
      ],
      'stop_sequence',
      seen,
    ],
    [
      'Nova',
      [
        { messageStart: { role: 'assistant' } },
        { contentBlockDelta: { contentBlockIndex: 0, delta: { text: 'hi' } } },
        { messageStop: { stopReason: 'end_turn' } },
        { metadata: { usage: { inputTokens: 1, outputTokens: 2 } }, ...metrics },
      ],
      'end_turn',
      own,
    ],
    [
      'Llama',
      [
        { generation: 'h', prompt_token_count: 1, generation_token_count: 1, stop_reason: null },
        { generation: 'i', prompt_token_count: null, generation_token_count: 2, stop_reason: 'length', ...metrics },
      ],
      'length',
      own,
    ],
    [
      'Titan',
      [
        { outputText: 'h', index: 0, inputTextTokenCount: 1, completionReason: null },
        { outputText: 'i', index: 0, totalOutputTextTokenCount: 2, completionReason: 'LENGTH', ...metrics },
      ],
      'LENGTH',
      own,
    ],
    [
      'Mistral',
      [{ outputs: [{ text: 'hi', stop_reason: null }] }, { outputs: [{ text: '', stop_reason: 'stop' }], ...metrics }],
      'stop',
      seen,
    ],
    [
      'Cohere',
      [
        { is_finished: false, event_type: 'text-generation', text: 'hi' },
        { is_finished: true, finish_reason: 'COMPLETE', ...metrics },
      ],
      'COMPLETE',
      seen,
    ],
  ])('%s as a stream', (_, events, finish, expected) => {
    const bytes = eventStream(events.map(chunkEvent));
    for (const size of [1, 50, bytes.length]) {
      const chunks = Array.from({ length: Math.ceil(bytes.length / size) }, (__, at) =>
        bytes.subarray(at * size, (at + 1) * size),
      );
      const facts = readReply(chunks, invoked);
      expect(facts).toMatchObject({ finishReasons: [finish], text: { kept: 'hi' }, usage: expected, complete: true });
      expect(facts.warnings).toEqual([]);
    }
  });

  test('may send an event of any length', () => {
    const long = { type: 'content_block_delta', delta: { text: 'x'.repeat(600_000) } };
    const facts = readReply(
      [eventStream([chunkEvent(long), chunkEvent({ type: 'message_stop', ...metrics })])],
      invoked,
    );
    expect(facts.text.characters).toBe(600_000);
    expect(facts).toMatchObject({ complete: true, usage: seen, warnings: [] });
  });
});

test('counting tokens on Bedrock is no usage', () => {
  expect(readReply(['{"inputTokens":11}'], { provider: 'bedrock', path: '/model/m/count-tokens' }).usage).toBeNull();
});
