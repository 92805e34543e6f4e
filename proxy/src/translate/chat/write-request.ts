/** The neutral form as a request of OpenAI's chat completions. */
import type { JsonObject } from '../../json/value.ts';
import type { MediaPart, Part, Question, ResultPart, TextPart } from '../conversation.ts';
import { joinText, mergeTurns, widenChoice } from '../conversation.ts';
import type { Notes } from '../fields.ts';
import { maybe, refuse } from '../fields.ts';
import { dataUrl, isPublicUrl } from '../media.ts';
import { effortAsked } from '../reasoning.ts';

/** Models that know the newer name only; what speaks this API beside them knows the older one. */
const NEW_LIMIT = /(?:^|\/)(?:o\d|gpt-|chatgpt-)/;

const TIERS = { auto: 'auto', standard: 'default', flex: 'flex', priority: 'priority' } as const;

export function writeChatRequest(question: Question, model: string, streamed: boolean, notes: Notes): JsonObject {
  const { names } = question;
  if (question.topK !== null) notes.drop(names.topK);
  const effort = question.reasoning === null ? null : effortAsked(question.reasoning);
  if (question.reasoning !== null && effort === null) notes.drop(names.reasoning);
  return {
    model,
    messages: [...systemMessages(question.system, notes), ...writeTurns(question, notes)],
    ...maybe(NEW_LIMIT.test(model) ? 'max_completion_tokens' : 'max_tokens', question.maxTokens),
    ...maybe('temperature', question.temperature),
    ...maybe('top_p', question.topP),
    ...maybe('seed', question.seed),
    ...maybe('frequency_penalty', question.frequencyPenalty),
    ...maybe('presence_penalty', question.presencePenalty),
    ...(question.stop.length > 0 ? { stop: question.stop } : {}),
    ...maybe('n', question.count),
    ...maybe('response_format', writeFormat(question)),
    ...maybe('reasoning_effort', effort),
    ...maybe('user', question.user),
    ...maybe('service_tier', question.tier === null ? null : TIERS[question.tier]),
    ...writeTools(question, notes),
    ...(streamed ? { stream: true, stream_options: { include_usage: true } } : {}),
  };
}

function writeTools({ tools, choice, parallel, names }: Question, notes: Notes): JsonObject {
  if (tools.length === 0) return {};
  if (tools.some((tool) => tool.cache !== undefined)) notes.drop(`${names.tools}.cache_control`);
  return {
    tools: tools.map((tool) => ({
      type: 'function',
      function: {
        name: tool.name,
        ...maybe('description', tool.description),
        parameters: tool.schema,
        ...maybe('strict', tool.strict),
      },
    })),
    ...maybe('tool_choice', writeChoice(widenChoice(choice, tools))),
    ...maybe('parallel_tool_calls', parallel),
  };
}

function writeChoice(choice: Question['choice']): unknown {
  if (choice === null) return null;
  if (choice.kind === 'any') return 'required';
  if (choice.kind !== 'named') return choice.kind;
  const tools = choice.names.map((name) => ({ type: 'function', function: { name } }));
  return tools.length === 1 ? tools[0] : { type: 'allowed_tools', allowed_tools: { mode: 'required', tools } };
}

function writeFormat({ format }: Question): JsonObject | null {
  if (format === null) return null;
  if (format.schema === null) return { type: 'json_object' };
  const { name, description, strict, schema } = format;
  const described = {
    name: name ?? 'answer',
    ...maybe('description', description),
    schema,
    ...maybe('strict', strict),
  };
  return { type: 'json_schema', json_schema: described };
}

function systemMessages(system: readonly TextPart[], notes: Notes): JsonObject[] {
  if (system.length === 0) return [];
  return [{ role: 'system', content: contentOf(system, notes) }];
}

function writeTurns({ turns, begun, names }: Question, notes: Notes): JsonObject[] {
  if (begun) refuse(names.turns, 'an answer that was begun cannot be continued by this API');
  return mergeTurns(turns).flatMap(({ role, parts }) =>
    role === 'user' ? userMessages(parts, notes) : [assistant(parts, notes)],
  );
}

