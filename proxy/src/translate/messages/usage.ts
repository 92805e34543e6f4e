import type { JsonObject } from '../../json/value.ts';
import type { Usage } from '../../providers/provider.ts';
import { maybe } from '../fields.ts';

/** docs.anthropic.com/en/api/messages#response-usage: the input leaves out what was read from and written to the cache. */
export function messagesUsage(usage: Usage | null): JsonObject {
  const input = usage?.input_tokens ?? 0;
  // Some servers tell more cached tokens than tokens: the total is what is charged.
  const read = Math.min(input, usage?.cache_read_tokens ?? 0);
  const written = Math.min(input - read, usage?.cache_write_tokens ?? 0);
  const hour = usage?.cache_write_1h_tokens ?? null;
  const thinking = usage?.reasoning_tokens ?? null;
  return {
    input_tokens: input - read - written,
    cache_creation_input_tokens: written,
    cache_read_input_tokens: read,
    ...maybe(
      'cache_creation',
      hour === null
        ? null
        : { ephemeral_5m_input_tokens: Math.max(0, written - hour), ephemeral_1h_input_tokens: hour },
    ),
    output_tokens: usage?.output_tokens ?? 0,
    ...maybe('output_tokens_details', thinking === null ? null : { thinking_tokens: thinking }),
  };
}
