import { Bytes } from '../json/bytes.ts';
import { ProjectionReader } from '../json/project.ts';
import type { JsonObject } from '../json/value.ts';
import { asObject, parseJson } from '../json/value.ts';
import type { LongEvent } from '../sse.ts';
import { SseReader } from '../sse.ts';
import { readError } from './error-shape.ts';
import { FactsBuilder, knownUsage } from './facts.ts';
import type { Format, Quirks } from './format.ts';
import { formatOf, usageQuirk } from './formats.ts';
import type { Reader, ReplyContext, ReplyFacts, Usage } from './provider.ts';

/** A JSON reply up to this size is parsed at once; a larger one is read as it streams. */
const SMALL = 262_144;
/** Bytes of a reply that is neither JSON nor events, kept for an error's message. */
const TEXT_HEAD = 2048;

type Body = 'unknown' | 'json' | 'large' | 'events' | 'text';

/**
 * Reads one reply by what its bytes are: JSON, one JSON list of pieces, server-sent events, or something else. The
 * declared type only breaks a tie, because gateways send JSON errors as event streams and events as JSON.
 */
export class ReplyReader implements Reader<ReplyFacts> {
  readonly #facts = new FactsBuilder();
  readonly #format: Format;
  #body: Body = 'unknown';
  #streams = false;
  readonly #bytes = new Bytes();
  #large: ProjectionReader | null = null;
  #events: SseReader | null = null;
  #head = '';
  #built: ReplyFacts | null = null;

  constructor(
    readonly context: ReplyContext,
    readonly quirks: Quirks,
  ) {
    this.#format = formatOf(context.operation, context.path);
  }

  get sawContent(): boolean {
    return this.#streams && this.#facts.sawContent;
  }

  feed(chunk: Uint8Array): void {
    if (this.#built !== null || chunk.length === 0) return;
    if (this.#body === 'unknown') this.#sniff(chunk);
    switch (this.#body) {
      case 'json':
        this.#collect(chunk);
        break;
      case 'large':
        this.#large?.feed(chunk);
        break;
      case 'events':
        this.#keepHead(chunk);
        this.#events?.feed(chunk);
        break;
      case 'text':
        this.#keepHead(chunk);
        break;
      case 'unknown':
        break;
    }
  }

  end(cut = false): ReplyFacts {
    this.#built ??= this.#finish(cut);
    return this.#built;
  }

  #sniff(chunk: Uint8Array): void {
    const first = chunk.find((byte) => byte > 0x20 && byte !== 0xef && byte !== 0xbb && byte !== 0xbf);
    if (first === undefined) return;
    const type = this.context.contentType;
    if (first === 0x7b) this.#body = 'json';
    else if (first === 0x5b) this.#list();
    else if (
      type.includes('event-stream') ||
      ('deir:'.includes(String.fromCharCode(first)) && !/^(?:audio|image|video)|html/.test(type))
    ) {
      this.#body = 'events';
      this.#streams = true;
      this.#events = new SseReader({
        event: (name, data, last) => this.#event(name, data, last),
        longEvent: () => this.#longEvent(),
      });
    } else this.#body = 'text';
  }

  /** A list of pieces (Gemini without `alt=sse`): each is read when it is whole, and let go. */
  #list(): void {
    this.#body = 'large';
    this.#streams = true;
    this.#large = new ProjectionReader(this.#format.plan, { onItem: (item) => this.#piece(item, '') });
  }

  #collect(chunk: Uint8Array): void {
    if (this.#bytes.length + chunk.length <= SMALL) {
      this.#bytes.append(chunk);
      return;
    }
    this.#large = new ProjectionReader(this.#format.plan);
    this.#large.feed(this.#bytes.view);
    this.#large.feed(chunk);
    this.#bytes.clear();
    this.#body = 'large';
  }

  #keepHead(chunk: Uint8Array): void {
    if (this.context.status < 400 || this.#head.length >= TEXT_HEAD) return;
    this.#head += Buffer.from(chunk.subarray(0, TEXT_HEAD - this.#head.length)).toString('latin1');
  }

  #event(name: string, data: string, last: boolean): void {
    if (data === '') return;
    if (data.startsWith('[DONE]')) {
      this.#facts.complete = true;
      return;
    }
    const parsed = parseJson(data);
    if (parsed === null) {
      // What breaks off at the end of a stream was cut, not malformed.
      if (!last) this.#facts.warn('malformed_event');
    } else if (Array.isArray(parsed.value)) for (const item of parsed.value) this.#piece(item, name);
    else this.#piece(parsed.value, name);
  }

  #longEvent(): LongEvent {
    const reader = new ProjectionReader(this.#format.plan);
    return {
      feed: (chunk) => reader.feed(chunk),
      end: () => {
        if (!reader.end()) this.#facts.warn('malformed_event');
        this.#piece(reader.value, '');
      },
    };
  }

  #piece(value: unknown, name: string): void {
    const event = asObject(value);
    if (event !== null) this.#format.event(this.#facts, event, name);
  }

  #finish(cut: boolean): ReplyFacts {
    const facts = this.#facts;
    if (this.#body === 'json') this.#whole(cut);
    else if (this.#body === 'large') this.#ended(cut);
    else if (this.#body === 'events') {
      this.#events?.end();
      if (!cut && this.#format.endsWithFinish === true && facts.finished) facts.complete = true;
    } else facts.complete = !cut;
    if (this.context.status >= 400 && facts.error === null) facts.fail(null, plainMessage(this.#head));
    const raw = facts.rawUsage;
    if (raw === null) return facts.build(null, null);
    return facts.build(this.#usage(raw), this.quirks.reportedCost?.(raw) ?? null);
  }

  #usage(raw: JsonObject): Usage | null {
    const usage = this.#format.usage(raw);
    if (usage === null) return null;
    return knownUsage(usageQuirk(this.#format, this.quirks)?.(usage, raw) ?? usage);
  }

  #whole(cut: boolean): void {
    const bytes = this.#bytes.view;
    this.#bytes.clear();
    const text = bytes.toString('utf8');
    const parsed = parseJson(text.charCodeAt(0) === 0xfeff ? text.slice(1) : text);
    if (parsed !== null) {
      this.#document(parsed.value);
      this.#facts.complete = true;
      return;
    }
    this.#large = new ProjectionReader(this.#format.plan);
    this.#large.feed(bytes);
    this.#ended(cut);
  }

  #ended(cut: boolean): void {
    const reader = this.#large;
    if (reader === null) return;
    const whole = reader.end();
    if (!whole && !cut) this.#facts.warn('malformed_reply');
    if (reader.projection.cut) this.#facts.warn('reply_read_in_part');
    this.#document(reader.value);
    this.#facts.complete = whole;
  }

  #document(value: unknown): void {
    const body = asObject(value);
    if (body === null) return;
    const failed = readError(this.#facts, body, this.context.status >= 400);
    if (!failed || this.context.status < 400) this.#format.reply(this.#facts, body);
  }
}

/** The message of an error that is no JSON: plain text as it is; a page of HTML says nothing worth a column. */
function plainMessage(head: string): string | null {
  const text = head.trim();
  return text === '' || text.startsWith('<') ? null : text.slice(0, 500);
}
