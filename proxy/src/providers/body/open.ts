import { EventsBody } from './events.ts';
import { JsonBody, ListBody } from './json.ts';
import { LinesBody } from './lines.ts';
import { MessagesBody } from './messages.ts';
import type { BodyReader, BodySink } from './sink.ts';

const LINES = /^application\/(?:x-ndjson|ndjson|jsonl|x-jsonl|x-jsonlines|stream\+json)\b/;
const EVENT_STREAM = 'application/vnd.amazon.eventstream';
/** White space and the bytes of a byte order mark. */
const BEFORE = new Set([0x20, 0x09, 0x0a, 0x0d, 0xef, 0xbb, 0xbf]);

export interface Declared {
  /** Lower case. */
  readonly contentType: string;
  readonly failed: boolean;
}

/** Where a body's first byte that tells what it is stands in a chunk; -1: there is none yet. */
export function firstByte(chunk: Uint8Array): number {
  return chunk.findIndex((byte) => !BEFORE.has(byte));
}

/**
 * The reader of a body that begins with this byte; `null` for what is neither JSON nor a stream. The declared type only
 * breaks a tie, because gateways send JSON errors as event streams and events as JSON.
 */
export function openBody(first: number, { contentType, failed }: Declared, sink: BodySink): BodyReader | null {
  if (first === 0x7b) return !failed && LINES.test(contentType) ? new LinesBody(sink, true) : new JsonBody(sink);
  if (first === 0x5b) return new ListBody(sink);
  // The length of an event stream's message is far below 2²⁴: its first byte is zero.
  if (first === 0) return new MessagesBody(sink, contentType.startsWith(EVENT_STREAM));
  const named = contentType.includes('event-stream');
  const like = 'deir:'.includes(String.fromCharCode(first)) && !/^(?:audio|image|video)|html/.test(contentType);
  return named || like ? new EventsBody(sink) : null;
}
