import { describe, expect, test } from 'vitest';
import { imageTokens } from '../../proxy/src/estimate/images.ts';
import { estimateInput } from '../../proxy/src/estimate/input.ts';
import { readQuestion } from '../../proxy/src/estimate/question.ts';
import { encodingOf, estimateTokens } from '../../proxy/src/estimate/text.ts';

const sample = (text: string): { kept: string; characters: number } => ({ kept: text, characters: text.length });

describe('an estimate of tokens', () => {
  test('uses the encoding of the model, the newer one for everybody else’s', () => {
    expect(encodingOf('gpt-4-0613')).toBe('cl100k_base');
    expect(encodingOf('openai/gpt-3.5-turbo')).toBe('cl100k_base');
    expect(encodingOf('text-embedding-3-small')).toBe('cl100k_base');
    for (const model of ['gpt-4o', 'gpt-4.1-mini', 'gpt-5', 'o3', 'claude-opus-4-1', null]) {
      expect(encodingOf(model)).toBe('o200k_base');
    }
  });

  test('counts ordinary text exactly', { timeout: 60_000 }, () => {
    expect(estimateTokens(sample('hello world'), 'gpt-4o')).toBe(2);
    expect(estimateTokens(sample('tiktoken is great!'), 'gpt-4')).toBe(6);
    expect(estimateTokens(sample(''), 'gpt-4o')).toBe(0);
  });

  test('takes special tokens for the plain text they are', { timeout: 60_000 }, () => {
    expect(estimateTokens(sample('<|endoftext|>'), 'gpt-4o')).toBeGreaterThan(3);
  });

  test.each([
    ['letters', 'a'.repeat(100_000), 12_500],
    ['spaces', ' '.repeat(100_000), 782],
    ['signs', '='.repeat(100_000), null],
    ['surrogates', '😀'.repeat(50_000), null],
    ['marks', 'e\u0301'.repeat(50_000), null],
  ])('cannot be hung by a long run of %s', { timeout: 60_000 }, (_, text, expected) => {
    estimateTokens(sample('warm'), 'gpt-4o');
    const before = process.cpuUsage();
    const count = estimateTokens(sample(text), 'gpt-4o');
    const { user, system } = process.cpuUsage(before);
    expect((user + system) / 1e6).toBeLessThan(4);
    if (expected === null) expect(count).toBeGreaterThan(100);
    else expect(Math.abs(count - expected)).toBeLessThan(expected * 0.01 + 1);
  });

  test('of a text longer than its sample is scaled by characters', { timeout: 60_000 }, () => {
    const kept = 'The quick brown fox. '.repeat(100);
    const whole = estimateTokens(sample(kept), 'gpt-4o');
    expect(estimateTokens({ kept, characters: kept.length * 10 }, 'gpt-4o')).toBe(whole * 10);
  });
});

/** The first bytes of a PNG of this size. */
function png(width: number, height: number): Buffer {
  const head = Buffer.from('89504e470d0a1a0a0000000d49484452', 'hex');
  const size = Buffer.alloc(8);
  size.writeUInt32BE(width, 0);
  size.writeUInt32BE(height, 4);
  return Buffer.concat([head, size, Buffer.from('0806000000', 'hex')]);
}

describe('an image', () => {
  // The examples of platform.openai.com/docs/guides/images-vision#calculating-costs and docs.anthropic.com …/vision.
  test.each([
    ['gpt-4o', 'openai', 1024, 1024, 765],
    ['gpt-4o', 'openai', 2048, 4096, 1105],
    ['gpt-4o-mini', 'openai', 1024, 1024, 2833 + 4 * 5667],
    ['gpt-4.1-mini', 'openai', 1024, 1024, Math.ceil(1024 * 1.62)],
    ['gpt-4.1-mini', 'openai', 1800, 2400, Math.ceil(1452 * 1.62)],
    ['claude-sonnet-4-5', 'anthropic', 200, 200, 54],
    ['claude-sonnet-4-5', 'anthropic', 1000, 1000, 1334],
    ['claude-sonnet-4-5', 'anthropic', 8000, 8000, 1600],
    ['gemini-2.5-flash', 'google', 300, 384, 258],
    ['gemini-2.5-flash', 'google', 960, 540, 6 * 258],
  ] as const)('of %s by the rule of %s, %i × %i pixels: %i', (model, rule, width, height, tokens) => {
    expect(imageTokens({ start: png(width, height), low: false }, rule, model)).toBe(tokens);
  });

  test('of low detail, and one whose size nobody told', () => {
    expect(imageTokens({ start: png(4000, 4000), low: true }, 'openai', 'gpt-4o')).toBe(85);
    for (const start of [null, Buffer.from('no image'), Buffer.alloc(0), png(0, 0)])
      expect(imageTokens({ start, low: false }, 'openai', 'gpt-4o')).toBe(765);
  });
});

