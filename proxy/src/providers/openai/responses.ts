import { KEEP, TEXT, keep, merge, plan } from '../../json/plan.ts';
import type { JsonObject } from '../../json/value.ts';
import { asCount, asList, asObject, asText } from '../../json/value.ts';
import { ERROR_PLAN, readError } from '../read-error.ts';
import type { FactsBuilder } from '../facts.ts';
import type { Format } from '../format.ts';
import { openaiUsage } from './usage.ts';

const ITEM = plan({
  ...keep('type', 'name', 'status'),
  action: plan(keep('type'), KEEP),
  content: plan({ text: TEXT, refusal: TEXT }, TEXT),
  summary: plan({ text: TEXT }),
  arguments: TEXT,
  input: TEXT,
  environment: plan(keep('type'), KEEP),
});
const RESPONSE = merge(
  ERROR_PLAN,
  plan({
    ...keep('id', 'model', 'status', 'usage', 'service_tier', 'background'),
    output: ITEM,
    tools: plan(keep('type')),
  }),
);

/** Output items that the client must run: platform.openai.com/docs/api-reference/responses/object#output. */
const CLIENT_CALLS: ReadonlySet<string> = new Set([
  'function_call',
  'custom_tool_call',
  'local_shell_call',
  'computer_call',
  'apply_patch_call',
]);

/** Events after which nothing follows. */
const LAST: ReadonlySet<string> = new Set([
  'response.completed',
  'response.incomplete',
  'response.failed',
  'response.cancelled',
  'response.done',
]);

/** The Responses API, also retrieve, cancel and compact: platform.openai.com/docs/api-reference/responses. */
export const responsesFormat: Format = {
  plan: merge(
    RESPONSE,
    plan({ ...keep('type', 'output_index', 'param'), delta: TEXT, response: RESPONSE, item: ITEM }),
  ),

  reply(facts, body) {
    readResponse(facts, body);
    facts.finish(0, body['status']);
    for (const item of asList(body['output'])) readText(facts, asObject(item));
  },

  event(facts, event, name) {
    const type = asText(event['type']) ?? name;
    const response = asObject(event['response']);
    if (type === 'error' || response === null) {
      if (readError(facts, event, type === 'error')) return;
    } else {
      readError(facts, response, false);
      readResponse(facts, response);
      if (LAST.has(type)) {
        facts.complete = true;
        facts.finish(0, response['status']);
      }
    }
    // Sound and pictures are content, but their base64 is no text.
    if (/[._]audio\.delta$|\.partial_image$/.test(type)) facts.sawContent = true;
    else if (type.endsWith('.delta')) facts.text(event['delta']);
    const item = asObject(event['item']);
    if (item !== null) readItem(facts, item, asCount(event['output_index']) ?? 0);
  },

  usage: openaiUsage,
};

function readResponse(facts: FactsBuilder, body: JsonObject): void {
  facts.identity(body['model'], body['id']);
  facts.tier(body['service_tier']);
  if (body['background'] === true) facts.background = true;
  facts.usage(body['usage']);
  readTools(facts, body);
  asList(body['output']).forEach((value, index) => {
    const item = asObject(value);
    if (item !== null) readItem(facts, item, index);
  });
}

/**
 * A response repeats the tools that it was given. Searches look alike whichever tool made them, and cost more with
 * `web_search_preview` (also with its date behind it): platform.openai.com/docs/pricing#built-in-tools.
 */
function readTools(facts: FactsBuilder, body: JsonObject): void {
  const types = asList(body['tools']).map((tool) => asText(asObject(tool)?.['type']) ?? '');
  if (types.some((type) => type.startsWith('web_search_preview')))
    facts.chargeAs('web_searches', 'preview_web_searches');
}

function readItem(facts: FactsBuilder, item: JsonObject, index: number): void {
  const type = asText(item['type']) ?? '';
  // A shell call runs at the provider unless its environment is the client's own.
  const local = type === 'shell_call' && asObject(item['environment'])?.['type'] === 'local';
  if (CLIENT_CALLS.has(type) || local) facts.toolCall(String(index), null);
  readPiece(facts, item, type, String(index));
}

/** Searches are charged, opening and leafing through a page are not: platform.openai.com/docs/pricing#built-in-tools. */
function readPiece(facts: FactsBuilder, item: JsonObject, type: string, place: string): void {
  const done = item['status'] === 'completed';
  const action = asText(asObject(item['action'])?.['type']);
  if (type === 'web_search_call' && (action === 'search' || (action === null && done)))
    facts.piece('web_searches', place);
  if (type === 'file_search_call' && done) facts.piece('storage_searches', place);
}

function readText(facts: FactsBuilder, item: JsonObject | null): void {
  if (item === null) return;
  facts.text(item['content']);
  for (const part of [...asList(item['content']), ...asList(item['summary'])]) {
    facts.text(asObject(part)?.['text']);
    facts.text(asObject(part)?.['refusal']);
  }
  facts.text(item['name']);
  facts.text(item['arguments']);
  facts.text(item['input']);
}
