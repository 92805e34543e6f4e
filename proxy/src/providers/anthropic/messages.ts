import { TEXT, keep, merge, plan } from '../../json/plan.ts';
import type { JsonObject } from '../../json/value.ts';
import { asCount, asList, asObject, asText, jsonText } from '../../json/value.ts';
import { ERROR_PLAN, readError } from '../read-error.ts';
import type { FactsBuilder } from '../facts.ts';
import type { Format } from '../format.ts';
import { anthropicUsage } from './usage.ts';

const BLOCK = plan({ ...keep('type', 'name', 'id'), text: TEXT, thinking: TEXT, input: plan({}) });
const MESSAGE = plan({ ...keep('id', 'model', 'stop_reason', 'usage'), content: BLOCK, completion: TEXT });

/**
 * Messages: docs.anthropic.com/en/api/messages and …/messages-streaming (`message_start`, then the cumulative counts
 * of `message_delta`); the legacy `/v1/complete` too. `tool_use` is the client's; `server_tool_use` and
 * `mcp_tool_use` run at Anthropic.
 */
export const messagesFormat: Format = {
  plan: merge(
    ERROR_PLAN,
    MESSAGE,
    plan({
      ...keep('type', 'index', 'usage'),
      message: merge(MESSAGE, { keep: true }),
      content_block: BLOCK,
      delta: plan({ ...keep('type', 'stop_reason'), text: TEXT, thinking: TEXT, partial_json: TEXT }),
    }),
  ),

  reply(facts, body) {
    readMessage(facts, body);
    facts.finish(0, body['stop_reason']);
    asList(body['content']).forEach((block, index) => readBlock(facts, asObject(block), index));
    facts.text(body['completion']);
  },

  event(facts, event, name) {
    const type = asText(event['type']) ?? name;
    if (type === 'error' || event['error'] !== undefined) {
      readError(facts, event, true);
    } else if (type === 'content_block_delta') {
      const delta = asObject(event['delta']);
      facts.text(delta?.['text']);
      facts.text(delta?.['thinking']);
      facts.text(delta?.['partial_json']);
    } else if (type === 'message_start') {
      const message = asObject(event['message']);
      if (message !== null) this.reply(facts, message);
    } else if (type === 'content_block_start') {
      readBlock(facts, asObject(event['content_block']), asCount(event['index']) ?? 0);
    } else if (type === 'message_delta') {
      facts.finish(0, asObject(event['delta'])?.['stop_reason']);
      readUsage(facts, event['usage']);
    } else if (type === 'message_stop') {
      facts.complete = true;
    } else if (type === 'completion') {
      readMessage(facts, event);
      facts.text(event['completion']);
      facts.finish(0, event['stop_reason']);
      if (asText(event['stop_reason']) !== null) facts.complete = true;
    }
  },

  usage: anthropicUsage,
};

function readMessage(facts: FactsBuilder, message: JsonObject): void {
  facts.identity(message['model'], message['id']);
  readUsage(facts, message['usage']);
}

function readUsage(facts: FactsBuilder, usage: unknown): void {
  facts.usage(usage);
  // The last piece of a stream need not repeat what the first said.
  const said = facts.rawUsage;
  // Fast mode and inference kept in one country have prices of their own: …/build-with-claude/{fast-mode,data-residency}.
  const extras = [said?.['speed'] === 'fast' ? 'fast' : '', said?.['inference_geo'] === 'us' ? 'us' : ''];
  const tier = [asText(said?.['service_tier']) ?? '', ...extras].filter((word) => word !== '');
  facts.tier(tier.join('+'));
}

function readBlock(facts: FactsBuilder, block: JsonObject | null, index: number): void {
  if (block === null) return;
  facts.text(block['text']);
  facts.text(block['thinking']);
  if (block['type'] !== 'tool_use') return;
  facts.toolCall(String(index), null);
  facts.text(block['name']);
  const input = asObject(block['input']);
  if (input !== null && Object.keys(input).length > 0) facts.text(jsonText(input));
}
