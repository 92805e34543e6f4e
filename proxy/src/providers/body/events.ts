import { parseJson } from '../../json/value.ts';
import { SseReader } from '../../sse.ts';
import type { BodyReader, BodySink } from './sink.ts';
import { longPiece } from './sink.ts';

/** Server-sent events whose data is JSON, or `[DONE]`. */
export class EventsBody implements BodyReader {
  readonly streams = true;
  readonly #events: SseReader;

  constructor(readonly sink: BodySink) {
    this.#events = new SseReader({
      event: (name, data, last) => this.#event(name, data, last),
      longEvent: () => longPiece(sink, ''),
    });
  }

  feed(chunk: Uint8Array): void {
    this.#events.feed(chunk);
  }

  end(): void {
    this.#events.end();
  }

  #event(name: string, data: string, last: boolean): void {
    if (data === '') return;
    if (data.startsWith('[DONE]')) {
      this.sink.endMark();
      return;
    }
    const parsed = parseJson(data);
    if (parsed === null) {
      // What breaks off at the end of a stream was cut, not malformed.
      if (!last) this.sink.warn('malformed_event');
    } else if (Array.isArray(parsed.value)) for (const item of parsed.value) this.sink.piece(item, name);
    else this.sink.piece(parsed.value, name);
  }
}
