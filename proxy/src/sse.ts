/**
 * Server-sent events, as the HTML standard defines them (§9.2.6), from bytes split anywhere. Knows no provider.
 * Bounded: an event's data up to EVENT_LIMIT is handed on as one string; a longer one goes, as it arrives, to the
 * reader that `longEvent` returns. Other fields than `data` and `event` are passed over.
 */

import { Bytes } from './json/bytes.ts';

const EVENT_LIMIT = 262_144;
const LF = 0x0a;
const CR = 0x0d;

export interface LongEvent {
  feed(chunk: Uint8Array): void;
  end(): void;
}

export interface EventSink {
  /** `last`: the stream ended without the blank line that ends an event. */
  event(name: string, data: string, last: boolean): void;
  longEvent(): LongEvent;
}

export class SseReader {
  readonly #line = new Bytes();
  #first = true;
  #afterCr = false;
  #name = '';
  #data: string | null = null;
  #long: LongEvent | null = null;
  /** The current line has outgrown the buffer: its rest goes to `#long`, or nowhere. */
  #overlong: 'no' | 'data' | 'skip' = 'no';

  constructor(readonly sink: EventSink) {}

  feed(input: Uint8Array): void {
    const chunk = Buffer.isBuffer(input) ? input : Buffer.from(input.buffer, input.byteOffset, input.byteLength);
    let at = 0;
    if (this.#afterCr && chunk.length > 0) {
      if (chunk[0] === LF) at = 1;
      this.#afterCr = false;
    }
    let nextCr = chunk.indexOf(CR, at);
    let nextLf = chunk.indexOf(LF, at);
    while (at < chunk.length) {
      // Either mark is looked for only after it was passed, so that a chunk without it is searched once.
      if (nextCr !== -1 && nextCr < at) nextCr = chunk.indexOf(CR, at);
      if (nextLf !== -1 && nextLf < at) nextLf = chunk.indexOf(LF, at);
      const end = nextCr !== -1 && (nextLf === -1 || nextCr < nextLf) ? nextCr : nextLf;
      if (end === -1) {
        this.#partial(chunk.subarray(at));
        return;
      }
      this.#lineEnd(chunk, at, end);
      at = end + 1;
      if (end !== nextCr) continue;
      if (at === chunk.length) this.#afterCr = true;
      else if (chunk[at] === LF) at++;
    }
  }

  /** No more bytes. An event without its blank line is handed on too: some servers omit it. */
  end(): void {
    if (this.#line.length > 0 || this.#overlong !== 'no') this.#lineEnd(Buffer.alloc(0), 0, 0);
    this.#dispatch(true);
  }

  #partial(bytes: Buffer): void {
    if (this.#overlong !== 'no') {
      if (this.#overlong === 'data') this.#long?.feed(bytes);
      return;
    }
    this.#line.append(bytes);
    if (this.#line.length > EVENT_LIMIT) this.#outgrow();
  }

  #outgrow(): void {
    const line = this.#line.view;
    const data = /^(?:\uFEFF)?data: ?/.exec(line.toString('utf8', 0, 16));
    this.#line.clear();
    this.#first = false;
    if (data === null) {
      this.#overlong = 'skip';
      return;
    }
    this.#overlong = 'data';
    this.#append(line.subarray(Buffer.byteLength(data[0])));
  }

  #lineEnd(chunk: Buffer, start: number, end: number): void {
    if (this.#overlong !== 'no') {
      if (this.#overlong === 'data' && end > start) this.#long?.feed(chunk.subarray(start, end));
      this.#overlong = 'no';
      return;
    }
    let line: string;
    if (this.#line.length > 0) {
      this.#line.append(chunk.subarray(start, end));
      line = this.#line.view.toString('utf8');
      this.#line.length = 0;
    } else line = chunk.toString('utf8', start, end);
    if (this.#first) {
      this.#first = false;
      if (line.charCodeAt(0) === 0xfeff) line = line.slice(1);
    }
    this.#field(line);
  }

  #field(line: string): void {
    if (line === '') {
      this.#dispatch(false);
      return;
    }
    const colon = line.indexOf(':');
    if (colon === 0) return;
    const field = colon === -1 ? line : line.slice(0, colon);
    if (field !== 'data' && field !== 'event') return;
    const from = line.charCodeAt(colon + 1) === 0x20 ? colon + 2 : colon + 1;
    const value = colon === -1 ? '' : line.slice(from);
    if (field === 'event') this.#name = value.slice(0, 256);
    else if (this.#long !== null) this.#append(Buffer.from(value, 'utf8'));
    else if (this.#data === null && value.length <= EVENT_LIMIT) this.#data = value;
    else if ((this.#data?.length ?? 0) + value.length > EVENT_LIMIT) this.#append(Buffer.from(value, 'utf8'));
    else this.#data = `${this.#data ?? ''}\n${value}`;
  }

  /** One more line of data for an event that is too long to be kept. */
  #append(bytes: Buffer): void {
    if (this.#long === null) {
      this.#long = this.sink.longEvent();
      if (this.#data !== null) this.#long.feed(Buffer.from(`${this.#data}\n`, 'utf8'));
      this.#data = null;
    } else this.#long.feed(Buffer.from('\n'));
    this.#long.feed(bytes);
  }

  #dispatch(last: boolean): void {
    const name = this.#name;
    const data = this.#data;
    const long = this.#long;
    this.#name = '';
    this.#data = null;
    this.#long = null;
    if (long !== null) long.end();
    else if (data !== null) this.sink.event(name, data, last);
  }
}
