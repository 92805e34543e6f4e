/** A reply in the client's dialect: its sequence of events, its reason, its seals, its errors, and no end that there was not. */
import { describe, expect, test } from 'vitest';
import type { TranslatedDialect } from '../../proxy/src/translate/translate.ts';
import { chunk, event, events, hi, named, reply, send, type Json } from './support.ts';

const streamed = { streamed: true };
const done = 'data: [DONE]\n\n';
const usage = event({
  id: 'chatcmpl-1',
  model: 'gpt',
  choices: [],
  usage: { prompt_tokens: 10, completion_tokens: 5, total_tokens: 15, prompt_tokens_details: { cached_tokens: 4 } },
});
const call = (index: number, id: string | null, name: string | null, args: string): Json => ({
  tool_calls: [
    {
      index,
      ...(id === null ? {} : { id, type: 'function' }),
      function: { ...(name === null ? {} : { name }), arguments: args },
    },
  ],
});

const claude = {
  start: named('message_start', {
    message: {
      id: 'msg_1',
      type: 'message',
      role: 'assistant',
      model: 'claude',
      content: [],
      usage: { input_tokens: 6, cache_read_input_tokens: 4, cache_creation_input_tokens: 0, output_tokens: 1 },
    },
  }),
  block: (index: number, content_block: Json): string => named('content_block_start', { index, content_block }),
  delta: (index: number, delta: Json): string => named('content_block_delta', { index, delta }),
  stop: (index: number): string => named('content_block_stop', { index }),
  end: (stop_reason: string): string =>
    named('message_delta', { delta: { stop_reason, stop_sequence: null }, usage: { output_tokens: 5 } }) +
    named('message_stop', {}),
};
const piece = (parts: Json[], finishReason?: string): string =>
  event({
    candidates: [
      { content: { role: 'model', parts }, index: 0, ...(finishReason === undefined ? {} : { finishReason }) },
    ],
    modelVersion: 'gemini',
    responseId: 'r1',
    usageMetadata: { promptTokenCount: 10, candidatesTokenCount: 3, thoughtsTokenCount: 2, totalTokenCount: 15 },
  });

