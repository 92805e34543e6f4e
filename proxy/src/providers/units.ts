import type { JsonObject } from '../json/value.ts';
import { asCount, asList, asObject, firstCount } from '../json/value.ts';
import type { Units } from './provider.ts';

/**
 * What usage objects count beside the totals, each by the name that its provider gives it:
 * - Anthropic `server_tool_use.web_search_requests` (docs.anthropic.com/en/docs/agents-and-tools/tool-use/web-search-tool)
 * - Perplexity `num_search_queries`, `citation_tokens` (docs.perplexity.ai/api-reference/chat-completions-post)
 * - OpenAI `output_tokens_details.image_tokens`, `…cached_tokens_details`, `{type: 'duration', seconds}`
 *   (platform.openai.com/docs/api-reference: images, realtime, audio)
 * - Gemini `…TokensDetails` by modality (ai.google.dev/api/generate-content#UsageMetadata)
 * - Mistral `prompt_audio_seconds`, `pages_processed` (docs.mistral.ai/api); Cohere `search_units` (docs.cohere.com/reference/rerank)
 */
export function readUnits(raw: JsonObject): Units {
  const input =
    asObject(raw['input_token_details']) ??
    asObject(raw['input_tokens_details']) ??
    asObject(raw['prompt_tokens_details']);
  const output =
    asObject(raw['output_tokens_details']) ??
    asObject(raw['output_token_details']) ??
    asObject(raw['completion_tokens_details']);
  const cached = asObject(input?.['cached_tokens_details']);
  const found: Record<string, number | null> = {
    web_searches: firstCount(asObject(raw['server_tool_use'])?.['web_search_requests'], raw['num_search_queries']),
    output_citation_tokens: asCount(raw['citation_tokens']),
    rerank_searches: asCount(raw['search_units']),
    input_document_pages: asCount(raw['pages_processed']),
    audio_seconds: raw['type'] === 'duration' ? amount(raw['seconds']) : amount(raw['prompt_audio_seconds']),
    input_video_tokens: modality(raw['promptTokensDetails'], 'VIDEO'),
  };
  const known = Object.entries(found).filter((entry): entry is [string, number] => (entry[1] ?? 0) > 0);
  return {
    ...Object.fromEntries(known),
    // Here zero says something: of the cached tokens, or of the output, none were of that kind.
    ...parts(
      'cache_read_audio_tokens',
      asCount(cached?.['audio_tokens']) ?? modality(raw['cacheTokensDetails'], 'AUDIO'),
    ),
    ...parts(
      'cache_read_image_tokens',
      asCount(cached?.['image_tokens']) ?? modality(raw['cacheTokensDetails'], 'IMAGE'),
    ),
    ...parts(
      'output_image_tokens',
      asCount(output?.['image_tokens']) ?? modality(raw['candidatesTokensDetails'], 'IMAGE'),
    ),
  };
}

function parts(name: string, count: number | null): Units {
  return count === null ? {} : { [name]: count };
}

function amount(value: unknown): number | null {
  return typeof value === 'number' && Number.isFinite(value) && value >= 0 ? value : null;
}

/** The tokens of one kind in a list of kinds; `null` where there is no such list, 0 where it names others only. */
function modality(details: unknown, name: string): number | null {
  const list = asList(details);
  if (list.length === 0) return null;
  let sum = 0;
  for (const value of list) {
    const detail = asObject(value);
    if (String(detail?.['modality']).toUpperCase() === name) sum += asCount(detail?.['tokenCount']) ?? 0;
  }
  return sum;
}
