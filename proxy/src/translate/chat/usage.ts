import type { JsonObject } from '../../json/value.ts';
import type { Usage } from '../../providers/provider.ts';
import { maybe } from '../fields.ts';

/** platform.openai.com/docs/api-reference/chat/object#usage: the same convention as Weir's own. */
export function chatUsage(usage: Usage): JsonObject {
  const input = usage.input_tokens ?? 0;
  const output = usage.output_tokens ?? 0;
  const read = {
    ...maybe('cached_tokens', usage.cache_read_tokens),
    ...maybe('cache_write_tokens', usage.cache_write_tokens),
    ...maybe('audio_tokens', usage.input_audio_tokens),
  };
  const written = {
    ...maybe('reasoning_tokens', usage.reasoning_tokens),
    ...maybe('audio_tokens', usage.output_audio_tokens),
  };
  return {
    prompt_tokens: input,
    completion_tokens: output,
    total_tokens: input + output,
    ...(Object.keys(read).length > 0 ? { prompt_tokens_details: read } : {}),
    ...(Object.keys(written).length > 0 ? { completion_tokens_details: written } : {}),
  };
}
