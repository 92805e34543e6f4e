/**
 * Published prices that the built-in list cannot say: tiers with prices of their own, regions, hours, charges by the
 * piece. The same words as a person's own prices (docs/prices.md). Each with the page that says it. Where a page was
 * changed, an entry gets a `to`, and a new one a `from`: history keeps its price.
 */
import type { WrittenRule } from '../prices/rule.ts';

/** platform.openai.com/docs/pricing, table "Priority": input, cached input, output. */
const OPENAI_PRIORITY: readonly (readonly [model: string, input: string, cached: string | null, output: string])[] = [
  ['gpt-5.2', '3.5', '0.35', '28'],
  ['gpt-5.1', '2.5', '0.25', '20'],
  ['gpt-5', '2.5', '0.25', '20'],
  ['gpt-5-mini', '0.45', '0.045', '3.6'],
  ['gpt-4.1', '3.5', '0.875', '14'],
  ['gpt-4.1-mini', '0.7', '0.175', '2.8'],
  ['gpt-4.1-nano', '0.2', '0.05', '0.8'],
  ['gpt-4o', '4.25', '2.125', '17'],
  ['gpt-4o-2024-05-13', '8.75', null, '26.25'],
  ['gpt-4o-mini', '0.25', '0.125', '1'],
  ['o3', '3.5', '0.875', '14'],
  ['o4-mini', '2', '0.5', '8'],
];

const openai: readonly WrittenRule[] = [
  ...OPENAI_PRIORITY.map(([model, input, cached, output]): WrittenRule => ({
    name: `priority-${model}`,
    provider: 'openai',
    model,
    tier: 'priority',
    prices: { input_mtok: input, output_mtok: output, ...(cached === null ? {} : { cache_read_mtok: cached }) },
  })),
  // platform.openai.com/docs/pricing, "Audio tokens"
  {
    provider: 'openai',
    model: 'gpt-4o-audio-preview',
    prices: { input_audio_mtok: '40', output_audio_mtok: '80' },
  },
  {
    provider: 'openai',
    model: 'gpt-4o-mini-audio-preview',
    prices: { input_audio_mtok: '10', output_audio_mtok: '20' },
  },
  // …#built-in-tools: every call of a search model searches once
  { provider: 'openai', model: 'gpt-4o-search-preview*', prices: { requests_kcount: '25' } },
  { provider: 'openai', model: 'gpt-4o-mini-search-preview*', prices: { requests_kcount: '25' } },
  // …: "Web search preview (non-reasoning models)" $25, its content free; with reasoning models what web search costs
  { name: 'search-preview', provider: 'openai', model: '*gpt-4*', prices: { preview_web_searches_kcount: '25' } },
  // …#built-in-tools: web search $10, file search $2.50 for a thousand calls, of every model
  {
    name: 'tools',
    provider: 'openai',
    model: '*',
    prices: { web_searches_kcount: '10', storage_searches_kcount: '2.5' },
  },
  // …, "Transcription and speech generation": by the character
  { provider: 'openai', model: 'tts-1', prices: { input_mchars: '15' } },
  { provider: 'openai', model: 'tts-1-hd', prices: { input_mchars: '30' } },
  // platform.openai.com/docs/pricing: regional processing of gpt-5.4 costs a tenth more
  { name: 'region', provider: 'openai', model: 'gpt-5.4*', host: '??.api.openai.com', percent: '110' },
];

/** docs.anthropic.com/en/docs/build-with-claude/data-residency: Opus 4.6, Sonnet 4.6 and later. */
const CLAUDE_RESIDENCY = [
  'claude-opus-4-6*',
  'claude-sonnet-4-6*',
  'claude-opus-4-7*',
  'claude-opus-4-8*',
  'claude-opus-5*',
];

const anthropic: readonly WrittenRule[] = [
  ...[...CLAUDE_RESIDENCY, 'claude-sonnet-5*', 'claude-fable-5*'].map((model): WrittenRule => ({
    provider: 'anthropic',
    model,
    tier: 'us',
    percent: '110',
  })),
  // docs.anthropic.com/en/docs/build-with-claude/fast-mode: six times the ordinary price
  { provider: 'anthropic', model: 'claude-opus-4-6*', tier: 'fast', percent: '600' },
];

/** cloud.google.com/vertex-ai/generative-ai/pricing#claude-models: regional and multi-region endpoints, since Sonnet 4.5. */
const CLAUDE_REGIONAL = [
  'claude-sonnet-4-5*',
  'claude-haiku-4-5*',
  'claude-opus-4-5*',
  ...CLAUDE_RESIDENCY,
  'claude-sonnet-5*',
  'claude-fable-5*',
];

/** docs.anthropic.com/en/docs/build-with-claude/prompt-caching#pricing, on every platform: twice the price of input. */
const hourWrites = (provider: string): WrittenRule => ({
  name: 'hour',
  provider,
  model: '*claude*',
  of_input: { cache_write_1h_mtok: '200' },
});

/** ai.google.dev/gemini-api/docs/pricing, "Grounding with Google Search", without the free allowance. */
const grounding = (provider: string): readonly WrittenRule[] => [
  {
    name: 'grounding-2',
    provider,
    model: 'gemini-2*',
    prices: { grounded_prompts_kcount: '35', web_searches_kcount: '0' },
  },
  {
    name: 'grounding-3',
    provider,
    model: 'gemini-3*',
    prices: { grounded_prompts_kcount: '0', web_searches_kcount: '14' },
  },
];

/**
 * ai.google.dev/gemini-api/docs/pricing, tables "Priority", and cloud.google.com/vertex-ai/generative-ai/pricing: every
 * kind of token, cached ones too, costs 1.8 times as much. Pictures have no price there.
 */
