import type { JsonObject } from '../../json/value.ts';
import type { Usage } from '../../providers/provider.ts';
import { maybe } from '../fields.ts';

/** docs.anthropic.com/en/api/messages#response-usage: the input leaves out what was read from and written to the cache. */
export function messagesUsage(usage: Usage | null): JsonObject {
  const read = usage?.cache_read_tokens ?? 0;
  const written = usage?.cache_write_tokens ?? 0;
  const hour = usage?.cache_write_1h_tokens ?? null;
  const thinking = usage?.reasoning_tokens ?? null;
  return {
    input_tokens: Math.max(0, (usage?.input_tokens ?? 0) - read - written),
    cache_creation_input_tokens: written,
    cache_read_input_tokens: read,
    ...maybe(
      'cache_creation',
      hour === null ? null : { ephemeral_5m_input_tokens: written - hour, ephemeral_1h_input_tokens: hour },
    ),
    output_tokens: usage?.output_tokens ?? 0,
    ...maybe('output_tokens_details', thinking === null ? null : { thinking_tokens: thinking }),
  };
}
