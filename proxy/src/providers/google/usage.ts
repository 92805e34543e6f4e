import type { JsonObject } from '../../json/value.ts';
import { asCount, asList, asObject, firstCount } from '../../json/value.ts';
import { UNKNOWN_USAGE } from '../facts.ts';
import type { Usage } from '../provider.ts';

/** A sum of known counts; `null` when none is known. */
function sum(...counts: readonly (number | null)[]): number | null {
  const known = counts.filter((count) => count !== null);
  return known.length === 0 ? null : known.reduce((total, count) => total + count, 0);
}

/** A modality by name, or by its number where enumerations are sent as numbers (Vertex, `enum-encoding=int`). */
function modality(details: unknown, ...names: readonly string[]): number | null {
  const counts = asList(details).map((value) => {
    const detail = asObject(value);
    return names.includes(String(detail?.['modality']).toUpperCase()) ? asCount(detail?.['tokenCount']) : null;
  });
  return sum(...counts);
}

/**
 * ai.google.dev/api/generate-content#UsageMetadata: `promptTokenCount` includes cached content; results of Google's own
 * tools are billed as input and counted apart (`toolUsePromptTokenCount`); `candidatesTokenCount` leaves out thoughts.
 * The Live API calls the output `responseTokenCount`: ai.google.dev/api/live#UsageMetadata.
 */
export function geminiUsage(raw: JsonObject): Usage {
  const thoughts = asCount(raw['thoughtsTokenCount']);
  const output = firstCount(raw['candidatesTokenCount'], raw['responseTokenCount']);
  return {
    ...UNKNOWN_USAGE,
    input_tokens: sum(asCount(raw['promptTokenCount']), asCount(raw['toolUsePromptTokenCount'])),
    output_tokens: sum(output, thoughts),
    cache_read_tokens: asCount(raw['cachedContentTokenCount']),
    reasoning_tokens: thoughts,
    input_audio_tokens: modality(raw['promptTokensDetails'], 'AUDIO', '4'),
    output_audio_tokens: modality(raw['candidatesTokensDetails'] ?? raw['responseTokensDetails'], 'AUDIO', '4'),
    input_image_tokens: modality(raw['promptTokensDetails'], 'IMAGE', '2'),
  };
}

/** ai.google.dev/api/interactions-api: the same counts under other names. */
export function interactionUsage(raw: JsonObject): Usage {
  const thoughts = asCount(raw['total_thought_tokens']) ?? asCount(raw['total_reasoning_tokens']);
  return {
    ...UNKNOWN_USAGE,
    input_tokens: sum(asCount(raw['total_input_tokens']), asCount(raw['total_tool_use_tokens'])),
    output_tokens: sum(asCount(raw['total_output_tokens']), thoughts),
    cache_read_tokens: asCount(raw['total_cached_tokens']),
    reasoning_tokens: thoughts,
  };
}