describe('a question', () => {
  // OpenAI's cookbook, How_to_count_tokens_with_tiktoken, section 7, with the count that the API gave.
  const weather = {
    messages: [
      { role: 'system', content: 'You are a helpful assistant that can answer to questions about the weather.' },
      { role: 'user', content: "What's the weather like in San Francisco?" },
    ],
    tools: [
      {
        type: 'function',
        function: {
          name: 'get_current_weather',
          description: 'Get the current weather in a given location',
          parameters: {
            type: 'object',
            properties: {
              location: { type: 'string', description: 'The city and state, e.g. San Francisco, CA' },
              unit: {
                type: 'string',
                description: 'The unit of temperature to return',
                enum: ['celsius', 'fahrenheit'],
              },
            },
            required: ['location'],
          },
        },
      },
    ],
  };
  const bytes = (body: unknown): Buffer => Buffer.from(JSON.stringify(body));

  test('with a function', { timeout: 60_000 }, () => {
    expect(estimateInput(bytes(weather), sample(''), 'gpt-4o')).toBe(101);
  });

  test('holds text, calls, results, functions and images of every API', () => {
    const data = png(10, 20).toString('base64');
    const bodies: [object, Partial<Record<'messages' | 'images' | 'functions', number>>, string][] = [
      [weather, { messages: 2, images: 0, functions: 1 }, 'San Francisco'],
      [
        {
          messages: [
            {
              role: 'user',
              content: [
                { type: 'text', text: 'hi' },
                { type: 'image_url', image_url: { url: `data:image/png;base64,${data}` } },
              ],
            },
          ],
        },
        { messages: 1, images: 1 },
        'hi',
      ],
      [
        {
          input: [
            {
              role: 'user',
              content: [
                { type: 'input_text', text: 'hi' },
                { type: 'input_image', image_url: 'https://x/y.png', detail: 'low' },
              ],
            },
          ],
          tools: [{ type: 'function', name: 'f' }],
        },
        { messages: 1, images: 1, functions: 1 },
        'hi',
      ],
      [
        {
          system: 'be kind',
          messages: [
            {
              role: 'user',
              content: [
                { type: 'image', source: { type: 'base64', media_type: 'image/png', data } },
                { type: 'tool_result', content: [{ type: 'text', text: 'done' }] },
              ],
            },
          ],
          tools: [{ name: 'f', input_schema: {} }],
        },
        { messages: 1, images: 1, functions: 1 },
        'be kinddone',
      ],
      [
        {
          contents: [
            {
              parts: [
                { text: 'look' },
                { inline_data: { mime_type: 'image/png', data } },
                { inlineData: { mimeType: 'audio/wav', data } },
              ],
            },
          ],
          tools: [{ functionDeclarations: [{ name: 'f' }, { name: 'g' }] }],
        },
        { messages: 1, images: 1, functions: 2 },
        'look',
      ],
      [{ messages: [{ role: 'user', content: 'see', images: [data, data] }] }, { messages: 1, images: 2 }, 'see'],
    ];
    for (const [body, counts, text] of bodies) {
      const question = readQuestion(bytes(body));
      expect(
        { messages: question.messages, images: question.images.length, functions: question.functions.length },
        text,
      ).toMatchObject(counts);
      expect(question.text.kept).toContain(text);
    }
  });

  test('of any bytes is read without an error', () => {
    for (const body of [
      '',
      '{',
      '[]',
      'null',
      '{"messages":7}',
      '{"messages":[[[{"content":{"parts":1}}]]],"tools":[null]}',
      '\u0000',
    ])
      expect(readQuestion(Buffer.from(body)).images).toEqual([]);
  });
});