const GEMINI_PRIORITY = [
  'gemini-2.5-pro',
  'gemini-2.5-flash',
  'gemini-2.5-flash-lite',
  'gemini-3-flash-preview',
  'gemini-3.1-pro-preview',
  'gemini-3.1-flash-lite',
  'gemini-3.5-flash',
  'gemini-3.6-flash',
  'gemini-3.7-flash',
  'gemini-3.8-flash',
];

const priority = (provider: string, tier: string): readonly WrittenRule[] =>
  GEMINI_PRIORITY.map((model) => ({ name: `priority-${model}`, provider, model, tier, percent: '180' }));

interface Tiered {
  readonly base: string;
  readonly tiers: readonly { readonly start: number; readonly price: string }[];
}
const above200k = (base: string, price: string): Tiered => ({ base, tiers: [{ start: 200_000, price }] });

/**
 * The same pages, tables "Batch" and "Flex": input and output are half as much, but what is read from the cache costs
 * what it costs otherwise. Of later models all of it is half.
 */
const GEMINI_HALF: Readonly<Record<string, Readonly<Record<string, string | Tiered>>>> = {
  'gemini-2.5-pro': { input_mtok: above200k('0.625', '1.25'), output_mtok: above200k('5', '7.5') },
  'gemini-2.5-flash': { input_mtok: '0.15', input_audio_mtok: '0.5', output_mtok: '1.25' },
  'gemini-2.5-flash-lite': { input_mtok: '0.05', input_audio_mtok: '0.15', output_mtok: '0.2' },
  'gemini-3-flash-preview': { input_mtok: '0.25', input_audio_mtok: '0.5', output_mtok: '1.5' },
  'gemini-3.1-pro-preview': { input_mtok: above200k('1', '2'), output_mtok: above200k('6', '9') },
};

const half = (provider: string, tier: string): readonly WrittenRule[] =>
  Object.entries(GEMINI_HALF).map(([model, prices]) => ({ name: `${tier}-${model}`, provider, model, tier, prices }));

/** ai.google.dev/gemini-api/docs/pricing, "Imagen 4": by the image. */
const imagen = (provider: string): readonly WrittenRule[] => [
  { provider, model: 'imagen-4.0-generate-*', prices: { images_kcount: '40' } },
  { provider, model: 'imagen-4.0-fast-generate-*', prices: { images_kcount: '20' } },
  { provider, model: 'imagen-4.0-ultra-generate-*', prices: { images_kcount: '60' } },
];

const google: readonly WrittenRule[] = [
  ...grounding('google'),
  ...grounding('vertex'),
  ...imagen('google'),
  ...imagen('vertex'),
  hourWrites('vertex'),
  ...priority('google', 'priority'),
  ...['priority', 'on_demand_priority'].flatMap((tier) => priority('vertex', tier)),
  ...['batch', 'flex'].flatMap((tier) => half('google', tier)),
  ...['batch', 'flex', 'on_demand_flex'].flatMap((tier) => half('vertex', tier)),
  ...CLAUDE_REGIONAL.flatMap((model): WrittenRule[] =>
    ['*-aiplatform.googleapis.com', 'aiplatform.*.rep.googleapis.com'].map((host) => ({
      name: 'region',
      provider: 'vertex',
      model,
      host,
      percent: '110',
    })),
  ),
];

const others: readonly WrittenRule[] = [
  // aws.amazon.com/bedrock/pricing, "Service tiers" and "Batch"
  { provider: 'bedrock', model: '*', tier: 'flex', percent: '50' },
  { provider: 'bedrock', model: '*', tier: 'priority', percent: '175' },
  { provider: 'bedrock', model: '*', tier: 'batch', percent: '50' },
  hourWrites('bedrock'),
  // azure.microsoft.com/pricing/details/cognitive-services/openai-service, "Batch API"
  { provider: 'azure', model: '*', tier: 'batch', percent: '50' },
  // docs.mistral.ai/capabilities/batch, docs.together.ai/docs/batch-inference, docs.voyageai.com/docs/batch-inference
  { provider: 'mistral', model: '*', tier: 'batch', percent: '50' },
  { provider: 'together', model: '*', tier: 'batch', percent: '50' },
  { provider: 'voyage', model: '*', tier: 'batch', percent: '67' },
  // groq.com/pricing, "Automatic speech recognition": at least ten seconds a request
  { provider: 'groq', model: 'whisper-*', least: { audio_seconds: 10 } },
  // cohere.com/pricing, "Rerank": two dollars for a thousand searches
  { provider: 'cohere', model: 'rerank-*', prices: { rerank_searches_kcount: '2' } },
  // docs.x.ai/docs/models, "Image generation"
  { provider: 'xai', model: 'grok-2-image*', prices: { images_kcount: '70' } },
  // docs.perplexity.ai/getting-started/pricing: searches are in the price of the request, but for deep research
  ...['sonar', 'sonar-pro', 'sonar-reasoning', 'sonar-reasoning-pro'].map((model): WrittenRule => ({
    provider: 'perplexity',
    model,
    prices: { web_searches_kcount: '0' },
  })),
  // api-docs.deepseek.com/quick_start/pricing: one price for the whole day until the hours were brought in
  {
    provider: 'deepseek',
    model: 'deepseek-v4-flash',
    to: '2026-08-17',
    prices: { input_mtok: '0.14', cache_read_mtok: '0.0028', output_mtok: '0.28' },
  },
  {
    provider: 'deepseek',
    model: 'deepseek-v4-pro',
    to: '2026-08-17',
    prices: { input_mtok: '0.435', cache_read_mtok: '0.003625', output_mtok: '0.87' },
  },
];

export const publishedPrices: readonly WrittenRule[] = [...openai, ...anthropic, ...google, ...others];
