/** A request of Gemini's generateContent (ai.google.dev/api/generate-content) in the neutral form. */
import type { JsonObject } from '../../json/value.ts';
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
import type { Notes } from '../fields.ts';
import {
  booleanAt,
  listAt,
  maybeObjectAt,
  neededText,
  numberAt,
  objectAt,
  present,
  refuse,
  textAt,
  textsAt,
} from '../fields.ts';
import { fromGeminiSchema } from '../schema.ts';
import { both, member } from './member.ts';
import { readContents, readTextParts } from './read-contents.ts';

const IN = 'generationConfig';
const NAMES: FieldNames = {
  count: `${IN}.candidateCount`,
  seed: `${IN}.seed`,
  topK: `${IN}.topK`,
  temperature: `${IN}.temperature`,
  frequencyPenalty: `${IN}.frequencyPenalty`,
  presencePenalty: `${IN}.presencePenalty`,
  format: `${IN}.responseMimeType`,
  reasoning: `${IN}.thinkingConfig`,
  user: 'user',
  tier: 'serviceTier',
  parallel: 'toolConfig',
  choice: 'toolConfig.functionCallingConfig',
  tools: 'tools',
  turns: 'contents',
};

const KNOWN = both(
  'model',
  'contents',
  'systemInstruction',
  'generationConfig',
  'tools',
  'toolConfig',
  'serviceTier',
  'cachedContent',
  'stream',
);
const KNOWN_CONFIG = both(
  ...['temperature', 'topP', 'topK', 'candidateCount', 'maxOutputTokens', 'stopSequences', 'seed', 'presencePenalty'],
  ...['frequencyPenalty', 'responseMimeType', 'responseSchema', 'responseJsonSchema', 'thinkingConfig'],
  ...['responseModalities', 'responseLogprobs', 'logprobs', 'speechConfig'],
);

export function readGenerateRequest(body: JsonObject, notes: Notes): Question {
  if (present(member(body, 'cachedContent')))
    refuse('cachedContent', 'what is cached at one provider cannot be read by another');
  notes.dropOthers(body, KNOWN);
  const config = maybeObjectAt(member(body, 'generationConfig'), IN) ?? {};
  notes.dropOthers(config, KNOWN_CONFIG, `${IN}.`);
  refuseOutputs(config);
  const number = (name: string): number | null => numberAt(member(config, name), `${IN}.${name}`);
  return {
    system: readSystem(member(body, 'systemInstruction'), notes),
    turns: readContents(body['contents'], notes),
    tools: listAt(body['tools'], 'tools').flatMap((tool, index) =>
      readTools(objectAt(tool, `tools[${index}]`), index, notes),
    ),
    choice: readChoice(maybeObjectAt(member(body, 'toolConfig'), 'toolConfig'), notes),
    parallel: null,
    maxTokens: number('maxOutputTokens'),
    temperature: number('temperature'),
    topP: number('topP'),
    topK: number('topK'),
    seed: number('seed'),
    frequencyPenalty: number('frequencyPenalty'),
    presencePenalty: number('presencePenalty'),
    stop: textsAt(member(config, 'stopSequences'), `${IN}.stopSequences`),
    count: number('candidateCount'),
    format: readFormat(config),
    reasoning: readReasoning(maybeObjectAt(member(config, 'thinkingConfig'), NAMES.reasoning)),
    user: null,
    tier: readTier(member(body, 'serviceTier'), notes),
    begun: false,
    streamUsage: true,
    names: NAMES,
  };
}

/** Answers that are not text, or more than text. */
function refuseOutputs(config: JsonObject): void {
  const modalities = textsAt(member(config, 'responseModalities'), `${IN}.responseModalities`);
  if (modalities.some((word) => word.toUpperCase() !== 'TEXT'))
    refuse(`${IN}.responseModalities`, 'only text can be asked of another API');
  if (present(member(config, 'speechConfig'))) refuse(`${IN}.speechConfig`, 'spoken answers exist in this API only');
  if (member(config, 'responseLogprobs') === true)
    refuse(`${IN}.responseLogprobs`, 'probabilities of tokens cannot be translated');
}

