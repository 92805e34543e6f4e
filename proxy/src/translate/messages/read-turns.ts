import type { JsonObject } from '../../json/value.ts';
import { asObject, asText } from '../../json/value.ts';
import type { MediaPart, Part, ResultPart, TextPart, ThinkingPart, Turn } from '../conversation.ts';
import type { Notes } from '../fields.ts';
import { listAt, maybe, neededText, objectAt, present, refuse, textAt } from '../fields.ts';
import { typeOfUrl } from '../media.ts';
import { unpackSignature } from '../signature.ts';
import { ownId } from './write-blocks.ts';

/** The turns of a conversation; what the system says between them stands at the start for others. */
export function readTurns(value: unknown, notes: Notes): { system: TextPart[]; turns: Turn[] } {
  const system: TextPart[] = [];
  const turns: Turn[] = [];
  const names = new Map<string, string>();
  listAt(value, 'messages').forEach((item, index) => {
    const at = `messages[${index}]`;
    const message = objectAt(item, at);
    notes.dropOthers(message, new Set(['role', 'content']), 'messages.');
    const parts = readBlocks(message['content'], `${at}.content`, names, notes);
    const role = message['role'];
    if (role === 'system') {
      notes.note('moved_to_start', 'messages.system');
      system.push(...parts.filter((part) => part.kind === 'text'));
    } else if (role === 'user' || role === 'assistant') turns.push({ role, parts });
    else refuse(`${at}.role`, 'expected user or assistant');
  });
  return { system, turns };
}

function readBlocks(value: unknown, at: string, names: Map<string, string>, notes: Notes): Part[] {
  if (!present(value)) return [];
  if (typeof value === 'string') return value === '' ? [] : [{ kind: 'text', text: value }];
  return listAt(value, at).map((item, index) => {
    const part = readBlock(objectAt(item, `${at}[${index}]`), `${at}[${index}]`, names, notes);
    if (part.kind === 'call') names.set(part.id, part.name);
    return part;
  });
}

function readBlock(block: JsonObject, at: string, names: Map<string, string>, notes: Notes): Part {
  const cache = maybe('cache', asObject(block['cache_control']));
  switch (block['type']) {
    case 'text':
      if (Array.isArray(block['citations']) && block['citations'].length > 0) notes.drop('messages.citations');
      return { kind: 'text', text: textAt(block['text'], `${at}.text`) ?? '', ...cache };
    case 'image':
    case 'document':
      return { ...readFile(block, at, notes), ...cache };
    case 'thinking':
    case 'redacted_thinking':
      return readThinking(block);
    case 'tool_use':
      return {
        kind: 'call',
        id: ownId(neededText(block['id'], `${at}.id`)),
        name: neededText(block['name'], `${at}.name`),
        args: objectAt(block['input'] ?? {}, `${at}.input`),
        ...cache,
      };
    case 'tool_result':
      return { ...readResult(block, at, names, notes), ...cache };
    default:
      return refuse(`${at}.type`, `a block of type ${String(block['type']).slice(0, 64)} cannot be translated`);
  }
}

function readThinking(block: JsonObject): ThinkingPart {
  if (block['type'] === 'redacted_thinking')
    return { kind: 'thinking', text: '', signature: { of: 'redacted', value: asText(block['data']) ?? '' } };
  const seal = asText(block['signature']);
  return {
    kind: 'thinking',
    text: asText(block['thinking']) ?? '',
    signature: seal === null ? null : unpackSignature(seal, 'messages'),
  };
}

function readResult(block: JsonObject, at: string, names: Map<string, string>, notes: Notes): ResultPart {
  const id = ownId(neededText(block['tool_use_id'], `${at}.tool_use_id`));
  const parts = readBlocks(block['content'], `${at}.content`, new Map(), notes).map((part) =>
    part.kind === 'text' || part.kind === 'media'
      ? part
      : refuse(`${at}.content`, 'only text and files can stand here'),
  );
  return { kind: 'result', id, name: names.get(id) ?? null, parts, failed: block['is_error'] === true, at };
}

function readFile(block: JsonObject, at: string, notes: Notes): MediaPart | TextPart {
  const what = block['type'] === 'image' ? 'image' : 'document';
  const source = objectAt(block['source'], `${at}.source`);
  if (present(block['context'])) notes.drop('messages.context');
  if (asObject(block['citations'])?.['enabled'] === true) notes.drop('messages.citations');
  const file = { kind: 'media', what, name: textAt(block['title'], `${at}.title`), at: `${at}.source` } as const;
  switch (source['type']) {
    case 'base64': {
      const mimeType = neededText(source['media_type'], `${at}.source.media_type`);
      return { ...file, mimeType, base64: neededText(source['data'], `${at}.source.data`), url: null };
    }
    case 'url': {
      const url = neededText(source['url'], `${at}.source.url`);
      return {
        ...file,
        mimeType: typeOfUrl(url) ?? (what === 'document' ? 'application/pdf' : null),
        base64: null,
        url,
      };
    }
    case 'text': {
      const text = neededText(source['data'], `${at}.source.data`);
      return { ...file, mimeType: 'text/plain', base64: Buffer.from(text, 'utf8').toString('base64'), url: null };
    }
    default:
      return refuse(
        `${at}.source.type`,
        `a source of type ${String(source['type']).slice(0, 64)} cannot be translated`,
      );
  }
}
