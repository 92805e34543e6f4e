/**
 * Reads the replies of one HTTP/1.1 connection (RFC 9112), as strictly as a message needs that is passed on: where two readers
 * could disagree on where it ends, it is refused. Bodies are not held: what has come is passed on.
 */
import { headerTraits } from '../header-traits.ts';
import { Bytes } from '../json/bytes.ts';

/** So much of a head, of trailers. */
const fieldBytes = 128 * 1024;
/** So much of the line before a chunk; what stands behind its size is not looked at. */
const sizeLineBytes = 16 * 1024;
const mark = '\r\n\r\n';
const [tab, lf, cr, space, semicolon] = [0x09, 0x0a, 0x0d, 0x20, 0x3b];

/** What a reply comes to, in this order; the last is `end`. */
export interface ReplyEvents {
  /** @param headers raw: name, value, name, value …; latin1. */
  head(status: number, statusText: string, headers: string[]): void;
  /** @returns false to be sent no more than what has come already. */
  data(chunk: Buffer): boolean;
  end(trailers: string[]): void;
}

type State = 'head' | 'length' | 'until-close' | 'size' | 'chunk' | 'chunk-end' | 'trailers' | 'done';

export class ReplyReader {
  #state: State = 'head';
  /** The beginning of a head or of trailers that are not whole yet. */
  #held: Bytes | null = null;
  /** Of a body, or of a chunk: bytes to come. */
  #left = 0;
  /** Of the line before a chunk: its bytes so far, and where in it we are. */
  #lineBytes = 0;
  #line: 'size' | 'extension' | 'cr' = 'size';
  /** The sink can take more. */
  #ready = true;
  /** Another request may follow on this connection. */
  reusable = false;
  /** How long the provider keeps it open, ms; null where it does not say. */
  keepAliveMs: number | null = null;

  constructor(
    private readonly method: string,
    private readonly events: ReplyEvents,
  ) {}

  get done(): boolean {
    return this.#state === 'done';
  }

  /** A head has been seen. */
  get begun(): boolean {
    return this.#state !== 'head';
  }

  /** Nothing more is told. */
  stop(): void {
    this.#state = 'done';
    this.reusable = false;
  }

  /** @returns false when a part of it was one too many for who takes it. @throws Error `HPE_…` for what is no reply. */
  feed(bytes: Buffer): boolean {
    this.#ready = true;
    let at = 0;
    while (at < bytes.length) at = this.#step(bytes, at);
    return this.#ready;
  }

  /** The connection was closed in good order. @returns whether that is an end of the reply. */
  close(): boolean {
    if (this.#state !== 'until-close') return this.done;
    this.#end([]);
    return true;
  }

  #step(bytes: Buffer, at: number): number {
    switch (this.#state) {
      case 'head':
        return this.#fields(bytes, at, (text) => this.#head(text));
      case 'length':
      case 'chunk':
        return this.#body(bytes, at);
      case 'until-close':
        this.#data(at === 0 ? bytes : bytes.subarray(at));
        return bytes.length;
      case 'size':
        return this.#sizeLine(bytes, at);
      case 'chunk-end':
        return this.#chunkEnd(bytes, at);
      case 'trailers':
        // No trailers at all: the line that ends them is the first.
        if (this.#held === null && bytes[at] === cr && bytes[at + 1] === lf) {
          this.#end([]);
          return at + 2;
        }
        return this.#fields(bytes, at, (text) => this.#end(parseFields(text, 0)));
      case 'done':
        // More than was asked for: what it belongs to cannot be known.
        this.reusable = false;
        return bytes.length;
    }
  }