describe('streams', () => {
  const types = (text: string): unknown[] => events(text).map((one) => (one as { type: string }).type);

  test('chat for Anthropic: blocks one after the other, usage at the end', () => {
    const { text, whole, contentType } = reply(
      'messages',
      'chat',
      [
        chunk({ role: 'assistant', content: '' }),
        chunk({ reasoning_content: 'Hm.' }),
        chunk({ content: 'Hel' }),
        chunk({ content: 'lo' }),
        chunk(call(0, 'a', 'f', '')),
        chunk(call(0, null, null, '{"x"')),
        chunk(call(0, null, null, ':1}')),
        chunk(call(1, 'b', 'g', '{}')),
        chunk({}, 'tool_calls'),
        usage,
        done,
      ],
      streamed,
    );
    expect(contentType).toContain('text/event-stream');
    expect(whole).toBe(true);
    expect(
      text
        .split('\n')
        .filter((line) => line.startsWith('event: '))
        .map((line) => line.slice(7)),
    ).toEqual(types(text));
    expect(events(text)).toMatchObject([
      {
        type: 'message_start',
        message: { id: 'chatcmpl-1', role: 'assistant', model: 'gpt', content: [], stop_reason: null },
      },
      { type: 'content_block_start', index: 0, content_block: { type: 'thinking', thinking: '', signature: '' } },
      { type: 'content_block_delta', index: 0, delta: { type: 'thinking_delta', thinking: 'Hm.' } },
      { type: 'content_block_delta', index: 0, delta: { type: 'signature_delta' } },
      { type: 'content_block_stop', index: 0 },
      { type: 'content_block_start', index: 1, content_block: { type: 'text', text: '' } },
      { type: 'content_block_delta', index: 1, delta: { type: 'text_delta', text: 'Hel' } },
      { type: 'content_block_delta', index: 1, delta: { text: 'lo' } },
      { type: 'content_block_stop', index: 1 },
      { type: 'content_block_start', index: 2, content_block: { type: 'tool_use', id: 'a', name: 'f', input: {} } },
      { type: 'content_block_delta', index: 2, delta: { type: 'input_json_delta', partial_json: '{"x"' } },
      { type: 'content_block_delta', index: 2, delta: { partial_json: ':1}' } },
      { type: 'content_block_stop', index: 2 },
      { type: 'content_block_start', index: 3, content_block: { type: 'tool_use', id: 'b', name: 'g' } },
      { type: 'content_block_delta', index: 3, delta: { partial_json: '{}' } },
      { type: 'content_block_stop', index: 3 },
      {
        type: 'message_delta',
        delta: { stop_reason: 'tool_use', stop_sequence: null },
        usage: { input_tokens: 6, cache_read_input_tokens: 4, output_tokens: 5 },
      },
      { type: 'message_stop' },
    ]);
  });

  test('calls whose pieces are mixed come one after the other, whole', () => {
    const { text } = reply(
      'messages',
      'chat',
      [
        chunk(call(0, 'a', 'f', '')),
        chunk(call(1, 'b', 'g', '{"y"')),
        chunk(call(0, null, null, '{"x":1}')),
        chunk(call(1, null, null, ':2}')),
        chunk({}, 'tool_calls'),
        done,
      ],
      streamed,
    );
    const pieces = events(text) as { index?: number; delta?: { partial_json?: string } }[];
    const of = (index: number): string =>
      pieces
        .filter((one) => one.index === index)
        .map((one) => one.delta?.partial_json ?? '')
        .join('');
    expect([of(0), of(1)]).toEqual(['{"x":1}', '{"y":2}']);
    expect(pieces.filter((one) => one.index !== undefined).map((one) => one.index)).toEqual([0, 0, 0, 1, 1, 1]);
  });

  test('Anthropic for chat: the role first, indexed calls, usage in a chunk of its own, [DONE]', () => {
    const body = { ...hi.chat, stream_options: { include_usage: true } };
    const { text } = reply(
      'chat',
      'messages',
      [
        claude.start,
        claude.block(0, { type: 'text', text: '' }),
        named('ping', {}),
        claude.delta(0, { type: 'text_delta', text: 'Hi' }),
        claude.stop(0),
        claude.block(1, { type: 'tool_use', id: 't', name: 'f', input: {} }),
        claude.delta(1, { type: 'input_json_delta', partial_json: '{"x":1}' }),
        claude.stop(1),
        claude.end('tool_use'),
      ],
      { streamed: true, body },
    );
    const choice = (delta: Json, finish_reason: string | null = null): Json => ({
      id: 'msg_1',
      object: 'chat.completion.chunk',
      created: 1_760_000_000,
      model: 'claude',
      usage: null,
      choices: [{ index: 0, delta, logprobs: null, finish_reason }],
    });
    expect(events(text)).toEqual([
      choice({ role: 'assistant', content: '' }),
      choice({ content: 'Hi' }),
      choice({ tool_calls: [{ index: 0, id: 't', type: 'function', function: { name: 'f', arguments: '' } }] }),
      choice({ tool_calls: [{ index: 0, function: { arguments: '{"x":1}' } }] }),
      choice({}, 'tool_calls'),
      {
        id: 'msg_1',
        object: 'chat.completion.chunk',
        created: 1_760_000_000,
        model: 'claude',
        choices: [],
        usage: {
          prompt_tokens: 10,
          completion_tokens: 5,
          total_tokens: 15,
          prompt_tokens_details: { cached_tokens: 4, cache_write_tokens: 0 },
        },
      },
      '[DONE]',
    ]);
  });

  test('a client that did not ask for usage gets no chunk of it', () => {
    const { text } = reply('chat', 'messages', [claude.start, claude.end('end_turn')], streamed);
    expect(text).not.toContain('"usage"');
    expect(text.endsWith(done)).toBe(true);
  });

  test('chat for Gemini: calls are whole, the last piece has the reason and the usage', () => {
    const { text } = reply(
      'generate_content',
      'chat',
      [
        chunk({ content: 'Hi' }),
        chunk(call(0, 'a', 'f', '{"x"')),
        chunk(call(0, null, null, ':1}')),
        chunk({}, 'tool_calls'),
        usage,
        done,
      ],
      streamed,
    );
    expect(events(text)).toEqual([
      {
        candidates: [{ content: { parts: [{ text: 'Hi' }], role: 'model' }, index: 0 }],
        modelVersion: 'gpt',
        responseId: 'chatcmpl-1',
      },
      {
        candidates: [
          { content: { parts: [{ functionCall: { id: 'a', name: 'f', args: { x: 1 } } }], role: 'model' }, index: 0 },
        ],
        modelVersion: 'gpt',
        responseId: 'chatcmpl-1',
      },
      {
        candidates: [{ content: { parts: [], role: 'model' }, finishReason: 'STOP', index: 0 }],
        modelVersion: 'gpt',
        responseId: 'chatcmpl-1',
        usageMetadata: {
          promptTokenCount: 10,
          candidatesTokenCount: 5,
          totalTokenCount: 15,
          cachedContentTokenCount: 4,
        },
      },
    ]);
  });

  test('several answers keep their numbers', () => {
    const { text } = reply(
      'generate_content',
      'chat',
      [chunk({ content: 'a' }), chunk({ content: 'b' }, null, 1), chunk({}, 'stop'), chunk({}, 'length', 1), done],
      streamed,
    );
    expect((events(text).at(-1) as Json)['candidates']).toMatchObject([
      { index: 0, finishReason: 'STOP' },
      { index: 1, finishReason: 'MAX_TOKENS' },
    ]);
  });

  test('arguments that Gemini sends in pieces are put together by their paths', () => {
    const part = (functionCall: Json): string => piece([{ functionCall }]);
    const { text } = reply(
      'chat',
      'generate_content',
      [
        part({ name: 'f', willContinue: true }),
        part({ partialArgs: [{ jsonPath: '$.a[0].b', stringValue: 'x', willContinue: true }], willContinue: true }),
        part({
          partialArgs: [
            { jsonPath: '$.a[0].b', stringValue: 'y' },
            { jsonPath: '$.n', numberValue: 2 },
          ],
          willContinue: true,
        }),
        part({}),
        piece([], 'STOP'),
      ],
      streamed,
    );
    expect(text).toContain(
      JSON.stringify({ tool_calls: [{ index: 0, function: { arguments: '{"a":[{"b":"xy"}],"n":2}' } }] }),
    );
    expect(text).toContain('"finish_reason":"tool_calls"');
  });

  test('a stream that was asked for is one, though the provider answers with a document; and the other way', () => {
    const document = {
      id: 'c',
      model: 'gpt',
      choices: [{ index: 0, message: { role: 'assistant', content: 'Hi' }, finish_reason: 'stop' }],
    };
    const asStream = reply('messages', 'chat', [JSON.stringify(document)], streamed);
    expect(types(asStream.text)).toEqual([
      'message_start',
      'content_block_start',
      'content_block_delta',
      'content_block_stop',
      'message_delta',
      'message_stop',
    ]);
    const asDocument = reply('messages', 'chat', [chunk({ content: 'H' }), chunk({ content: 'i' }, 'stop'), done]);
    expect(JSON.parse(asDocument.text)).toMatchObject({
      content: [{ type: 'text', text: 'Hi' }],
      stop_reason: 'end_turn',
    });
  });
});

