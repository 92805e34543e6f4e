import { TEXT, keep, merge, plan } from '../../json/plan.ts';
import { asObject, asText } from '../../json/value.ts';
import { ERROR_PLAN, readError } from '../error-shape.ts';
import type { Format } from '../format.ts';
import { openaiUsage } from './usage.ts';

/** Embeddings, moderations, images, audio, rerank: model and usage where the reply names them. */
export const otherFormat: Format = {
  plan: merge(
    ERROR_PLAN,
    plan({ ...keep('id', 'model', 'usage', 'service_tier', 'type', 'meta'), text: TEXT, delta: TEXT }),
  ),
  reply(facts, body) {
    facts.identity(body['model'], body['id']);
    facts.tier(body['service_tier']);
    facts.usage(body['usage']);
    facts.text(body['text']);
  },
  event(facts, event, name) {
    if (readError(facts, event, false)) return;
    const type = asText(event['type']) ?? name;
    facts.identity(event['model'], event['id']);
    facts.usage(event['usage'] ?? asObject(event['response'])?.['usage']);
    if (type.endsWith('.delta')) facts.text(event['delta']);
    if (type.endsWith('.partial_image')) facts.sawContent = true;
    if (type.endsWith('.done') || type.endsWith('.completed')) facts.complete = true;
  },
  usage: openaiUsage,
};

/** Token counts, batches, files, model lists, unknown endpoints: what they report is no usage of this call. */
export const plainFormat: Format = {
  plan: merge(ERROR_PLAN, plan(keep('id', 'model', 'type'))),
  reply(facts, body) {
    facts.identity(body['model'], body['id']);
  },
  event(facts, event) {
    if (!readError(facts, event, false)) facts.identity(event['model'], event['id']);
  },
  usage: () => null,
};
