import { KEEP, TEXT, keep, merge, plan } from '../../json/plan.ts';
import type { JsonObject } from '../../json/value.ts';
import { asCount, asList, asObject, asText, jsonText } from '../../json/value.ts';
import { ERROR_PLAN, readError } from '../read-error.ts';
import type { FactsBuilder } from '../facts.ts';
import type { Format } from '../format.ts';
import type { Operation } from '../provider.ts';
import { cohereUsage, readBilled } from './usage.ts';

const CALL = plan({ ...keep('id', 'name'), function: plan({ name: KEEP, arguments: TEXT }) });
const PART = plan({ text: TEXT, thinking: TEXT });
const MESSAGE = plan({ content: PART, tool_plan: TEXT, tool_calls: CALL });
const REPLY = plan({
  ...keep('id', 'response_id', 'model', 'finish_reason', 'usage', 'meta'),
  text: TEXT,
  message: merge(MESSAGE, { keep: true }),
  tool_calls: CALL,
  generations: plan({ ...keep('finish_reason', 'index'), text: TEXT }),
});

/**
 * Cohere's own API, whole and streamed: chat of v2 (docs.cohere.com/reference/chat, …/chat-stream) and of v1
 * (…/v1/chat), generate, embed, rerank. Events name themselves in `type` (v2) or `event_type` (v1).
 */
export const cohereFormat: Format = {
  plan: merge(
    ERROR_PLAN,
    REPLY,
    plan({
      ...keep('type', 'event_type', 'index', 'is_finished'),
      response: REPLY,
      delta: plan({ ...keep('finish_reason', 'usage', 'error'), message: MESSAGE }),
    }),
  ),

  reply(facts, body) {
    readEnd(facts, body);
    facts.text(body['text']);
    readCalls(facts, body['tool_calls']);
    const message = asObject(body['message']);
    if (message !== null) {
      readMessage(facts, message, 0);
      readCalls(facts, message['tool_calls']);
    }
    asList(body['generations']).forEach((value, position) => {
      const generation = asObject(value);
      facts.text(generation?.['text']);
      facts.finish(asCount(generation?.['index']) ?? position, generation?.['finish_reason']);
    });
  },

  event(facts, event, name) {
    const type = asText(event['type']) ?? asText(event['event_type']) ?? name;
    if (readError(facts, event, type === 'error')) return;
    if (asObject(event['delta']) !== null || type.startsWith('message-')) readV2(facts, event, type);
    else readV1(facts, event);
  },

  usage: cohereUsage,
};

function readV2(facts: FactsBuilder, event: JsonObject, type: string): void {
  const delta = asObject(event['delta']);
  const message = asObject(delta?.['message']);
  const index = asCount(event['index']) ?? 0;
  if (type === 'message-start') facts.identity(null, event['id']);
  if (message !== null && type !== 'message-start') readMessage(facts, message, index);
  if (type !== 'message-end') return;
  facts.finish(0, delta?.['finish_reason']);
  readUsage(facts, delta?.['usage']);
  if (asText(delta?.['error']) !== null) facts.fail(asText(delta?.['finish_reason']), asText(delta?.['error']));
  facts.complete = true;
}

function readV1(facts: FactsBuilder, event: JsonObject): void {
  facts.text(event['text']);
  readCalls(facts, event['tool_calls']);
  const response = asObject(event['response']);
  // The last event repeats the whole reply: its text was counted as it came.
  if (response !== null) readEnd(facts, response);
  facts.finish(asCount(event['index']) ?? 0, event['finish_reason']);
  if (event['is_finished'] === true) facts.complete = true;
}

function readEnd(facts: FactsBuilder, body: JsonObject): void {
  facts.identity(body['model'], body['response_id'] ?? body['id']);
  facts.finish(0, body['finish_reason']);
  readUsage(facts, body['usage'] ?? body['meta']);
}

function readUsage(facts: FactsBuilder, usage: unknown): void {
  facts.usage(usage);
  readBilled(facts, usage);
}

/** Content is a list in a whole message, one part in a piece of it; so are tool calls. */
function readMessage(facts: FactsBuilder, message: JsonObject, index: number): void {
  facts.text(message['tool_plan']);
  facts.text(message['content']);
  const content = message['content'];
  for (const value of Array.isArray(content) ? content : [content]) {
    const part = asObject(value);
    facts.text(part?.['text']);
    facts.text(part?.['thinking']);
  }
  const call = asObject(message['tool_calls']);
  if (call !== null) readCall(facts, call, index);
}

function readCalls(facts: FactsBuilder, calls: unknown): void {
  asList(calls).forEach((value, position) => {
    const call = asObject(value);
    if (call !== null) readCall(facts, call, position);
  });
}

function readCall(facts: FactsBuilder, call: JsonObject, index: number): void {
  facts.toolCall(String(index), null);
  const called = asObject(call['function']) ?? call;
  facts.text(called['name']);
  facts.text(called['arguments']);
  const parameters = asObject(called['parameters']);
  if (parameters !== null) facts.text(jsonText(parameters));
}

const OWN: ReadonlySet<Operation> = new Set<Operation>(['chat', 'completion', 'embeddings', 'rerank']);

/** Its own API, but for the paths at which it speaks OpenAI's: docs.cohere.com/docs/compatibility-api. */
export function cohereFormatOf(operation: Operation, path: string): Format | null {
  return OWN.has(operation) && !path.includes('/compatibility/') ? cohereFormat : null;
}
