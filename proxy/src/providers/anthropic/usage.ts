import type { JsonObject } from '../../json/value.ts';
import { asCount, asObject } from '../../json/value.ts';
import { UNKNOWN_USAGE } from '../facts.ts';
import type { Usage } from '../provider.ts';

/**
 * Anthropic's `input_tokens` excludes what was read from and written to the cache:
 * docs.anthropic.com/en/docs/build-with-claude/prompt-caching#tracking-cache-performance. Nested `iterations` repeat the
 * totals and are not added.
 */
export function anthropicUsage(raw: JsonObject): Usage {
  const fresh = asCount(raw['input_tokens']);
  const read = asCount(raw['cache_read_input_tokens']);
  const split = asObject(raw['cache_creation']);
  const fiveMinutes = asCount(split?.['ephemeral_5m_input_tokens']);
  const hour = asCount(split?.['ephemeral_1h_input_tokens']);
  const parts = fiveMinutes === null && hour === null ? null : (fiveMinutes ?? 0) + (hour ?? 0);
  const written = asCount(raw['cache_creation_input_tokens']) ?? parts;
  return {
    ...UNKNOWN_USAGE,
    input_tokens: fresh === null ? null : fresh + (read ?? 0) + (written ?? 0),
    output_tokens: asCount(raw['output_tokens']),
    cache_read_tokens: read,
    cache_write_tokens: written,
    cache_write_1h_tokens: hour,
    reasoning_tokens: asCount(asObject(raw['output_tokens_details'])?.['thinking_tokens']),
  };
}
