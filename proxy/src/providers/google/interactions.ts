import { TEXT, keep, merge, plan } from '../../json/plan.ts';
import { asList, asObject, asText } from '../../json/value.ts';
import { ERROR_PLAN, readError } from '../read-error.ts';
import type { FactsBuilder } from '../facts.ts';
import type { Format } from '../format.ts';
import { TIER_HEADER } from './generate.ts';
import { interactionUsage } from './usage.ts';

const OUTPUT = plan({ ...keep('type', 'name', 'id'), text: TEXT, thinking: TEXT, content: plan({ text: TEXT }, TEXT) });
const INTERACTION = merge(
  ERROR_PLAN,
  plan({ ...keep('id', 'model', 'status', 'usage', 'service_tier'), outputs: OUTPUT, steps: OUTPUT }),
);

/** Interactions, whole and as events: ai.google.dev/api/interactions-api. */
export const interactionsFormat: Format = {
  plan: merge(
    INTERACTION,
    plan({ ...keep('event_type', 'index'), interaction: INTERACTION, delta: OUTPUT, content: OUTPUT, step: OUTPUT }),
  ),

  head(facts, header) {
    facts.tier(header(TIER_HEADER));
  },

  reply(facts, body) {
    facts.identity(body['model'], body['id']);
    facts.tier(body['service_tier']);
    facts.usage(body['usage']);
    facts.finish(0, body['status']);
    for (const output of [...asList(body['outputs']), ...asList(body['steps'])]) readOutput(facts, output);
  },

  event(facts, event, name) {
    const type = asText(event['event_type']) ?? asText(event['type']) ?? name;
    if (readError(facts, event, type === 'error')) return;
    const interaction = asObject(event['interaction']);
    if (interaction !== null) {
      facts.identity(interaction['model'], interaction['id']);
      facts.tier(interaction['service_tier']);
      facts.usage(interaction['usage']);
      if (/\.(?:complete|completed|failed|cancelled|incomplete)$/.test(type)) {
        facts.complete = true;
        facts.finish(0, interaction['status']);
      }
    }
    readOutput(facts, event['delta']);
    if (type.endsWith('.start')) readOutput(facts, event['content'] ?? event['step']);
  },

  usage: interactionUsage,
};

function readOutput(facts: FactsBuilder, value: unknown): void {
  const output = asObject(value);
  if (output === null) return;
  facts.text(output['text']);
  facts.text(output['thinking']);
  for (const part of asList(output['content'])) facts.text(asObject(part)?.['text']);
  if (output['type'] === 'function_call' && asText(output['name']) !== null) facts.anotherToolCall();
}
