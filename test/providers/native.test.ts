import { describe, expect, test } from 'vitest';
import { readEvents, readReply, readRequest } from './support.ts';

function inPieces(body: Buffer, size: number): Buffer[] {
  return Array.from({ length: Math.ceil(body.length / size) }, (_, at) => body.subarray(at * size, (at + 1) * size));
}

function lines(values: readonly unknown[]): Buffer {
  return Buffer.from(values.map((value) => `${JSON.stringify(value)}\n`).join(''));
}

describe('Cohere', () => {
  const usage = {
    billed_units: { input_tokens: 4, output_tokens: 2 },
    tokens: { input_tokens: 90, output_tokens: 5 },
    cached_tokens: 64,
  };
  const right = {
    finishReasons: ['TOOL_CALL'],
    toolCalls: 1,
    complete: true,
    usage: { input_tokens: 90, output_tokens: 5, cache_read_tokens: 64 },
    units: { billed_input_tokens: 4, billed_output_tokens: 2 },
  };
  const call = { id: 'c', type: 'function', function: { name: 'f', arguments: '{}' } };

  test('v2: what was read and what is billed are two numbers', () => {
    const message = { content: [{ type: 'text', text: 'hi' }], tool_plan: 'plan', tool_calls: [call] };
    const body = JSON.stringify({ id: 'r', message, finish_reason: 'TOOL_CALL', usage });
    expect(readReply([body], { provider: 'cohere', path: '/v2/chat' })).toMatchObject({ ...right, replyId: 'r' });
  });

  test('v2 as a stream', () => {
    const events = [
      { id: 'r', type: 'message-start', delta: { message: { role: 'assistant', content: [], tool_calls: [] } } },
      { type: 'tool-plan-delta', delta: { message: { tool_plan: 'plan' } } },
      { type: 'content-delta', index: 0, delta: { message: { content: { text: 'hi' } } } },
      {
        type: 'tool-call-start',
        index: 0,
        delta: { message: { tool_calls: { ...call, function: { name: 'f', arguments: '' } } } },
      },
      { type: 'tool-call-delta', index: 0, delta: { message: { tool_calls: { function: { arguments: '{}' } } } } },
      { type: 'message-end', delta: { finish_reason: 'TOOL_CALL', usage } },
    ];
    const facts = readEvents(events, { provider: 'cohere', path: '/v2/chat' });
    expect(facts).toMatchObject({ ...right, replyId: 'r', text: { kept: 'planhif{}' } });
  });

  test('v2: a stream that ends in an error has it', () => {
    const events = [{ type: 'message-end', delta: { finish_reason: 'ERROR', error: 'NO_VALID_RESPONSE' } }];
    const facts = readEvents(events, { provider: 'cohere', path: '/v2/chat' });
    expect(facts.error).toEqual({ type: 'ERROR', message: 'NO_VALID_RESPONSE' });
  });

  test('v1, whole and as lines', () => {
    const response = {
      response_id: 'r',
      text: 'hi',
      finish_reason: 'TOOL_CALL',
      meta: usage,
      tool_calls: [{ name: 'f', parameters: {} }],
    };
    const given = { provider: 'cohere', path: '/v1/chat' };
    expect(readReply([JSON.stringify(response)], given)).toMatchObject({ ...right, replyId: 'r' });
    const stream = lines([
      { is_finished: false, event_type: 'stream-start', generation_id: 'g' },
      { is_finished: false, event_type: 'text-generation', text: 'hi' },
      { is_finished: false, event_type: 'tool-calls-generation', tool_calls: [{ name: 'f', parameters: {} }] },
      { is_finished: true, event_type: 'stream-end', response, finish_reason: 'TOOL_CALL' },
    ]);
    for (const type of ['application/stream+json', 'application/json', '']) {
      for (const size of [1, 13, 5000]) {
        const facts = readReply(inPieces(stream, size), { ...given, type });
        expect(facts).toMatchObject({ ...right, replyId: 'r', text: { kept: 'hif{}' }, warnings: [] });
      }
    }
  });

  test('embeds and ranks by billed units, and speaks OpenAI at its own path for that', () => {
    const embed = JSON.stringify({
      id: 'e',
      embeddings: { float: [[1]] },
      meta: { billed_units: { input_tokens: 10 } },
    });
    expect(readReply([embed], { provider: 'cohere', path: '/v2/embed' }).usage).toMatchObject({ input_tokens: 10 });
    const rerank = readReply(['{"id":"r","results":[],"meta":{"billed_units":{"search_units":1}}}'], {
      provider: 'cohere',
      path: '/v2/rerank',
    });
    expect(rerank).toMatchObject({ usage: null, units: { rerank_searches: 1 } });
    const chat =
      '{"choices":[{"message":{"content":"x"},"finish_reason":"stop"}],"usage":{"prompt_tokens":3,"completion_tokens":1}}';
    const facts = readReply([chat], { provider: 'cohere', path: '/compatibility/v1/chat/completions' });
    expect(facts).toMatchObject({ finishReasons: ['stop'], usage: { input_tokens: 3 } });
  });

  test('says its errors in a message alone', () => {
    const facts = readReply(['{"id":"x","message":"invalid api token"}'], {
      provider: 'cohere',
      path: '/v2/chat',
      status: 401,
    });
    expect(facts.error).toEqual({ type: null, message: 'invalid api token' });
  });
});

