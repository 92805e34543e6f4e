import type { JsonObject } from '../../json/value.ts';
import type { Usage } from '../../providers/provider.ts';
import { maybe } from '../fields.ts';

/** ai.google.dev/api/generate-content#UsageMetadata: thoughts are no part of the candidates. Writes to a cache have no place. */
export function generateUsage(usage: Usage): JsonObject {
  const input = usage.input_tokens ?? 0;
  const output = usage.output_tokens ?? 0;
  const thoughts = usage.reasoning_tokens ?? 0;
  return {
    promptTokenCount: input,
    candidatesTokenCount: Math.max(0, output - thoughts),
    totalTokenCount: input + output,
    ...maybe('cachedContentTokenCount', usage.cache_read_tokens),
    ...maybe('thoughtsTokenCount', usage.reasoning_tokens),
    ...details('promptTokensDetails', input, usage.input_audio_tokens),
    ...details('candidatesTokensDetails', output - thoughts, usage.output_audio_tokens),
  };
}

function details(name: string, all: number, audio: number | null): JsonObject {
  if (audio === null) return {};
  const counts = [
    { modality: 'TEXT', tokenCount: Math.max(0, all - audio) },
    { modality: 'AUDIO', tokenCount: audio },
  ];
  return { [name]: counts };
}
