/** The neutral form as a request of Anthropic's Messages. */
import type { JsonObject } from '../../json/value.ts';
import { asList } from '../../json/value.ts';
import type { Question, ToolChoice } from '../conversation.ts';
import { mergeTurns, widenChoice } from '../conversation.ts';
import type { Notes } from '../fields.ts';
import { maybe, refuse } from '../fields.ts';
import { budgetAsked, effortAsked, known } from '../reasoning.ts';
import { closeObjects } from '../schema.ts';
import { writeBlock } from './write-blocks.ts';

/** `max_tokens` must be said here and need not be elsewhere. What is written is what the oldest models of a family allow. */
const DEFAULT_LIMIT = 8_192;
const SMALL_LIMIT = 4_096;
const SMALL = /claude-3-(?:haiku|opus|sonnet)/;

/**
 * Models that are told how many tokens to think; later ones choose by `output_config.effort`
 * (docs.anthropic.com/en/docs/build-with-claude/adaptive-thinking).
 */
const BY_BUDGET = /claude-3|claude-(?:opus|sonnet|haiku)-4(?:-[0-5])?(?:$|[^0-9.-]|-\d{8}|-v\d|-latest)/;
const LEAST_BUDGET = 1_024;

export function writeMessagesRequest(question: Question, model: string, streamed: boolean, notes: Notes): JsonObject {
  const { names } = question;
  if (question.count !== null && question.count > 1) refuse(names.count, 'this API gives one answer to a call');
  for (const name of ['seed', 'frequencyPenalty', 'presencePenalty'] as const)
    if (question[name] !== null) notes.drop(names[name]);
  if (question.temperature !== null && question.temperature > 1) notes.note('clamped', names.temperature);
  const { reasoning, effort, maxTokens } = writeReasoning(question, model, notes);
  const format = writeFormat(question);
  const turns = mergeTurns(question.turns).map(({ role, parts }) => ({
    role,
    content: parts.flatMap((part) => writeBlock(part, notes)),
  }));
  // The model would go on with it, where others begin anew.
  if (turns.at(-1)?.role === 'assistant') notes.note('continued', names.turns);
  return {
    model,
    max_tokens: maxTokens,
    ...maybe('system', writeSystem(question)),
    messages: turns.filter((turn) => turn.content.length > 0),
    ...(question.temperature === null ? {} : { temperature: Math.min(1, question.temperature) }),
    ...maybe('top_p', question.topP),
    ...maybe('top_k', question.topK),
    ...(question.stop.length > 0 ? { stop_sequences: question.stop } : {}),
    ...maybe('thinking', reasoning),
    ...(format === null && effort === null
      ? {}
      : { output_config: { ...maybe('effort', effort), ...maybe('format', format) } }),
    ...(question.user === null ? {} : { metadata: { user_id: question.user } }),
    ...maybe('service_tier', writeTier(question, notes)),
    ...writeTools(question),
    ...(streamed ? { stream: true } : {}),
  };
}

function writeSystem({ system }: Question): string | JsonObject[] | null {
  const said = system.filter((part) => part.text !== '');
  if (said.length === 0) return null;
  const [only] = said;
  if (said.length === 1 && only !== undefined && only.cache === undefined) return only.text;
  return said.map((part) => ({ type: 'text', text: part.text, ...maybe('cache_control', part.cache) }));
}

interface Thinking {
  readonly reasoning: JsonObject | null;
  readonly effort: string | null;
  readonly maxTokens: number;
}

function writeReasoning({ reasoning, maxTokens: asked, names }: Question, model: string, notes: Notes): Thinking {
  const limit = SMALL.test(model) ? SMALL_LIMIT : DEFAULT_LIMIT;
  if (reasoning === null) return { reasoning: null, effort: null, maxTokens: asked ?? limit };
  const effort = effortAsked(reasoning);
  if (effort === 'none') return { reasoning: { type: 'disabled' }, effort: null, maxTokens: asked ?? limit };
  const display = reasoning.shown === false ? { display: 'omitted' } : {};
  if (!BY_BUDGET.test(model)) {
    const word = effort === null ? null : known(effort, ['low', 'medium', 'high', 'max']);
    // Later models leave the thoughts out unless they are asked for.
    const shown = reasoning.shown === false ? display : { display: 'summarized' };
    return { reasoning: { type: 'adaptive', ...shown }, effort: word, maxTokens: asked ?? 2 * limit };
  }
  const wanted = Math.max(LEAST_BUDGET, budgetAsked(reasoning) ?? LEAST_BUDGET);
  // Thinking is a part of `max_tokens`, which must leave room for the answer.
  if (asked !== null && asked <= LEAST_BUDGET) {
    notes.drop(names.reasoning);
    return { reasoning: null, effort: null, maxTokens: asked };
  }
  const budget = asked === null ? wanted : Math.min(wanted, Math.max(LEAST_BUDGET, Math.floor(asked * 0.75)));
  return {
    reasoning: { type: 'enabled', budget_tokens: budget, ...display },
    effort: null,
    maxTokens: asked ?? budget + limit,
  };
}

function writeFormat({ format, names }: Question): JsonObject | null {
  if (format === null) return null;
  if (format.schema === null) refuse(names.format, 'this API gives JSON by a schema only');
  return { type: 'json_schema', schema: closeObjects(format.schema) };
}

function writeTier({ tier, names }: Question, notes: Notes): string | null {
  if (tier === 'auto') return tier;
  if (tier === 'standard') return 'standard_only';
  if (tier !== null) notes.drop(names.tier);
  return null;
}

function writeTools({ tools, choice, parallel, names }: Question): JsonObject {
  if (tools.length === 0) return {};
  const written = tools.map((tool) => ({
    name: tool.name,
    ...maybe('description', tool.description),
    input_schema:
      asList(tool.schema['type']).length === 0 && tool.schema['type'] !== 'object'
        ? { ...tool.schema, type: 'object' }
        : tool.schema,
    ...maybe('strict', tool.strict === true ? true : null),
    ...maybe('cache_control', tool.cache),
  }));
  if (choice === null && parallel !== false) return { tools: written };
  const alone = parallel === false && choice?.kind !== 'none' ? { disable_parallel_tool_use: true } : {};
  return { tools: written, tool_choice: { ...writeChoice(widenChoice(choice, tools), names.choice), ...alone } };
}

function writeChoice(choice: ToolChoice | null, field: string): JsonObject {
  if (choice === null) return { type: 'auto' };
  if (choice.kind !== 'named') return { type: choice.kind };
  if (choice.names.length > 1) refuse(field, 'this API can force one tool or any of all');
  return { type: 'tool', name: choice.names[0] };
}