/** Results first, each a message of its own, as the API wants them behind their calls. */
function userMessages(parts: readonly Part[], notes: Notes): JsonObject[] {
  const results = parts.filter((part) => part.kind === 'result');
  const others = parts.filter((part) => part.kind === 'text' || part.kind === 'media');
  const messages: JsonObject[] = results.map((part) => resultMessage(part, notes));
  if (others.length > 0 || results.length === 0) messages.push({ role: 'user', content: contentOf(others, notes) });
  return messages;
}

function resultMessage(part: ResultPart, notes: Notes): JsonObject {
  if (part.failed) notes.drop('is_error');
  if (part.cache !== undefined) notes.drop('cache_control');
  const texts = part.parts.map((item) =>
    item.kind === 'text' ? item : refuse(item.at, 'this API takes only text as the result of a tool'),
  );
  return { role: 'tool', tool_call_id: part.id, content: contentOf(texts, notes) };
}

/** Text alone is written as text: not every server knows parts. */
function contentOf(parts: readonly (TextPart | MediaPart)[], notes: Notes): string | JsonObject[] {
  if (parts.some((part) => part.cache !== undefined)) notes.drop('cache_control');
  const [only] = parts;
  if (parts.length === 0) return '';
  if (parts.length === 1 && only?.kind === 'text') return only.text;
  return parts.map((part) => (part.kind === 'text' ? { type: 'text', text: part.text } : writeMedia(part)));
}

const SOUNDS: Readonly<Record<string, string>> = {
  'audio/mp3': 'mp3',
  'audio/mpeg': 'mp3',
  'audio/wav': 'wav',
  'audio/x-wav': 'wav',
};

function writeMedia(part: MediaPart): JsonObject {
  const { what, mimeType, base64, url } = part;
  if (what === 'image') {
    if (base64 !== null)
      return { type: 'image_url', image_url: { url: dataUrl({ mimeType: mimeType ?? 'image/png', base64 }) } };
    if (url !== null && isPublicUrl(url)) return { type: 'image_url', image_url: { url } };
    return refuse(part.at, 'this address can be read by its own provider only');
  }
  if (base64 === null)
    return refuse(
      part.at,
      `this API takes the address of an image, but not of ${what === 'document' ? 'a document' : what}`,
    );
  if (what === 'audio') {
    const format = SOUNDS[mimeType ?? ''] ?? refuse(part.at, 'this API takes sound as WAV and MP3 only');
    return { type: 'input_audio', input_audio: { data: base64, format } };
  }
  if (what === 'video') return refuse(part.at, 'this API takes no video');
  // Plain text needs no file.
  if (mimeType?.startsWith('text/') === true)
    return { type: 'text', text: Buffer.from(base64, 'base64').toString('utf8') };
  const type = mimeType ?? 'application/pdf';
  const filename = part.name ?? (type === 'application/pdf' ? 'document.pdf' : 'document');
  return { type: 'file', file: { filename, file_data: dataUrl({ mimeType: type, base64 }) } };
}

/** Reasoning goes back only to those who wrote it in this API: many servers refuse a member that they do not know. */
function assistant(parts: readonly Part[], notes: Notes): JsonObject {
  const texts = parts.filter((part) => part.kind === 'text');
  const calls = parts.filter((part) => part.kind === 'call');
  const thoughts = parts.filter((part) => part.kind === 'thinking');
  const own = thoughts.filter((part) => part.signature?.of === 'chat');
  if (own.length < thoughts.length || [...texts, ...calls].some((part) => part.signature !== undefined))
    notes.drop('thinking');
  if ([...texts, ...calls].some((part) => part.cache !== undefined)) notes.drop('cache_control');
  const media = parts.find((part) => part.kind === 'media');
  if (media !== undefined) refuse(media.at, 'this API takes no files in an answer');
  return {
    role: 'assistant',
    content: texts.length === 0 && calls.length > 0 ? null : joinText(texts, ''),
    ...(own.length > 0 ? { reasoning_content: joinText(own, '') } : {}),
    ...(calls.length > 0
      ? {
          tool_calls: calls.map((call) => ({
            id: call.id,
            type: 'function',
            function: { name: call.name, arguments: JSON.stringify(call.args) },
          })),
        }
      : {}),
  };
}
