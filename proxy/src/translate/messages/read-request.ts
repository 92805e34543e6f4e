/** A request of Anthropic's Messages (docs.anthropic.com/en/api/messages) in the neutral form. */
import type { JsonObject } from '../../json/value.ts';
import { asObject } from '../../json/value.ts';
import type {
  AnswerFormat,
  Effort,
  FieldNames,
  Question,
  Reasoning,
  TextPart,
  Tool,
  ToolChoice,
} from '../conversation.ts';
import { efforts } from '../conversation.ts';
import type { Notes } from '../fields.ts';
import {
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
import { readTurns } from './read-turns.ts';

const NAMES: FieldNames = {
  count: 'n',
  seed: 'seed',
  topK: 'top_k',
  temperature: 'temperature',
  frequencyPenalty: 'frequency_penalty',
  presencePenalty: 'presence_penalty',
  format: 'output_config.format',
  reasoning: 'thinking',
  user: 'metadata.user_id',
  tier: 'service_tier',
  parallel: 'tool_choice.disable_parallel_tool_use',
  choice: 'tool_choice',
  tools: 'tools',
  turns: 'messages',
};

const KNOWN: ReadonlySet<string> = new Set([
  ...[
    'model',
    'messages',
    'system',
    'stream',
    'max_tokens',
    'temperature',
    'top_p',
    'top_k',
    'stop_sequences',
    'tools',
  ],
  ...['tool_choice', 'thinking', 'output_config', 'output_format', 'metadata', 'service_tier'],
  ...['container', 'mcp_servers', 'inference_geo'],
]);

const REFUSED: Readonly<Record<string, string>> = {
  container: 'a container of this provider’s own cannot be used by another',
  mcp_servers: 'servers that the provider itself calls cannot be asked of another',
  inference_geo: 'where the model runs cannot be asked of another API',
};

export function readMessagesRequest(body: JsonObject, notes: Notes): Question {
  for (const [name, why] of Object.entries(REFUSED)) if (present(body[name])) refuse(name, why);
  notes.dropOthers(body, KNOWN);
  const metadata = maybeObjectAt(body['metadata'], 'metadata');
  if (metadata !== null) notes.dropOthers(metadata, new Set(['user_id']), 'metadata.');
  const choice = maybeObjectAt(body['tool_choice'], 'tool_choice');
  const turns = readTurns(body['messages'], notes);
  return {
    system: [...readSystem(body['system'], notes), ...turns.system],
    turns: turns.turns,
    tools: listAt(body['tools'], 'tools').map((tool, index) =>
      readTool(objectAt(tool, `tools[${index}]`), index, notes),
    ),
    choice: choice === null ? null : readChoice(choice),
    parallel: choice?.['disable_parallel_tool_use'] === true ? false : null,
    maxTokens: numberAt(body['max_tokens'], 'max_tokens'),
    temperature: numberAt(body['temperature'], 'temperature'),
    topP: numberAt(body['top_p'], 'top_p'),
    topK: numberAt(body['top_k'], 'top_k'),
    seed: null,
    frequencyPenalty: null,
    presencePenalty: null,
    stop: textsAt(body['stop_sequences'], 'stop_sequences'),
    count: null,
    format: readFormat(body),
    reasoning: readReasoning(body, notes),
    user: textAt(metadata?.['user_id'], 'metadata.user_id'),
    tier: readTier(body['service_tier'], notes),
    begun: turns.turns.at(-1)?.role === 'assistant',
    streamUsage: true,
    names: NAMES,
  };
}

function readSystem(value: unknown, notes: Notes): TextPart[] {
  if (typeof value === 'string') return value === '' ? [] : [{ kind: 'text', text: value }];
  return listAt(value, 'system').map((item, index) => {
    const at = `system[${index}]`;
    const block = objectAt(item, at);
    if (block['type'] !== 'text') refuse(`${at}.type`, 'only text can stand here');
    notes.dropOthers(block, new Set(['type', 'text', 'cache_control']), 'system.');
    return {
      kind: 'text',
      text: textAt(block['text'], `${at}.text`) ?? '',
      ...maybe('cache', asObject(block['cache_control'])),
    };
  });
}

function readTool(tool: JsonObject, index: number, notes: Notes): Tool {
  const at = `tools[${index}]`;
  const type = textAt(tool['type'], `${at}.type`) ?? 'custom';
  if (type !== 'custom') refuse(`${at}.type`, `the provider’s own tool ${type} cannot be asked of another`);
  notes.dropOthers(tool, new Set(['type', 'name', 'description', 'input_schema', 'strict', 'cache_control']), 'tools.');
  return {
    name: neededText(tool['name'], `${at}.name`),
    description: textAt(tool['description'], `${at}.description`),
    schema: objectAt(tool['input_schema'], `${at}.input_schema`),
    strict: typeof tool['strict'] === 'boolean' ? tool['strict'] : null,
    ...maybe('cache', asObject(tool['cache_control'])),
  };
}

function readChoice(choice: JsonObject): ToolChoice {
  const type = choice['type'];
  if (type === 'auto' || type === 'none' || type === 'any') return { kind: type };
  if (type !== 'tool') refuse('tool_choice.type', 'expected auto, any, tool or none');
  return { kind: 'named', names: [neededText(choice['name'], 'tool_choice.name')] };
}

/** `output_format` is the older place of `output_config.format`. */
function readFormat(body: JsonObject): AnswerFormat | null {
  const config = maybeObjectAt(body['output_config'], 'output_config');
  const [at, value] = present(config?.['format'])
    ? ['output_config.format', config?.['format']]
    : ['output_format', body['output_format']];
  const format = maybeObjectAt(value, at);
  if (format === null) return null;
  if (format['type'] !== 'json_schema') refuse(`${at}.type`, 'expected json_schema');
  return { schema: objectAt(format['schema'], `${at}.schema`), name: null, description: null, strict: true };
}

function readReasoning(body: JsonObject, notes: Notes): Reasoning | null {
  const config = maybeObjectAt(body['output_config'], 'output_config');
  if (config !== null) notes.dropOthers(config, new Set(['format', 'effort']), 'output_config.');
  const word = textAt(config?.['effort'], 'output_config.effort');
  const effort = word === null ? null : readEffort(word);
  const thinking = maybeObjectAt(body['thinking'], 'thinking');
  if (thinking === null) return effort === null ? null : { effort, budget: null, shown: null };
  notes.dropOthers(thinking, new Set(['type', 'budget_tokens', 'display']), 'thinking.');
  const shown = thinking['display'] !== 'omitted';
  if (thinking['type'] === 'disabled') return { effort: 'none', budget: null, shown: null };
  if (thinking['type'] === 'adaptive') return { effort, budget: effort === null ? 'auto' : null, shown };
  if (thinking['type'] !== 'enabled') refuse('thinking.type', 'expected enabled, adaptive or disabled');
  return { effort, budget: numberAt(thinking['budget_tokens'], 'thinking.budget_tokens'), shown };
}

function readEffort(word: string): Effort {
  const found = efforts.find((effort) => effort === word);
  return found ?? refuse('output_config.effort', `expected one of ${efforts.join(', ')}`);
}

function readTier(value: unknown, notes: Notes): Question['tier'] {
  const tier = textAt(value, 'service_tier');
  if (tier === null || tier === 'auto') return tier;
  if (tier === 'standard_only') return 'standard';
  notes.drop('service_tier');
  return null;
}
