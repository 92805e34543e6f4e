import { Bytes } from '../json/bytes.ts';
import { asList, asObject, parseJson } from '../json/value.ts';
import { SseReader } from '../sse.ts';
import type { TranslatedDialect } from './conversation.ts';
import { speeches } from './dialects.ts';
import { errorDocument, plainReplyError, readReplyError } from './errors.ts';
import type { ReplyContext, ReplyEvent, ReplyReader, StreamWriter } from './reply-events.ts';
import { WholeReply } from './whole-reply.ts';

/** A reply on its way from the target's dialect to the client's. Never throws, whatever the provider sends. */
export interface ReplyTranslator {
  /** The content type that the client gets. */
  readonly contentType: string;
  /**
   * The status that the client gets. Until a reply that is no stream has ended, it may still become an error's: such a
   * reply gives no byte before {@link end}.
   */
  readonly status: number;
  /**
   * The reply reached the end that its format defines, or was an error told whole. False after {@link end}: the client must
   * not get a clean end either.
   */
  readonly whole: boolean;
  /** What of the reply the client's dialect has no place for, and what was malformed. */
  readonly warnings: readonly string[];
  /** Bytes as they arrive, split anywhere; the chunk may be reused by the caller. */
  feed(chunk: Uint8Array): Buffer;
  /** The upstream ended cleanly: what was pending. Idempotent. */
  end(): Buffer;
}

const NOTHING = Buffer.alloc(0);
/** A document, an event, or arguments that must be held until they are whole. */
const LIMIT = 67_108_864;
/** Of an error's body. */
const ERROR_LIMIT = 1_048_576;

/** Between equal dialects. */
export class PassedReply implements ReplyTranslator {
  readonly warnings: readonly string[] = [];
  /** What passes as it is ends as it ended. */
  readonly whole = true;

  constructor(
    readonly status: number,
    readonly contentType: string,
  ) {}

  feed(chunk: Uint8Array): Buffer {
    return Buffer.from(chunk);
  }

  end(): Buffer {
    return NOTHING;
  }
}

export interface ReplyOptions {
  readonly from: TranslatedDialect;
  readonly to: TranslatedDialect;
  readonly streamed: boolean;
  readonly status: number;
  readonly contentType: string;
  readonly model: string;
  readonly includeUsage: boolean;
  readonly now: () => number;
}

export class TranslatedReply implements ReplyTranslator {
  readonly contentType: string;
  status: number;
  whole = false;
  readonly #options: ReplyOptions;
  readonly #context: ReplyContext;
  readonly #warnings = new Set<string>();
  readonly #reader: ReplyReader;
  readonly #stream: StreamWriter | null;
  readonly #folded = new WholeReply();
  readonly #bytes = new Bytes();
  #events: SseReader | null = null;
  #kind: 'unknown' | 'document' | 'events' = 'unknown';
  #out: string[] = [];
  #held = 0;
  #broken = false;
  #closed = false;

