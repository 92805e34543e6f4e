import type { JsonObject } from '../../json/value.ts';
import { asList, asObject, asText } from '../../json/value.ts';
import type { MediaPart, Part } from '../conversation.ts';
import type { Notes } from '../fields.ts';
import { maybe, neededText, objectAt, refuse, textAt } from '../fields.ts';
import { kindOfMedia, parseDataUrl, typeOfUrl } from '../media.ts';

const SOUNDS: Readonly<Record<string, string>> = { mp3: 'audio/mp3', wav: 'audio/wav' };

/** One part of a message's content. */
export function readChatPart(part: JsonObject, at: string, notes: Notes): Part {
  const cache = maybe('cache', asObject(part['cache_control']));
  switch (part['type']) {
    case 'text':
      return { kind: 'text', text: textAt(part['text'], `${at}.text`) ?? '', ...cache };
    case 'refusal':
      return { kind: 'text', text: textAt(part['refusal'], `${at}.refusal`) ?? '' };
    case 'image_url':
      return { ...readImage(part['image_url'], at, notes), ...cache };
    case 'input_audio':
      return readAudio(objectAt(part['input_audio'], `${at}.input_audio`), `${at}.input_audio`);
    case 'file':
      return { ...readFile(objectAt(part['file'], `${at}.file`), `${at}.file`), ...cache };
    case 'thinking':
      return readThought(part);
    default:
      return refuse(`${at}.type`, `a part of type ${String(part['type']).slice(0, 64)} cannot be translated`);
  }
}

function readImage(value: unknown, at: string, notes: Notes): MediaPart {
  const field = `${at}.image_url`;
  // Mistral takes the address itself.
  const image = typeof value === 'string' ? { url: value } : objectAt(value, field);
  const detail = (image as JsonObject)['detail'];
  if (typeof detail === 'string' && detail !== 'auto') notes.drop('image_url.detail');
  return fileOf(neededText(image['url'], `${field}.url`), 'image', null, field);
}

function fileOf(url: string, what: MediaPart['what'], name: string | null, at: string): MediaPart {
  const data = parseDataUrl(url);
  if (data === null && /^data:/i.test(url)) refuse(at, 'is not a well-formed data URL');
  if (data === null) return { kind: 'media', what, mimeType: typeOfUrl(url), base64: null, url, name, at };
  return {
    kind: 'media',
    what: kindOfMedia(data.mimeType),
    mimeType: data.mimeType,
    base64: data.base64,
    url: null,
    name,
    at,
  };
}

function readAudio(audio: JsonObject, at: string): MediaPart {
  const format = neededText(audio['format'], `${at}.format`);
  return {
    kind: 'media',
    what: 'audio',
    mimeType: SOUNDS[format] ?? `audio/${format}`,
    base64: neededText(audio['data'], `${at}.data`),
    url: null,
    name: null,
    at,
  };
}

function readFile(file: JsonObject, at: string): MediaPart {
  const name = textAt(file['filename'], `${at}.filename`);
  const data = textAt(file['file_data'], `${at}.file_data`);
  if (data === null) refuse(`${at}.file_id`, 'a file that is stored at one provider cannot be read by another');
  // OpenAI takes Base64 without the `data:` before it too.
  const url = /^(?:data|https?):/i.test(data) ? data : `data:application/pdf;base64,${data}`;
  return fileOf(url, 'document', name, `${at}.file_data`);
}

/** Mistral's reasoning stands among the parts: docs.mistral.ai/capabilities/reasoning. */
function readThought(part: JsonObject): Part {
  const texts = asList(part['thinking']).map((item) => asText(asObject(item)?.['text']) ?? '');
  return { kind: 'thinking', text: asText(part['thinking']) ?? texts.join(''), signature: { of: 'chat', value: '' } };
}
