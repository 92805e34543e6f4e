import type { JsonObject } from '../../json/value.ts';
import { asObject, firstCount } from '../../json/value.ts';
import type { Usage } from '../provider.ts';

/**
 * OpenAI-shaped counts: input includes cached, output includes reasoning.
 * platform.openai.com/docs/api-reference/chat/object#usage (`prompt_tokens`…), …/responses/object#usage
 * (`input_tokens`…); audio transcription spells `input_token_details`. Other spellings of the same numbers:
 * `prompt_cache_hit_tokens` (api-docs.deepseek.com), `cached_tokens` (platform.moonshot.ai, docs.together.ai),
 * `num_cached_tokens` (docs.mistral.ai), `prompt_token_details` (Mistral, Writer),
 * `reasoning_tokens` beside the totals (docs.perplexity.ai).
 */
export function openaiUsage(raw: JsonObject): Usage {
  const input =
    asObject(raw['prompt_tokens_details']) ??
    asObject(raw['input_tokens_details']) ??
    asObject(raw['input_token_details']) ??
    asObject(raw['prompt_token_details']);
  const output =
    asObject(raw['completion_tokens_details']) ??
    asObject(raw['output_tokens_details']) ??
    asObject(raw['output_token_details']) ??
    asObject(raw['completion_token_details']);
  return {
    input_tokens: firstCount(raw['prompt_tokens'], raw['input_tokens']),
    output_tokens: firstCount(raw['completion_tokens'], raw['output_tokens']),
    cache_read_tokens: firstCount(
      input?.['cached_tokens'],
      raw['prompt_cache_hit_tokens'],
      raw['cached_tokens'],
      raw['num_cached_tokens'],
      raw['cache_read_input_tokens'],
    ),
    cache_write_tokens: firstCount(
      input?.['cache_write_tokens'],
      input?.['cache_creation_tokens'],
      raw['cache_creation_input_tokens'],
    ),
    cache_write_1h_tokens: null,
    reasoning_tokens: firstCount(output?.['reasoning_tokens'], raw['reasoning_tokens']),
    input_audio_tokens: firstCount(input?.['audio_tokens']),
    output_audio_tokens: firstCount(output?.['audio_tokens']),
    input_image_tokens: firstCount(input?.['image_tokens']),
  };
}
