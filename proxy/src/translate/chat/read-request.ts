/** A request of OpenAI's chat completions (platform.openai.com/docs/api-reference/chat/create) in the neutral form. */
import type { JsonObject } from '../../json/value.ts';
import { asObject } from '../../json/value.ts';
import type { AnswerFormat, Effort, FieldNames, Question, Reasoning, Tool, ToolChoice } from '../conversation.ts';
import { efforts } from '../conversation.ts';
import type { Notes } from '../fields.ts';
import {
  booleanAt,
  listAt,
  maybe,
  maybeObjectAt,
  neededText,
  numberAt,
  objectAt,
  present,
  refuse,
  textAt,
  textsAt,
} from '../fields.ts';
import { readMessages } from './read-messages.ts';

const NAMES: FieldNames = {
  count: 'n',
  seed: 'seed',
  topK: 'top_k',
  temperature: 'temperature',
  frequencyPenalty: 'frequency_penalty',
  presencePenalty: 'presence_penalty',
  format: 'response_format',
  reasoning: 'reasoning_effort',
  user: 'user',
  tier: 'service_tier',
  parallel: 'parallel_tool_calls',
  choice: 'tool_choice',
  tools: 'tools',
  turns: 'messages',
};

const KNOWN: ReadonlySet<string> = new Set([
  ...['model', 'messages', 'stream', 'stream_options', 'max_tokens', 'max_completion_tokens', 'temperature', 'top_p'],
  ...['top_k', 'seed', 'frequency_penalty', 'presence_penalty', 'stop', 'n', 'response_format', 'reasoning_effort'],
  ...['reasoning', 'user', 'safety_identifier', 'service_tier', 'tools', 'tool_choice', 'parallel_tool_calls'],
  ...['logprobs', 'top_logprobs', 'modalities', 'audio', 'functions', 'function_call', 'web_search_options', 'store'],
]);

/** Members that other dialects have no place for and that change what the answer is. */
const REFUSED: Readonly<Record<string, string>> = {
  audio: 'spoken answers exist in this API only',
  web_search_options: 'the search of this provider’s own cannot be asked of another',
  functions: 'functions are translated as `tools` only',
  function_call: 'functions are translated as `tools` only',
};

export function readChatRequest(body: JsonObject, notes: Notes): Question {
  for (const [name, why] of Object.entries(REFUSED)) if (present(body[name])) refuse(name, why);
  if (body['logprobs'] === true) refuse('logprobs', 'probabilities of tokens cannot be translated');
  const modalities = textsAt(body['modalities'], 'modalities');
  if (modalities.some((modality) => modality !== 'text')) refuse('modalities', 'only text can be asked of another API');
  notes.dropOthers(body, KNOWN);
  if (body['store'] === true) notes.drop('store');
  const stop = body['stop'];
  return {
    ...readMessages(body['messages'], notes),
    tools: listAt(body['tools'], 'tools').map((tool, index) => readTool(tool, `tools[${index}]`, notes)),
    choice: readChoice(body['tool_choice']),
    parallel: booleanAt(body['parallel_tool_calls'], 'parallel_tool_calls'),
    maxTokens:
      numberAt(body['max_completion_tokens'], 'max_completion_tokens') ?? numberAt(body['max_tokens'], 'max_tokens'),
    temperature: numberAt(body['temperature'], 'temperature'),
    topP: numberAt(body['top_p'], 'top_p'),
    topK: numberAt(body['top_k'], 'top_k'),
    seed: numberAt(body['seed'], 'seed'),
    frequencyPenalty: numberAt(body['frequency_penalty'], 'frequency_penalty'),
    presencePenalty: numberAt(body['presence_penalty'], 'presence_penalty'),
    stop: typeof stop === 'string' ? [stop] : textsAt(stop, 'stop'),
    count: numberAt(body['n'], 'n'),
    format: readFormat(body['response_format']),
    reasoning: readReasoning(body),
    user: textAt(body['user'], 'user') ?? textAt(body['safety_identifier'], 'safety_identifier'),
    tier: readTier(body['service_tier'], notes),
    begun: false,
    streamUsage: asObject(body['stream_options'])?.['include_usage'] === true,
    names: NAMES,
  };
}

