import { TEXT, keep, merge, plan } from '../../json/plan.ts';
import type { JsonObject } from '../../json/value.ts';
import { asCount, asList, asObject } from '../../json/value.ts';
import { ERROR_PLAN, readError } from '../read-error.ts';
import type { FactsBuilder } from '../facts.ts';
import { UNKNOWN_USAGE } from '../facts.ts';
import type { Format } from '../format.ts';

/**
 * Vertex's `:predict`, whose predictions have the shape of the model's kind: embeddings
 * (cloud.google.com/vertex-ai/generative-ai/docs/model-reference/text-embeddings-api: `statistics.token_count` of each),
 * pictures (…/imagen-api), text of the older models (`metadata.tokenMetadata`).
 */
export const predictFormat: Format = {
  plan: merge(
    ERROR_PLAN,
    plan({
      ...keep('metadata', 'model', 'modelVersionId'),
      predictions: plan({
        ...keep('mimeType'),
        content: TEXT,
        candidates: plan({ content: TEXT }),
        embeddings: plan(keep('statistics')),
      }),
    }),
  ),

  reply(facts, body) {
    let tokens: number | null = null;
    let images = 0;
    for (const value of asList(body['predictions'])) {
      const prediction = asObject(value);
      if (prediction === null) continue;
      const statistics = asObject(asObject(prediction['embeddings'])?.['statistics']);
      const count = asCount(statistics?.['token_count']);
      if (count !== null) tokens = (tokens ?? 0) + count;
      if (String(prediction['mimeType']).startsWith('image/')) images++;
      facts.text(prediction['content']);
      for (const candidate of asList(prediction['candidates'])) facts.text(asObject(candidate)?.['content']);
    }
    if (images > 0) facts.unit('images', images);
    facts.usage({ embedded: tokens });
    readMetadata(facts, body);
  },

  event(facts, event) {
    if (!readError(facts, event, false)) this.reply(facts, event);
  },

  usage: (raw) => ({
    ...UNKNOWN_USAGE,
    input_tokens: asCount(raw['embedded']) ?? totalOf(raw['inputTokenCount']),
    output_tokens: totalOf(raw['outputTokenCount']),
  }),
};

function readMetadata(facts: FactsBuilder, body: JsonObject): void {
  facts.usage(asObject(body['metadata'])?.['tokenMetadata']);
}

function totalOf(counts: unknown): number | null {
  return asCount(asObject(counts)?.['totalTokens']);
}
