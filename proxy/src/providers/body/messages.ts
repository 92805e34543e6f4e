import type { MessageHeaders } from '../../event-stream.ts';
import { EventStreamReader } from '../../event-stream.ts';
import { Base64Member } from '../../json/base64-member.ts';
import { plan } from '../../json/plan.ts';
import { ProjectionReader } from '../../json/project.ts';
import { asObject, asText, parseJson } from '../../json/value.ts';
import type { LongEvent } from '../../sse.ts';
import type { BodyReader, BodySink } from './sink.ts';

const NOTHING = plan({});

/**
 * AWS event stream. Its messages are the members of one union, each named by `:event-type`: a piece is
 * `{[event-type]: payload}`, as the same union is written where it comes as JSON. A `chunk` holds the model's own JSON in
 * base64 (docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_PayloadPart.html): that is the piece then.
 */
export class MessagesBody implements BodyReader {
  readonly streams = true;
  readonly #reader: EventStreamReader;
  #read = 0;

  /** `declared`: the type says that it is one; bytes that only look like one are no damage. */
  constructor(
    readonly sink: BodySink,
    readonly declared: boolean,
  ) {
    this.#reader = new EventStreamReader({
      message: (headers, payload) => this.#message(headers, payload),
      longMessage: (headers) => this.#longMessage(headers),
      damaged: (part) => this.#damaged(part),
    });
  }

  feed(chunk: Uint8Array): void {
    this.#reader.feed(chunk);
  }

  end(cut: boolean): void {
    this.#reader.end();
    // Something else that began with a zero.
    if (this.#read === 0 && !this.declared) this.sink.document(null, !cut);
  }

  #message(headers: MessageHeaders, payload: Buffer): void {
    this.#read++;
    if (this.#failure(headers, payload)) return;
    const parsed = parseJson(payload.toString('utf8'));
    if (parsed === null) {
      if (payload.length > 0) this.sink.warn('malformed_event');
      return;
    }
    const name = headers.get(':event-type') ?? '';
    const bytes = asObject(parsed.value)?.['bytes'];
    if (name !== 'chunk' || typeof bytes !== 'string') {
      this.sink.piece({ [name]: parsed.value }, name);
      return;
    }
    const inner = parseJson(Buffer.from(bytes, 'base64').toString('utf8'));
    if (inner === null) this.sink.warn('malformed_event');
    else this.sink.piece(inner.value, name);
  }

  /** An exception of the union, or an error beside it. */
  #failure(headers: MessageHeaders, payload: Buffer): boolean {
    const kind = headers.get(':message-type');
    if (kind !== 'exception' && kind !== 'error') return false;
    const body = asObject(parseJson(payload.toString('utf8', 0, 65_536))?.value);
    const message = asText(body?.['message']) ?? asText(body?.['Message']) ?? headers.get(':error-message') ?? null;
    const type = headers.get(':exception-type') ?? headers.get(':error-code') ?? null;
    this.sink.piece({ error: { type, message } }, 'error');
    return true;
  }

  #longMessage(headers: MessageHeaders): LongEvent {
    this.#read++;
    const name = headers.get(':event-type') ?? '';
    const { plan: all } = this.sink;
    const chunk = name === 'chunk';
    const reader = new ProjectionReader(chunk ? all : (all.members?.get(name) ?? NOTHING));
    const bytes = chunk ? new Base64Member('bytes', (part) => reader.feed(part)) : reader;
    return {
      feed: (part) => bytes.feed(part),
      end: () => {
        if (!reader.end()) this.sink.warn('malformed_event');
        this.sink.piece(chunk ? reader.value : { [name]: reader.value }, name);
      },
    };
  }

  #damaged(part: 'message' | 'prelude'): void {
    if (part === 'message' || this.declared || this.#read > 0) this.sink.warn('damaged_stream');
  }
}
