/**
 * Prices worked out by hand from the providers' public pages. `sum` is the arithmetic in millionths of a dollar: tokens ×
 * the price of a million, searches × the price of a million of them, and so on. `usd` is what it comes to.
 */
import { UNKNOWN_USAGE } from '../../proxy/src/providers/facts.ts';
import type { Units, Usage } from '../../proxy/src/providers/provider.ts';
import type { PricedCall } from '../../proxy/src/prices/price.ts';

export interface PriceCase {
  page: string;
  what: string;
  call: PricedCall;
  sum: string;
  usd: string;
}

/** Noon of a day on which every price below holds that says nothing else. */
export const NOON = new Date('2026-09-01T12:00:00Z');

type More = Partial<Omit<PricedCall, 'usage'>> & { usage?: Partial<Usage> | null };

/** `input` and `output` tokens of a model; everything else in `more`. */
export function call(provider: string, model: string, input: number, output: number, more: More = {}): PricedCall {
  const { usage, ...rest } = more;
  return {
    provider,
    model,
    usage: usage === null ? null : { ...UNKNOWN_USAGE, input_tokens: input, output_tokens: output, ...usage },
    at: NOON,
    serviceTier: null,
    operation: 'chat',
    ...rest,
  };
}

const read = (cache_read_tokens: number): More => ({ usage: { cache_read_tokens } });
const tier = (serviceTier: string): More => ({ serviceTier });
const at = (time: string): More => ({ at: new Date(time) });
const host = (name: string): More => ({ host: name });
const vectors: More = { operation: 'embeddings', usage: { output_tokens: null } };
const units = (counted: Units): More => ({ units: counted });
/** A call that counts no tokens. */
const pieces = (provider: string, model: string, operation: PricedCall['operation'], counted: Units): PricedCall =>
  call(provider, model, 0, 0, { operation, usage: null, units: counted });

type Row = readonly [what: string, call: PricedCall, sum: string, usd: string];
const from = (page: string, rows: readonly Row[]): PriceCase[] =>
  rows.map(([what, priced, sum, usd]) => ({ page, what, call: priced, sum, usd }));

const written = { cache_read_tokens: 100, cache_write_tokens: 1000, cache_write_1h_tokens: 600 };
const ARN = 'arn:aws:bedrock:us-east-1:123456789012:inference-profile/us.anthropic.claude-sonnet-4-5-20250929-v1:0';
const MODEL_ARN = 'arn:aws:bedrock:us-east-1::foundation-model/amazon.nova-lite-v1:0';
const REGIONAL = host('us-east5-aiplatform.googleapis.com');
const GLOBAL = host('aiplatform.googleapis.com');

