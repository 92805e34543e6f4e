import { cohereFormatOf } from './cohere/native.ts';
import { makeDialect } from './dialect.ts';
import { openaiErrors } from './openai/dialect.ts';
import { openaiPaths, responsesPath } from './paths.ts';
import type { Operation, Provider } from './provider.ts';
import * as quirk from './quirks.ts';
import type { Quirks } from './format.ts';

/** One row: an OpenAI-shaped provider. `prices` is its id in the price list where that differs from its name. */
interface Row extends Quirks {
  readonly name: string;
  readonly host: string;
  readonly key: string;
  /** What stands before `/chat/completions`; `/v1` where it is left out. */
  readonly base?: string;
  /** Operations beside those that all of them have, behind the same base. */
  readonly more?: Partial<Record<Operation, string>>;
  readonly prices?: string;
  readonly tierPercent?: Readonly<Record<string, number>>;
}

/** Hosts and key names as each vendor's own API reference gives them. */
const ROWS: readonly Row[] = [
  { name: 'mistral', host: 'https://api.mistral.ai', key: 'MISTRAL_API_KEY' },
  {
    name: 'groq',
    host: 'https://api.groq.com',
    base: '/openai/v1',
    more: responsesPath,
    key: 'GROQ_API_KEY',
    // console.groq.com/docs/flex-processing: flex has the price of on-demand; batch half of it.
    tierPercent: { flex: 100, batch: 50 },
  },
  {
    name: 'xai',
    host: 'https://api.x.ai',
    more: responsesPath,
    key: 'XAI_API_KEY',
    prices: 'x-ai',
    chatUsage: quirk.reasoningApart,
    reportedCost: quirk.costInTicks,
  },
  { name: 'deepseek', host: 'https://api.deepseek.com', key: 'DEEPSEEK_API_KEY' },
  { name: 'together', host: 'https://api.together.xyz', key: 'TOGETHER_API_KEY' },
  { name: 'fireworks', host: 'https://api.fireworks.ai', base: '/inference/v1', key: 'FIREWORKS_API_KEY' },
  {
    name: 'perplexity',
    host: 'https://api.perplexity.ai',
    base: '',
    key: 'PERPLEXITY_API_KEY',
    chatUsage: quirk.reasoningBesideTotals,
    reportedCost: quirk.costTotal,
  },
  {
    name: 'openrouter',
    host: 'https://openrouter.ai',
    base: '/api/v1',
    more: responsesPath,
    key: 'OPENROUTER_API_KEY',
    reportedCost: quirk.costInUsd,
  },
  { name: 'cerebras', host: 'https://api.cerebras.ai', key: 'CEREBRAS_API_KEY' },
  { name: 'huggingface', host: 'https://router.huggingface.co', key: 'HF_TOKEN' },
  { name: 'nvidia', host: 'https://integrate.api.nvidia.com', key: 'NVIDIA_API_KEY' },
  { name: 'ollama', host: 'https://ollama.com', key: 'OLLAMA_API_KEY' },
  { name: 'moonshot', host: 'https://api.moonshot.ai', key: 'MOONSHOT_API_KEY', prices: 'moonshotai' },
  {
    name: 'alibaba',
    host: 'https://dashscope-intl.aliyuncs.com',
    base: '/compatible-mode/v1',
    key: 'DASHSCOPE_API_KEY',
  },
  { name: 'zai', host: 'https://api.z.ai', base: '/api/paas/v4', key: 'ZAI_API_KEY' },
  {
    name: 'voyage',
    host: 'https://api.voyageai.com',
    key: 'VOYAGE_API_KEY',
    prices: 'voyageai',
    otherUsage: quirk.allIsInput,
  },
  {
    name: 'cohere',
    host: 'https://api.cohere.com',
    base: '/compatibility/v1',
    key: 'COHERE_API_KEY',
    formatOf: cohereFormatOf,
  },
];

export const compatibleProviders: readonly Provider[] = ROWS.map((row) => ({
  name: row.name,
  host: row.host,
  dialect: makeDialect(openaiErrors, row),
  pathOf: openaiPaths(row.base ?? '/v1', row.more),
  keyEnvironment: row.key,
  credentialHeaders: ['authorization'],
  credentialQuery: [],
  priceList: row.prices ?? row.name,
  ...(row.tierPercent === undefined ? {} : { tierPercent: row.tierPercent }),
}));