describe("Ollama's own API", () => {
  const last = {
    model: 'llama3',
    message: { content: '' },
    done: true,
    done_reason: 'stop',
    prompt_eval_count: 17,
    eval_count: 4,
  };
  const stream = lines([
    { model: 'llama3', message: { role: 'assistant', content: '', thinking: 'hm ' }, done: false },
    {
      model: 'llama3',
      message: { content: 'hi', tool_calls: [{ function: { name: 'f', arguments: { a: 1 } } }] },
      done: false,
    },
    last,
  ]);
  const given = { provider: 'ollama', path: '/api/chat' };

  test('is lines of JSON, whatever their type says and however they are split', () => {
    for (const type of ['application/x-ndjson', 'application/json', '']) {
      for (const size of [1, 7, 100, 5000]) {
        expect(readReply(inPieces(stream, size), { ...given, type })).toMatchObject({
          model: 'llama3',
          usage: { input_tokens: 17, output_tokens: 4 },
          finishReasons: ['stop'],
          toolCalls: 1,
          complete: true,
          text: { kept: 'hm hif{"a":1}' },
          warnings: [],
        });
      }
    }
  });

  test('whole, over one line or many', () => {
    const body = { ...last, message: { content: 'hi' } };
    for (const text of [JSON.stringify(body), `${JSON.stringify(body)}\n`, JSON.stringify(body, null, 2)]) {
      expect(readReply([text], given)).toMatchObject({ usage: { input_tokens: 17 }, complete: true, warnings: [] });
    }
    const generated = JSON.stringify({ model: 'm', response: 'hi', done: true, done_reason: 'length', eval_count: 1 });
    expect(readReply([generated], { ...given, path: '/api/generate' })).toMatchObject({
      finishReasons: ['length'],
      text: { kept: 'hi' },
      usage: { input_tokens: null, output_tokens: 1 },
    });
    const embedded = '{"model":"all-minilm","embeddings":[[0.1]],"prompt_eval_count":8}';
    expect(readReply([embedded], { ...given, path: '/api/embed' }).usage).toMatchObject({ input_tokens: 8 });
  });

  test('that breaks off is not complete, and an error in mid-stream is an error', () => {
    const second = stream.indexOf('\n') + 1;
    expect(readReply([stream.subarray(0, second + 9)], { ...given, type: 'application/x-ndjson' }, true)).toMatchObject(
      {
        complete: false,
        warnings: [],
        text: { kept: 'hm ' },
      },
    );
    const broken = Buffer.concat([stream.subarray(0, second), lines([{ error: 'out of memory' }])]);
    expect(readReply([broken], given).error).toEqual({ type: null, message: 'out of memory' });
  });

  test('streams unless the request says no', () => {
    expect(readRequest(['{"model":"m","messages":[]}'], given).streamed).toBe(true);
    expect(readRequest(['{"model":"m","stream":false}'], given).streamed).toBe(false);
  });

  test('a line may be of any length', () => {
    const long = { model: 'm', message: { content: 'x'.repeat(700_000) }, done: false };
    const facts = readReply(inPieces(lines([long, last]), 65_536), { ...given, type: 'application/x-ndjson' });
    expect(facts).toMatchObject({ text: { characters: 700_000 }, complete: true, warnings: [] });
  });
});