function readSystem(value: unknown, notes: Notes): TextPart[] {
  if (!present(value)) return [];
  if (typeof value === 'string') return [{ kind: 'text', text: value }];
  return readTextParts(objectAt(value, 'systemInstruction')['parts'], 'systemInstruction.parts', notes);
}

function readTools(tool: JsonObject, index: number, notes: Notes): Tool[] {
  const declared = both('functionDeclarations');
  const own = Object.keys(tool).find((name) => !declared.has(name) && present(tool[name]));
  if (own !== undefined) refuse(`tools[${index}].${own}`, 'a tool of the provider’s own cannot be asked of another');
  const at = `tools[${index}].functionDeclarations`;
  return listAt(member(tool, 'functionDeclarations'), at).map((value, position) =>
    readTool(objectAt(value, `${at}[${position}]`), `${at}[${position}]`, notes),
  );
}

function readTool(declared: JsonObject, at: string, notes: Notes): Tool {
  notes.dropOthers(
    declared,
    both('name', 'description', 'parameters', 'parametersJsonSchema'),
    'functionDeclarations.',
  );
  const own = maybeObjectAt(declared['parameters'], `${at}.parameters`);
  const schema = maybeObjectAt(member(declared, 'parametersJsonSchema'), `${at}.parametersJsonSchema`);
  return {
    name: neededText(declared['name'], `${at}.name`),
    description: textAt(declared['description'], `${at}.description`),
    schema: schema ?? (own === null ? { type: 'object', properties: {} } : fromGeminiSchema(own)),
    strict: null,
  };
}

function readChoice(toolConfig: JsonObject | null, notes: Notes): ToolChoice | null {
  if (toolConfig === null) return null;
  notes.dropOthers(toolConfig, both('functionCallingConfig'), 'toolConfig.');
  const config = maybeObjectAt(member(toolConfig, 'functionCallingConfig'), NAMES.choice);
  if (config === null) return null;
  const names = textsAt(member(config, 'allowedFunctionNames'), `${NAMES.choice}.allowedFunctionNames`);
  switch (textAt(config['mode'], `${NAMES.choice}.mode`)?.toUpperCase()) {
    case 'ANY':
      return names.length === 0 ? { kind: 'any' } : { kind: 'named', names };
    case 'NONE':
      return { kind: 'none' };
    case 'VALIDATED':
      notes.drop(`${NAMES.choice}.mode`);
      return { kind: 'auto' };
    default:
      return { kind: 'auto' };
  }
}

function readFormat(config: JsonObject): AnswerFormat | null {
  const type = textAt(member(config, 'responseMimeType'), NAMES.format);
  const schema = maybeObjectAt(member(config, 'responseJsonSchema'), `${IN}.responseJsonSchema`);
  const own = maybeObjectAt(member(config, 'responseSchema'), `${IN}.responseSchema`);
  if (schema === null && own === null && (type === null || type === 'text/plain')) return null;
  if (type !== null && type !== 'application/json')
    refuse(NAMES.format, `an answer as ${type} cannot be asked of another API`);
  const wanted = schema ?? (own === null ? null : fromGeminiSchema(own));
  return { schema: wanted, name: null, description: null, strict: null };
}

const LEVELS: Readonly<Record<string, Effort>> = { MINIMAL: 'minimal', LOW: 'low', MEDIUM: 'medium', HIGH: 'high' };

function readReasoning(config: JsonObject | null): Reasoning | null {
  if (config === null) return null;
  const level = textAt(member(config, 'thinkingLevel'), `${NAMES.reasoning}.thinkingLevel`);
  const budget = numberAt(member(config, 'thinkingBudget'), `${NAMES.reasoning}.thinkingBudget`);
  const shown = booleanAt(member(config, 'includeThoughts'), `${NAMES.reasoning}.includeThoughts`);
  const effort = LEVELS[level?.toUpperCase() ?? ''] ?? null;
  // Seeing the thoughts is asked for without asking for more of them.
  return { effort, budget: budget === -1 || (budget === null && effort === null) ? 'auto' : budget, shown };
}

function readTier(value: unknown, notes: Notes): Question['tier'] {
  const tier = textAt(value, 'serviceTier')?.toLowerCase() ?? null;
  if (tier === null || tier === 'unspecified') return null;
  if (tier === 'standard' || tier === 'flex' || tier === 'priority') return tier;
  notes.drop('serviceTier');
  return null;
}