function readTool(value: unknown, at: string, notes: Notes): Tool {
  const tool = objectAt(value, at);
  const type = textAt(tool['type'], `${at}.type`) ?? 'function';
  if (type !== 'function') refuse(`${at}.type`, `a tool of type ${type} cannot be translated`);
  // Some programs leave out the level in between.
  const described = maybeObjectAt(tool['function'], `${at}.function`) ?? tool;
  const field = described === tool ? at : `${at}.function`;
  notes.dropOthers(
    tool,
    new Set(['type', 'function', 'name', 'description', 'parameters', 'strict', 'cache_control']),
    'tools.',
  );
  return {
    name: neededText(described['name'], `${field}.name`),
    description: textAt(described['description'], `${field}.description`),
    schema: maybeObjectAt(described['parameters'], `${field}.parameters`) ?? { type: 'object', properties: {} },
    strict: booleanAt(described['strict'], `${field}.strict`),
    ...maybe('cache', asObject(tool['cache_control'])),
  };
}

function readChoice(value: unknown): ToolChoice | null {
  if (!present(value)) return null;
  if (value === 'auto' || value === 'none') return { kind: value };
  // Mistral says `any`.
  if (value === 'required' || value === 'any') return { kind: 'any' };
  const choice = objectAt(value, 'tool_choice');
  if (choice['type'] === 'function') {
    const named = maybeObjectAt(choice['function'], 'tool_choice.function') ?? choice;
    return { kind: 'named', names: [neededText(named['name'], 'tool_choice.function.name')] };
  }
  if (choice['type'] !== 'allowed_tools') refuse('tool_choice.type', 'this choice cannot be translated');
  const allowed = maybeObjectAt(choice['allowed_tools'], 'tool_choice.allowed_tools') ?? choice;
  if (allowed['mode'] !== 'required') refuse('tool_choice.allowed_tools.mode', 'only `required` can be translated');
  const names = listAt(allowed['tools'], 'tool_choice.allowed_tools.tools').map((item, index) => {
    const tool = objectAt(item, `tool_choice.allowed_tools.tools[${index}]`);
    return neededText(
      asObject(tool['function'])?.['name'] ?? tool['name'],
      `tool_choice.allowed_tools.tools[${index}].name`,
    );
  });
  return { kind: 'named', names };
}

function readFormat(value: unknown): AnswerFormat | null {
  const format = maybeObjectAt(value, 'response_format');
  const none = { schema: null, name: null, description: null, strict: null };
  if (format === null || format['type'] === 'text') return null;
  if (format['type'] === 'json_object') return none;
  if (format['type'] !== 'json_schema') refuse('response_format.type', 'expected text, json_object or json_schema');
  const described = objectAt(format['json_schema'], 'response_format.json_schema');
  return {
    schema: maybeObjectAt(described['schema'], 'response_format.json_schema.schema'),
    name: textAt(described['name'], 'response_format.json_schema.name'),
    description: textAt(described['description'], 'response_format.json_schema.description'),
    strict: booleanAt(described['strict'], 'response_format.json_schema.strict'),
  };
}

/** OpenAI's own member, or OpenRouter's `reasoning` (openrouter.ai/docs/use-cases/reasoning-tokens). */
function readReasoning(body: JsonObject): Reasoning | null {
  const own = textAt(body['reasoning_effort'], 'reasoning_effort');
  const other = maybeObjectAt(body['reasoning'], 'reasoning');
  const effort = own ?? textAt(other?.['effort'], 'reasoning.effort');
  const budget = numberAt(other?.['max_tokens'], 'reasoning.max_tokens');
  const off = other?.['enabled'] === false;
  const shown = other?.['exclude'] === true ? false : null;
  if (effort === null && budget === null && !off && shown === null) return null;
  return {
    effort: off ? 'none' : readEffort(effort, own === null ? 'reasoning.effort' : 'reasoning_effort'),
    budget,
    shown,
  };
}

function readEffort(effort: string | null, field: string): Effort | null {
  if (effort === null) return null;
  const found = efforts.find((word) => word === effort);
  return found ?? refuse(field, `expected one of ${efforts.join(', ')}`);
}

function readTier(value: unknown, notes: Notes): Question['tier'] {
  const tier = textAt(value, 'service_tier');
  if (tier === null || tier === 'auto' || tier === 'flex' || tier === 'priority') return tier;
  if (tier === 'default') return 'standard';
  notes.drop('service_tier');
  return null;
}
