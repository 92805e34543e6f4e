import { TEXT, keep, merge, plan } from '../../json/plan.ts';
import type { JsonObject } from '../../json/value.ts';
import { asList, asObject, asText } from '../../json/value.ts';
import { ERROR_PLAN, readError } from '../read-error.ts';
import type { FactsBuilder } from '../facts.ts';
import type { Format } from '../format.ts';
import { openaiUsage } from './usage.ts';

/**
 * Embeddings, moderations, audio, rerank: model and usage where the reply names them. Sound may be billed by the second:
 * `usage.seconds` (platform.openai.com/docs/api-reference/audio/json-object), `usage.prompt_audio_seconds`
 * (docs.mistral.ai/capabilities/audio_transcription), `duration` of a verbose reply, `metadata.duration`
 * (developers.deepgram.com/reference/speech-to-text/listen-pre-recorded).
 */
export const otherFormat: Format = {
  plan: merge(
    ERROR_PLAN,
    plan({
      ...keep('id', 'model', 'usage', 'service_tier', 'type', 'duration'),
      text: TEXT,
      delta: TEXT,
      metadata: plan(keep('duration', 'request_id')),
    }),
  ),
  reply(facts, body) {
    facts.identity(body['model'], body['id']);
    facts.tier(body['service_tier']);
    facts.usage(body['usage']);
    facts.text(body['text']);
    facts.unit('audio_seconds', body['duration'] ?? asObject(body['metadata'])?.['duration']);
    readSeconds(facts, body['usage']);
  },
  event(facts, event, name) {
    if (readError(facts, event, false)) return;
    const type = asText(event['type']) ?? name;
    facts.identity(event['model'], event['id']);
    const usage = event['usage'] ?? asObject(event['response'])?.['usage'];
    facts.usage(usage);
    readSeconds(facts, usage);
    if (type.endsWith('.delta')) facts.text(event['delta']);
    if (type.endsWith('.partial_image')) facts.sawContent = true;
    if (type.endsWith('.done') || type.endsWith('.completed')) facts.complete = true;
  },
  usage: openaiUsage,
};

/** Images: platform.openai.com/docs/api-reference/images. Older models report no tokens; their pictures are counted. */
export const imageFormat: Format = {
  ...otherFormat,
  plan: merge(otherFormat.plan, plan({ data: plan({}), images: plan({}) })),
  reply(facts, body) {
    otherFormat.reply(facts, body);
    const images = imagesOf(body);
    if (images > 0) facts.unit('images', images);
  },
};

function imagesOf(body: JsonObject): number {
  return Math.max(asList(body['data']).length, asList(body['images']).length);
}

function readSeconds(facts: FactsBuilder, value: unknown): void {
  const usage = asObject(value);
  facts.unit('audio_seconds', usage?.['seconds'] ?? usage?.['prompt_audio_seconds']);
}
