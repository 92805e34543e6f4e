import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { UNKNOWN_USAGE } from '../../proxy/src/providers/facts.ts';
import type { Usage } from '../../proxy/src/providers/provider.ts';
import type { PricedCall } from '../../proxy/src/record/price.ts';
import { priceCall } from '../../proxy/src/record/price.ts';
import { LIST } from '../../proxy/src/record/price-list.ts';

const NOON = new Date('2026-09-01T12:00:00Z');

function call(provider: string, model: string, usage: Partial<Usage>, more: Partial<PricedCall> = {}): PricedCall {
  return {
    provider,
    model,
    usage: { ...UNKNOWN_USAGE, ...usage },
    at: NOON,
    serviceTier: null,
    operation: 'chat',
    ...more,
  };
}

const io = (input: number, output: number, more: Partial<Usage> = {}): Partial<Usage> => ({
  input_tokens: input,
  output_tokens: output,
  ...more,
});

/** Worked out by hand from the prices of a million tokens that stand behind each. */
const CASES: readonly (readonly [string, PricedCall, string])[] = [
  ['10 k × 2.5 + 1 k × 10', call('openai', 'gpt-4o', io(10_000, 1000)), '0.035000000'],
  ['a dated snapshot', call('openai', 'gpt-4o-2024-08-06', io(10_000, 1000)), '0.035000000'],
  [
    '2 k × 2.5 + 8 k cached × 1.25',
    call('openai', 'gpt-4o', io(10_000, 1000, { cache_read_tokens: 8000 })),
    '0.025000000',
  ],
  ['one token each, 0.15 and 0.6', call('openai', 'gpt-4o-mini', io(1, 1)), '0.000000750'],
  ['one cached token, 0.075', call('openai', 'gpt-4o-mini', io(1, 0, { cache_read_tokens: 1 })), '0.000000075'],
  ['reasoning is output', call('openai', 'gpt-5', io(19, 10, { reasoning_tokens: 8 })), '0.000123750'],
  ['flex is half', call('openai', 'gpt-5', io(19, 10), { serviceTier: 'flex' }), '0.000061875'],
  ['default is the ordinary price', call('openai', 'gpt-5', io(19, 10), { serviceTier: 'default' }), '0.000123750'],
  ['last token of the lower tier', call('openai', 'gpt-5.4', io(271_999, 1000)), '0.694997500'],
  ['first token of the upper tier', call('openai', 'gpt-5.4', io(272_000, 1000)), '1.382500000'],
  [
    'before a price change',
    call('openai', 'o3', io(1000, 1000), { at: new Date('2025-06-09T23:59:59Z') }),
    '0.050000000',
  ],
  ['after it', call('openai', 'o3', io(1000, 1000), { at: new Date('2025-06-10T00:00:00Z') }), '0.010000000'],
  [
    'cached, written for 5 minutes and for an hour',
    call('anthropic', 'claude-sonnet-4-5-20250929', {
      ...io(1110, 42),
      cache_read_tokens: 100,
      cache_write_tokens: 1000,
      cache_write_1h_tokens: 600,
    }),
    '0.005790000',
  ],
  ['above 200 k', call('anthropic', 'claude-sonnet-4-5', io(300_000, 1000)), '1.822500000'],
  ['batch is half', call('anthropic', 'claude-haiku-4-5', io(1000, 100), { serviceTier: 'batch' }), '0.000750000'],
  ['15 and 75', call('anthropic', 'claude-opus-4-1-20250805', io(2, 29)), '0.002205000'],
  ['exactly 200 k', call('google', 'gemini-2.5-pro', io(200_000, 1000)), '0.260000000'],
  ['one more', call('google', 'models/gemini-2.5-pro', io(200_001, 1000)), '0.515002500'],
  [
    'audio at its own price',
    call('google', 'gemini-2.5-flash', io(1000, 100, { input_audio_tokens: 600 })),
    '0.000970000',
  ],
  [
    'text, audio, image and cached, each once',
    call('openai', 'gpt-realtime', {
      ...io(1000, 300),
      cache_read_tokens: 100,
      input_audio_tokens: 500,
      input_image_tokens: 200,
      output_audio_tokens: 250,
    }),
    '0.034640000',
  ],
  ['by day', call('deepseek', 'deepseek-chat', io(1000, 100, { cache_read_tokens: 400 })), '0.000300000'],
  [
    'by night',
    call('deepseek', 'deepseek-chat', io(1000, 100, { cache_read_tokens: 400 }), {
      at: new Date('2026-09-01T17:00:00Z'),
    }),
    '0.000150000',
  ],
  [
    '2.8 billionths are 3',
    call('deepseek', 'deepseek-v4-flash', io(1, 1, { cache_read_tokens: 1 }), { at: new Date('2026-08-01T12:00:00Z') }),
    '0.000000283',
  ],
  [
    'no output but vectors',
    call('openai', 'text-embedding-3-small', { input_tokens: 8 }, { operation: 'embeddings' }),
    '0.000000160',
  ],
  [
    'another name in the list',
    call('voyage', 'voyage-3.5', { input_tokens: 12 }, { operation: 'embeddings' }),
    '0.000000720',
  ],
  ['a request has a price too', call('perplexity', 'sonar', io(7, 100)), '0.012107000'],
  [
    'reasoning at its own price',
    call('perplexity', 'sonar-deep-research', io(33, 81_160, { reasoning_tokens: 73_997 })),
    '0.279361000',
  ],
  ['0.59 and 0.79', call('groq', 'llama-3.3-70b-versatile', io(1, 1)), '0.000001380'],
  [
    'groq flex costs what on-demand does',
    call('groq', 'llama-3.3-70b-versatile', io(1, 1), { serviceTier: 'flex' }),
    '0.000001380',
  ],
  ['xAI', call('xai', 'grok-4-0709', io(687, 12, { cache_read_tokens: 680 })), '0.000711000'],
  ['Moonshot', call('moonshot', 'kimi-k2-0711-preview', io(1000, 1000)), '0.003100000'],
  [
    'more cached than there was: none twice',
    call('openai', 'gpt-4o', io(10, 0, { cache_read_tokens: 50 })),
    '0.000012500',
  ],
];