describe('no end that there was not', () => {
  const cut: readonly (readonly [TranslatedDialect, TranslatedDialect, string[]])[] = [
    [
      'chat',
      'messages',
      [claude.start, claude.block(0, { type: 'text', text: '' }), claude.delta(0, { type: 'text_delta', text: 'Hel' })],
    ],
    [
      'generate_content',
      'messages',
      [claude.start, claude.block(0, { type: 'text', text: '' }), claude.delta(0, { type: 'text_delta', text: 'Hel' })],
    ],
    ['messages', 'chat', [chunk({ content: 'Hel' })]],
    ['generate_content', 'chat', [chunk({ content: 'Hel' })]],
    ['chat', 'generate_content', [piece([{ text: 'Hel' }])]],
    ['messages', 'generate_content', [piece([{ text: 'Hel' }])]],
  ];
  test.each(cut)('for %s, of a stream of %s that breaks off', (from, to, chunks) => {
    const { text, whole } = reply(from, to, [...chunks, 'data: {"half'], streamed);
    expect(whole).toBe(false);
    expect(text).toContain('Hel');
    for (const mark of ['[DONE]', 'message_stop', 'message_delta', 'finishReason', '"finish_reason":"'])
      expect(text).not.toContain(mark);
  });

  test('a stream of chat is whole without [DONE] when every answer has finished', () => {
    expect(reply('messages', 'chat', [chunk({ content: 'x' }), chunk({}, 'stop')], streamed).text).toContain(
      'message_stop',
    );
    expect(
      reply(
        'generate_content',
        'chat',
        [chunk({ content: 'x' }), chunk({ content: 'y' }, null, 1), chunk({}, 'stop')],
        streamed,
      ).whole,
    ).toBe(false);
  });

  test('a document that is cut is none', () => {
    expect(reply('chat', 'messages', ['{"type":"message","content":[{"ty'])).toMatchObject({
      text: expect.stringContaining('ended its reply before it was complete') as string,
      whole: false,
      status: 502,
      warnings: ['malformed_reply'],
    });
  });

  test('malformed events are passed over and told', () => {
    const { text, whole, warnings } = reply(
      'messages',
      'chat',
      [
        'data: {"a":\n\n',
        'data: 7\n\n',
        'data: null\n\n',
        event({ choices: [{ delta: 7 }, null, 'x'] }),
        chunk({ content: 'ok' }),
        chunk({}, 'stop'),
        done,
      ],
      streamed,
    );
    expect(text).toContain('"text":"ok"');
    expect(whole).toBe(true);
    expect(warnings).toContain('malformed_event');
  });
});

