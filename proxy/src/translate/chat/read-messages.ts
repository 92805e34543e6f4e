import type { JsonObject } from '../../json/value.ts';
import { asList, asObject, asText, parseJson } from '../../json/value.ts';
import type { CallPart, Part, Question, ResultPart, TextPart, ThinkingPart, Turn } from '../conversation.ts';
import type { Notes } from '../fields.ts';
import { listAt, maybe, neededText, objectAt, present, refuse, textAt } from '../fields.ts';
import { unpackSignature } from '../signature.ts';
import { readChatPart } from './read-parts.ts';

const KNOWN: ReadonlySet<string> = new Set([
  ...['role', 'content', 'tool_calls', 'tool_call_id', 'refusal', 'audio', 'function_call'],
  ...['reasoning', 'reasoning_content', 'reasoning_details', 'annotations', 'extra_content'],
]);

/**
 * The messages: what is the system's stands apart, as in both other APIs; the result of a tool is the user's, with the name
 * that its call had.
 */
export function readMessages(value: unknown, notes: Notes): Pick<Question, 'system' | 'turns'> {
  const system: TextPart[] = [];
  const turns: Turn[] = [];
  const names = new Map<string, string>();
  listAt(value, 'messages').forEach((item, index) => {
    const at = `messages[${index}]`;
    const message = objectAt(item, at);
    notes.dropOthers(message, KNOWN, 'messages.');
    const role = message['role'];
    if (role === 'system' || role === 'developer') {
      if (turns.length > 0) notes.note('moved_to_start', 'messages.system');
      system.push(...textsOf(message['content'], `${at}.content`, notes));
    } else if (role === 'user') turns.push({ role, parts: readContent(message['content'], `${at}.content`, notes) });
    else if (role === 'assistant') {
      const parts = readAssistant(message, at, notes);
      for (const part of parts) if (part.kind === 'call') names.set(part.id, part.name);
      turns.push({ role, parts });
    } else if (role === 'tool') turns.push({ role: 'user', parts: [readResult(message, at, names, notes)] });
    else refuse(`${at}.role`, 'expected system, developer, user, assistant or tool');
  });
  return { system, turns };
}

function readContent(value: unknown, at: string, notes: Notes): Part[] {
  if (!present(value)) return [];
  if (typeof value === 'string') return value === '' ? [] : [{ kind: 'text', text: value }];
  return listAt(value, at).map((item, index) =>
    readChatPart(objectAt(item, `${at}[${index}]`), `${at}[${index}]`, notes),
  );
}

function textsOf(value: unknown, at: string, notes: Notes): TextPart[] {
  return readContent(value, at, notes).map((part) =>
    part.kind === 'text' ? part : refuse(at, 'only text can stand here'),
  );
}

function readResult(message: JsonObject, at: string, names: ReadonlyMap<string, string>, notes: Notes): ResultPart {
  const id = neededText(message['tool_call_id'], `${at}.tool_call_id`);
  const parts = readContent(message['content'], `${at}.content`, notes).map((part) =>
    part.kind === 'text' || part.kind === 'media'
      ? part
      : refuse(`${at}.content`, 'only text and files can stand here'),
  );
  return { kind: 'result', id, name: names.get(id) ?? null, parts, failed: false, at };
}

function readAssistant(message: JsonObject, at: string, notes: Notes): Part[] {
  if (present(message['function_call'])) refuse(`${at}.function_call`, 'functions are translated as `tool_calls` only');
  if (present(message['audio'])) refuse(`${at}.audio`, 'an earlier spoken answer cannot be translated');
  const refusal = asText(message['refusal']);
  return [
    ...readThinking(message),
    ...readContent(message['content'], `${at}.content`, notes),
    ...(refusal === null ? [] : [{ kind: 'text', text: refusal } as const]),
    ...listAt(message['tool_calls'], `${at}.tool_calls`).map((call, index) =>
      readCall(objectAt(call, `${at}.tool_calls[${index}]`), `${at}.tool_calls[${index}]`),
    ),
  ];
}

function readCall(call: JsonObject, at: string): CallPart {
  const type = textAt(call['type'], `${at}.type`) ?? 'function';
  if (type !== 'function') refuse(`${at}.type`, `a call of type ${type} cannot be translated`);
  const called = objectAt(call['function'], `${at}.function`);
  const signature = asText(asObject(asObject(call['extra_content'])?.['google'])?.['thought_signature']);
  const text = textAt(called['arguments'], `${at}.function.arguments`) ?? '';
  const args = asObject(text.trim() === '' ? {} : parseJson(text)?.value);
  if (args === null) refuse(`${at}.function.arguments`, 'expected a JSON object as text');
  return {
    kind: 'call',
    id: neededText(call['id'], `${at}.id`),
    name: neededText(called['name'], `${at}.function.name`),
    args,
    ...maybe('signature', signature === null ? null : unpackSignature(signature, 'generate_content')),
  };
}

const FORMATS: Readonly<Record<string, 'messages' | 'generate_content'>> = {
  'anthropic-claude-v1': 'messages',
  'google-gemini-v1': 'generate_content',
};

/**
 * Reasoning of an earlier answer. `reasoning_details` (openrouter.ai/docs/use-cases/reasoning-tokens) has its seals: the
 * pieces of one index, which a stream sends apart, are one. Without them its text alone is left.
 */
function readThinking(message: JsonObject): ThinkingPart[] {
  const blocks = new Map<unknown, { text: string; seal: ThinkingPart['signature'] }>();
  asList(message['reasoning_details']).forEach((value, position) => {
    const detail = asObject(value);
    const of = FORMATS[asText(detail?.['format']) ?? ''];
    if (detail === null || of === undefined) return;
    const key = detail['index'] ?? `at ${position}`;
    const block = blocks.get(key) ?? { text: '', seal: null };
    blocks.set(key, block);
    block.text += asText(detail['text']) ?? '';
    const seal = asText(detail['signature']);
    const data = asText(detail['data']);
    if (seal !== null) block.seal = { of, value: seal };
    else if (data !== null) block.seal = { of: of === 'messages' ? 'redacted' : of, value: data };
  });
  const found = [...blocks.values()].filter((block) => block.text !== '' || block.seal !== null);
  if (found.length > 0) return found.map(({ text, seal }) => ({ kind: 'thinking', text, signature: seal }));
  const text = asText(message['reasoning_content']) ?? asText(message['reasoning']);
  return text === null ? [] : [{ kind: 'thinking', text, signature: { of: 'chat', value: '' } }];
}
