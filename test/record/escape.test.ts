/** Text that goes from bytes to JSON without becoming a string is written as JSON.stringify writes it. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { longestEscape, writeEscaped } from '../../proxy/src/json/escape.ts';

const options = { seed: 20_26, numRuns: 500 };

/** @param before bytes in front of it on both sides: how words are aligned must not matter. */
function escape(text: string, before = 0): string {
  const bytes = Buffer.concat([Buffer.alloc(before), Buffer.from(text)]).subarray(before);
  const to = Buffer.alloc(before + bytes.length * longestEscape + 2, '!');
  const end = writeEscaped(bytes, new DataView(to.buffer, to.byteOffset, to.length), before);
  return `"${to.toString('utf8', before, end)}"`;
}

test('every byte is escaped as JSON.stringify does, wherever in a word it stands', () => {
  for (let point = 0; point < 0x800; point++) {
    for (let place = 0; place < 5; place++) {
      const text = `${'a'.repeat(place)}${String.fromCodePoint(point)}bcdefgh`;
      expect(escape(text, place % 3)).toBe(JSON.stringify(text));
    }
  }
});

test('any two bytes that are escaped, one behind the other', () => {
  const escaped = [
    ...Array.from({ length: 0x20 }, (_, point) => point),
    0x22,
    0x5c,
    0x20,
    0x21,
    0x23,
    0x5b,
    0x5d,
    0x7f,
  ];
  for (const first of escaped)
    for (const second of escaped) {
      const text = `ab${String.fromCharCode(first, second)}cd`;
      expect(escape(text)).toBe(JSON.stringify(text));
    }
});

test('any text', () => {
  const texts = fc.string({
    unit: fc.oneof(fc.string({ unit: 'binary', maxLength: 1 }), fc.constantFrom('"', '\\', '\n')),
  });
  fc.assert(
    fc.property(texts, fc.nat(7), (text, before) => {
      const valid = Buffer.from(text).toString();
      expect(escape(valid, before)).toBe(JSON.stringify(valid));
    }),
    options,
  );
});