describe('reasons', () => {
  const chatReply = (finish_reason: string, message: Json = { content: 'x' }): string =>
    JSON.stringify({ id: 'c', model: 'm', choices: [{ index: 0, message, finish_reason }] });
  test.each([
    ['stop', 'end_turn', 'STOP'],
    ['length', 'max_tokens', 'MAX_TOKENS'],
    ['tool_calls', 'tool_use', 'STOP'],
    ['content_filter', 'refusal', 'SAFETY'],
    ['strange', 'end_turn', 'OTHER'],
  ])('%s of chat is %s and %s', (word, anthropic, gemini) => {
    expect(JSON.parse(reply('messages', 'chat', [chatReply(word)]).text)).toMatchObject({ stop_reason: anthropic });
    expect(JSON.parse(reply('generate_content', 'chat', [chatReply(word)]).text)).toMatchObject({
      candidates: [{ finishReason: gemini }],
    });
  });
  test.each([
    ['end_turn', 'stop', 'STOP'],
    ['stop_sequence', 'stop', 'STOP'],
    ['max_tokens', 'length', 'MAX_TOKENS'],
    ['tool_use', 'tool_calls', 'STOP'],
    ['refusal', 'content_filter', 'SAFETY'],
    ['pause_turn', 'stop', 'STOP'],
    ['model_context_window_exceeded', 'length', 'MAX_TOKENS'],
  ])('%s of Anthropic is %s and %s', (word, chat, gemini) => {
    const given = JSON.stringify({
      type: 'message',
      id: 'm',
      model: 'c',
      content: [{ type: 'text', text: 'x' }],
      stop_reason: word,
      usage: { input_tokens: 1, output_tokens: 1 },
    });
    expect(JSON.parse(reply('chat', 'messages', [given]).text)).toMatchObject({ choices: [{ finish_reason: chat }] });
    expect(JSON.parse(reply('generate_content', 'messages', [given]).text)).toMatchObject({
      candidates: [{ finishReason: gemini }],
    });
  });
  test('a prompt that Gemini blocks is filtered, not empty', () => {
    const blocked = JSON.stringify({
      promptFeedback: { blockReason: 'PROHIBITED_CONTENT' },
      usageMetadata: { promptTokenCount: 4, totalTokenCount: 4 },
    });
    expect(JSON.parse(reply('chat', 'generate_content', [blocked]).text)).toMatchObject({
      choices: [{ message: { content: null }, finish_reason: 'content_filter' }],
    });
    expect(JSON.parse(reply('messages', 'generate_content', [blocked]).text)).toMatchObject({
      content: [],
      stop_reason: 'refusal',
    });
  });
  test('OpenAI’s refusal is text that was refused', () => {
    const refused = chatReply('stop', { content: null, refusal: 'No.' });
    expect(JSON.parse(reply('messages', 'chat', [refused]).text)).toMatchObject({
      content: [{ type: 'text', text: 'No.' }],
      stop_reason: 'refusal',
    });
  });
  test('a call that Gemini could not write is told in the row', () => {
    const { warnings } = reply('chat', 'generate_content', [piece([], 'MALFORMED_FUNCTION_CALL')], streamed);
    expect(warnings).toEqual(['finish:malformed_call']);
  });
});

