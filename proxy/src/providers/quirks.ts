import type { JsonObject } from '../json/value.ts';
import { asCount, asObject, decimalText } from '../json/value.ts';
import { sumOf } from '../prices/decimal.ts';
import type { Usage } from './provider.ts';

/** xAI's chat leaves reasoning out of `completion_tokens`, but not out of the total: docs.x.ai/docs/guides/reasoning. */
export function reasoningApart(usage: Usage, raw: JsonObject): Usage {
  const { input_tokens: input, output_tokens: output, reasoning_tokens: reasoning } = usage;
  if (output === null || reasoning === null) return usage;
  const total = asCount(raw['total_tokens']);
  if (total !== null && input !== null && total === input + output) return usage;
  return { ...usage, output_tokens: output + reasoning };
}

/** Perplexity's deep research reports reasoning beside all totals: docs.perplexity.ai/models/models/sonar-deep-research. */
export function reasoningBesideTotals(usage: Usage, raw: JsonObject): Usage {
  const reasoning = asCount(raw['reasoning_tokens']);
  if (usage.output_tokens === null || reasoning === null) return usage;
  return { ...usage, output_tokens: usage.output_tokens + reasoning };
}

/**
 * Gemini behind its OpenAI-shaped path counts thoughts in the total alone: ai.google.dev/gemini-api/docs/openai. They
 * are billed as output.
 */
export function thoughtsInTotal(usage: Usage, raw: JsonObject): Usage {
  const total = asCount(raw['total_tokens']);
  const { input_tokens: input, output_tokens: output } = usage;
  if (total === null || input === null || total <= input + (output ?? 0)) return usage;
  const hidden = total - input - (output ?? 0);
  return { ...usage, output_tokens: total - input, reasoning_tokens: usage.reasoning_tokens ?? hidden };
}

/** Voyage reports `total_tokens` alone, and embeds all of it: docs.voyageai.com/reference/embeddings-api. */
export function allIsInput(usage: Usage, raw: JsonObject): Usage {
  return { ...usage, input_tokens: usage.input_tokens ?? asCount(raw['total_tokens']) };
}

/**
 * OpenRouter, `usage.cost` in USD: openrouter.ai/docs/use-cases/usage-accounting. With a key of one's own (`is_byok`) that is
 * its fee alone, and what the model's vendor charges stands beside it.
 */
export function costInUsd(raw: JsonObject): string | null {
  const cost = decimalText(raw['cost']);
  if (cost === null || raw['is_byok'] !== true) return cost;
  const upstream = decimalText(asObject(raw['cost_details'])?.['upstream_inference_cost']);
  return upstream === null ? null : sumOf(cost, upstream);
}

/** Perplexity, `usage.cost.total_cost` in USD: docs.perplexity.ai/api-reference/chat-completions-post. */
export function costTotal(raw: JsonObject): string | null {
  return decimalText(asObject(raw['cost'])?.['total_cost']);
}

/** xAI, `usage.cost_in_usd_ticks`, ten thousand million to the dollar: docs.x.ai/docs/api-reference. */
export function costInTicks(raw: JsonObject): string | null {
  const ticks = asCount(raw['cost_in_usd_ticks']);
  if (ticks === null) return null;
  const digits = String(ticks).padStart(11, '0');
  return `${digits.slice(0, -10)}.${digits.slice(-10)}`;
}
