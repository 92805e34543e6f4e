/**
 * What a target or a variant changes in a request's body: the model in place, members set, the system prompt. All other bytes
 * stay as the client sent them.
 */
import type { Variant } from '@weir/schema/settings/route';
import { WeirError } from '../errors.ts';
import { asList, asObject, parseJson, type JsonObject } from '../json/value.ts';
import { eachMember } from '../json/members.ts';
import type { Operation } from '../providers/provider.ts';

export interface BodyChange {
  operation: Operation;
  /** Null: the body's stays, or there is none because the path names it. */
  model: string | null;
  variant: Pick<Variant, 'parameters' | 'system'> | null;
}

/** @throws WeirError `bad_request` for a body that is no JSON object. */
export function rewriteBody(body: Buffer, { operation, model, variant }: BodyChange): Buffer {
  const values = new Map<string, unknown>(Object.entries(variant?.parameters ?? {}));
  if (model !== null) values.set('model', model);
  if (variant?.system !== undefined) {
    const root = asObject(parseJson(body.toString())?.value);
    if (root === null) throw unreadable();
    const [name, value] = patchSystem(root, operation, variant.system);
    values.set(name, value);
  }
  return values.size === 0 ? body : setMembers(body, values);
}

/** Sets top-level members where they stand, or before all others. A name that comes twice is set twice. */
export function setMembers(body: Buffer, values: ReadonlyMap<string, unknown>): Buffer {
  const edits: { from: number; to: number; text: string }[] = [];
  const left = new Set(values.keys());
  const whole = eachMember(body, (name, value) => {
    if (!values.has(name)) return;
    const from = value.byteOffset - body.byteOffset;
    edits.push({ from, to: from + value.length, text: JSON.stringify(values.get(name)) });
    left.delete(name);
  });
  if (!whole) throw unreadable();
  const start = body.indexOf('{') + 1;
  const added = [...left].map((name) => `${JSON.stringify(name)}:${JSON.stringify(values.get(name))}`).join(',');
  const empty = /^\s*\}/.test(body.toString('utf8', start, start + 64));
  const pieces: Buffer[] = [body.subarray(0, start)];
  if (added !== '') pieces.push(Buffer.from(empty ? added : `${added},`));
  let at = start;
  for (const { from, to, text } of edits) {
    pieces.push(body.subarray(at, from), Buffer.from(text));
    at = to;
  }
  return Buffer.concat([...pieces, body.subarray(at)]);
}

function unreadable(): WeirError {
  return new WeirError('bad_request', 'the body: expected a JSON object; nothing can be changed in any other.');
}

type SystemPatch = NonNullable<Variant['system']>;

/** @returns the member that holds the system prompt, and its new value. */
function patchSystem(root: JsonObject, operation: Operation, patch: SystemPatch): [name: string, value: unknown] {
  switch (operation) {
    case 'chat': {
      const messages = [...asList(root['messages'])];
      const at = messages.findIndex((message) => /^(system|developer)$/.test(String(asObject(message)?.['role'])));
      const found = asObject(messages[at]);
      const content = patched(found?.['content'], patch, (text) => ({ type: 'text', text }));
      if (found === null) messages.unshift({ role: 'system', content });
      else messages[at] = { ...found, content };
      return ['messages', messages];
    }
    case 'messages':
      return ['system', patched(root['system'], patch, (text) => ({ type: 'text', text }))];
    case 'responses':
      return ['instructions', patched(root['instructions'], patch, (text) => text)];
    case 'generate_content': {
      const name = root['system_instruction'] === undefined ? 'systemInstruction' : 'system_instruction';
      const found = asObject(root[name]);
      const parts = patched(found?.['parts'] ?? [], patch, (text) => ({ text }));
      return [name, { ...found, parts }];
    }
    default:
      throw new WeirError(
        'bad_request',
        `A variant changes the system prompt, and a call of the kind ${operation} has none.`,
      );
  }
}

/** A prompt is a text, or a list of parts. */
function patched(before: unknown, { put, text }: SystemPatch, part: (text: string) => unknown): unknown {
  if (Array.isArray(before)) {
    const list: unknown[] = before;
    if (put === 'replace') return [part(text)];
    return put === 'before' ? [part(text), ...list] : [...list, part(text)];
  }
  const old = typeof before === 'string' ? before : '';
  if (put === 'replace' || old === '') return text;
  return put === 'before' ? `${text}\n\n${old}` : `${old}\n\n${text}`;
}
