/** `Weir-Log`: what is kept of a call. */
import { parseDictionary } from 'structured-headers';
import { WeirError } from './errors.ts';
import { redactKinds, type Instructions, type RedactKind } from './instructions.ts';
import { parseField } from './structured.ts';

/** `bodies=?0, redact=(email card), usage=?1`: a Dictionary of RFC 9651. */
export function readLog(into: Instructions, value: string): void {
  const expected = 'bodies=?0, redact=(email card phone) or usage=?1';
  for (const [name, [member]] of parseField('weir-log', value, expected, parseDictionary)) {
    if (name === 'bodies' && typeof member === 'boolean') {
      into.keepBodies = member;
    } else if (name === 'usage' && typeof member === 'boolean') {
      into.askUsage = member;
    } else if (name === 'redact' && Array.isArray(member)) {
      into.redact = member.map(([kind]) => readRedactKind(String(kind)));
    } else {
      throw new WeirError('bad_header', `weir-log: ${name} is not understood here; expected ${expected}.`);
    }
  }
}

function readRedactKind(text: string): RedactKind {
  const kind = redactKinds.find((known) => known === text);
  if (kind === undefined) {
    throw new WeirError('bad_header', `weir-log: redact knows ${redactKinds.join(', ')}, not ${text.slice(0, 64)}.`);
  }
  return kind;
}
