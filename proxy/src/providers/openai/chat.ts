import { KEEP, TEXT, keep, merge, plan } from '../../json/plan.ts';
import type { JsonObject } from '../../json/value.ts';
import { asCount, asList, asObject, asText } from '../../json/value.ts';
import { ERROR_PLAN, readError } from '../read-error.ts';
import type { FactsBuilder } from '../facts.ts';
import type { Format } from '../format.ts';
import { openaiUsage } from './usage.ts';

const CONTENT = plan({ text: TEXT, thinking: plan({ text: TEXT }, TEXT) }, TEXT);
const MESSAGE = plan({
  content: CONTENT,
  reasoning_content: TEXT,
  reasoning: TEXT,
  refusal: TEXT,
  audio: plan({ transcript: TEXT }),
  tool_calls: plan({
    ...keep('id', 'index', 'type'),
    function: plan({ name: KEEP, arguments: TEXT }),
    custom: plan({ name: KEEP, input: TEXT }),
  }),
  function_call: plan({ name: KEEP, arguments: TEXT }),
});

/** Chat completions and legacy completions, whole and as chunks: platform.openai.com/docs/api-reference/chat. */
export const chatFormat: Format = {
  plan: merge(
    ERROR_PLAN,
    plan({
      ...keep('id', 'model', 'usage', 'service_tier', 'x_groq'),
      choices: plan({
        ...keep('index', 'finish_reason', 'stop_reason', 'usage'),
        text: TEXT,
        message: MESSAGE,
        delta: MESSAGE,
      }),
    }),
  ),

  reply(facts, body) {
    facts.identity(body['model'], body['id']);
    facts.tier(body['service_tier']);
    asList(body['choices']).forEach((choice, position) => readChoice(facts, asObject(choice), position));
    facts.usage(body['usage']);
  },

  event(facts, event, name) {
    if (readError(facts, event, name === 'error')) return;
    this.reply(facts, event);
    // Groq repeats usage under its own name: console.groq.com/docs/api-reference.
    facts.usage(asObject(event['x_groq'])?.['usage']);
  },

  endsWithFinish: true,
  usage: openaiUsage,
};

function readChoice(facts: FactsBuilder, choice: JsonObject | null, position: number): void {
  if (choice === null) return;
  const index = asCount(choice['index']) ?? position;
  // `stop_reason` alone: DeepSeek's models on Bedrock. vLLM has both, and means the stop sequence by it.
  const reason = choice['finish_reason'] === undefined ? choice['stop_reason'] : choice['finish_reason'];
  facts.finish(index, asText(reason));
  facts.text(choice['text']);
  // Moonshot puts a stream's usage into the choice: platform.moonshot.ai/docs/api/chat.
  facts.usage(choice['usage']);
  const message = asObject(choice['delta']) ?? asObject(choice['message']);
  if (message === null) return;
  readContent(facts, message['content']);
  readReasoning(facts, message);
  facts.text(message['refusal']);
  facts.text(asObject(message['audio'])?.['transcript']);
  readToolCalls(facts, message, index);
}

/** `reasoning` and `reasoning_content` are two names for one text; OpenRouter sends both. */
function readReasoning(facts: FactsBuilder, message: JsonObject): void {
  const reasoning = message['reasoning_content'];
  facts.text(
    asText(reasoning) === null && reasoning === null ? message['reasoning'] : (reasoning ?? message['reasoning']),
  );
}

function readContent(facts: FactsBuilder, content: unknown): void {
  facts.text(content);
  for (const part of asList(content)) {
    const object = asObject(part);
    if (object === null) continue;
    facts.text(object['text']);
    facts.text(object['thinking']);
    // Mistral's reasoning: docs.mistral.ai/capabilities/reasoning.
    for (const thought of asList(object['thinking'])) facts.text(asObject(thought)?.['text']);
  }
}

function readToolCalls(facts: FactsBuilder, message: JsonObject, choice: number): void {
  asList(message['tool_calls']).forEach((value, position) => {
    const call = asObject(value);
    if (call === null) return;
    const type = asText(call['type']);
    if (type !== null && type !== 'function' && type !== 'custom') return;
    const called = asObject(call['function']) ?? asObject(call['custom']);
    // An id says "another call" only where a call begins, that is with its name.
    const begins = asText(called?.['name']) !== null;
    facts.toolCall(`${choice}:${asCount(call['index']) ?? position}`, begins ? asText(call['id']) : null);
    facts.text(called?.['name']);
    facts.text(called?.['arguments']);
    facts.text(called?.['input']);
  });
  const legacy = asObject(message['function_call']);
  if (legacy === null) return;
  facts.toolCall(`${choice}:function`, null);
  facts.text(legacy['name']);
  facts.text(legacy['arguments']);
}