describe('seals of reasoning come back to their provider', () => {
  const assistantOf = (from: TranslatedDialect, text: string): Json => {
    const said = JSON.parse(text) as { choices: { message: Json }[]; content: Json[]; candidates: { content: Json }[] };
    if (from === 'chat')
      return {
        messages: [
          { role: 'user', content: 'x' },
          said.choices[0]?.message,
          { role: 'tool', tool_call_id: 't', content: 'r' },
        ],
      };
    if (from === 'messages')
      return {
        max_tokens: 9,
        messages: [
          { role: 'user', content: 'x' },
          { role: 'assistant', content: said.content },
          { role: 'user', content: [{ type: 'tool_result', tool_use_id: 't', content: 'r' }] },
        ],
      };
    return {
      contents: [
        { role: 'user', parts: [{ text: 'x' }] },
        said.candidates[0]?.content,
        { role: 'user', parts: [{ functionResponse: { id: 't', name: 'f', response: { output: 'r' } } }] },
      ],
    };
  };
  const anthropic = [
    { type: 'thinking', thinking: 'One.', signature: 'S1' },
    { type: 'redacted_thinking', data: 'R' },
    { type: 'thinking', thinking: 'Two.', signature: 'S2' },
    { type: 'tool_use', id: 't', name: 'f', input: { a: 1 } },
  ];
  test('Anthropic’s, by clients of chat', () => {
    const document = JSON.stringify({
      type: 'message',
      id: 'm',
      model: 'c',
      content: anthropic,
      stop_reason: 'tool_use',
      usage: { input_tokens: 1, output_tokens: 1 },
    });
    const { text } = reply('chat', 'messages', [document]);
    expect(JSON.parse(text)).toMatchObject({ choices: [{ message: { reasoning_content: 'One.Two.' } }] });
    expect(send('chat', 'messages', assistantOf('chat', text)).body).toMatchObject({
      messages: [{}, { content: anthropic }, {}],
    });
  });
  test('Anthropic’s, by clients of chat that put a stream together', () => {
    const { text } = reply(
      'chat',
      'messages',
      [
        claude.start,
        claude.block(0, { type: 'thinking', thinking: '', signature: '' }),
        claude.delta(0, { type: 'thinking_delta', thinking: 'On' }),
        claude.delta(0, { type: 'thinking_delta', thinking: 'e.' }),
        claude.delta(0, { type: 'signature_delta', signature: 'S1' }),
        claude.stop(0),
        claude.end('end_turn'),
      ],
      streamed,
    );
    const deltas = events(text)
      .slice(0, -1)
      .map((one) => (one as { choices: { delta: Json }[] }).choices[0]?.delta ?? {});
    const reasoning_details = deltas.flatMap((delta) => (delta['reasoning_details'] as Json[] | undefined) ?? []);
    const body = {
      messages: [
        { role: 'user', content: 'x' },
        { role: 'assistant', content: 'y', reasoning_details },
        { role: 'user', content: 'z' },
      ],
    };
    expect(send('chat', 'messages', body).body).toMatchObject({
      messages: [
        {},
        {
          content: [
            { type: 'thinking', thinking: 'One.', signature: 'S1' },
            { type: 'text', text: 'y' },
          ],
        },
        {},
      ],
    });
  });
  test('Gemini’s, by clients of chat and of Anthropic: on the call that they belong to', () => {
    const document = JSON.stringify({
      responseId: 'r',
      modelVersion: 'g',
      candidates: [
        {
          index: 0,
          finishReason: 'STOP',
          content: {
            role: 'model',
            parts: [
              { text: 'Hm.', thought: true },
              { functionCall: { id: 't', name: 'f', args: {} }, thoughtSignature: 'U2VhbA==' },
            ],
          },
        },
      ],
    });
    for (const from of ['chat', 'messages'] as const) {
      const { text } = reply(from, 'generate_content', [document]);
      const { body } = send(from, 'generate_content', assistantOf(from, text));
      const parts = (body['contents'] as { parts: Json[] }[])[1]?.parts ?? [];
      expect(parts.at(-1), from).toEqual({
        functionCall: { id: 't', name: 'f', args: {} },
        thoughtSignature: 'U2VhbA==',
      });
    }
  });
  test('another provider’s seal is not sent to Anthropic, nor Anthropic’s to Gemini', () => {
    const foreign = {
      ...hi.chat,
      messages: [
        { role: 'user', content: 'x' },
        {
          role: 'assistant',
          content: 'y',
          reasoning_details: [{ type: 'reasoning.encrypted', format: 'google-gemini-v1', data: 'S', index: 0 }],
        },
        { role: 'user', content: 'z' },
      ],
    };
    expect(send('chat', 'messages', foreign)).toMatchObject({ warnings: ['dropped:thinking'] });
    expect(JSON.stringify(send('chat', 'messages', foreign).body)).not.toContain('thinking');
    const sealed = {
      max_tokens: 9,
      messages: [
        { role: 'user', content: 'x' },
        { role: 'assistant', content: anthropic.slice(0, 1) },
        { role: 'user', content: 'z' },
      ],
    };
    expect(send('messages', 'generate_content', sealed).warnings).toEqual(['dropped:thinking']);
  });
  test('reasoning_content goes back to the chat provider that gave it, and to no other', () => {
    const document = JSON.stringify({
      id: 'c',
      model: 'deepseek',
      choices: [
        {
          index: 0,
          finish_reason: 'tool_calls',
          message: {
            content: null,
            reasoning_content: 'Hm.',
            tool_calls: [{ id: 't', type: 'function', function: { name: 'f', arguments: '{}' } }],
          },
        },
      ],
    });
    const back = assistantOf('messages', reply('messages', 'chat', [document]).text);
    expect(send('messages', 'chat', back)).toMatchObject({
      warnings: [],
      body: { messages: [{}, { reasoning_content: 'Hm.', tool_calls: [{ id: 't' }] }, {}] },
    });
    expect(send('messages', 'generate_content', back).warnings).toEqual(['dropped:thinking']);
  });
});

