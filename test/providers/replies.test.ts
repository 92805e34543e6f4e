import { describe, expect, test } from 'vitest';
import { readEvents, readReply } from './support.ts';

const chunk = (choices: unknown[], more: object = {}): object => ({ id: 'c', model: 'm', choices, ...more });
const text = (content: string): object => chunk([{ index: 0, delta: { content }, finish_reason: null }]);
const stop = chunk([{ index: 0, delta: {}, finish_reason: 'stop' }]);

describe('usage of an OpenAI-shaped stream', () => {
  test('in the last chunk, whose choices are empty', () => {
    const usage = { prompt_tokens: 5, completion_tokens: 2, prompt_tokens_details: { cached_tokens: 3 } };
    const facts = readEvents([text('hi'), stop, chunk([], { usage }), '[DONE]']);
    expect(facts).toMatchObject({ model: 'm', finishReasons: ['stop'], complete: true, warnings: [] });
    expect(facts.usage).toMatchObject({
      input_tokens: 5,
      output_tokens: 2,
      cache_read_tokens: 3,
      reasoning_tokens: null,
    });
  });

  test('after [DONE]', () => {
    const facts = readEvents([text('hi'), '[DONE]', chunk([], { usage: { prompt_tokens: 5, completion_tokens: 2 } })]);
    expect(facts.usage?.input_tokens).toBe(5);
  });

  test('given twice: the last counts, once', () => {
    const first = chunk([], { usage: { prompt_tokens: 5, completion_tokens: 1 } });
    const second = chunk([], { usage: { prompt_tokens: 5, completion_tokens: 9 } });
    expect(readEvents([first, second]).usage).toMatchObject({ input_tokens: 5, output_tokens: 9 });
  });

  test('split over events', () => {
    const facts = readEvents([
      chunk([], { usage: { prompt_tokens: 5 } }),
      chunk([], { usage: { completion_tokens: 9 } }),
    ]);
    expect(facts.usage).toMatchObject({ input_tokens: 5, output_tokens: 9 });
  });

  test('an explicit zero is known, an absent count is not', () => {
    expect(readEvents([chunk([], { usage: { prompt_tokens: 0, completion_tokens: 0 } })]).usage).toMatchObject({
      input_tokens: 0,
      output_tokens: 0,
      cache_read_tokens: null,
    });
    expect(readEvents([text('hi'), stop, '[DONE]']).usage).toBeNull();
    expect(readEvents([chunk([], { usage: null })]).usage).toBeNull();
  });

  test('in the choice (Moonshot) and under x_groq (Groq)', () => {
    const usage = { prompt_tokens: 7, completion_tokens: 8 };
    expect(readEvents([chunk([{ index: 0, delta: {}, usage }])]).usage?.input_tokens).toBe(7);
    expect(readEvents([chunk([], { x_groq: { usage } })]).usage?.output_tokens).toBe(8);
  });

  test('where a provider counts otherwise its row says so', () => {
    const usage = {
      prompt_tokens: 10,
      completion_tokens: 5,
      total_tokens: 22,
      completion_tokens_details: { reasoning_tokens: 7 },
    };
    expect(readReply([JSON.stringify({ usage })], { provider: 'xai' }).usage).toMatchObject({
      output_tokens: 12,
      reasoning_tokens: 7,
    });
    const thoughts = { usage: { prompt_tokens: 35, completion_tokens: 12, total_tokens: 109 } };
    const path = '/v1beta/openai/chat/completions';
    expect(readReply([JSON.stringify(thoughts)], { provider: 'google', path }).usage).toMatchObject({
      output_tokens: 74,
    });
  });
});