  constructor(options: ReplyOptions) {
    this.#options = options;
    this.status = options.status;
    const failed = options.status >= 400;
    const streams = options.streamed && !failed;
    this.contentType = streams ? 'text/event-stream; charset=utf-8' : 'application/json';
    const warn = (token: string): void => void (this.#warnings.size < 64 && this.#warnings.add(token));
    const { model, includeUsage, now, to } = options;
    this.#context = { model, includeUsage, now, upstream: to, warn };
    this.#reader = speeches[to].replyReader((event) => this.#take(event));
    this.#stream = streams ? speeches[options.from].streamWriter(this.#context) : null;
  }

  get warnings(): readonly string[] {
    return [...this.#warnings];
  }

  feed(chunk: Uint8Array): Buffer {
    if (this.#closed || this.#broken) return NOTHING;
    this.#guard(() => this.#read(chunk));
    return this.#taken();
  }

  end(): Buffer {
    if (this.#closed) return NOTHING;
    this.#closed = true;
    if (!this.#broken) this.#guard(() => this.#finish());
    return this.#taken();
  }

  #taken(): Buffer {
    if (this.#out.length === 0) return NOTHING;
    const bytes = Buffer.from(this.#out.join(''), 'utf8');
    this.#out = [];
    return bytes;
  }

  /** Nesting that is too deep for the engine is the one thing that a reader or writer can stumble over. */
  #guard(work: () => void): void {
    try {
      work();
    } catch {
      this.#breakOff('malformed_reply');
    }
  }

  #breakOff(token: string): void {
    this.#broken = true;
    this.whole = false;
    this.#context.warn(token);
    this.#bytes.clear();
    if (this.#stream === null) this.status = 502;
  }

  #read(chunk: Uint8Array): void {
    if (this.#options.status >= 400) {
      const room = ERROR_LIMIT - this.#bytes.length;
      if (room > 0) this.#bytes.append(chunk.subarray(0, room));
      return;
    }
    let rest = chunk;
    if (this.#kind === 'unknown') {
      const first = chunk.findIndex((byte) => !BEFORE.has(byte));
      if (first === -1) return;
      rest = chunk.subarray(first);
      this.#kind = rest[0] === 0x7b || rest[0] === 0x5b ? 'document' : 'events';
      if (this.#kind === 'events') this.#events = this.#sse();
    }
    if (this.#events !== null) this.#events.feed(rest);
    else if (this.#bytes.length + rest.length > LIMIT) this.#breakOff('reply_too_large');
    else this.#bytes.append(rest);
  }

  #sse(): SseReader {
    return new SseReader({
      event: (name, data, last) => this.#event(name, data, last),
      longEvent: () => {
        const bytes = new Bytes();
        return {
          feed: (part) => {
            if (bytes.length + part.length > LIMIT) this.#breakOff('reply_too_large');
            else if (!this.#broken) bytes.append(part);
          },
          end: () => this.#event('', bytes.view.toString('utf8'), false),
        };
      },
    });
  }

  #event(name: string, data: string, last: boolean): void {
    if (data === '' || this.#broken) return;
    if (data.startsWith('[DONE]')) {
      this.#reader.mark();
      return;
    }
    const parsed = parseJson(data);
    // What breaks off at the end of a stream was cut, not malformed.
    if (parsed === null) {
      if (!last) this.#context.warn('malformed_event');
      return;
    }
    for (const item of Array.isArray(parsed.value) ? (parsed.value as unknown[]) : [parsed.value]) {
      const piece = asObject(item);
      if (piece !== null) this.#reader.piece(piece, name);
    }
  }

  #take(event: ReplyEvent): void {
    if (this.#broken || this.whole) return;
    if (event.kind === 'end') this.whole = true;
    const holds = this.#stream === null || event.kind === 'arguments';
    if (holds && 'text' in event) this.#held += event.text.length;
    if (this.#held > LIMIT) {
      this.#breakOff('reply_too_large');
      return;
    }
    if (this.#stream === null) this.#folded.add(event);
    else this.#out.push(this.#stream.write(event));
    if (event.kind !== 'error' || this.#stream === null) return;
    // What follows an error is no reply any more: the client was told all, and its stream has no mark of an end.
    this.whole = true;
    this.#broken = true;
  }

  #finish(): void {
    if (this.#options.status >= 400) {
      this.#failed();
      return;
    }
    if (this.#events !== null) {
      this.#events.end();
      this.#reader.end(false);
    } else this.#document();
    if (this.#stream === null && !this.#broken) this.#folds();
  }

  #failed(): void {
    const text = this.#bytes.view.toString('utf8');
    const error =
      readReplyError(parseJson(text)?.value, this.#options.status) ?? plainReplyError(text, this.#options.status);
    this.#out.push(errorDocument(error, this.#options.from));
    this.whole = true;
  }

  /** One document, or a list of a stream's pieces. */
  #document(): void {
    const parsed = parseJson(this.#bytes.view.toString('utf8'));
    this.#bytes.clear();
    if (parsed === null) {
      this.#context.warn('malformed_reply');
      return;
    }
    const list = Array.isArray(parsed.value);
    for (const item of list ? asList(parsed.value) : [parsed.value]) {
      const piece = asObject(item);
      if (piece !== null) this.#reader.piece(piece, '');
    }
    if (!this.#broken) this.#reader.end(!list);
  }

  #folds(): void {
    const { error } = this.#folded;
    if (error !== null) {
      this.status = error.status;
      this.whole = true;
      this.#out.push(errorDocument(error, this.#options.from));
    } else if (this.whole) {
      this.#out.push(JSON.stringify(speeches[this.#options.from].writeDocument(this.#folded, this.#context)));
    } else {
      this.status = 502;
      const error = { status: 502, type: null, message: 'The provider ended its reply before it was complete.' };
      this.#out.push(errorDocument(error, this.#options.from));
    }
  }
}

/** White space and the bytes of a byte order mark. */
const BEFORE: ReadonlySet<number> = new Set([0x20, 0x09, 0x0a, 0x0d, 0xef, 0xbb, 0xbf]);
