import { keep, merge, plan } from '../../json/plan.ts';
import type { JsonObject } from '../../json/value.ts';
import { asObject, asText } from '../../json/value.ts';
import { messagesFormat } from '../anthropic/messages.ts';
import { anthropicUsage } from '../anthropic/usage.ts';
import { cohereFormat } from '../cohere/native.ts';
import { cohereUsage } from '../cohere/usage.ts';
import { ERROR_PLAN, readError } from '../read-error.ts';
import type { FactsBuilder } from '../facts.ts';
import type { Format } from '../format.ts';
import { chatFormat } from '../openai/chat.ts';
import { openaiUsage } from '../openai/usage.ts';
import type { Usage } from '../provider.ts';
import { converseFormat, isConverse } from './converse.ts';
import { MODEL_SHAPES } from './models.ts';
import { METRICS, converseUsage, metricsUsage, readHeaders } from './usage.ts';

/** Event types of Anthropic's stream, and what its replies are called. */
const ANTHROPIC = /^(?:message|completion|ping|error|content_block)(?:_|$)/;

/**
 * InvokeModel and its stream: the body is the model's own (docs.aws.amazon.com/bedrock/latest/userguide/
 * model-parameters.html). Which one it is tells its shape, because an inference profile's name does not tell its vendor.
 */
export const invokeFormat: Format = {
  plan: merge(
    ERROR_PLAN,
    messagesFormat.plan,
    chatFormat.plan,
    converseFormat.plan,
    cohereFormat.plan,
    ...MODEL_SHAPES.map((shape) => shape.plan),
    plan(keep(METRICS)),
  ),

  head: readHeaders,

  reply(facts, body) {
    readMetrics(facts, body);
    for (const shape of MODEL_SHAPES) if (shape.is(body)) return shape.read(facts, body);
    formatFor(body).reply(facts, body);
  },

  event(facts, event, name) {
    readMetrics(facts, event);
    if (readError(facts, event, name === 'error')) return;
    const shape = MODEL_SHAPES.find((one) => one.is(event));
    if (shape !== undefined) shape.read(facts, event);
    // Claude's oldest models do not name the type of their events.
    else formatFor(event).event(facts, event, event['completion'] === undefined ? '' : 'completion');
    // Bedrock's own count stands in the last event, whatever the model.
    if (event[METRICS] !== undefined) facts.complete = true;
  },

  endsWithFinish: true,
  usage: readUsage,
};

function formatFor(body: JsonObject): Format {
  if (ANTHROPIC.test(asText(body['type']) ?? '') || body['completion'] !== undefined) return messagesFormat;
  if (isConverse(body)) return converseFormat;
  return Array.isArray(body['choices']) ? chatFormat : cohereFormat;
}

function readMetrics(facts: FactsBuilder, body: JsonObject): void {
  const metrics = asObject(body[METRICS]);
  if (metrics !== null) facts.usage({ [METRICS]: metrics });
}

/** The model's own counts, by their names; where it has none, Bedrock's. Cohere's are not those that AWS bills. */
function readUsage(raw: JsonObject): Usage {
  if (known(raw['prompt_tokens']) || known(raw['completion_tokens'])) return openaiUsage(raw);
  if (known(raw['inputTokens']) || known(raw['outputTokens'])) return converseUsage(raw);
  if (known(raw['input_tokens']) || known(raw['output_tokens'])) return anthropicUsage(raw);
  const metrics = asObject(raw[METRICS]);
  return metrics === null ? cohereUsage(raw) : metricsUsage(metrics);
}

function known(value: unknown): boolean {
  return typeof value === 'number';
}