describe('a stream', () => {
  test('has one finish reason for each choice, in the order of their index', () => {
    const both = [
      chunk([{ index: 1, delta: { content: 'b' }, finish_reason: 'length' }]),
      chunk([{ index: 0, delta: { content: 'a' }, finish_reason: 'stop' }]),
    ];
    expect(readEvents(both).finishReasons).toEqual(['stop', 'length']);
  });

  test('counts a tool call once, however many pieces its arguments come in', () => {
    const piece = (index: number, call: object): object =>
      chunk([{ index: 0, delta: { tool_calls: [{ index, ...call }] } }]);
    const facts = readEvents([
      piece(0, { id: 'a', type: 'function', function: { name: 'f', arguments: '' } }),
      piece(0, { function: { arguments: '{"x"' } }),
      piece(0, { id: 'a', function: { arguments: ':1}' } }),
      piece(1, { id: 'b', type: 'function', function: { name: 'g', arguments: '{}' } }),
      piece(0, { id: 'c', type: 'function', function: { name: 'h', arguments: '{}' } }),
    ]);
    expect(facts.toolCalls).toBe(3);
  });

  test('that carries a malformed event goes on, and the row says so', () => {
    const facts = readEvents([text('a'), '{"oops', text('b'), stop, '[DONE]']);
    expect(facts).toMatchObject({ warnings: ['malformed_event'], complete: true, text: { kept: 'ab' } });
  });

  test('that ends in an error has it', () => {
    const facts = readEvents([text('a'), { error: { message: 'boom', type: 'server_error', code: null } }]);
    expect(facts).toMatchObject({ error: { type: 'server_error', message: 'boom' }, complete: false });
  });

  test('is not complete when it was cut, is when it ended after its last choice', () => {
    expect(readEvents([text('a')], {}, true).complete).toBe(false);
    expect(readEvents([text('a'), stop], {}, true).complete).toBe(false);
    expect(readEvents([text('a'), stop]).complete).toBe(true);
  });

  test.each([
    ['CRLF', '\r\n'],
    ['CR', '\r'],
    ['LF', '\n'],
  ])('is read with %s, comments, a byte order mark, data over several lines and no end', (_, eol) => {
    const lines = [
      '\uFEFF: hello',
      'event: x',
      'id: 1',
      'data: {"id":"c",',
      'data: "model":"é€😀","choices":[]}',
      '',
      ': ping',
      '',
    ];
    const last = 'data:{"usage":{"prompt_tokens":3}}';
    const body = Buffer.from([...lines, last].join(eol));
    for (let at = 0; at <= body.length; at++) {
      const facts = readReply([body.subarray(0, at), body.subarray(at)], { type: 'text/event-stream' });
      expect(facts).toMatchObject({ model: 'é€😀', usage: { input_tokens: 3 }, warnings: [] });
    }
  });

  test('is known by its bytes when its type says JSON; so is an error sent as an event stream', () => {
    expect(readEvents([text('a'), stop], { type: 'application/json' }).finishReasons).toEqual(['stop']);
    const error = JSON.stringify({ error: { message: 'no', type: 'invalid_request_error' } });
    expect(readReply([error], { type: 'text/event-stream', status: 400 }).error?.message).toBe('no');
  });
});

describe('any reply', () => {
  test('that broke off gives what was read of it', () => {
    const facts = readReply(['{"id":"x","model":"gpt-4o","choices":[{"index":0,"message":{"content":"Hel'], {}, true);
    expect(facts).toMatchObject({ model: 'gpt-4o', complete: false, text: { kept: 'Hel' }, warnings: [] });
  });

  test("that is no JSON has its text for an error's message, but no page of HTML", () => {
    expect(readReply(['upstream connect error'], { status: 503, type: 'text/plain' }).error?.message).toBe(
      'upstream connect error',
    );
    expect(readReply(['<html>502</html>'], { status: 502, type: 'text/html' }).error).toEqual({
      type: null,
      message: null,
    });
  });

  test.each([
    ['{"error":"model not found"}', null, 'model not found'],
    ['{"code":"invalid-argument","error":"bad key"}', 'invalid-argument', 'bad key'],
    ['{"detail":"Invalid API Key"}', null, 'Invalid API Key'],
    ['{"object":"error","message":"no","type":"BadRequestError","code":400}', 'BadRequestError', 'no'],
    ['{"error":{"message":"no","code":401}}', null, 'no'],
    ['{"error":{"message":"slow","code":"429"}}', null, 'slow'],
    ['{"error":{"message":"no","code":"DeploymentNotFound"}}', 'DeploymentNotFound', 'no'],
  ])('error %s', (body, type, message) => {
    expect(readReply([body], { status: 400 }).error).toEqual({ type, message });
  });

  test("carries the provider's own price as exact text", () => {
    const body = (usage: object): string => JSON.stringify({ usage });
    expect(readReply([body({ cost: 1.4e-7 })], { provider: 'openrouter' }).reportedCostUsd).toBe('0.00000014');
    expect(readReply([body({ cost_in_usd_ticks: 37_756_000 })], { provider: 'xai' }).reportedCostUsd).toBe(
      '0.0037756000',
    );
    expect(readReply([body({ cost: { total_cost: 0.006 } })], { provider: 'perplexity' }).reportedCostUsd).toBe(
      '0.006',
    );
    expect(readReply([body({ cost: 1 })]).reportedCostUsd).toBeNull();
  });
});
