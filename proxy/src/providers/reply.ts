import type { JsonObject } from '../json/value.ts';
import { asObject } from '../json/value.ts';
import { firstByte, openBody } from './body/open.ts';
import type { BodyReader } from './body/sink.ts';
import { readError } from './read-error.ts';
import { FactsBuilder, knownUsage } from './facts.ts';
import type { Format, Quirks } from './format.ts';
import { formatOf, usageQuirk } from './formats.ts';
import type { Reader, ReplyContext, ReplyFacts, Usage } from './provider.ts';

/** Bytes of a failed reply that is no JSON, kept for its error's message. */
const TEXT_HEAD = 2048;

/** Reads one reply by what its bytes are: JSON, a stream of pieces of any kind, or something else. */
export class ReplyReader implements Reader<ReplyFacts> {
  readonly #facts = new FactsBuilder();
  readonly #format: Format;
  /** `null`: neither JSON nor a stream. */
  #body: BodyReader | null | 'unknown' = 'unknown';
  /** The first bytes of what may be plain text. */
  #head = '';
  #plain = true;
  #built: ReplyFacts | null = null;

  constructor(
    readonly context: ReplyContext,
    readonly quirks: Quirks,
  ) {
    const { operation, path } = context;
    this.#format = quirks.formatOf?.(operation, path) ?? formatOf(operation, path);
    this.#format.head?.(this.#facts, (name) => context.header(name));
  }

  get sawContent(): boolean {
    const body = this.#body;
    return body !== 'unknown' && body !== null && body.streams && this.#facts.sawContent;
  }

  feed(chunk: Uint8Array): void {
    if (this.#built !== null || chunk.length === 0) return;
    let rest = chunk;
    if (this.#body === 'unknown') {
      const first = firstByte(chunk);
      if (first === -1) return;
      if (first > 0) rest = chunk.subarray(first);
      this.#open(rest[0] ?? 0);
    }
    if (this.#plain) this.#keepHead(rest);
    if (this.#body !== 'unknown') this.#body?.feed(rest);
  }

  /** A reply that was parsed already, whole. */
  read(body: unknown): ReplyFacts {
    this.#body = null;
    this.#document(body, true);
    return this.end();
  }

  end(cut = false): ReplyFacts {
    this.#built ??= this.#finish(cut);
    return this.#built;
  }

  #open(first: number): void {
    const { contentType, status } = this.context;
    const facts = this.#facts;
    this.#plain = status >= 400 && first !== 0x7b && first !== 0x5b;
    this.#body = openBody(
      first,
      { contentType, failed: status >= 400 },
      {
        plan: this.#format.plan,
        piece: (value, name) => this.#piece(value, name),
        document: (value, whole) => this.#document(value, whole),
        endMark: () => (facts.complete = true),
        warn: (token) => facts.warn(token),
      },
    );
  }

  #keepHead(chunk: Uint8Array): void {
    if (this.#head.length >= TEXT_HEAD) return;
    this.#head += Buffer.from(chunk.subarray(0, TEXT_HEAD - this.#head.length)).toString('latin1');
  }

  #piece(value: unknown, name: string): void {
    const event = asObject(value);
    if (event !== null) this.#format.event(this.#facts, event, name);
  }

  #document(value: unknown, whole: boolean): void {
    const body = asObject(value);
    if (body !== null) {
      const refused = this.context.status >= 400;
      const failed = (refused || this.#format.stored !== true) && readError(this.#facts, body, refused);
      if (!failed || !refused) this.#format.reply(this.#facts, body);
    }
    this.#facts.complete = whole;
  }

  #finish(cut: boolean): ReplyFacts {
    const facts = this.#facts;
    if (this.#body === 'unknown' || this.#body === null) facts.complete = !cut;
    else {
      this.#body.end(cut);
      if (this.#body.streams && !cut && this.#ended()) facts.complete = true;
    }
    if (this.context.status >= 400) this.#failed();
    const raw = facts.rawUsage;
    if (raw === null) return facts.build(null, null);
    return facts.build(this.#usage(raw), this.quirks.reportedCost?.(raw) ?? null);
  }

  /** The format has no end mark, or does not need one here. */
  #ended(): boolean {
    const { endsWithBytes, endsWithFinish } = this.#format;
    return endsWithBytes === true || (endsWithFinish === true && this.#facts.finished);
  }

  /** Every reply whose status says so has an error; its type may stand in a header. */
  #failed(): void {
    const facts = this.#facts;
    const type = this.quirks.errorType?.((name) => this.context.header(name)) ?? null;
    if (facts.error === null) facts.fail(type, plainMessage(this.#head));
    else if (type !== null) facts.fail(type, facts.error.message);
  }

  #usage(raw: JsonObject): Usage | null {
    const usage = this.#format.usage(raw);
    if (usage === null) return null;
    return knownUsage(usageQuirk(this.#format, this.quirks)?.(usage, raw) ?? usage);
  }
}

/** The message of an error that is no JSON: plain text as it is; a page of HTML says nothing worth a column. */
function plainMessage(head: string): string | null {
  const text = head.trim();
  return text === '' || text.startsWith('<') ? null : text.slice(0, 500);
}
