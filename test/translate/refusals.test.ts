/** What cannot be said in the target's API is refused, by the name that the client's API has for it. */
import { describe, expect, test } from 'vitest';
import { WeirError } from '../../proxy/src/errors.ts';
import type { TranslatedDialect } from '../../proxy/src/translate/translate.ts';
import { hi, send, type Json } from './support.ts';

const chatPart = (part: Json): Json => ({ messages: [{ role: 'user', content: [part] }] });
const block = (part: Json): Json => ({ max_tokens: 9, messages: [{ role: 'user', content: [part] }] });
const part = (value: Json): Json => ({ contents: [{ role: 'user', parts: [value] }] });
const tools = [{ type: 'function', function: { name: 'f' } }];

const cases: readonly (readonly [TranslatedDialect, TranslatedDialect, Json, field: string])[] = [
  ['chat', 'messages', { ...hi.chat, n: 2 }, 'n'],
  ['chat', 'messages', { ...hi.chat, modalities: ['text', 'audio'] }, 'modalities'],
  ['chat', 'messages', { ...hi.chat, audio: { voice: 'x' } }, 'audio'],
  ['chat', 'messages', { ...hi.chat, response_format: { type: 'json_object' } }, 'response_format'],
  ['chat', 'messages', { ...hi.chat, logprobs: true }, 'logprobs'],
  ['chat', 'messages', { ...hi.chat, functions: [{}] }, 'functions'],
  ['chat', 'messages', { ...hi.chat, web_search_options: {} }, 'web_search_options'],
  ['chat', 'messages', { ...hi.chat, tools: [{ type: 'custom', custom: { name: 'x' } }] }, 'tools[0].type'],
  ['chat', 'messages', { ...hi.chat, temperature: 'hot' }, 'temperature'],
  ['chat', 'messages', { ...hi.chat, reasoning_effort: 'enormous' }, 'reasoning_effort'],
  ['chat', 'messages', { messages: [] }, 'messages'],
  ['chat', 'messages', { messages: [{ role: 'robot', content: 'x' }] }, 'messages[0].role'],
  [
    'chat',
    'messages',
    chatPart({ type: 'input_audio', input_audio: { data: 'AAAA', format: 'wav' } }),
    'messages[0].content[0].input_audio',
  ],
  ['chat', 'messages', chatPart({ type: 'file', file: { file_id: 'f1' } }), 'messages[0].content[0].file.file_id'],
  ['chat', 'messages', chatPart({ type: 'video_url', video_url: {} }), 'messages[0].content[0].type'],
  [
    'chat',
    'messages',
    chatPart({ type: 'image_url', image_url: { url: 'data:image/tiff;base64,AA==' } }),
    'messages[0].content[0].image_url',
  ],
  ['chat', 'generate_content', { ...hi.chat, tools, parallel_tool_calls: false }, 'parallel_tool_calls'],
  ['chat', 'generate_content', { messages: [{ role: 'tool', tool_call_id: 'lost', content: 'x' }] }, 'messages[0]'],
  [
    'chat',
    'generate_content',
    { messages: [{ role: 'assistant', tool_calls: [{ id: 'a', function: { name: 'f', arguments: '{"a":' } }] }] },
    'messages[0].tool_calls[0].function.arguments',
  ],
  [
    'messages',
    'chat',
    { ...hi.messages, tools: [{ type: 'web_search_20250305', name: 'web_search' }] },
    'tools[0].type',
  ],
  ['messages', 'chat', { ...hi.messages, mcp_servers: [{}] }, 'mcp_servers'],
  ['messages', 'chat', { ...hi.messages, container: 'c' }, 'container'],
  ['messages', 'chat', { ...hi.messages, inference_geo: 'us' }, 'inference_geo'],
  [
    'messages',
    'chat',
    {
      max_tokens: 9,
      messages: [
        { role: 'user', content: 'x' },
        { role: 'assistant', content: '{' },
      ],
    },
    'messages',
  ],
  [
    'messages',
    'generate_content',
    {
      max_tokens: 9,
      messages: [
        { role: 'user', content: 'x' },
        { role: 'assistant', content: '{' },
      ],
    },
    'messages',
  ],
  [
    'messages',
    'chat',
    block({ type: 'document', source: { type: 'url', url: 'https://a.test/b.pdf' } }),
    'messages[0].content[0].source',
  ],
  [
    'messages',
    'chat',
    block({ type: 'image', source: { type: 'file', file_id: 'f' } }),
    'messages[0].content[0].source.type',
  ],
  ['messages', 'chat', block({ type: 'search_result' }), 'messages[0].content[0].type'],
  [
    'messages',
    'chat',
    block({
      type: 'tool_result',
      tool_use_id: 't',
      content: [{ type: 'image', source: { type: 'base64', media_type: 'image/png', data: 'AA==' } }],
    }),
    'messages[0].content[0].content[0].source',
  ],
  ['generate_content', 'chat', { ...hi.generate_content, tools: [{ googleSearch: {} }] }, 'tools[0].googleSearch'],
  ['generate_content', 'chat', { ...hi.generate_content, cachedContent: 'c' }, 'cachedContent'],
  [
    'generate_content',
    'chat',
    { ...hi.generate_content, generationConfig: { responseModalities: ['IMAGE'] } },
    'generationConfig.responseModalities',
  ],
  [
    'generate_content',
    'chat',
    { ...hi.generate_content, generationConfig: { response_mime_type: 'text/x.enum' } },
    'generationConfig.responseMimeType',
  ],
  [
    'generate_content',
    'chat',
    { ...hi.generate_content, generationConfig: { speechConfig: {} } },
    'generationConfig.speechConfig',
  ],
  [
    'generate_content',
    'messages',
    { ...hi.generate_content, generationConfig: { candidateCount: 3 } },
    'generationConfig.candidateCount',
  ],
  [
    'generate_content',
    'messages',
    part({ inlineData: { mimeType: 'video/mp4', data: 'AA==' } }),
    'contents[0].parts[0].inlineData',
  ],
  [
    'generate_content',
    'chat',
    part({ fileData: { fileUri: 'gs://bucket/a.png', mimeType: 'image/png' } }),
    'contents[0].parts[0].fileData',
  ],
  ['generate_content', 'chat', part({ executableCode: {} }), 'contents[0].parts[0].executableCode'],
];

describe('refused with 400 and the field', () => {
  test.each(cases)('%s as %s: %j', (from, to, body, field) => {
    const call = (): unknown => send(from, to, body);
    expect(call).toThrow(WeirError);
    try {
      call();
    } catch (error) {
      expect(error).toMatchObject({ code: 'bad_request', status: 400, fields: [{ field }] });
      expect((error as Error).message.startsWith(`${field}: `)).toBe(true);
    }
  });

  test('what nests deeper than the engine’s stack is refused too', () => {
    const deep = JSON.parse(`${'{"items":'.repeat(50_000)}{}${'}'.repeat(50_000)}`) as Json;
    const declared = { functionDeclarations: [{ name: 'f', parameters: deep }] };
    expect(() => send('generate_content', 'chat', { ...hi.generate_content, tools: [declared] })).toThrow(
      'body: nests too deeply',
    );
  });

  test('a client’s words are never longer than a warning may be', () => {
    const many = Object.fromEntries(Array.from({ length: 500 }, (_, index) => [`${'x'.repeat(500)}${index}`, 1]));
    const { warnings } = send('chat', 'messages', { ...hi.chat, ...many });
    expect(warnings.length).toBeLessThanOrEqual(64);
    expect(Math.max(...warnings.map((warning) => warning.length))).toBeLessThan(100);
  });
});
