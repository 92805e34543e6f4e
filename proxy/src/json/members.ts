/** Members of a JSON object found in its bytes, without parsing what lies between them. */

const quote = 0x22;
const backslash = 0x5c;
const comma = 0x2c;

/**
 * The values of top-level members, as views of `bytes`; of a name that comes twice the last, as JSON.parse has it. @returns null
 * when the bytes are no JSON object, as far as was looked.
 */
export function memberValues(bytes: Buffer, names: readonly string[]): Map<string, Buffer> | null {
  const found = new Map<string, Buffer>();
  const whole = eachMember(bytes, (name, value) => {
    if (names.includes(name)) found.set(name, value);
  });
  return whole ? found : null;
}

/**
 * Shows every top-level member in order, with its value as a view of `bytes`. Strings are leapt over, so that the time is that
 * of a search; a name of more than 64 bytes is shown as ''. @returns false when the bytes are no JSON object, as far as was looked.
 */
export function eachMember(bytes: Buffer, see: (name: string, value: Buffer) => void): boolean {
  let depth = 0;
  /** The name whose value goes on, and where that began; at depth 1. */
  let name: string | null = null;
  let from = -1;
  let text: string | null = null;
  const close = (at: number): void => {
    if (name !== null) see(name, trimmed(bytes, from, at));
    name = null;
    text = null;
  };
  for (let at = 0; at < bytes.length; at++) {
    const byte = bytes[at] as number;
    if (depth === 0 && byte !== 0x7b) {
      if (!isBefore(byte)) return false;
    } else if (byte === quote) {
      const end = stringEnd(bytes, at + 1);
      if (end === -1) return false;
      if (depth === 1 && name === null) text = end - at > 64 ? '' : nameOf(bytes.toString('utf8', at, end + 1));
      at = end;
    } else if (byte === 0x7b || byte === 0x5b) {
      depth++;
    } else if (byte === 0x7d || byte === 0x5d) {
      if (depth === 1) close(at);
      depth--;
      if (depth === 0) return true;
    } else if (depth === 1 && byte === 0x3a && name === null) {
      name = text;
      from = at + 1;
    } else if (depth === 1 && byte === comma) close(at);
  }
  return false;
}

/** White space, or a byte of a byte order mark. */
function isBefore(byte: number): boolean {
  return isSpace(byte) || byte === 0xef || byte === 0xbb || byte === 0xbf;
}

function isSpace(byte: number | undefined): boolean {
  return byte === 0x20 || byte === 0x0a || byte === 0x0d || byte === 0x09;
}

/** A name without its quotes; its escapes are undone, as every reader of JSON does. */
function nameOf(quoted: string): string {
  if (!quoted.includes('\\')) return quoted.slice(1, -1);
  try {
    return JSON.parse(quoted) as string;
  } catch {
    return '';
  }
}

/** Where a string that began before `from` ends: the index of its quote; -1 when it does not. */
export function stringEnd(bytes: Buffer, from: number): number {
  let at = bytes.indexOf(quote, from);
  while (at !== -1) {
    let slashes = 0;
    while (bytes[at - 1 - slashes] === backslash) slashes++;
    if (slashes % 2 === 0) return at;
    at = bytes.indexOf(quote, at + 1);
  }
  return -1;
}

function trimmed(bytes: Buffer, from: number, to: number): Buffer {
  let [start, end] = [from, to];
  while (start < end && isSpace(bytes[start])) start++;
  while (end > start && isSpace(bytes[end - 1])) end--;
  return bytes.subarray(start, end);
}
