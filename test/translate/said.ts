/** What a reply says, read by rules of the tests' own from the provider's bytes. */
import { stable } from './meaning.ts';
import type { TranslatedDialect } from '../../proxy/src/translate/translate.ts';
import { readReply } from '../providers/support.ts';

type Obj = Record<string, unknown>;
const obj = (value: unknown): Obj => (typeof value === 'object' && value !== null ? (value as Obj) : {});
const list = (value: unknown): unknown[] => (Array.isArray(value) ? value : []);
const text = (value: unknown): string => (typeof value === 'string' ? value : '');

export interface Said {
  text: string;
  thinking: string;
  /** Name and arguments. */
  calls: { name: string; args: unknown }[];
  finish: 'stop' | 'length' | 'tool' | 'filter';
  input: number | null;
  output: number | null;
}

export function parseArgs(words: string): unknown {
  try {
    return JSON.parse(words === '' ? '{}' : words) as unknown;
  } catch {
    return words;
  }
}

/** The JSON values of a reply: one document, a list, or the data of events. */
function piecesOf(bytes: Buffer): unknown[] {
  const words = bytes.toString('utf8').trim();
  if (words.startsWith('{')) return [JSON.parse(words)];
  if (words.startsWith('[')) return JSON.parse(words) as unknown[];
  return words.split(/\r\n|\n|\r/).flatMap((line) => {
    if (!line.startsWith('data:') || line.includes('[DONE]')) return [];
    try {
      return [JSON.parse(line.slice(5))];
    } catch {
      return [];
    }
  });
}

interface Building {
  text: string;
  thinking: string;
  refused: boolean;
  calls: Map<string, { name: string; args: string }>;
}

function addChat(piece: Obj, into: Building): void {
  const choice = obj(list(piece['choices']).find((one) => (obj(one)['index'] ?? 0) === 0));
  const message = obj(choice['delta'] ?? choice['message']);
  into.thinking += text(message['reasoning_content']) || text(message['reasoning']);
  into.refused ||= text(message['refusal']) !== '';
  into.text += text(message['content']) + text(message['refusal']);
  for (const part of list(message['content'])) {
    into.text += text(obj(part)['text']);
    into.thinking += list(obj(part)['thinking'])
      .map((one) => text(obj(one)['text']))
      .join('');
  }
  const calls = [
    ...list(message['tool_calls']),
    ...('function_call' in message ? [{ function: message['function_call'] }] : []),
  ];
  calls.forEach((value, position) => {
    const call = obj(value);
    const called = obj(call['function'] ?? call['custom']);
    const place = `${String(call['index'] ?? position)}:`;
    const last = [...into.calls.keys()].filter((known) => known.startsWith(place)).at(-1);
    // A server that numbers every call 0 tells them apart by their ids.
    const begins =
      last === undefined ||
      (text(called['name']) !== '' && text(call['id']) !== '' && last !== place + text(call['id']));
    const key = begins ? place + text(call['id']) : last;
    const known = into.calls.get(key) ?? { name: text(called['name']), args: '' };
    const given = called['arguments'] ?? called['input'];
    known.args += typeof given === 'object' && given !== null ? JSON.stringify(given) : text(given);
    if (known.name !== '') into.calls.set(key, known);
  });
}

function addBlock(block: Obj, key: string, into: Building): void {
  into.text += block['type'] === 'text' ? text(block['text']) : '';
  into.thinking += block['type'] === 'thinking' ? text(block['thinking']) : '';
  if (block['type'] !== 'tool_use') return;
  const input = JSON.stringify(block['input'] ?? {});
  into.calls.set(key, { name: text(block['name']), args: input === '{}' ? '' : input });
}

function addMessages(piece: Obj, into: Building): void {
  list(piece['content']).forEach((block, index) => addBlock(obj(block), String(index), into));
  const key = String(piece['index']);
  if (piece['type'] === 'content_block_start') addBlock(obj(piece['content_block']), key, into);
  const delta = obj(piece['delta']);
  if (delta['type'] === 'text_delta') into.text += text(delta['text']);
  if (delta['type'] === 'thinking_delta') into.thinking += text(delta['thinking']);
  const call = into.calls.get(key);
  if (delta['type'] === 'input_json_delta' && call !== undefined) call.args += text(delta['partial_json']);
}

function addGenerate(piece: Obj, into: Building): void {
  for (const value of list(obj(obj(list(piece['candidates'])[0])['content'])['parts'])) {
    const part = obj(value);
    if (part['thought'] === true) into.thinking += text(part['text']);
    else into.text += text(part['text']);
    const call = obj(part['functionCall']);
    // Arguments in pieces are told in the tests of replies.
    if (call['willContinue'] === true && text(call['name']) !== '') {
      into.calls.set(String(into.calls.size), { name: text(call['name']), args: '"in pieces"' });
      continue;
    }
    if (text(call['name']) !== '')
      into.calls.set(String(into.calls.size), { name: text(call['name']), args: JSON.stringify(call['args'] ?? {}) });
  }
}

const adders = { chat: addChat, messages: addMessages, generate_content: addGenerate };
const PROVIDERS = { chat: 'openai', messages: 'anthropic', generate_content: 'google' } as const;

const PATHS = {
  chat: '/v1/chat/completions',
  messages: '/v1/messages',
  generate_content: '/v1beta/models/m:generateContent',
};

/** The word of any dialect as one of four. */
export function finishOf(word: string | undefined, calls: number): Said['finish'] {
  const lower = (word ?? '').toLowerCase();
  if (/^(?:length|max_tokens|model_length|model_context_window_exceeded)$/.test(lower)) return 'length';
  if (/^(?:content_filter|refusal|safety|recitation|blocklist|prohibited_content|spii|image_safety)$/.test(lower))
    return 'filter';
  if (/^(?:tool_calls|tool_use|function_call)$/.test(lower)) return 'tool';
  return calls > 0 ? 'tool' : 'stop';
}

export function saidBy(dialect: TranslatedDialect, given: Buffer, contentType: string, provider?: string): Said {
  // Two recordings have a second message behind the end of the first.
  const stop = dialect === 'messages' ? given.indexOf('"message_stop"') : -1;
  const bytes = stop === -1 ? given : given.subarray(0, given.indexOf('\n', stop) + 2);
  const into: Building = { text: '', thinking: '', refused: false, calls: new Map() };
  for (const piece of piecesOf(bytes)) adders[dialect](obj(piece), into);
  const facts = readReply([bytes], {
    provider: provider ?? PROVIDERS[dialect],
    path: PATHS[dialect],
    type: contentType.toLowerCase(),
  });
  const calls = [...into.calls.values()].map(({ name, args }) => ({ name, args: parseArgs(args) }));
  return {
    text: into.text,
    thinking: into.thinking,
    calls,
    finish: into.refused ? 'filter' : finishOf(facts.finishReasons[0], calls.length),
    input: facts.usage?.input_tokens ?? null,
    output: facts.usage?.output_tokens ?? null,
  };
}

/** What is compared: usage only where the provider told it. */
export function comparable(said: Said, known: Said): string {
  const usage = known.input === null || known.output === null ? null : [said.input, said.output];
  const calls = said.calls.map((call, at) => (known.calls[at]?.args === 'in pieces' ? { name: call.name } : call));
  return stable({ text: said.text, thinking: said.thinking, calls, finish: said.finish, usage });
}
