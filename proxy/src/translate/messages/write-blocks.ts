import type { JsonObject } from '../../json/value.ts';
import type { MediaPart, Part, ThinkingPart } from '../conversation.ts';
import type { Notes } from '../fields.ts';
import { maybe, refuse } from '../fields.ts';
import { isPublicUrl } from '../media.ts';

/** Ids of calls are letters, digits, `_` and `-` here; other APIs' may be anything. */
export function callId(id: string): string {
  return /^[a-zA-Z0-9_-]+$/.test(id) ? id : `id_${Buffer.from(id, 'utf8').toString('base64url')}`;
}

/** The id that another API had for it. */
export function ownId(id: string): string {
  if (!id.startsWith('id_')) return id;
  const plain = Buffer.from(id.slice(3), 'base64url').toString('utf8');
  return callId(plain) === id ? plain : id;
}

/** A part as the blocks that it comes to: none for what may not be said. */
export function writeBlock(part: Part, notes: Notes): JsonObject[] {
  const cache = maybe('cache_control', 'cache' in part ? part.cache : undefined);
  if ('signature' in part && part.kind !== 'thinking' && part.signature !== undefined) notes.drop('thinking');
  switch (part.kind) {
    case 'text':
      // An empty block is refused.
      return part.text === '' ? [] : [{ type: 'text', text: part.text, ...cache }];
    case 'thinking':
      return writeThinking(part, notes);
    case 'media':
      return [{ ...writeFile(part), ...cache }];
    case 'call':
      return [{ type: 'tool_use', id: callId(part.id), name: part.name, input: part.args, ...cache }];
    case 'result':
      return [
        {
          type: 'tool_result',
          tool_use_id: callId(part.id),
          content: part.parts.flatMap((inner) => writeBlock(inner, notes)),
          ...(part.failed ? { is_error: true } : {}),
          ...cache,
        },
      ];
  }
}

/** Only reasoning with Anthropic's own seal is taken back. */
function writeThinking({ text, signature }: ThinkingPart, notes: Notes): JsonObject[] {
  if (signature?.of === 'messages') return [{ type: 'thinking', thinking: text, signature: signature.value }];
  if (signature?.of === 'redacted') return [{ type: 'redacted_thinking', data: signature.value }];
  notes.drop('thinking');
  return [];
}

const PICTURES = new Set(['image/jpeg', 'image/png', 'image/gif', 'image/webp']);

function writeFile({ what, mimeType, base64, url, name, at }: MediaPart): JsonObject {
  const title = maybe('title', what === 'document' ? name : null);
  if (what === 'audio' || what === 'video')
    return refuse(at, `this API takes no ${what === 'audio' ? 'sound' : 'video'}`);
  if (base64 === null) {
    if (url === null || !isPublicUrl(url)) return refuse(at, 'this address can be read by its own provider only');
    if (what === 'document' && mimeType !== 'application/pdf')
      return refuse(at, 'this API takes the address of a PDF only');
    return { type: what, source: { type: 'url', url }, ...title };
  }
  if (what === 'image') {
    const type = mimeType === 'image/jpg' ? 'image/jpeg' : (mimeType ?? '');
    if (!PICTURES.has(type)) return refuse(at, 'this API takes images as JPEG, PNG, GIF and WebP only');
    return { type: what, source: { type: 'base64', media_type: type, data: base64 } };
  }
  if (mimeType === 'application/pdf')
    return { type: what, source: { type: 'base64', media_type: mimeType, data: base64 }, ...title };
  if (mimeType?.startsWith('text/') !== true) return refuse(at, 'this API takes documents as PDF and plain text only');
  const data = Buffer.from(base64, 'base64').toString('utf8');
  return { type: what, source: { type: 'text', media_type: 'text/plain', data }, ...title };
}
