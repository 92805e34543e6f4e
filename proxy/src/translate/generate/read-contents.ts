import type { JsonObject } from '../../json/value.ts';
import { asObject, asText } from '../../json/value.ts';
import type { MediaPart, Part, ResultPart, TextPart, Turn } from '../conversation.ts';
import type { Notes } from '../fields.ts';
import { listAt, maybe, maybeObjectAt, neededText, objectAt, present, refuse, textAt } from '../fields.ts';
import { kindOfMedia, typeOfUrl } from '../media.ts';
import { unpackSignature } from '../signature.ts';
import { both, member } from './member.ts';

/** Calls that wait for their results. Gemini need not number them: then a result answers the oldest call of its name. */
class Calls {
  #count = 0;
  readonly #waiting: { id: string; name: string }[] = [];

  call(id: string | null, name: string): string {
    this.#count++;
    const given = id ?? `call_${this.#count}`;
    this.#waiting.push({ id: given, name });
    return given;
  }

  result(id: string | null, name: string): string {
    const at = this.#waiting.findIndex((call) => (id === null ? call.name === name : call.id === id));
    if (at === -1) return id ?? `call_of_${name}`;
    return this.#waiting.splice(at, 1)[0]?.id ?? name;
  }
}

export function readContents(value: unknown, notes: Notes): Turn[] {
  const calls = new Calls();
  // A text alone, and one content alone, are taken too.
  if (typeof value === 'string') return [{ role: 'user', parts: [{ kind: 'text', text: value }] }];
  return listAt(asObject(value) === null ? value : [value], 'contents').map((item, index) => {
    const at = `contents[${index}]`;
    const content = objectAt(item, at);
    const role = textAt(content['role'], `${at}.role`) ?? 'user';
    if (!['user', 'model', 'function', 'tool'].includes(role)) refuse(`${at}.role`, 'expected user or model');
    const parts = partsOf(content['parts']).map((part, position) => {
      const field = `${at}.parts[${position}]`;
      return readPart(objectAt(part, field), field, calls, notes);
    });
    return { role: role === 'model' ? 'assistant' : 'user', parts };
  });
}

/** One part alone stands without a list too. */
function partsOf(value: unknown): readonly unknown[] {
  return asObject(value) === null ? listAt(value, 'parts') : [value];
}

export function readTextParts(value: unknown, at: string, notes: Notes): TextPart[] {
  return partsOf(value).map((item, index) => {
    const part = readPart(objectAt(item, `${at}[${index}]`), `${at}[${index}]`, new Calls(), notes);
    return part.kind === 'text' ? part : refuse(`${at}[${index}]`, 'only text can stand here');
  });
}

const KNOWN = both(
  ...['text', 'thought', 'thoughtSignature', 'inlineData', 'fileData', 'functionCall', 'functionResponse'],
  ...['videoMetadata', 'mediaResolution', 'partMetadata'],
);

function readPart(part: JsonObject, at: string, calls: Calls, notes: Notes): Part {
  const other = Object.keys(part).find((name) => !KNOWN.has(name) && present(part[name]));
  if (other !== undefined) refuse(`${at}.${other}`, 'a part of this kind cannot be translated');
  for (const name of ['videoMetadata', 'mediaResolution', 'partMetadata']) {
    if (present(member(part, name))) notes.drop(`parts.${name}`);
  }
  const seal = asText(member(part, 'thoughtSignature'));
  const signature = maybe('signature', seal === null ? null : unpackSignature(seal, 'generate_content'));
  const call = maybeObjectAt(member(part, 'functionCall'), `${at}.functionCall`);
  if (call !== null) {
    const name = neededText(call['name'], `${at}.functionCall.name`);
    const args = objectAt(call['args'] ?? {}, `${at}.functionCall.args`);
    return { kind: 'call', id: calls.call(asText(call['id']), name), name, args, ...signature };
  }
  const response = maybeObjectAt(member(part, 'functionResponse'), `${at}.functionResponse`);
  if (response !== null) return readResult(response, `${at}.functionResponse`, calls);
  const file = readFile(part, at);
  if (file !== null) return { ...file, ...signature };
  const text = textAt(part['text'], `${at}.text`) ?? '';
  if (part['thought'] === true || (text === '' && seal !== null))
    return { kind: 'thinking', text, signature: seal === null ? null : unpackSignature(seal, 'generate_content') };
  return { kind: 'text', text, ...signature };
}

/** `output` alone and `error` alone are the documented ways to give text; any other object goes on as JSON. */
function readResult(response: JsonObject, at: string, calls: Calls): ResultPart {
  const name = neededText(response['name'], `${at}.name`);
  const said = objectAt(response['response'] ?? {}, `${at}.response`);
  const [only] = Object.keys(said).length === 1 ? Object.entries(said) : [];
  const failed = only?.[0] === 'error' && typeof only[1] === 'string';
  const plain = failed || (only?.[0] === 'output' && typeof only[1] === 'string');
  const text = plain ? String(only?.[1]) : JSON.stringify(said);
  const files = listAt(response['parts'], `${at}.parts`).map((value, index) => {
    const field = `${at}.parts[${index}]`;
    return readFile(objectAt(value, field), field) ?? refuse(field, 'a part of this kind cannot be translated');
  });
  const parts =
    files.length > 0 && Object.keys(said).length === 0 ? files : [{ kind: 'text', text } as const, ...files];
  return { kind: 'result', id: calls.result(asText(response['id']), name), name, parts, failed, at };
}

function readFile(part: JsonObject, at: string): MediaPart | null {
  const inline = maybeObjectAt(member(part, 'inlineData'), `${at}.inlineData`);
  if (inline !== null) {
    const mimeType = neededText(member(inline, 'mimeType'), `${at}.inlineData.mimeType`);
    return {
      kind: 'media',
      what: kindOfMedia(mimeType),
      mimeType,
      base64: standardBase64(neededText(inline['data'], `${at}.inlineData.data`)),
      url: null,
      name: asText(member(inline, 'displayName')),
      at: `${at}.inlineData`,
    };
  }
  const file = maybeObjectAt(member(part, 'fileData'), `${at}.fileData`);
  if (file === null) return null;
  const url = neededText(member(file, 'fileUri'), `${at}.fileData.fileUri`);
  const mimeType = asText(member(file, 'mimeType')) ?? typeOfUrl(url);
  const what = mimeType === null && /(?:youtube\.com|youtu\.be)\//.test(url) ? 'video' : kindOfMedia(mimeType);
  return { kind: 'media', what, mimeType, base64: null, url, name: null, at: `${at}.fileData` };
}

/** Google's JSON has Base64 in either alphabet, the others' has the standard one. */
function standardBase64(text: string): string {
  return text.includes('-') || text.includes('_') ? text.replaceAll('-', '+').replaceAll('_', '/') : text;
}
