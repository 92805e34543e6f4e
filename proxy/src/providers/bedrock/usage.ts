import type { JsonObject } from '../../json/value.ts';
import { asCount, asList, asObject, firstCount } from '../../json/value.ts';
import { UNKNOWN_USAGE } from '../facts.ts';
import type { FactsBuilder } from '../facts.ts';
import type { HeaderOf } from '../format.ts';
import type { Usage } from '../provider.ts';

/** Where Bedrock puts its own count of an invoked model's stream. */
export const METRICS = 'amazon-bedrock-invocationMetrics';

/**
 * Converse's counts: `inputTokens` excludes what was read from and written to the cache
 * (docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_TokenUsage.html; `cacheDetails` splits the writes by their
 * time to live). Nova's own API spells the cached ones `…TokenCount`.
 */
export function converseUsage(raw: JsonObject): Usage {
  return counted(
    asCount(raw['inputTokens']),
    asCount(raw['outputTokens']),
    firstCount(raw['cacheReadInputTokens'], raw['cacheReadInputTokenCount']),
    firstCount(raw['cacheWriteInputTokens'], raw['cacheWriteInputTokenCount']),
    anHour(raw['cacheDetails']),
  );
}

/** Bedrock's own count of an invoked model, from the last event of its stream or from the reply's headers. */
export function metricsUsage(metrics: JsonObject): Usage {
  return counted(
    asCount(metrics['inputTokenCount']),
    asCount(metrics['outputTokenCount']),
    asCount(metrics['cacheReadInputTokenCount']),
    asCount(metrics['cacheWriteInputTokenCount']),
    null,
  );
}

function counted(
  fresh: number | null,
  output: number | null,
  read: number | null,
  written: number | null,
  hour: number | null,
): Usage {
  return {
    ...UNKNOWN_USAGE,
    input_tokens: fresh === null ? null : fresh + (read ?? 0) + (written ?? 0),
    output_tokens: output,
    cache_read_tokens: read,
    cache_write_tokens: written,
    cache_write_1h_tokens: hour,
  };
}

function anHour(details: unknown): number | null {
  const hours = asList(details)
    .map(asObject)
    .filter((detail) => detail?.['ttl'] === '1h');
  if (asList(details).length === 0) return null;
  return hours.reduce((sum, detail) => sum + (asCount(detail?.['inputTokens']) ?? 0), 0);
}

const HEADERS: readonly (readonly [string, string])[] = [
  ['inputTokenCount', 'x-amzn-bedrock-input-token-count'],
  ['outputTokenCount', 'x-amzn-bedrock-output-token-count'],
  ['cacheReadInputTokenCount', 'x-amzn-bedrock-cache-read-input-token-count'],
  ['cacheWriteInputTokenCount', 'x-amzn-bedrock-cache-write-input-token-count'],
];

/** The counts in a reply's headers: docs.aws.amazon.com/bedrock/latest/userguide/inference-invoke.html. */
export function readHeaders(facts: FactsBuilder, header: HeaderOf): void {
  facts.tier(header('x-amzn-bedrock-service-tier'));
  const counts = HEADERS.flatMap(([name, from]) => {
    const text = header(from)?.trim() ?? '';
    return /^\d{1,15}$/.test(text) ? [[name, Number(text)] as const] : [];
  });
  if (counts.length > 0) facts.usage({ [METRICS]: Object.fromEntries(counts) });
}
