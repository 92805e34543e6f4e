import { KEEP, TEXT, keep, merge, plan } from '../../json/plan.ts';
import type { JsonObject } from '../../json/value.ts';
import { asCount, asList, asObject, asText, jsonText } from '../../json/value.ts';
import { ERROR_PLAN, readError } from '../read-error.ts';
import type { FactsBuilder } from '../facts.ts';
import type { Format } from '../format.ts';
import { geminiUsage } from './usage.ts';

const CANDIDATE = plan({
  ...keep('index', 'finishReason'),
  groundingMetadata: plan(keep('webSearchQueries')),
  content: plan({
    parts: plan({ text: TEXT, functionCall: plan(keep('id', 'name')), inlineData: plan(keep('mimeType')) }),
  }),
});

/**
 * Which tier served a call: it may be another than the one asked for, and is what is charged
 * (ai.google.dev/gemini-api/docs/priority-inference).
 */
export const TIER_HEADER = 'x-gemini-service-tier';

/**
 * generateContent and streamGenerateContent (SSE, or one JSON list whose items come one by one), embeddings too:
 * ai.google.dev/api/generate-content. Every piece of a stream has the shape of a whole reply.
 */
export const generateFormat: Format = {
  plan: merge(
    ERROR_PLAN,
    plan({
      ...keep('modelVersion', 'responseId', 'usageMetadata'),
      promptFeedback: plan(keep('blockReason'), KEEP),
      candidates: CANDIDATE,
    }),
  ),

  head(facts, header) {
    facts.tier(header(TIER_HEADER));
  },

  reply(facts, body) {
    facts.identity(body['modelVersion'], body['responseId']);
    readGeminiUsage(facts, body['usageMetadata']);
    asList(body['candidates']).forEach((candidate, position) => readCandidate(facts, asObject(candidate), position));
    // A blocked prompt has no candidate; its reason is the only word on why the reply ended.
    const blocked = asText(asObject(body['promptFeedback'])?.['blockReason']);
    if (blocked !== null) {
      facts.complete = true;
      if (asList(body['candidates']).length === 0) facts.finish(0, blocked);
    }
  },

  event(facts, event) {
    if (!readError(facts, event, false)) this.reply(facts, event);
  },

  usage: geminiUsage,
};

/** Each piece carries the counts so far: a full set replaces, a partial one adds to, what came before. */
export function readGeminiUsage(facts: FactsBuilder, value: unknown): void {
  const said = asObject(value);
  if (said === null) return;
  const full = said['promptTokenCount'] !== undefined && said['totalTokenCount'] !== undefined;
  if (full) facts.rawUsage = null;
  facts.usage(said);
  // Vertex says it in `trafficType`: `ON_DEMAND`, `ON_DEMAND_PRIORITY`, `ON_DEMAND_FLEX`, `PROVISIONED_THROUGHPUT`
  // (cloud.google.com/vertex-ai/generative-ai/docs/priority-paygo).
  facts.tier(said['serviceTier'] ?? said['trafficType']);
}

function readCandidate(facts: FactsBuilder, candidate: JsonObject | null, position: number): void {
  if (candidate === null) return;
  const index = asCount(candidate['index']) ?? position;
  if (asText(candidate['finishReason']) !== null || (asCount(candidate['finishReason']) ?? 0) > 0) {
    facts.finish(index, candidate['finishReason']);
    facts.complete = true;
  }
  // Gemini 2 is charged for the prompt, Gemini 3 for each search: ai.google.dev/gemini-api/docs/pricing.
  asList(asObject(candidate['groundingMetadata'])?.['webSearchQueries']).forEach((query) => {
    facts.piece('grounded_prompts', '');
    facts.piece('web_searches', String(query).slice(0, 512));
  });
  for (const value of asList(asObject(candidate['content'])?.['parts'])) {
    const part = asObject(value);
    facts.text(part?.['text']);
    if (asObject(part?.['inlineData']) !== null) facts.sawContent = true;
    const call = asObject(part?.['functionCall']);
    // Arguments that are streamed repeat the part without the name.
    if (asText(call?.['name']) === null) continue;
    facts.anotherToolCall();
    facts.text(call?.['name']);
    const parameters = asObject(call?.['args']);
    if (parameters !== null) facts.text(jsonText(parameters));
  }
}