export const CASES: readonly PriceCase[] = [
  ...from('platform.openai.com/docs/pricing', [
    ['text', call('openai', 'gpt-4o', 10_000, 1000), '10000 × 2.5 + 1000 × 10', '0.035000000'],
    ['a dated snapshot', call('openai', 'gpt-4o-2024-08-06', 10_000, 1000), '10000 × 2.5 + 1000 × 10', '0.035000000'],
    [
      'cached',
      call('openai', 'gpt-4o', 10_000, 1000, read(8000)),
      '2000 × 2.5 + 8000 × 1.25 + 1000 × 10',
      '0.025000000',
    ],
    ['one token each', call('openai', 'gpt-4o-mini', 1, 1), '0.15 + 0.6', '0.000000750'],
    ['one cached token', call('openai', 'gpt-4o-mini', 1, 0, read(1)), '0.075', '0.000000075'],
    [
      'reasoning is output',
      call('openai', 'gpt-5', 19, 10, { usage: { reasoning_tokens: 8 } }),
      '19 × 1.25 + 10 × 10',
      '0.000123750',
    ],
    [
      'a small model, cached',
      call('openai', 'gpt-5-mini', 1000, 500, read(400)),
      '600 × 0.25 + 400 × 0.025 + 500 × 2',
      '0.001160000',
    ],
    ['the smallest', call('openai', 'gpt-5-nano', 1234, 567), '1234 × 0.05 + 567 × 0.4', '0.000288500'],
    ['more of one kind', call('openai', 'gpt-4.1', 1000, 200), '1000 × 2 + 200 × 8', '0.003600000'],
    [
      'fractions of a millionth',
      call('openai', 'gpt-4.1-nano', 7, 1, read(3)),
      '4 × 0.1 + 3 × 0.025 + 0.4',
      '0.000000875',
    ],
    [
      'a cached price of three decimals',
      call('openai', 'o4-mini', 1000, 100, read(500)),
      '500 × 1.1 + 500 × 0.275 + 100 × 4.4',
      '0.001127500',
    ],
    [
      'before a price change',
      call('openai', 'o3', 1000, 1000, at('2025-06-09T23:59:59Z')),
      '1000 × 10 + 1000 × 40',
      '0.050000000',
    ],
    ['after it', call('openai', 'o3', 1000, 1000, at('2025-06-10T00:00:00Z')), '1000 × 2 + 1000 × 8', '0.010000000'],
    [
      'last token of the lower tier',
      call('openai', 'gpt-5.4', 271_999, 1000),
      '271999 × 2.5 + 1000 × 15',
      '0.694997500',
    ],
    [
      'first token of the upper tier',
      call('openai', 'gpt-5.4', 272_000, 1000),
      '272000 × 5 + 1000 × 22.5',
      '1.382500000',
    ],
    [
      'default is the ordinary price',
      call('openai', 'gpt-5', 19, 10, tier('default')),
      '19 × 1.25 + 10 × 10',
      '0.000123750',
    ],
    ['flex', call('openai', 'gpt-5', 19, 10, tier('flex')), '19 × 0.625 + 10 × 5', '0.000061875'],
    ['batch', call('openai', 'gpt-4o-mini', 1000, 1000, tier('batch')), '1000 × 0.075 + 1000 × 0.3', '0.000375000'],
    [
      'priority, cached',
      call('openai', 'gpt-5', 1500, 100, { ...read(500), ...tier('priority') }),
      '1000 × 2.5 + 500 × 0.25 + 100 × 20',
      '0.004625000',
    ],
    [
      'priority of a snapshot',
      call('openai', 'gpt-4.1-mini-2025-04-14', 1000, 100, tier('priority')),
      '1000 × 0.7 + 100 × 2.8',
      '0.000980000',
    ],
    [
      'priority of an older one',
      call('openai', 'gpt-4o-2024-08-06', 1000, 10, tier('priority')),
      '1000 × 4.25 + 10 × 17',
      '0.004420000',
    ],
    [
      'searches of the web and of files',
      call('openai', 'gpt-5', 1000, 100, units({ web_searches: 2, storage_searches: 1 })),
      '1000 × 1.25 + 100 × 10 + 2 × 10000 + 2500',
      '0.024750000',
    ],
    [
      'searches by the preview tool, without reasoning',
      call('openai', 'gpt-4o-2024-08-06', 330, 200, units({ preview_web_searches: 2 })),
      '330 × 2.5 + 200 × 10 + 2 × 25000',
      '0.052825000',
    ],
    [
      'of a small model too',
      call('openai', 'gpt-4.1-mini-2025-04-14', 347, 540, units({ preview_web_searches: 1 })),
      '347 × 0.4 + 540 × 1.6 + 25000',
      '0.026002800',
    ],
    [
      'by the tool that came after it',
      call('openai', 'gpt-4.1', 8000, 100, units({ web_searches: 1 })),
      '8000 × 2 + 100 × 8 + 10000',
      '0.026800000',
    ],
    [
      'by the preview tool, with reasoning',
      call('openai', 'gpt-5-mini-2025-08-07', 13_102, 1060, { ...read(8448), ...units({ preview_web_searches: 1 }) }),
      '4654 × 0.25 + 8448 × 0.025 + 1060 × 2 + 10000',
      '0.013494700',
    ],
    [
      'and with an older reasoning model',
      call('openai', 'o4-mini', 1000, 100, units({ preview_web_searches: 3 })),
      '1000 × 1.1 + 100 × 4.4 + 3 × 10000',
      '0.031540000',
    ],
    [
      'a search model searches once a call',
      call('openai', 'gpt-4o-search-preview-2025-03-11', 100, 100),
      '100 × 2.5 + 100 × 10 + 25000',
      '0.026250000',
    ],
    [
      'a minute and a half of speech',
      pieces('openai', 'whisper-1', 'audio', { audio_seconds: 90 }),
      '90 / 60 × 6000',
      '0.009000000',
    ],
    ['a second of it', pieces('openai', 'whisper-1', 'audio', { audio_seconds: 1 }), '6000 / 60', '0.000100000'],
    [
      'a thousand characters spoken',
      pieces('openai', 'tts-1', 'audio', { input_characters: 1000 }),
      '1000 × 15',
      '0.015000000',
    ],
    ['and in high definition', pieces('openai', 'tts-1-hd', 'audio', { input_characters: 7 }), '7 × 30', '0.000210000'],
    [
      'speech counted in tokens',
      call('openai', 'gpt-4o-transcribe', 110, 20, { operation: 'audio', usage: { input_audio_tokens: 100 } }),
      '100 × 6 + 10 × 2.5 + 20 × 10',
      '0.000825000',
    ],
    ['vectors', call('openai', 'text-embedding-3-small', 8, 0, vectors), '8 × 0.02', '0.000000160'],
    ['large vectors', call('openai', 'text-embedding-3-large', 1000, 0, vectors), '1000 × 0.13', '0.000130000'],
    [
      'pictures in and out',
      call('openai', 'gpt-image-1', 250, 1056, { operation: 'image', usage: { input_image_tokens: 200 } }),
      '50 × 5 + 200 × 10 + 1056 × 40',
      '0.044490000',
    ],
    [
      'pictures and text out',
      call('openai', 'gpt-image-1.5', 50, 300, { operation: 'image', units: { output_image_tokens: 272 } }),
      '50 × 5 + 28 × 10 + 272 × 32',
      '0.009234000',
    ],
    [
      'sound in and out',
      call('openai', 'gpt-4o-audio-preview', 1000, 60, { usage: { input_audio_tokens: 900, output_audio_tokens: 50 } }),
      '100 × 2.5 + 900 × 40 + 10 × 10 + 50 × 80',
      '0.040350000',
    ],
    [
      'realtime: text, sound, pictures and cached, each once',
      call('openai', 'gpt-realtime', 1000, 300, {
        operation: 'realtime',
        usage: { cache_read_tokens: 100, input_audio_tokens: 500, input_image_tokens: 200, output_audio_tokens: 250 },
        units: { cache_read_audio_tokens: 0, cache_read_image_tokens: 0 },
      }),
      '200 × 4 + 500 × 32 + 200 × 5 + 100 × 0.4 + 50 × 16 + 250 × 64',
      '0.034640000',
    ],
    [
      'realtime: sound from the cache at its own price',
      call('openai', 'gpt-realtime-mini', 300, 10, {
        operation: 'realtime',
        usage: { cache_read_tokens: 100, input_audio_tokens: 200, output_audio_tokens: 10 },
        units: { cache_read_audio_tokens: 100 },
      }),
      '100 × 0.6 + 100 × 10 + 100 × 0.3 + 10 × 20',
      '0.001290000',
    ],
    [
      'regional processing',
      call('openai', 'gpt-5.4', 1000, 100, host('eu.api.openai.com')),
      '(1000 × 2.5 + 100 × 15) × 1.1',
      '0.004400000',
    ],
    [
      'and without',
      call('openai', 'gpt-5.4', 1000, 100, host('api.openai.com')),
      '1000 × 2.5 + 100 × 15',
      '0.004000000',
    ],
  ]),
  ...from('docs.anthropic.com/en/docs/about-claude/pricing', [
    [
      'cached, written for 5 minutes and for an hour',
      call('anthropic', 'claude-sonnet-4-5-20250929', 1110, 42, { usage: written }),
      '10 × 3 + 100 × 0.3 + 400 × 3.75 + 600 × 6 + 42 × 15',
      '0.005790000',
    ],
    ['exactly 200 k', call('anthropic', 'claude-sonnet-4-5', 200_000, 1), '200000 × 3 + 15', '0.600015000'],
    ['above 200 k', call('anthropic', 'claude-sonnet-4-5', 300_000, 1000), '300000 × 6 + 1000 × 22.5', '1.822500000'],
    [
      'above 200 k while that cost more',
      call('anthropic', 'claude-opus-4-6', 200_001, 100, at('2026-03-12T23:59:59Z')),
      '200001 × 10 + 100 × 37.5',
      '2.003760000',
    ],
    [
      'and since it does not',
      call('anthropic', 'claude-opus-4-6', 200_001, 100, at('2026-03-13T00:00:00Z')),
      '200001 × 5 + 100 × 25',
      '1.002505000',
    ],
    [
      'batch',
      call('anthropic', 'claude-haiku-4-5', 1000, 100, tier('batch')),
      '(1000 × 1 + 100 × 5) / 2',
      '0.000750000',
    ],
    [
      'batch, cached',
      call('anthropic', 'claude-sonnet-4-5', 1100, 200, { ...read(1000), ...tier('batch') }),
      '(100 × 3 + 1000 × 0.3 + 200 × 15) / 2',
      '0.001800000',
    ],
    ['an older model', call('anthropic', 'claude-opus-4-1-20250805', 2, 29), '2 × 15 + 29 × 75', '0.002205000'],
    ['a newer one', call('anthropic', 'claude-opus-4-5-20251101', 1000, 100), '1000 × 5 + 100 × 25', '0.007500000'],
    [
      'three searches',
      call('anthropic', 'claude-sonnet-4-5', 1000, 500, units({ web_searches: 3 })),
      '1000 × 3 + 500 × 15 + 3 × 10000',
      '0.040500000',
    ],
    [
      'searches are no cheaper in a batch',
      call('anthropic', 'claude-sonnet-4-5', 1000, 500, { ...tier('batch'), ...units({ web_searches: 1 }) }),
      '(1000 × 3 + 500 × 15) / 2 + 10000',
      '0.015250000',
    ],
    [
      'inference in the US',
      call('anthropic', 'claude-opus-4-6', 1000, 100, tier('standard+us')),
      '(1000 × 5 + 100 × 25) × 1.1',
      '0.008250000',
    ],
    [
      'fast mode',
      call('anthropic', 'claude-opus-4-6', 1000, 100, tier('standard+fast')),
      '1000 × 30 + 100 × 150',
      '0.045000000',
    ],
    [
      'fast mode in the US',
      call('anthropic', 'claude-opus-4-6', 1000, 100, tier('standard+fast+us')),
      '(1000 × 30 + 100 × 150) × 1.1',
      '0.049500000',
    ],
    [
      'a batch in the US',
      call('anthropic', 'claude-opus-4-6', 1000, 100, tier('batch+us')),
      '(1000 × 5 + 100 × 25) / 2 × 1.1',
      '0.004125000',
    ],
  ]),
  ...from('ai.google.dev/gemini-api/docs/pricing', [
    ['exactly 200 k', call('google', 'gemini-2.5-pro', 200_000, 1000), '200000 × 1.25 + 1000 × 10', '0.260000000'],
    ['one more', call('google', 'models/gemini-2.5-pro', 200_001, 1000), '200001 × 2.5 + 1000 × 15', '0.515002500'],
    [
      'cached above 200 k',
      call('google', 'gemini-2.5-pro', 200_001, 0, read(200_000)),
      '1 × 2.5 + 200000 × 0.25',
      '0.050002500',
    ],
    [
      'sound at its own price',
      call('google', 'gemini-2.5-flash', 1000, 100, { usage: { input_audio_tokens: 600 } }),
      '400 × 0.3 + 600 × 1 + 100 × 2.5',
      '0.000970000',
    ],
    [
      'sound from the cache too',
      call('google', 'gemini-2.5-flash', 1000, 100, {
        usage: { input_audio_tokens: 600, cache_read_tokens: 500 },
        units: { cache_read_audio_tokens: 300 },
      }),
      '200 × 0.3 + 300 × 1 + 200 × 0.03 + 300 × 0.1 + 100 × 2.5',
      '0.000646000',
    ],
    [
      'thoughts are output',
      call('google', 'gemini-2.5-flash-lite', 10, 70, { usage: { reasoning_tokens: 60 } }),
      '10 × 0.1 + 70 × 0.4',
      '0.000029000',
    ],
    [
      'batch',
      call('google', 'gemini-2.5-pro', 1000, 100, tier('batch')),
      '(1000 × 1.25 + 100 × 10) / 2',
      '0.001125000',
    ],
    [
      'flex',
      call('google', 'gemini-2.5-flash', 1000, 100, tier('flex')),
      '(1000 × 0.3 + 100 × 2.5) / 2',
      '0.000275000',
    ],
    [
      'flex, cached: no cheaper than otherwise',
      call('google', 'gemini-2.5-pro', 1000, 100, { ...read(400), ...tier('flex') }),
      '600 × 0.625 + 400 × 0.125 + 100 × 5',
      '0.000925000',
    ],
    [
      'flex above 200 k',
      call('google', 'gemini-2.5-pro', 200_001, 100, { ...read(100_000), ...tier('flex') }),
      '100001 × 1.25 + 100000 × 0.25 + 100 × 7.5',
      '0.150751250',
    ],
    [
      'batch, with sound from the cache',
      call('google', 'gemini-2.5-flash', 1000, 100, {
        ...tier('batch'),
        usage: { input_audio_tokens: 600, cache_read_tokens: 500 },
        units: { cache_read_audio_tokens: 300 },
      }),
      '200 × 0.15 + 300 × 0.5 + 200 × 0.03 + 300 × 0.1 + 100 × 1.25',
      '0.000341000',
    ],
    [
      'flex of a later model, cached: half too',
      call('google', 'gemini-3.6-flash', 1000, 100, { ...read(400), ...tier('flex') }),
      '600 × 0.375 + 400 × 0.0375 + 100 × 1.875',
      '0.000427500',
    ],
    [
      'priority',
      call('google', 'gemini-2.5-flash', 1000, 100, tier('priority')),
      '1000 × 0.54 + 100 × 4.5',
      '0.000990000',
    ],
    [
      'priority, cached, above 200 k',
      call('google', 'gemini-2.5-pro', 200_001, 1000, { ...read(200_000), ...tier('priority') }),
      '1 × 4.5 + 200000 × 0.45 + 1000 × 27',
      '0.117004500',
    ],
    [
      'priority of sound',
      call('google', 'gemini-2.5-flash', 1000, 100, { ...tier('priority'), usage: { input_audio_tokens: 600 } }),
      '400 × 0.54 + 600 × 1.8 + 100 × 4.5',
      '0.001746000',
    ],
    [
      'asked for priority, served as standard',
      call('google', 'gemini-2.5-flash', 1000, 100, tier('standard')),
      '1000 × 0.3 + 100 × 2.5',
      '0.000550000',
    ],
    [
      'a search is no dearer by priority',
      call('google', 'gemini-3-flash-preview', 100, 10, { ...tier('priority'), ...units({ web_searches: 1 }) }),
      '100 × 0.9 + 10 × 5.4 + 14000',
      '0.014144000',
    ],
    [
      'a picture out',
      call('google', 'gemini-2.5-flash-image', 10, 1290, units({ output_image_tokens: 1290 })),
      '10 × 0.3 + 1290 × 30',
      '0.038703000',
    ],
    [
      'a grounded prompt, however many searches',
      call('google', 'gemini-2.5-flash', 100, 10, units({ grounded_prompts: 1, web_searches: 3 })),
      '100 × 0.3 + 10 × 2.5 + 35000',
      '0.035055000',
    ],
    [
      'searches, one by one',
      call('google', 'gemini-3-flash-preview', 100, 10, units({ grounded_prompts: 1, web_searches: 2 })),
      '100 × 0.5 + 10 × 3 + 2 × 14000',
      '0.028080000',
    ],
    ['two images', pieces('google', 'imagen-4.0-generate-001', 'image', { images: 2 }), '2 × 40000', '0.080000000'],
    ['vectors', call('google', 'gemini-embedding-001', 100, 0, vectors), '100 × 0.15', '0.000015000'],
  ]),
  ...from('cloud.google.com/vertex-ai/generative-ai/pricing', [
    [
      'Claude, global',
      call('vertex', 'claude-sonnet-4-5@20250929', 1000, 100, GLOBAL),
      '1000 × 3 + 100 × 15',
      '0.004500000',
    ],
    [
      'Claude in a region',
      call('vertex', 'claude-sonnet-4-5@20250929', 1000, 100, REGIONAL),
      '(1000 × 3 + 100 × 15) × 1.1',
      '0.004950000',
    ],
    [
      'an older Claude in a region',
      call('vertex', 'claude-sonnet-4@20250514', 1000, 100, REGIONAL),
      '1000 × 3 + 100 × 15',
      '0.004500000',
    ],
    [
      'written for an hour',
      call('vertex', 'publishers/anthropic/models/claude-sonnet-4-5', 1110, 42, { ...GLOBAL, usage: written }),
      '10 × 3 + 100 × 0.3 + 400 × 3.75 + 600 × 6 + 42 × 15',
      '0.005790000',
    ],
    [
      'Gemini in a region',
      call('vertex', 'gemini-2.5-flash', 1000, 100, REGIONAL),
      '1000 × 0.3 + 100 × 2.5',
      '0.000550000',
    ],
    [
      'Gemini, flex',
      call('vertex', 'gemini-2.5-flash', 1000, 100, { ...read(400), ...tier('ON_DEMAND_FLEX') }),
      '600 × 0.15 + 400 × 0.03 + 100 × 1.25',
      '0.000227000',
    ],
    [
      'Gemini, priority',
      call('vertex', 'gemini-2.5-flash', 1000, 100, tier('ON_DEMAND_PRIORITY')),
      '1000 × 0.54 + 100 × 4.5',
      '0.000990000',
    ],
    [
      'Gemini, batch',
      call('vertex', 'gemini-2.5-flash', 1000, 100, tier('batch')),
      '(1000 × 0.3 + 100 × 2.5) / 2',
      '0.000275000',
    ],
  ]),
  ...from('aws.amazon.com/bedrock/pricing', [
    [
      'a regional profile',
      call('bedrock', 'us.anthropic.claude-sonnet-4-5-20250929-v1:0', 1000, 100),
      '1000 × 3.3 + 100 × 16.5',
      '0.004950000',
    ],
    [
      'a European one',
      call('bedrock', 'eu.anthropic.claude-haiku-4-5-20251001-v1:0', 1000, 100),
      '1000 × 1.1 + 100 × 5.5',
      '0.001650000',
    ],
    [
      'the global profile',
      call('bedrock', 'global.anthropic.claude-sonnet-4-5-20250929-v1:0', 1000, 100),
      '1000 × 3 + 100 × 15',
      '0.004500000',
    ],
    ['a profile by its ARN', call('bedrock', ARN, 1000, 100), '1000 × 3.3 + 100 × 16.5', '0.004950000'],
    [
      'and encoded in a path',
      call('bedrock', encodeURIComponent(ARN), 1000, 100),
      '1000 × 3.3 + 100 × 16.5',
      '0.004950000',
    ],
    ['a model by its ARN', call('bedrock', MODEL_ARN, 1000, 100), '1000 × 0.06 + 100 × 0.24', '0.000084000'],
    [
      'written for an hour',
      call('bedrock', 'us.anthropic.claude-sonnet-4-5-20250929-v1:0', 1110, 42, { usage: written }),
      '10 × 3.3 + 100 × 0.33 + 400 × 4.125 + 600 × 6.6 + 42 × 16.5',
      '0.006369000',
    ],
    [
      'flex',
      call('bedrock', 'amazon.nova-pro-v1:0', 1000, 100, tier('flex')),
      '(1000 × 0.8 + 100 × 3.2) / 2',
      '0.000560000',
    ],
    [
      'priority',
      call('bedrock', 'amazon.nova-pro-v1:0', 1000, 100, tier('priority')),
      '(1000 × 0.8 + 100 × 3.2) × 1.75',
      '0.001960000',
    ],
    [
      'batch, a fraction of a millionth',
      call('bedrock', 'amazon.nova-micro-v1:0', 1, 1, tier('batch')),
      '(0.035 + 0.14) / 2',
      '0.000000088',
    ],
  ]),
  ...from('azure.microsoft.com/pricing/details/cognitive-services/openai-service', [
    [
      'by the model that answered',
      call('azure', 'gpt-4o-2024-08-06', 10_000, 1000, { asked: 'prod-chat' }),
      '10000 × 2.5 + 1000 × 10',
      '0.035000000',
    ],
    ['batch', call('azure', 'gpt-4o-mini', 1000, 1000, tier('batch')), '(1000 × 0.15 + 1000 × 0.6) / 2', '0.000375000'],
  ]),
  ...from('api-docs.deepseek.com/quick_start/pricing', [
    [
      'by day',
      call('deepseek', 'deepseek-chat', 1000, 100, read(400)),
      '600 × 0.27 + 400 × 0.07 + 100 × 1.1',
      '0.000300000',
    ],
    [
      'off-peak',
      call('deepseek', 'deepseek-chat', 1000, 100, { ...read(400), ...at('2026-09-01T17:00:00Z') }),
      '600 × 0.135 + 400 × 0.035 + 100 × 0.55',
      '0.000150000',
    ],
    [
      'off-peak beyond midnight',
      call('deepseek', 'deepseek-reasoner', 1000, 100, at('2026-09-01T00:29:59Z')),
      '1000 × 0.135 + 100 × 0.55',
      '0.000190000',
    ],
    [
      'the first minute of the day',
      call('deepseek', 'deepseek-reasoner', 1000, 100, at('2026-09-01T00:30:00Z')),
      '1000 × 0.55 + 100 × 2.19',
      '0.000769000',
    ],
    [
      'newer hours: peak',
      call('deepseek', 'deepseek-v4-flash', 1000, 100, at('2026-09-01T02:00:00Z')),
      '1000 × 0.44 + 100 × 1.32',
      '0.000572000',
    ],
    [
      'newer hours: off-peak',
      call('deepseek', 'deepseek-v4-flash', 1000, 100),
      '1000 × 0.22 + 100 × 0.66',
      '0.000286000',
    ],
    [
      'the same hour before there were any',
      call('deepseek', 'deepseek-v4-flash', 1000, 100, at('2026-08-16T02:00:00Z')),
      '1000 × 0.14 + 100 × 0.28',
      '0.000168000',
    ],
    [
      '2.8 billionths are 3',
      call('deepseek', 'deepseek-v4-flash', 1, 1, { ...read(1), ...at('2026-08-01T12:00:00Z') }),
      '0.0028 + 0.28',
      '0.000000283',
    ],
  ]),
  ...from('groq.com/pricing', [
    ['one token each', call('groq', 'llama-3.3-70b-versatile', 1, 1), '0.59 + 0.79', '0.000001380'],
    [
      'flex costs what on-demand does',
      call('groq', 'llama-3.3-70b-versatile', 1, 1, tier('flex')),
      '0.59 + 0.79',
      '0.000001380',
    ],
    [
      'batch is half',
      call('groq', 'llama-3.3-70b-versatile', 1000, 1000, tier('batch')),
      '(590 + 790) / 2',
      '0.000690000',
    ],
    [
      'an hour of speech',
      pieces('groq', 'whisper-large-v3', 'audio', { audio_seconds: 3600 }),
      '111000',
      '0.111000000',
    ],
    [
      'three seconds are ten',
      pieces('groq', 'whisper-large-v3-turbo', 'audio', { audio_seconds: 3 }),
      '10 / 3600 × 40000',
      '0.000111111',
    ],
  ]),
  ...from('docs.perplexity.ai/getting-started/pricing', [
    ['a request has a price too', call('perplexity', 'sonar', 7, 100), '7 × 1 + 100 × 1 + 12000', '0.012107000'],
    [
      'reasoning, citations and searches',
      call('perplexity', 'sonar-deep-research', 33, 81_160, {
        usage: { reasoning_tokens: 73_997 },
        units: { output_citation_tokens: 20_016, web_searches: 28 },
      }),
      '33 × 2 + 7163 × 8 + 73997 × 3 + 20016 × 2 + 28 × 5000',
      '0.459393000',
    ],
    [
      'its own figure',
      call('perplexity', 'sonar', 7, 100, { reportedCostUsd: '0.005107' }),
      '7 × 1 + 100 × 1 + 5000',
      '0.005107000',
    ],
  ]),
  ...from('docs.x.ai/docs/models', [
    ['cached', call('xai', 'grok-4-0709', 687, 12, read(680)), '7 × 3 + 680 × 0.75 + 12 × 15', '0.000711000'],
    [
      'its own figure, in ticks',
      call('xai', 'grok-4-0709', 687, 12, { ...read(680), reportedCostUsd: '0.0037756000' }),
      '3775.6',
      '0.003775600',
    ],
    ['an image', pieces('xai', 'grok-2-image-1212', 'image', { images: 1 }), '70000', '0.070000000'],
  ]),
  ...from('openrouter.ai/docs/use-cases/usage-accounting', [
    [
      'its own figure',
      call('openrouter', 'no/such-model', 194, 2, { reportedCostUsd: '0.00000014' }),
      '0.14',
      '0.000000140',
    ],
    [
      'nothing is nothing',
      call('openrouter', 'no/such-model:free', 194, 2, { reportedCostUsd: '0' }),
      '0',
      '0.000000000',
    ],
  ]),
  ...from('mistral.ai/pricing', [
    ['text', call('mistral', 'mistral-large-2512', 1000, 100), '1000 × 0.5 + 100 × 1.5', '0.000650000'],
    [
      'batch',
      call('mistral', 'mistral-large-2512', 1000, 100, tier('batch')),
      '(1000 × 0.5 + 100 × 1.5) / 2',
      '0.000325000',
    ],
    [
      'five pages',
      pieces('mistral', 'mistral-ocr-2512', 'other', { input_document_pages: 5 }),
      '5 × 2000',
      '0.010000000',
    ],
  ]),
  ...from('cohere.com/pricing', [
    ['text', call('cohere', 'command-a-03-2025', 1000, 100), '1000 × 2.5 + 100 × 10', '0.003500000'],
    [
      'one search of a reranker',
      pieces('cohere', 'rerank-v3.5', 'rerank', { rerank_searches: 1 }),
      '2000',
      '0.002000000',
    ],
  ]),
  ...from('docs.voyageai.com/docs/pricing', [
    ['vectors', call('voyage', 'voyage-3.5', 12, 0, vectors), '12 × 0.06', '0.000000720'],
    [
      'a third less in a batch',
      call('voyage', 'voyage-3.5', 1200, 0, { ...vectors, ...tier('batch') }),
      '1200 × 0.06 × 0.67',
      '0.000048240',
    ],
  ]),
  ...from('platform.moonshot.ai/docs/pricing', [
    ['text', call('moonshot', 'kimi-k2-0711-preview', 1000, 1000), '1000 × 0.6 + 1000 × 2.5', '0.003100000'],
    [
      'more cached than there was: none twice',
      call('moonshot', 'kimi-k2-0711-preview', 10, 0, read(50)),
      '10 × 0.15',
      '0.000001500',
    ],
  ]),
];