describe('errors', () => {
  const overloaded = JSON.stringify({ type: 'error', error: { type: 'overloaded_error', message: 'Overloaded' } });
  test('of a failed call, in the client’s shape and the provider’s words', () => {
    expect(reply('chat', 'messages', [overloaded], { status: 529, ...streamed })).toMatchObject({
      status: 529,
      whole: true,
      contentType: 'application/json',
    });
    expect(JSON.parse(reply('chat', 'messages', [overloaded], { status: 529 }).text)).toEqual({
      error: { message: 'Overloaded', type: 'server_error', param: null, code: 'overloaded_error' },
    });
    expect(JSON.parse(reply('generate_content', 'messages', [overloaded], { status: 529 }).text)).toMatchObject({
      error: { code: 529, message: 'Overloaded', status: 'UNAVAILABLE' },
    });
    const limited = JSON.stringify([{ error: { code: 429, message: 'Quota', status: 'RESOURCE_EXHAUSTED' } }]);
    expect(JSON.parse(reply('messages', 'generate_content', [limited], { status: 429 }).text)).toEqual({
      type: 'error',
      error: { type: 'rate_limit_error', message: 'Quota', code: 'RESOURCE_EXHAUSTED' },
    });
  });
  test('that are no JSON: their text, but no page', () => {
    expect(reply('messages', 'chat', ['upstream gone'], { status: 503 }).text).toContain('upstream gone');
    expect(reply('messages', 'chat', ['<html>'], { status: 502 }).text).toContain('The provider answered 502.');
    expect(JSON.parse(reply('messages', 'chat', [''], { status: 500 }).text)).toMatchObject({
      error: { type: 'api_error' },
    });
  });
  test('within a stream: one event, and nothing after it', () => {
    const { text, whole } = reply(
      'chat',
      'messages',
      [claude.start, `event: error\ndata: ${overloaded}\n\n`, claude.end('end_turn')],
      streamed,
    );
    expect(events(text)).toEqual([
      { error: { message: 'Overloaded', type: 'server_error', param: null, code: 'overloaded_error' } },
    ]);
    expect(whole).toBe(true);
    const gemini = reply(
      'messages',
      'generate_content',
      [piece([{ text: 'x' }]), event({ error: { code: 429, message: 'Quota', status: 'RESOURCE_EXHAUSTED' } })],
      streamed,
    ).text;
    expect(gemini).toContain('event: error\n');
    expect(events(gemini).at(-1)).toMatchObject({
      type: 'error',
      error: { type: 'rate_limit_error', message: 'Quota' },
    });
    expect(gemini).not.toContain('message_stop');
  });
  test('in a document that says 200: the status is the error’s', () => {
    const { status, text } = reply('messages', 'chat', [JSON.stringify({ error: { message: 'Too many', code: 429 } })]);
    expect(status).toBe(429);
    expect(JSON.parse(text)).toMatchObject({ type: 'error', error: { type: 'rate_limit_error', message: 'Too many' } });
  });
});
