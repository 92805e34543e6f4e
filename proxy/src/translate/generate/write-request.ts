/** The neutral form as a request of Gemini's generateContent. The model and `stream` stand in the path there. */
import type { JsonObject } from '../../json/value.ts';
import type { Question, Reasoning } from '../conversation.ts';
import { mergeTurns } from '../conversation.ts';
import type { Notes } from '../fields.ts';
import { maybe, refuse } from '../fields.ts';
import { budgetAsked, effortAsked, known } from '../reasoning.ts';
import { writeParts } from './write-parts.ts';

/** Models that are told a number of tokens; later ones a level (ai.google.dev/gemini-api/docs/thinking). */
const BY_BUDGET = /gemini-(?:1|2|robotics|flash|pro)/;

const NO_SEAL = 'skip_thought_signature_validator';

export function writeGenerateRequest(question: Question, model: string, notes: Notes): JsonObject {
  const { names } = question;
  if (question.begun) refuse(names.turns, 'an answer that was begun cannot be continued by this API');
  if (question.parallel === false) refuse(names.parallel, 'this API cannot be kept from several calls in one answer');
  if (question.user !== null) notes.drop(names.user);
  if ([...question.system, ...question.tools].some((part) => part.cache !== undefined)) notes.drop('cache_control');
  const system = question.system.filter((part) => part.text !== '');
  const contents = mergeTurns(question.turns).map(({ role, parts }) => ({
    role: role === 'assistant' ? 'model' : 'user',
    parts: role === 'user' || BY_BUDGET.test(model) ? writeParts(parts, notes) : sealFirst(writeParts(parts, notes)),
  }));
  const config = writeConfig(question, model);
  return {
    contents: contents.filter((content) => content.parts.length > 0),
    ...(system.length > 0 ? { systemInstruction: { parts: system.map(({ text }) => ({ text })) } } : {}),
    ...(Object.keys(config).length > 0 ? { generationConfig: config } : {}),
    ...writeTools(question, notes),
    ...writeTier(question),
  };
}

/**
 * Gemini 3 refuses an answer whose first call has no seal. One that another model gave has none, and Google documents what
 * to write instead: ai.google.dev/gemini-api/docs/thought-signatures.
 */
function sealFirst(parts: readonly JsonObject[]): JsonObject[] {
  const first = parts.findIndex((part) => part['functionCall'] !== undefined);
  return parts.map((part, index) =>
    index === first && part['thoughtSignature'] === undefined ? { ...part, thoughtSignature: NO_SEAL } : part,
  );
}

/** `auto` is what not saying it means. */
function writeTier({ tier }: Question): JsonObject {
  return tier === null || tier === 'auto' ? {} : { serviceTier: tier };
}

function writeConfig(question: Question, model: string): JsonObject {
  return {
    ...maybe('temperature', question.temperature),
    ...maybe('topP', question.topP),
    ...maybe('topK', question.topK),
    ...maybe('maxOutputTokens', question.maxTokens),
    ...(question.stop.length > 0 ? { stopSequences: question.stop } : {}),
    ...maybe('candidateCount', question.count),
    ...maybe('seed', question.seed),
    ...maybe('presencePenalty', question.presencePenalty),
    ...maybe('frequencyPenalty', question.frequencyPenalty),
    ...(question.format === null ? {} : { responseMimeType: 'application/json' }),
    ...maybe('responseJsonSchema', question.format?.schema),
    ...maybe('thinkingConfig', question.reasoning === null ? null : writeReasoning(question.reasoning, model)),
  };
}

function writeReasoning(reasoning: Reasoning, model: string): JsonObject {
  const effort = effortAsked(reasoning);
  const includeThoughts = reasoning.shown ?? effort !== 'none';
  const shown = includeThoughts ? { includeThoughts } : {};
  if (BY_BUDGET.test(model)) {
    const budget = budgetAsked(reasoning);
    return { ...shown, ...maybe('thinkingBudget', budget ?? (reasoning.budget === 'auto' ? -1 : null)) };
  }
  return {
    ...shown,
    ...maybe('thinkingLevel', effort === null ? null : known(effort, ['minimal', 'low', 'medium', 'high'])),
  };
}

function writeTools({ tools, choice, names }: Question, notes: Notes): JsonObject {
  if (tools.length === 0) return {};
  if (tools.some((tool) => tool.strict === true)) notes.drop(`${names.tools}.strict`);
  const declared = tools.map((tool) => ({
    name: tool.name,
    ...maybe('description', tool.description),
    parametersJsonSchema: tool.schema,
  }));
  return { tools: [{ functionDeclarations: declared }], ...maybe('toolConfig', writeChoice(choice)) };
}

function writeChoice(choice: Question['choice']): JsonObject | null {
  if (choice === null) return null;
  const mode = { auto: 'AUTO', none: 'NONE', any: 'ANY', named: 'ANY' }[choice.kind];
  const allowed = choice.kind === 'named' ? { allowedFunctionNames: choice.names } : {};
  return { functionCallingConfig: { mode, ...allowed } };
}