describe('Vertex', () => {
  const models = '/v1/projects/p/locations/l/publishers/google/models';
  const vertex = { provider: 'vertex' };

  test('counts the tokens of each prediction', () => {
    const prediction = (count: number): object => ({ embeddings: { values: [1], statistics: { token_count: count } } });
    const body = JSON.stringify({
      predictions: [prediction(3), prediction(4)],
      metadata: { billableCharacterCount: 9 },
    });
    const path = `${models}/text-embedding-005:predict`;
    expect(readReply([body], { ...vertex, path }).usage).toMatchObject({ input_tokens: 7, output_tokens: null });
  });

  test('counts pictures, and the tokens of older models', () => {
    const image = { mimeType: 'image/png', bytesBase64Encoded: 'aGk=' };
    const painted = readReply([JSON.stringify({ predictions: [image, image] })], {
      ...vertex,
      path: `${models}/imagen-4.0:predict`,
    });
    expect(painted).toMatchObject({ units: { images: 2 }, usage: null });
    const tokenMetadata = { inputTokenCount: { totalTokens: 3 }, outputTokenCount: { totalTokens: 5 } };
    const body = JSON.stringify({ predictions: [{ content: 'hi' }], metadata: { tokenMetadata } });
    expect(readReply([body], { ...vertex, path: `${models}/text-bison@002:predict` })).toMatchObject({
      usage: { input_tokens: 3, output_tokens: 5 },
      text: { kept: 'hi' },
    });
  });

  test('sends enumerations as numbers where it is asked to', () => {
    const details = [
      { modality: 1, tokenCount: 9 },
      { modality: 4, tokenCount: 2 },
    ];
    const usageMetadata = {
      promptTokenCount: 11,
      candidatesTokenCount: 1,
      promptTokensDetails: details,
      trafficType: 'ON_DEMAND_FLEX',
    };
    const body = JSON.stringify({
      candidates: [{ content: { parts: [{ text: 'hi' }] }, finishReason: 1 }],
      usageMetadata,
    });
    expect(readReply([body], { ...vertex, path: `${models}/gemini-2.5-pro:generateContent` })).toMatchObject({
      finishReasons: ['1'],
      serviceTier: 'ON_DEMAND_FLEX',
      usage: { input_tokens: 11, input_audio_tokens: 2 },
    });
  });

  test("serves Anthropic's messages and counts their tokens", () => {
    const anthropic = '/v1/projects/p/locations/global/publishers/anthropic/models';
    const body =
      '{"type":"message","model":"claude","content":[],"stop_reason":"end_turn","usage":{"input_tokens":3,"output_tokens":4,"cache_read_input_tokens":10}}';
    const path = `${anthropic}/claude-sonnet-4-5@20250929:rawPredict`;
    expect(readReply([body], { ...vertex, path }).usage).toMatchObject({ input_tokens: 13, output_tokens: 4 });
    expect(readRequest(['{"anthropic_version":"x","messages":[]}'], { ...vertex, path })).toMatchObject({
      model: 'claude-sonnet-4-5@20250929',
      streamed: false,
    });
    expect(readRequest(['{"messages":[]}'], { ...vertex, path: path.replace('rawP', 'streamRawP') }).streamed).toBe(
      true,
    );
    expect(
      readReply(['{"input_tokens":5}'], { ...vertex, path: `${anthropic}/count-tokens:rawPredict` }).usage,
    ).toBeNull();
  });
});

