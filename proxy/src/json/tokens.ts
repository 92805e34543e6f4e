/**
 * Splits JSON bytes into tokens as they arrive. Invariants: nothing is kept but the stack of open brackets (one bit of
 * meaning each, at most MAX_DEPTH) and one short number; strings are handed on in pieces, with escapes resolved to
 * UTF-8, so that a string of any length passes through; work is linear; no input throws.
 */

import { encodePoint } from './utf8.ts';

/** What takes the tokens. Pieces are views into the caller's chunk: copy what must be kept. */
export interface TokenSink {
  open(isObject: boolean): void;
  close(): void;
  stringStart(isKey: boolean): void;
  piece(bytes: Uint8Array, start: number, end: number): void;
  stringEnd(isKey: boolean): void;
  number(value: number): void;
  literal(value: boolean | null): void;
}

/** Deeper nesting than any API's, and little enough to keep on a stack. */
const MAX_DEPTH = 2000;
/** A longer number is cut here: no double needs more digits to be told apart from its neighbours. */
const MAX_NUMBER = 800;

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
/** A string's end is looked for in so many bytes before it is searched for: a search takes as long to begin with. */
const NEAR = 64;

const enum Want {
  Value,
  FirstValue,
  FirstKey,
  Key,
  Colon,
  CommaOrEnd,
  Nothing,
}

const enum Inside {
  Gap,
  String,
  Escape,
  Unicode,
  Word,
}

const ESCAPES: Readonly<Record<number, number>> = {
  0x22: 0x22,
  0x5c: 0x5c,
  0x2f: 0x2f,
  0x62: 0x08,
  0x66: 0x0c,
  0x6e: 0x0a,
  0x72: 0x0d,
  0x74: 0x09,
};

/** One character that an escape stood for; whoever takes it copies it. */
const scratch = new Uint8Array(4);

function find(chunk: Buffer, byte: number, from: number): number {
  const at = chunk.indexOf(byte, from);
  return at === -1 ? chunk.length : at;
}

function hexDigit(byte: number): number {
  if (byte >= 0x30 && byte <= 0x39) return byte - 0x30;
  const lower = byte | 0x20;
  return lower >= 0x61 && lower <= 0x66 ? lower - 0x57 : -1;
}

/** RFC 8259 reader. `failed` once the bytes are not JSON (or nest too deep); the rest is then ignored. */
export class JsonTokens {
  failed = false;
  #want = Want.Value;
  #inside = Inside.Gap;
  #isKey = false;
  readonly #objects: boolean[] = [];
  #word = '';
  #unit = 0;
  #unitDigits = 0;
  #highSurrogate = 0;
  #start = true;
  /** The next quote and the next backslash of a chunk, where they were searched for; -1: from where it is read, they were not. */
  #quoteAt = -1;
  #backslashAt = -1;

  constructor(readonly sink: TokenSink) {}

  /** True when one whole value has been read. */
  get whole(): boolean {
    return !this.failed && this.#want === Want.Nothing && this.#inside === Inside.Gap;
  }

  feed(bytes: Uint8Array): void {
    const chunk = Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
    const length = chunk.length;
    this.#quoteAt = this.#backslashAt = -1;
    let at = 0;
    if (this.#start && length > 0) at = this.#skipMark(chunk);
    while (at < length && !this.failed) {
      switch (this.#inside) {
        case Inside.Gap:
          at = this.#gap(chunk, at);
          break;
        case Inside.String:
          at = this.#string(chunk, at);
          break;
        case Inside.Word:
          at = this.#wordBytes(chunk, at);
          break;
        case Inside.Escape:
          this.#escape(chunk[at++] ?? 0);
          break;
        case Inside.Unicode:
          this.#unicode(chunk[at++] ?? 0);
          break;
      }
    }
  }

  /** No more bytes: ends a number at the top level. Idempotent. */
  end(): void {
    if (!this.failed && this.#inside === Inside.Word) this.#endWord();
  }

  /** Skips what of a byte order mark (EF BB BF) stands at the very start. */
  #skipMark(chunk: Uint8Array): number {
    let at = 0;
    while (at < chunk.length && ((chunk[at] ?? 0) === 0xef || (chunk[at] ?? 0) === 0xbb || (chunk[at] ?? 0) === 0xbf))
      at++;
    if (at < chunk.length) this.#start = false;
    return at;
  }

  #gap(chunk: Uint8Array, from: number): number {
    const byte = chunk[from] ?? 0;
    if (byte === 0x20 || byte === 0x0a || byte === 0x0d || byte === 0x09) return from + 1;
    switch (this.#want) {
      case Want.CommaOrEnd:
        this.#separator(byte);
        return from + 1;
      case Want.Colon:
        if (byte === 0x3a) this.#want = Want.Value;
        else this.failed = true;
        return from + 1;
      case Want.FirstKey:
      case Want.Key:
        if (byte === QUOTE) this.#beginString(true);
        else if (byte === 0x7d && this.#want === Want.FirstKey) this.#close(true);
        else this.failed = true;
        return from + 1;
      case Want.Nothing:
        this.failed = true;
        return from + 1;
      default:
        return this.#value(byte, from);
    }
  }

  #value(byte: number, from: number): number {
    if (byte === QUOTE) this.#beginString(false);
    else if (byte === 0x7b || byte === 0x5b) this.#open(byte === 0x7b);
    else if (byte === 0x5d && this.#want === Want.FirstValue) this.#close(false);
    else if (byte === 0x2d || (byte >= 0x30 && byte <= 0x39) || byte === 0x74 || byte === 0x66 || byte === 0x6e) {
      this.#inside = Inside.Word;
      this.#word = '';
      return from;
    } else this.failed = true;
    return from + 1;
  }

  #separator(byte: number): void {
    const isObject = this.#objects[this.#objects.length - 1];
    if (byte === 0x2c) this.#want = isObject === true ? Want.Key : Want.Value;
    else if (byte === 0x7d || byte === 0x5d) this.#close(byte === 0x7d);
    else this.failed = true;
  }

