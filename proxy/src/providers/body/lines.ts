import { parseJson } from '../../json/value.ts';
import { LineReader } from '../../lines.ts';
import type { BodyReader, BodySink } from './sink.ts';
import { longPiece } from './sink.ts';

/**
 * JSON values, one a line. Where the type does not say that they are (`declared`), a single line is one document, and only
 * a second one makes it a stream.
 */
export class LinesBody implements BodyReader {
  streams: boolean;
  readonly #lines: LineReader;
  #held: { readonly value: unknown } | null = null;

  constructor(
    readonly sink: BodySink,
    declared: boolean,
  ) {
    this.streams = declared;
    this.#lines = new LineReader({
      line: (text, last) => this.#line(text, last),
      longLine: () => {
        this.#begin();
        return longPiece(sink, '');
      },
    });
  }

  feed(chunk: Uint8Array): void {
    this.#lines.feed(chunk);
  }

  end(): void {
    this.#lines.end();
    if (this.#held !== null) this.sink.document(this.#held.value, true);
    this.#held = null;
  }

  #line(text: string, last: boolean): void {
    const parsed = parseJson(text);
    if (!this.streams && this.#held === null && parsed !== null) {
      this.#held = parsed;
      return;
    }
    this.#begin();
    if (parsed !== null) this.sink.piece(parsed.value, '');
    else if (!last) this.sink.warn('malformed_event');
  }

  #begin(): void {
    this.streams = true;
    if (this.#held !== null) this.sink.piece(this.#held.value, '');
    this.#held = null;
  }
}