describe('what is billed besides tokens', () => {
  const audio = { path: '/v1/audio/transcriptions' };
  test.each([
    ['{"text":"hi","usage":{"type":"duration","seconds":36}}', 36],
    ['{"text":"hi","usage":{"prompt_audio_seconds":12,"prompt_tokens":3,"completion_tokens":4}}', 12],
    ['{"text":"hi","duration":1.5,"language":"en"}', 1.5],
    ['{"metadata":{"duration":25.93},"results":{}}', 25.93],
  ])('seconds of sound: %s', (body, seconds) => {
    expect(readReply([body], audio).units).toMatchObject({ audio_seconds: seconds });
  });

  test('tokens of sound, in a stream', () => {
    const usage = { type: 'tokens', input_tokens: 37, input_token_details: { audio_tokens: 37 }, output_tokens: 9 };
    const events = [
      { type: 'transcript.text.delta', delta: 'hi' },
      { type: 'transcript.text.done', text: 'hi', usage },
    ];
    expect(readEvents(events, audio)).toMatchObject({
      usage: { input_tokens: 37, input_audio_tokens: 37, output_tokens: 9 },
      complete: true,
    });
  });

  test('pictures; embeddings are none', () => {
    const body = '{"created":1,"data":[{"url":"a"},{"url":"b"}]}';
    expect(readReply([body], { path: '/v1/images/generations' }).units).toMatchObject({ images: 2 });
    expect(readReply([body], { path: '/v1/embeddings' }).units).toEqual({});
  });

  test('sound itself has nothing to be read', () => {
    const bytes = Buffer.from([0, 0, 0, 0x1c, 0x66, 0x74, 0x79, 0x70]);
    expect(readReply([bytes], { path: '/v1/audio/speech', type: 'audio/mp4' })).toMatchObject({
      complete: true,
      warnings: [],
      usage: null,
    });
  });
});

describe('what is recorded, but is no usage', () => {
  test.each([
    ['/v1/batches', '{"id":"batch_1","model":"gpt-4o","usage":{"input_tokens":5,"output_tokens":6}}'],
    ['/v1/files', '{"object":"list","data":[]}'],
    ['/v1/models', '{"object":"list","data":[{"id":"a"}]}'],
    ['/v1/files/file-1/content', '{"model":"x","usage":{"prompt_tokens":5}}\n{"id":"y","model":"z"}\n'],
  ])('%s', (path, body) => {
    const facts = readReply([body], { path });
    expect(facts).toMatchObject({ usage: null, error: null, complete: true });
    if (path.endsWith('/content')) expect(facts).toMatchObject({ model: null, replyId: null });
  });
});

describe('errors of other shapes', () => {
  test.each([
    [
      '{"err_code":"INVALID_AUTH","err_msg":"Invalid credentials.","request_id":"r"}',
      'INVALID_AUTH',
      'Invalid credentials.',
    ],
    [
      '{"errors":[{"code":"model_not_supported","message":"no such model"}],"trace":"t","status_code":404}',
      'model_not_supported',
      'no such model',
    ],
    ['{"detail":[{"type":"missing","loc":["body"],"msg":"Field required"}]}', 'missing', 'Field required'],
    ['{"error":"Input is too long","error_type":"validation"}', 'validation', 'Input is too long'],
    ['{"message":"Unauthorized","request_id":"x"}', null, 'Unauthorized'],
    ['[{"error":{"code":429,"message":"slow","status":"RESOURCE_EXHAUSTED"}}]', 'RESOURCE_EXHAUSTED', 'slow'],
  ])('%s', (body, type, message) => {
    expect(readReply([body], { status: 422 }).error).toEqual({ type, message });
  });
});

test('watsonx, whole and as events', () => {
  const piece = (text: string, input: number, output: number, stop: string): object => ({
    model_id: 'ibm/granite',
    results: [{ generated_text: text, input_token_count: input, generated_token_count: output, stop_reason: stop }],
  });
  const path = '/ml/v1/text/generation_stream';
  const facts = readEvents([piece('a', 8, 1, 'not_finished'), piece('b', 0, 2, 'eos_token')], {
    provider: 'custom',
    path,
  });
  const right = {
    model: 'ibm/granite',
    usage: { input_tokens: 8, output_tokens: 2 },
    finishReasons: ['eos_token'],
    complete: true,
  };
  expect(facts).toMatchObject(right);
  expect(
    readReply([JSON.stringify(piece('ab', 8, 2, 'eos_token'))], { provider: 'custom', path: '/ml/v1/text/generation' }),
  ).toMatchObject(right);
});