  /** Passes lines on, without the empty one that ends them, as soon as they are whole. */
  #fields(bytes: Buffer, at: number, take: (text: string) => void): number {
    const before = this.#held?.length ?? 0;
    if (this.#held === null) {
      const end = bytes.indexOf(mark, at, 'latin1');
      if (end !== -1) {
        checkSize(end - at);
        take(bytes.toString('latin1', at, end));
        return end + mark.length;
      }
      this.#held = new Bytes();
    }
    const held = this.#held;
    held.append(bytes.subarray(at));
    // An empty line may stand at the very beginning of trailers that came in pieces.
    const view = held.view;
    const none = this.#state === 'trailers' && view[0] === cr && view[1] === lf;
    const end = none ? 0 : view.indexOf(mark, Math.max(0, before - mark.length), 'latin1');
    checkSize(end === -1 ? held.length : end);
    if (end === -1) return bytes.length;
    this.#held = null;
    take(view.toString('latin1', 0, end));
    return at + end + (none ? 2 : mark.length) - before;
  }

  #head(text: string): void {
    const lineEnd = text.indexOf('\r\n');
    const first = statusLine.exec(lineEnd === -1 ? text : text.slice(0, lineEnd));
    if (first === null) throw malformed('INVALID_CONSTANT', 'no HTTP/1.1 status line');
    const status = Number(first[2]);
    if (status === 101) throw malformed('UNEXPECTED_UPGRADE', 'an upgrade that nobody asked for');
    // 100 Continue, 103 Early Hints and their like: for the next hop only.
    if (status < 200) return;
    const headers = lineEnd === -1 ? [] : parseFields(text, lineEnd + 2);
    this.#frame(first[1] === '1', status, headers);
    this.events.head(status, first[3] ?? '', headers);
    if (this.#state === 'length' && this.#left === 0) this.#end([]);
  }

  /** Where the body ends (RFC 9112 §6.3), and what becomes of the connection (§9.3). */
  #frame(oneOne: boolean, status: number, headers: readonly string[]): void {
    let length: string | null = null;
    let coding: string | null = null;
    let connection = '';
    for (let index = 0; index + 1 < headers.length; index += 2) {
      const value = headers[index + 1] as string;
      switch (headerTraits(headers[index] as string).lower) {
        case 'content-length':
          if (length !== null) throw malformed('UNEXPECTED_CONTENT_LENGTH', 'more than one Content-Length');
          length = value;
          break;
        case 'transfer-encoding':
          coding = coding === null ? value.toLowerCase() : `${coding}, ${value.toLowerCase()}`;
          break;
        case 'connection':
          connection += `,${value.toLowerCase()}`;
          break;
        case 'keep-alive':
          this.keepAliveMs = keepAliveOf(value);
          break;
      }
    }
    if (length !== null && (coding !== null || !/^\d{1,15}$/.test(length))) {
      throw malformed('INVALID_CONTENT_LENGTH', 'a Content-Length that is no length, or not the only one');
    }
    this.reusable = oneOne ? !hasClose.test(connection) : coding === null && hasKeepAlive.test(connection);
    if (this.method === 'HEAD' || status === 204 || status === 304) this.#state = 'length';
    else if (coding === 'chunked') this.#state = 'size';
    else if (coding !== null && coding !== 'identity') {
      throw malformed(
        'INVALID_TRANSFER_ENCODING',
        `the transfer coding ${coding.slice(0, 40)}, which nobody asked for`,
      );
    } else if (length !== null) {
      this.#state = 'length';
      this.#left = Number(length);
    } else {
      this.#state = 'until-close';
      this.reusable = false;
    }
  }

  #body(bytes: Buffer, at: number): number {
    const size = Math.min(this.#left, bytes.length - at);
    this.#left -= size;
    const chunked = this.#state === 'chunk';
    if (this.#left === 0 && chunked) this.#state = 'chunk-end';
    this.#data(size === bytes.length ? bytes : bytes.subarray(at, at + size));
    if (this.#left === 0 && this.#state === 'length') this.#end([]);
    return at + size;
  }

  /** `1a2b;name=value`, CR, LF (RFC 9112 §7.1), one byte after the other: it may be cut anywhere. */
  #sizeLine(bytes: Buffer, from: number): number {
    for (let at = from; at < bytes.length; at++) {
      const byte = bytes[at] as number;
      if (++this.#lineBytes > sizeLineBytes) throw malformed('CHUNK_EXTENSIONS_OVERFLOW', 'too long a chunk size');
      const first = this.#lineBytes === 1;
      if (this.#line === 'cr') {
        if (byte !== lf) throw malformed('LF_EXPECTED', 'a chunk size that does not end');
        this.#state = this.#left === 0 ? 'trailers' : 'chunk';
        this.#line = 'size';
        this.#lineBytes = 0;
        return at + 1;
      }
      if (byte === cr && !first) this.#line = 'cr';
      else if (this.#line === 'extension') {
        if (byte === lf || byte === cr) throw malformed('CR_EXPECTED', 'a chunk extension that does not end');
      } else {
        const digit = hexDigit(byte);
        if (digit !== -1) this.#left = this.#left * 16 + digit;
        else if (!first && (byte === semicolon || byte === space || byte === tab)) this.#line = 'extension';
        else throw malformed('INVALID_CHUNK_SIZE', 'a chunk size that is no number');
        if (this.#left > Number.MAX_SAFE_INTEGER) throw malformed('INVALID_CHUNK_SIZE', 'too large a chunk');
      }
    }
    return bytes.length;
  }

  /** CR, LF behind a chunk. */
  #chunkEnd(bytes: Buffer, at: number): number {
    const expected = this.#lineBytes === 0 ? cr : lf;
    if (bytes[at] !== expected) throw malformed('STRICT', 'a chunk that is longer than it said');
    this.#lineBytes++;
    if (expected === lf) {
      this.#lineBytes = 0;
      this.#state = 'size';
    }
    return at + 1;
  }

  #data(chunk: Buffer): void {
    if (!this.events.data(chunk)) this.#ready = false;
  }

  #end(trailers: string[]): void {
    this.#state = 'done';
    this.events.end(trailers);
  }
}

