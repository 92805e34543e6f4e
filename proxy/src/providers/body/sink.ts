import type { Plan } from '../../json/plan.ts';
import { ProjectionReader } from '../../json/project.ts';
import type { LongEvent } from '../../sse.ts';

/** What the bytes of a reply come to: pieces of a stream, or one document. */
export interface BodySink {
  /** What a document too large to parse at once must keep. */
  readonly plan: Plan;
  /** One event, line, message or list item of a stream. */
  piece(value: unknown, name: string): void;
  /** The body was one document; `whole`: it was read to its end. */
  document(value: unknown, whole: boolean): void;
  /** A mark that says: the stream is complete. */
  endMark(): void;
  warn(token: string): void;
}

/** Reads a body of one kind as it arrives. */
export interface BodyReader {
  /** The bytes come as a stream of pieces. */
  readonly streams: boolean;
  feed(chunk: Uint8Array): void;
  /** `cut`: the body ended before its end. */
  end(cut: boolean): void;
}

/** Reads one piece that is too long to be kept, by the sink's plan. */
export function longPiece(sink: BodySink, name: string): LongEvent {
  const reader = new ProjectionReader(sink.plan);
  return {
    feed: (chunk) => reader.feed(chunk),
    end: () => {
      if (!reader.end()) sink.warn('malformed_event');
      sink.piece(reader.value, name);
    },
  };
}
