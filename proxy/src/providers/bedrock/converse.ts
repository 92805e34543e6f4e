import { KEEP, TEXT, keep, merge, plan } from '../../json/plan.ts';
import type { JsonObject } from '../../json/value.ts';
import { asCount, asList, asObject, asText, jsonText } from '../../json/value.ts';
import { ERROR_PLAN, readError } from '../read-error.ts';
import type { FactsBuilder } from '../facts.ts';
import type { Format } from '../format.ts';
import { converseUsage } from './usage.ts';

const REASONING = plan({ text: TEXT, reasoningText: plan({ text: TEXT }) });
const BLOCK = plan({
  text: TEXT,
  toolUse: plan(keep('name', 'type', 'toolUseId')),
  reasoningContent: REASONING,
  citationsContent: plan({ content: plan({ text: TEXT }) }),
});
const TRACE = plan({ promptRouter: plan(keep('invokedModelId')) });
const TIER = plan(keep('type', 'latency'));
const METADATA = plan({ ...keep('usage'), trace: TRACE, serviceTier: TIER, performanceConfig: TIER });

/** What names an event of the stream, whole or as the union's member. */
const EVENTS = [
  'messageStart',
  'contentBlockStart',
  'contentBlockDelta',
  'contentBlockStop',
  'messageStop',
  'metadata',
];

/** Whether an object is Converse's, or of Nova's own API, which has the same shape. */
export function isConverse(body: JsonObject): boolean {
  return asObject(body['output']) !== null || EVENTS.some((name) => body[name] !== undefined);
}

/**
 * Converse, and ConverseStream as `{[event]: …}` for each event:
 * docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_Converse.html, …/API_runtime_ConverseStream.html. No reply
 * names its model, but for that of a prompt router, whose trace does.
 */
export const converseFormat: Format = {
  plan: merge(
    ERROR_PLAN,
    METADATA,
    plan({
      stopReason: KEEP,
      output: plan({ message: plan({ content: BLOCK }) }),
      messageStop: plan(keep('stopReason')),
      metadata: METADATA,
      contentBlockStart: plan({ contentBlockIndex: KEEP, start: plan({ toolUse: plan(keep('name', 'type')) }) }),
      contentBlockDelta: plan({
        delta: plan({ text: TEXT, toolUse: plan({ input: TEXT }), reasoningContent: REASONING }),
      }),
    }),
  ),

  reply(facts, body) {
    readMetadata(facts, body);
    facts.finish(0, body['stopReason']);
    const message = asObject(asObject(body['output'])?.['message']);
    asList(message?.['content']).forEach((block, index) => readBlock(facts, asObject(block), index));
  },

  event(facts, event, name) {
    if (readError(facts, event, name === 'error')) return;
    const start = asObject(event['contentBlockStart']);
    if (start !== null) readBlock(facts, asObject(start['start']), asCount(start['contentBlockIndex']) ?? 0);
    readDelta(facts, asObject(asObject(event['contentBlockDelta'])?.['delta']));
    facts.finish(0, asObject(event['messageStop'])?.['stopReason']);
    const metadata = asObject(event['metadata']);
    if (metadata !== null) readMetadata(facts, metadata);
    // Counts follow the end of the message.
    if (facts.finished && (metadata !== null || facts.rawUsage !== null)) facts.complete = true;
  },

  endsWithFinish: true,
  usage: converseUsage,
};

function readMetadata(facts: FactsBuilder, body: JsonObject): void {
  facts.usage(body['usage']);
  facts.tier(asObject(body['serviceTier'])?.['type']);
  // Latency-optimised inference has prices of its own.
  if (asObject(body['performanceConfig'])?.['latency'] === 'optimized') facts.tier('optimized');
  facts.identity(asObject(asObject(body['trace'])?.['promptRouter'])?.['invokedModelId'], null);
}

function readBlock(facts: FactsBuilder, block: JsonObject | null, index: number): void {
  if (block === null) return;
  facts.text(block['text']);
  readReasoning(facts, asObject(block['reasoningContent']));
  for (const part of asList(asObject(block['citationsContent'])?.['content'])) facts.text(asObject(part)?.['text']);
  const call = asObject(block['toolUse']);
  // `server_tool_use` runs at the provider.
  if (call === null || asText(call['type']) === 'server_tool_use') return;
  facts.toolCall(String(index), null);
  facts.text(call['name']);
  const input = asObject(call['input']);
  if (input !== null) facts.text(jsonText(input));
}

function readDelta(facts: FactsBuilder, delta: JsonObject | null): void {
  if (delta === null) return;
  facts.text(delta['text']);
  facts.text(asObject(delta['toolUse'])?.['input']);
  readReasoning(facts, asObject(delta['reasoningContent']));
}

function readReasoning(facts: FactsBuilder, reasoning: JsonObject | null): void {
  facts.text(reasoning?.['text']);
  facts.text(asObject(reasoning?.['reasoningText'])?.['text']);
}