const statusLine = /^HTTP\/1\.([01]) ([1-9]\d\d)(?: ([\t\x20-\x7e\x80-\xff]*))?$/;
const hasClose = /,[ \t]*close[ \t]*(,|$)/;
const hasKeepAlive = /,[ \t]*keep-alive[ \t]*(,|$)/;
const fieldValue = /^[\t\x20-\x7e\x80-\xff]*$/;

/** Header or trailer lines (RFC 9112 §5), from `from` on. @returns name, value, name, value …. */
function parseFields(text: string, from: number): string[] {
  const fields: string[] = [];
  for (let at = from; at < text.length;) {
    let end = text.indexOf('\r\n', at);
    if (end === -1) end = text.length;
    const first = text.charCodeAt(at);
    if (first === space || first === tab) {
      // A line that goes on from the one before: one space stands for the break (§5.2).
      if (fields.length === 0) throw malformed('INVALID_HEADER_TOKEN', 'a first header line that begins with a space');
      const last = fields.length - 1;
      fields[last] = `${fields[last]} ${valueOf(text, at, end)}`.trim();
    } else {
      const colon = text.indexOf(':', at);
      const name = text.slice(at, colon);
      if (colon === -1 || colon > end || !headerTraits(name).isName) {
        throw malformed('INVALID_HEADER_TOKEN', 'a header line without a name');
      }
      fields.push(name, valueOf(text, colon + 1, end));
    }
    at = end + 2;
  }
  return fields;
}

/** Without the white space around it. */
function valueOf(text: string, from: number, to: number): string {
  let [start, end] = [from, to];
  while (start < end && isSpace(text.charCodeAt(start))) start++;
  while (end > start && isSpace(text.charCodeAt(end - 1))) end--;
  const value = text.slice(start, end);
  if (!fieldValue.test(value)) throw malformed('INVALID_HEADER_TOKEN', 'a header value with a control character');
  return value;
}

function isSpace(code: number): boolean {
  return code === space || code === tab;
}

function checkSize(length: number): void {
  if (length > fieldBytes) throw malformed('HEADER_OVERFLOW', `a head of over ${fieldBytes} bytes`);
}

function hexDigit(byte: number): number {
  if (byte >= 0x30 && byte <= 0x39) return byte - 0x30;
  const lower = byte | 0x20;
  return lower >= 0x61 && lower <= 0x66 ? lower - 0x57 : -1;
}

/** `timeout=5, max=100` (RFC 2068 §19.7.1). @returns ms. */
function keepAliveOf(value: string): number | null {
  const seconds = /(?:^|[,\s])timeout=(\d{1,9})/i.exec(value)?.[1];
  return seconds === undefined ? null : Number(seconds) * 1000;
}

/** With the codes that Node's own parser has for the same. */
function malformed(code: string, why: string): Error {
  return Object.assign(new Error(`the reply is no HTTP/1.1: ${why}`), { code: `HPE_${code}` });
}