describe('the price of a call', () => {
  test.each(CASES)('%s', (_, priced, cost) => {
    expect(priceCall(priced)?.cost_usd).toBe(cost);
  });

  test('names list, version and entry, and the tier where it is not the ordinary one', () => {
    expect(priceCall(call('openai', 'gpt-5', io(1, 1)))?.price_id).toBe(`${LIST}/openai/gpt-5`);
    expect(priceCall(call('openai', 'gpt-5', io(1, 1), { serviceTier: 'flex' }))?.price_id).toBe(
      `${LIST}/openai/gpt-5+flex`,
    );
    const entry = createRequire(import.meta.url).resolve('@pydantic/genai-prices', {
      paths: [join(import.meta.dirname, '../../proxy')],
    });
    const text = readFileSync(join(dirname(entry), '../package.json'), 'utf8');
    expect(LIST).toBe(`genai-prices@${/"version": "([^"]+)"/.exec(text)?.[1]}`);
  });

  test('is split into parts, each token in one of them', () => {
    const usage = io(1110, 42, { cache_read_tokens: 100, cache_write_tokens: 1000, cache_write_1h_tokens: 600 });
    expect(priceCall(call('anthropic', 'claude-sonnet-4-5', usage))).toMatchObject({
      input_cost_usd: '0.000030000',
      output_cost_usd: '0.000630000',
      cache_read_cost_usd: '0.000030000',
      cache_write_cost_usd: '0.005100000',
      other_cost_usd: '0.000000000',
    });
  });

  test.each([
    ['an unknown model', call('openai', 'gpt-99-nonexistent', io(1, 1))],
    ['no model', { ...call('openai', '', io(1, 1)), model: null }],
    ['a provider that no list has', call('huggingface', 'gpt-4o', io(1, 1))],
    ['a server of somebody’s own', call('custom', 'gpt-4o', io(1, 1))],
    ['no usage', { ...call('openai', 'gpt-4o', {}), usage: null }],
    ['unknown input', call('openai', 'gpt-4o', { output_tokens: 3 })],
    ['unknown output', call('openai', 'gpt-4o', { input_tokens: 3 })],
    ['a tier of unknown price', call('openai', 'gpt-5', io(1, 1), { serviceTier: 'priority' })],
    ['pictures among the output', call('google', 'gemini-2.5-flash-image', io(1, 1290))],
    ['a name from the prototype', call('openai', 'gpt-5', io(1, 1), { serviceTier: 'constructor' })],
    ['prices by the hour alone', call('openai', 'whisper-1', io(1, 1), { operation: 'audio' })],
  ])('is unknown, never 0: %s', (_, priced) => {
    expect(priceCall(priced)).toBeNull();
  });

  test('its parts add up exactly, for any usage', () => {
    const count = fc.option(fc.nat(2_000_000));
    const usage = fc.record({
      input_tokens: fc.nat(2_000_000),
      output_tokens: fc.nat(2_000_000),
      cache_read_tokens: count,
      cache_write_tokens: count,
      cache_write_1h_tokens: count,
      reasoning_tokens: count,
      input_audio_tokens: count,
      output_audio_tokens: count,
      input_image_tokens: count,
    });
    const model = fc.constantFrom(
      ['openai', 'gpt-5.4'],
      ['anthropic', 'claude-sonnet-4-5'],
      ['google', 'gemini-2.5-flash'],
      ['perplexity', 'sonar-pro'],
      ['openrouter', 'google/gemini-2.5-flash-lite'],
    );
    const nano = (text: string | undefined): bigint => BigInt((text ?? '').replace('.', ''));
    fc.assert(
      fc.property(usage, model, fc.constantFrom(null, 'batch'), (used, [provider = '', name = ''], serviceTier) => {
        const price = priceCall(call(provider, name, used, { serviceTier }));
        if (price === null) return;
        const parts = [
          price.input_cost_usd,
          price.output_cost_usd,
          price.cache_read_cost_usd,
          price.cache_write_cost_usd,
        ];
        const sum = [...parts, price.other_cost_usd].reduce((total, part) => total + nano(part), 0n);
        expect(sum).toBe(nano(price.cost_usd));
        for (const part of parts) expect(part).toMatch(/^\d+\.\d{9}$/);
      }),
      { seed: 7, numRuns: 500 },
    );
  });
});
