/**
 * Lines of text (NDJSON and its like), from bytes split anywhere. Knows no provider. Bounded: a line up to LINE_LIMIT is
 * handed on as one string; a longer one goes, as it arrives, to the reader that `longLine` returns. Empty lines are nothing.
 */
import { Bytes } from './json/bytes.ts';
import type { LongEvent } from './sse.ts';

const LINE_LIMIT = 262_144;
const LF = 0x0a;

export interface LineSink {
  /** `last`: the body ended without a line feed. */
  line(text: string, last: boolean): void;
  longLine(): LongEvent;
}

export class LineReader {
  readonly #line = new Bytes();
  #long: LongEvent | null = null;

  constructor(readonly sink: LineSink) {}

  feed(input: Uint8Array): void {
    const chunk = Buffer.isBuffer(input) ? input : Buffer.from(input.buffer, input.byteOffset, input.byteLength);
    let at = 0;
    while (at < chunk.length) {
      const end = chunk.indexOf(LF, at);
      this.#take(chunk.subarray(at, end === -1 ? chunk.length : end));
      if (end === -1) return;
      this.#lineEnd(false);
      at = end + 1;
    }
  }

  /** No more bytes. */
  end(): void {
    this.#lineEnd(true);
  }

  #take(bytes: Buffer): void {
    if (this.#long === null && this.#line.length + bytes.length > LINE_LIMIT) {
      this.#long = this.sink.longLine();
      this.#long.feed(this.#line.view);
      this.#line.clear();
    }
    if (this.#long === null) this.#line.append(bytes);
    else this.#long.feed(bytes);
  }

  #lineEnd(last: boolean): void {
    if (this.#long !== null) {
      this.#long.end();
      this.#long = null;
      return;
    }
    const text = this.#line.view.toString('utf8').trim();
    this.#line.length = 0;
    if (text !== '') this.sink.line(text, last);
  }
}
