/**
 * AWS event stream (`application/vnd.amazon.eventstream`), from bytes split anywhere. Knows no provider.
 * A message is: total length, headers' length, CRC32 of these two; headers; payload; CRC32 of all before it (all numbers
 * 32 bits, big-endian): https://smithy.io/2.0/aws/amazon-eventstream.html.
 * Bounded: a payload up to PAYLOAD_LIMIT is handed on as one buffer, a longer one goes, as it arrives, to the reader that
 * `longMessage` returns. A message whose own CRC is wrong is dropped and told; after a wrong prelude nothing can be found
 * again, and the rest is ignored. Work is linear; no input throws.
 */
import { crc32 } from 'node:zlib';
import { Bytes } from './json/bytes.ts';

const PRELUDE = 12;
const CHECKSUM = 4;
const PAYLOAD_LIMIT = 262_144;
/** What the format allows: 128 KB of headers, 16 MB of payload (24 MB by newer SDKs). */
const MOST_HEADERS = 131_072;
const MOST_PAYLOAD = 25_165_824;

/** Headers whose value is a string; others (numbers, times, bytes) are passed over. */
export type MessageHeaders = ReadonlyMap<string, string>;

export interface LongMessage {
  feed(chunk: Uint8Array): void;
  end(): void;
}

export interface MessageSink {
  /** The payload is valid during the call only. */
  message(headers: MessageHeaders, payload: Buffer): void;
  longMessage(headers: MessageHeaders): LongMessage;
  /** A checksum is wrong: of one message, or of a prelude, after which the stream cannot be read on. */
  damaged(part: 'message' | 'prelude'): void;
}

type Part = 'prelude' | 'headers' | 'payload' | 'checksum' | 'lost';

export class EventStreamReader {
  #part: Part = 'prelude';
  /** Bytes that the current part still lacks. */
  #missing = PRELUDE;
  #payloadLength = 0;
  #crc = 0;
  #headers: MessageHeaders = new Map();
  #long: LongMessage | null = null;
  readonly #bytes = new Bytes();
  readonly #payload = new Bytes();

  constructor(readonly sink: MessageSink) {}

  feed(input: Uint8Array): void {
    const chunk = Buffer.isBuffer(input) ? input : Buffer.from(input.buffer, input.byteOffset, input.byteLength);
    let at = 0;
    while (at < chunk.length && this.#part !== 'lost') {
      const piece = chunk.subarray(at, at + this.#missing);
      at += piece.length;
      this.#missing -= piece.length;
      this.#take(piece);
      if (this.#missing === 0) this.#next();
    }
  }

  /** No more bytes: a message that was not whole is let go. */
  end(): void {
    this.#part = 'lost';
    this.#long = null;
    this.#payload.clear();
  }

  #take(piece: Buffer): void {
    if (this.#part !== 'payload') this.#bytes.append(piece);
    else if (this.#long !== null) this.#long.feed(piece);
    else this.#payload.append(piece);
    if (this.#part !== 'checksum') this.#crc = crc32(piece, this.#crc);
  }

  /** A part is whole: on to the one that follows, past those that are empty. */
  #next(): void {
    const bytes = this.#bytes.view;
    if (this.#part === 'prelude') this.#prelude(bytes);
    else if (this.#part === 'headers') this.#openPayload(readHeaders(bytes));
    else if (this.#part === 'payload') this.#expect('checksum', CHECKSUM);
    else if (this.#part === 'checksum') this.#close(bytes.readUInt32BE(0) === this.#crc);
  }

  #expect(part: Part, length: number): void {
    this.#bytes.length = 0;
    this.#part = part;
    this.#missing = length;
  }

  #prelude(bytes: Buffer): void {
    const total = bytes.readUInt32BE(0);
    const headers = bytes.readUInt32BE(4);
    this.#payloadLength = total - headers - PRELUDE - CHECKSUM;
    const sound = crc32(bytes.subarray(0, 8)) === bytes.readUInt32BE(8);
    if (!sound || headers > MOST_HEADERS || this.#payloadLength < 0 || this.#payloadLength > MOST_PAYLOAD) {
      this.#part = 'lost';
      this.sink.damaged('prelude');
      return;
    }
    if (headers > 0) this.#expect('headers', headers);
    else this.#openPayload(new Map());
  }

  #openPayload(headers: MessageHeaders): void {
    this.#headers = headers;
    if (this.#payloadLength > PAYLOAD_LIMIT) this.#long = this.sink.longMessage(headers);
    if (this.#payloadLength > 0) this.#expect('payload', this.#payloadLength);
    else this.#expect('checksum', CHECKSUM);
  }

  #close(sound: boolean): void {
    const long = this.#long;
    this.#long = null;
    this.#crc = 0;
    this.#expect('prelude', PRELUDE);
    if (!sound) this.sink.damaged('message');
    else if (long !== null) long.end();
    else this.sink.message(this.#headers, this.#payload.view);
    this.#payload.length = 0;
  }
}

/** Bytes of a value by its type; `null`: two bytes of length stand before it. */
const SIZES: readonly (number | null)[] = [0, 0, 1, 2, 4, 8, null, null, 8, 16];
const STRING = 7;

function readHeaders(bytes: Buffer): MessageHeaders {
  const headers = new Map<string, string>();
  let at = 0;
  while (at < bytes.length) {
    const nameEnd = at + 1 + bytes.readUInt8(at);
    const type = bytes[nameEnd];
    const size = type === undefined ? undefined : SIZES[type];
    if (size === undefined) break;
    let start = nameEnd + 1;
    let length = size ?? 0;
    if (size === null) {
      if (start + 2 > bytes.length) break;
      length = bytes.readUInt16BE(start);
      start += 2;
    }
    if (start + length > bytes.length) break;
    if (type === STRING)
      headers.set(bytes.toString('utf8', at + 1, nameEnd), bytes.toString('utf8', start, start + length));
    at = start + length;
  }
  return headers;
}

/** One message of this format, whose headers are all strings. */
export function encodeMessage(headers: Readonly<Record<string, string>>, payload: Uint8Array): Buffer {
  const encoded = Buffer.concat(
    Object.entries(headers).flatMap(([name, value]) => {
      const head = Buffer.alloc(3);
      head.writeUInt8(STRING, 0);
      head.writeUInt16BE(Buffer.byteLength(value), 1);
      return [Buffer.from([Buffer.byteLength(name)]), Buffer.from(name), head, Buffer.from(value)];
    }),
  );
  const message = Buffer.alloc(PRELUDE + encoded.length + payload.length + CHECKSUM);
  message.writeUInt32BE(message.length, 0);
  message.writeUInt32BE(encoded.length, 4);
  message.writeUInt32BE(crc32(message.subarray(0, 8)), 8);
  message.set(encoded, PRELUDE);
  message.set(payload, PRELUDE + encoded.length);
  message.writeUInt32BE(crc32(message.subarray(0, -CHECKSUM)), message.length - CHECKSUM);
  return message;
}