  #open(isObject: boolean): void {
    if (this.#objects.length >= MAX_DEPTH) {
      this.failed = true;
      return;
    }
    this.#objects.push(isObject);
    this.#want = isObject ? Want.FirstKey : Want.FirstValue;
    this.sink.open(isObject);
  }

  #close(isObject: boolean): void {
    if (this.#objects.pop() !== isObject) {
      this.failed = true;
      return;
    }
    this.sink.close();
    this.#valueDone();
  }

  #valueDone(): void {
    this.#want = this.#objects.length === 0 ? Want.Nothing : Want.CommaOrEnd;
  }

  #beginString(isKey: boolean): void {
    this.#isKey = isKey;
    this.#inside = Inside.String;
    this.sink.stringStart(isKey);
  }

  #string(chunk: Buffer, from: number): number {
    const at = this.#pieceEnd(chunk, from);
    if (at > from) {
      this.#flushSurrogate();
      this.sink.piece(chunk, from, at);
    }
    if (at === chunk.length) return at;
    if (chunk[at] === BACKSLASH) this.#inside = Inside.Escape;
    else {
      this.#flushSurrogate();
      this.#inside = Inside.Gap;
      if (this.#isKey) this.#want = Want.Colon;
      else this.#valueDone();
      this.sink.stringEnd(this.#isKey);
    }
    return at + 1;
  }

  /**
   * Where the next quote or backslash stands; the chunk's end when there is none. Behind the first bytes they are searched for,
   * which is many times as fast, and what was found is remembered, so that no byte is searched twice for one of them.
   */
  #pieceEnd(chunk: Buffer, from: number): number {
    const near = Math.min(chunk.length, from + NEAR);
    let at = from;
    while (at < near && chunk[at] !== QUOTE && chunk[at] !== BACKSLASH) at++;
    if (at < near || at === chunk.length) return at;
    if (this.#quoteAt < at) this.#quoteAt = find(chunk, QUOTE, at);
    if (this.#backslashAt < at) this.#backslashAt = find(chunk, BACKSLASH, at);
    return Math.min(this.#quoteAt, this.#backslashAt);
  }

  #escape(byte: number): void {
    if (byte === 0x75) {
      this.#inside = Inside.Unicode;
      this.#unit = 0;
      this.#unitDigits = 0;
      return;
    }
    const plain = ESCAPES[byte];
    if (plain === undefined) {
      this.failed = true;
      return;
    }
    this.#flushSurrogate();
    this.#emit(plain);
    this.#inside = Inside.String;
  }

  #unicode(byte: number): void {
    const digit = hexDigit(byte);
    if (digit < 0) {
      this.failed = true;
      return;
    }
    this.#unit = this.#unit * 16 + digit;
    if (++this.#unitDigits < 4) return;
    this.#inside = Inside.String;
    const unit = this.#unit;
    if (this.#highSurrogate !== 0 && unit >= 0xdc00 && unit <= 0xdfff) {
      const point = 0x10000 + ((this.#highSurrogate - 0xd800) << 10) + (unit - 0xdc00);
      this.#highSurrogate = 0;
      this.#emit(point);
      return;
    }
    this.#flushSurrogate();
    if (unit >= 0xd800 && unit <= 0xdbff) this.#highSurrogate = unit;
    else this.#emit(unit);
  }

  /** A high surrogate without its other half is kept as it is (WTF-8), so that no two texts become one. */
  #flushSurrogate(): void {
    if (this.#highSurrogate === 0) return;
    const unit = this.#highSurrogate;
    this.#highSurrogate = 0;
    this.#emit(unit);
  }

  #emit(point: number): void {
    this.sink.piece(scratch, 0, encodePoint(point, scratch));
  }

  #wordBytes(chunk: Uint8Array, from: number): number {
    let at = from;
    for (; at < chunk.length; at++) {
      const byte = chunk[at] ?? 0;
      const inWord =
        (byte >= 0x30 && byte <= 0x39) ||
        (byte >= 0x61 && byte <= 0x7a) ||
        byte === 0x2d ||
        byte === 0x2b ||
        byte === 0x2e ||
        byte === 0x45;
      if (!inWord) {
        this.#endWord();
        return at;
      }
      if (this.#word.length < MAX_NUMBER) this.#word += String.fromCharCode(byte);
    }
    return at;
  }

  #endWord(): void {
    this.#inside = Inside.Gap;
    const word = this.#word;
    this.#valueDone();
    if (word === 'true' || word === 'false') this.sink.literal(word === 'true');
    else if (word === 'null') this.sink.literal(null);
    else if (/^-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?$/.test(word)) this.sink.number(Number(word));
    else this.failed = true;
  }
}
