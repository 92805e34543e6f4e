import { describe, expect, test } from 'vitest';
import { readEvents, readReply } from './support.ts';

describe('Responses', () => {
  const path = '/v1/responses';
  const call = { type: 'function_call', name: 'f', arguments: '{}' };
  test.each(['completed', 'incomplete', 'failed'])('response.%s ends the stream and carries the usage', (status) => {
    const response = { id: 'r', model: 'gpt-5', status, usage: { input_tokens: 4, output_tokens: 6 }, output: [call] };
    const events = [
      { type: 'response.created', response: { id: 'r', model: 'gpt-5', status: 'in_progress', usage: null } },
      { type: 'response.output_item.added', output_index: 0, item: call },
      { type: 'response.function_call_arguments.delta', output_index: 0, delta: '{}' },
      { type: `response.${status}`, response },
    ];
    expect(readEvents(events, { path })).toMatchObject({
      complete: true,
      finishReasons: [status],
      toolCalls: 1,
      usage: { input_tokens: 4, output_tokens: 6 },
    });
  });

  test('an error event is an error', () => {
    const events = [{ type: 'error', code: 'server_error', message: 'boom', param: null }];
    expect(readEvents(events, { path }).error).toEqual({ type: 'server_error', message: 'boom' });
  });

  test('what runs at the provider is no tool call of the client', () => {
    const output = [{ type: 'web_search_call' }, { type: 'mcp_call' }, { type: 'custom_tool_call', input: 'x' }, call];
    expect(readReply([JSON.stringify({ status: 'completed', output })], { path }).toolCalls).toBe(2);
  });
});

describe('Anthropic', () => {
  test('message_delta is cumulative and wins; cached tokens are part of the input; an hour is told apart', () => {
    const usage = {
      input_tokens: 10,
      cache_read_input_tokens: 100,
      cache_creation_input_tokens: 1000,
      cache_creation: { ephemeral_5m_input_tokens: 400, ephemeral_1h_input_tokens: 600 },
      output_tokens: 1,
    };
    const events = [
      { type: 'message_start', message: { id: 'msg', model: 'claude', usage, content: [] } },
      {
        type: 'content_block_start',
        index: 0,
        content_block: { type: 'server_tool_use', name: 'web_search', input: {} },
      },
      { type: 'content_block_start', index: 1, content_block: { type: 'tool_use', name: 'f', input: {} } },
      { type: 'ping' },
      { type: 'content_block_delta', index: 1, delta: { type: 'input_json_delta', partial_json: '{}' } },
      { type: 'message_delta', delta: { stop_reason: 'tool_use' }, usage: { output_tokens: 42 } },
      { type: 'message_stop' },
    ];
    expect(readEvents(events, { provider: 'anthropic' })).toMatchObject({
      model: 'claude',
      replyId: 'msg',
      toolCalls: 1,
      finishReasons: ['tool_use'],
      complete: true,
      usage: {
        input_tokens: 1110,
        output_tokens: 42,
        cache_read_tokens: 100,
        cache_write_tokens: 1000,
        cache_write_1h_tokens: 600,
      },
    });
  });

  test('an overloaded error in the stream is an error, and the usage so far stays', () => {
    const events = [
      { type: 'message_start', message: { id: 'msg', model: 'claude', usage: { input_tokens: 3, output_tokens: 1 } } },
      { type: 'error', error: { type: 'overloaded_error', message: 'Overloaded' } },
    ];
    expect(readEvents(events, { provider: 'anthropic' })).toMatchObject({
      error: { type: 'overloaded_error', message: 'Overloaded' },
      usage: { input_tokens: 3 },
      complete: false,
    });
  });

  test('counting tokens is no usage', () => {
    const path = '/v1/messages/count_tokens';
    expect(readReply(['{"input_tokens":7}'], { provider: 'anthropic', path }).usage).toBeNull();
  });
});

describe('Gemini', () => {
  const pieces = [
    {
      candidates: [{ content: { parts: [{ text: 'a' }] } }],
      usageMetadata: { promptTokenCount: 9, totalTokenCount: 9 },
    },
    {
      candidates: [{ content: { parts: [{ functionCall: { name: 'f', args: {} } }] }, finishReason: 'STOP' }],
      usageMetadata: { promptTokenCount: 9, candidatesTokenCount: 4, thoughtsTokenCount: 5, totalTokenCount: 18 },
      modelVersion: 'gemini-2.5-flash',
      responseId: 'r',
    },
  ];
  const right = {
    model: 'gemini-2.5-flash',
    toolCalls: 1,
    finishReasons: ['STOP'],
    complete: true,
    usage: { input_tokens: 9, output_tokens: 9, reasoning_tokens: 5 },
  };

  test('the last usage of a stream counts, thoughts are output', () => {
    expect(readEvents(pieces, { provider: 'google' })).toMatchObject(right);
  });

  test('a JSON list is read piece by piece, split anywhere', () => {
    const body = Buffer.from(JSON.stringify(pieces, null, 1));
    for (let at = 0; at <= body.length; at++) {
      expect(readReply([body.subarray(0, at), body.subarray(at)], { provider: 'google' })).toMatchObject(right);
    }
  });

  test('an error in a list is an error', () => {
    const body = '[{"error":{"code":503,"message":"busy","status":"UNAVAILABLE"}}]';
    expect(readReply([body], { provider: 'google', status: 503 }).error).toEqual({
      type: 'UNAVAILABLE',
      message: 'busy',
    });
  });

  test('a blocked prompt says why', () => {
    const body = JSON.stringify({ promptFeedback: { blockReason: 'SAFETY' }, usageMetadata: { promptTokenCount: 3 } });
    expect(readReply([body], { provider: 'google' })).toMatchObject({ finishReasons: ['SAFETY'], complete: true });
  });
});
