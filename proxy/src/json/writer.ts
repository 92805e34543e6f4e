/** JSON written as bytes, into memory that grows and is used again and again: fresh memory is dear. */
import { longestEscape, writeEscaped } from './escape.ts';
import type { Utf8Text } from './utf8-text.ts';

const usualBytes = 256 * 1024;
const longestBytes = 16 * 1024 * 1024;
/** Bytes of a text that are escaped at once: room is made for the most that they can become. */
const escapedAtOnce = 16 * 1024;
/** Longer strings are left to JSON.stringify. */
const shortString = 1024;

const quote = 0x22;
const backslash = 0x5c;
const colon = 0x3a;

/**
 * What it writes of a value is what JSON.stringify does. Short strings are written character by character, which for the rows of a
 * call was measured to take less than half of the time: no text of the whole has to be made first.
 */
export class JsonWriter {
  /** Valid until the next change. */
  bytes: Buffer = Buffer.allocUnsafeSlow(usualBytes);
  size = 0;
  #view = viewOf(this.bytes);

  clear(): void {
    this.size = 0;
    if (this.bytes.length > longestBytes) this.#use(Buffer.allocUnsafeSlow(usualBytes));
  }

  /** Makes sure that so many more bytes fit. */
  room(more: number): void {
    if (this.size + more <= this.bytes.length) return;
    const grown = Buffer.allocUnsafeSlow(Math.max(this.bytes.length * 2, this.size + more));
    this.bytes.copy(grown, 0, 0, this.size);
    this.#use(grown);
  }

  byte(byte: number): void {
    this.room(1);
    this.bytes[this.size++] = byte;
  }

  /** A member's name, behind a brace or a comma. @param name of a column: letters, digits and underscores. */
  column(mark: number, name: string): void {
    const { length } = name;
    this.room(length + 4);
    const { bytes } = this;
    let at = this.size;
    bytes[at++] = mark;
    bytes[at++] = quote;
    for (let index = 0; index < length; index++) bytes[at++] = name.charCodeAt(index);
    bytes[at++] = quote;
    bytes[at++] = colon;
    this.size = at;
  }

  string(text: string): void {
    const { length } = text;
    if (length > shortString) return this.json(text);
    this.room(length + 2);
    const { bytes } = this;
    let at = this.size;
    bytes[at++] = quote;
    for (let index = 0; index < length; index++) {
      const unit = text.charCodeAt(index);
      if (unit < 0x20 || unit > 0x7e || unit === quote || unit === backslash) return this.json(text);
      bytes[at++] = unit;
    }
    bytes[at++] = quote;
    this.size = at;
  }

  /** Text that is already bytes. */
  text({ parts }: Utf8Text): void {
    this.byte(quote);
    for (const part of parts) {
      for (let from = 0; from < part.length; from += escapedAtOnce) {
        const piece = part.length <= escapedAtOnce ? part : part.subarray(from, from + escapedAtOnce);
        this.room(piece.length * longestEscape);
        this.size = writeEscaped(piece, this.#view, this.size);
      }
    }
    this.byte(quote);
  }

  /** A string that stands for itself: digits, a word of JSON. */
  ascii(text: string): void {
    const { length } = text;
    this.room(length);
    const { bytes } = this;
    let at = this.size;
    for (let index = 0; index < length; index++) bytes[at++] = text.charCodeAt(index);
    this.size = at;
  }

  /** Any other value. */
  json(value: unknown): void {
    const text = JSON.stringify(value);
    // At most three bytes for a UTF-16 unit; counted exactly only where that would not fit.
    if (this.size + text.length * 3 > this.bytes.length) this.room(Buffer.byteLength(text));
    this.size += this.bytes.write(text, this.size);
  }

  #use(bytes: Buffer): void {
    this.bytes = bytes;
    this.#view = viewOf(bytes);
  }
}

function viewOf(bytes: Buffer): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
}
