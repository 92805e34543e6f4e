import type { JsonObject } from '../../json/value.ts';
import { asObject, parseJson } from '../../json/value.ts';
import type { MediaPart, Part, ResultPart, Signature } from '../conversation.ts';
import { joinText } from '../conversation.ts';
import type { Notes } from '../fields.ts';
import { maybe, refuse } from '../fields.ts';

/**
 * The parts of one turn. A seal of Gemini's that other dialects keep with the reasoning before goes back to the part behind
 * it, where Gemini had put it (ai.google.dev/gemini-api/docs/thought-signatures).
 */
export function writeParts(parts: readonly Part[], notes: Notes): JsonObject[] {
  const written: JsonObject[] = [];
  let held: string | null = null;
  for (const part of parts) {
    if (part.kind === 'thinking') {
      const seal = own(part.signature);
      if (seal === null) {
        // Thoughts that another model had are no part of this one's answer.
        if (part.text !== '' || part.signature !== null) notes.drop('thinking');
        continue;
      }
      if (part.text !== '') written.push({ text: part.text, thought: true });
      held = seal;
      continue;
    }
    if (part.kind === 'media' && part.name !== null) notes.drop('filename');
    if ('cache' in part && part.cache !== undefined) notes.drop('cache_control');
    if (part.kind === 'text' && part.text === '' && own(part.signature) === null) continue;
    const seal: string | null = ('signature' in part ? own(part.signature) : null) ?? held;
    held = null;
    written.push({ ...writePart(part), ...maybe('thoughtSignature', seal) });
  }
  if (held !== null) written.push({ text: '', thoughtSignature: held });
  return written;
}

function own(signature: Signature | null | undefined): string | null {
  return signature?.of === 'generate_content' && signature.value !== '' ? signature.value : null;
}

function writePart(part: Exclude<Part, { kind: 'thinking' }>): JsonObject {
  switch (part.kind) {
    case 'text':
      return { text: part.text };
    case 'media':
      return writeFile(part);
    case 'call':
      return { functionCall: { id: part.id, name: part.name, args: part.args } };
    case 'result':
      return { functionResponse: writeResult(part) };
  }
}

function writeResult(part: ResultPart): JsonObject {
  if (part.name === null)
    refuse(part.at, 'no call with this id stands before it, and this API needs the name of its tool');
  const texts = part.parts.filter((item) => item.kind === 'text');
  const files = part.parts.filter((item) => item.kind === 'media');
  const text = joinText(texts, '\n');
  return {
    id: part.id,
    name: part.name,
    response: part.failed ? { error: text } : responseOf(text, texts.length > 0 || files.length === 0),
    ...(files.length > 0 ? { parts: files.map(writeFile) } : {}),
  };
}

/** JSON goes as the object it is, unless it would be read as text again. */
function responseOf(text: string, said: boolean): JsonObject {
  if (!said) return {};
  const object = text.startsWith('{') ? asObject(parseJson(text)?.value) : null;
  const names = Object.keys(object ?? {});
  const plain = names.length === 1 && (names[0] === 'output' || names[0] === 'error');
  return object === null || plain || names.length === 0 ? { output: text } : object;
}

function writeFile({ mimeType, base64, url, at }: MediaPart): JsonObject {
  if (base64 === null) return { fileData: { ...maybe('mimeType', mimeType), fileUri: url } };
  if (mimeType === null || mimeType === '') return refuse(at, 'the type of the file is missing');
  return { inlineData: { mimeType, data: base64 } };
}
