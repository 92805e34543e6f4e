/** Headers that describe a call: plain text, cut or dropped with a warning where it is malformed. Logging must not break a call. */
import { parseItem, Token } from 'structured-headers';
import { WeirError } from './errors.ts';
import type { Instructions } from './instructions.ts';
import { parseField } from './structured.ts';

export const identityLimit = 512;
const propertyLimit = 64;

export function addProperty(into: Instructions, name: string, value: string, header: string): void {
  const property = name.toLowerCase().slice(0, 128);
  if (property === '') return;
  if (!(property in into.properties) && Object.keys(into.properties).length >= propertyLimit) {
    if (!into.warnings.includes('too_many_properties')) into.warnings.push('too_many_properties');
    return;
  }
  // A plain assignment to `__proto__` would change the object instead of filling it.
  Object.defineProperty(into.properties, property, {
    value: readIdentity(into, value, header, identityLimit),
    enumerable: true,
    configurable: true,
    writable: true,
  });
}

/** Plain text of at most `limit` bytes; percent-decoded when all of it is valid percent-encoded UTF-8. */
export function readIdentity(into: Instructions, value: string, name: string, limit: number): string {
  let text = value;
  // The question is whether a byte is outside ASCII.
  if (/[^\x00-\x7f]/.test(text)) {
    // Node reads headers as latin1; programs that send other characters mean UTF-8.
    const utf8 = Buffer.from(text, 'latin1').toString('utf8');
    if (utf8.includes('\ufffd')) into.warnings.push(`malformed_header:${name.slice(0, 64)}`);
    else text = utf8;
  }
  if (text.includes('%')) {
    try {
      text = decodeURIComponent(text);
    } catch {
      // Not percent-encoding after all: the text as it stands.
    }
  }
  if (Buffer.byteLength(text) <= limit) return text;
  into.warnings.push(`cut_header:${name.slice(0, 64)}`);
  return Buffer.from(text)
    .subarray(0, limit)
    .toString('utf8')
    .replace(/\ufffd+$/, '');
}

/** W3C Trace Context §3.2: version-traceid-parentid-flags. */
export function readTraceparent(into: Instructions, value: string): void {
  const match = /^[0-9a-f]{2}-([0-9a-f]{32})-([0-9a-f]{16})-[0-9a-f]{2}/.exec(value.trim());
  if (match === null) {
    into.warnings.push('malformed_header:traceparent');
    return;
  }
  into.traceId = match[1] ?? '';
  into.parentSpanId = match[2] ?? '';
}

/** `summarise;v=3`: an Item of RFC 9651. */
export function readPrompt(into: Instructions, value: string): void {
  const [item, parameters] = parseField('weir-prompt', value, 'a name and a version such as summarise;v=3', parseItem);
  if (typeof item !== 'string' && !(item instanceof Token)) {
    throw new WeirError('bad_header', 'weir-prompt: expected a name and a version such as summarise;v=3.');
  }
  into.prompt = item.toString();
  const version = parameters.get('v');
  into.promptVersion = version === undefined ? '' : String(version);
}
