import type { JsonObject } from '../../json/value.ts';
import { asCount, asObject, firstCount } from '../../json/value.ts';
import { UNKNOWN_USAGE } from '../facts.ts';
import type { FactsBuilder } from '../facts.ts';
import type { Usage } from '../provider.ts';

/**
 * docs.cohere.com/reference/chat (`usage`, or `meta` before v2): `tokens` are those that the model read and wrote, cached
 * ones included; `billed_units` leave out what Cohere adds by itself. Embed and generate report billed ones alone.
 */
export function cohereUsage(raw: JsonObject): Usage {
  const tokens = asObject(raw['tokens']);
  const billed = asObject(raw['billed_units']);
  return {
    ...UNKNOWN_USAGE,
    input_tokens: firstCount(tokens?.['input_tokens'], billed?.['input_tokens']),
    output_tokens: firstCount(tokens?.['output_tokens'], billed?.['output_tokens']),
    cache_read_tokens: asCount(raw['cached_tokens']),
  };
}

/** What is billed: docs.cohere.com/docs/how-does-cohere-pricing-work. */
export function readBilled(facts: FactsBuilder, usage: unknown): void {
  const billed = asObject(asObject(usage)?.['billed_units']);
  facts.unit('billed_input_tokens', billed?.['input_tokens']);
  facts.unit('billed_output_tokens', billed?.['output_tokens']);
  facts.unit('rerank_searches', billed?.['search_units']);
}
