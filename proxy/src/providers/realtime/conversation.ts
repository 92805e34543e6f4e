/** The responses of one connection, as its messages come: several may go on at once. Bounded; never throws. */
import type { JsonObject } from '../../json/value.ts';
import { FactsBuilder, knownUsage } from '../facts.ts';
import type { ReplyFacts } from '../provider.ts';
import { readError } from '../read-error.ts';
import type { RealtimeFormat } from './format.ts';

/** Responses that go on at once; of more the oldest is let go as it stands. */
const MOST_OPEN = 32;

/** One response that came to its end, or what was said and is written down; times are ms since the connection began. */
export interface Spoken {
  readonly kind: 'response' | 'transcript';
  readonly reply: ReplyFacts;
  readonly beganMs: number;
  /** When its first content came. */
  readonly contentMs: number | null;
}

const NONE: readonly Spoken[] = [];

interface Going {
  readonly facts: FactsBuilder;
  readonly beganMs: number;
  contentMs: number | null;
}

export class Conversation {
  /** As one side named it last. */
  model: string | null = null;
  /** What the provider said went wrong outside of any response. */
  readonly #trouble = new FactsBuilder();
  readonly #going = new Map<string, Going>();
  #askedMs: number | null = null;
  /** What writes down what is said, as the provider named it last. */
  #transcriber: string | null = null;
  #heardMs: number | null = null;

  constructor(readonly format: RealtimeFormat) {}

  /** A message of the client. */
  sent(message: JsonObject, atMs: number): void {
    this.#name(message);
    if (this.format.asks(message)) this.#askedMs = atMs;
  }

  /** A message of the provider. @returns the responses and transcripts that it ended: none nearly always. */
  received(message: JsonObject, atMs: number): readonly Spoken[] {
    this.#name(message);
    this.#transcriber = this.format.transcriber(message) ?? this.#transcriber;
    if (this.format.hears(message)) this.#askedMs = this.#heardMs = atMs;
    const used = this.format.transcribed(message);
    if (used !== null) return [this.#transcript(used, atMs)];
    if (this.format.fails(message)) return this.#failed(message);
    const id = this.format.responseOf(message);
    if (id === null) return NONE;
    // One without an id is the latest that goes on.
    const key = id === '' ? ([...this.#going.keys()].at(-1) ?? '') : id;
    const known = this.#going.get(key);
    const shed = known === undefined ? this.#makeRoom() : NONE;
    const going = known ?? this.#begin(this.#askedMs ?? atMs);
    this.#going.set(key, going);
    const last = this.format.fold(going.facts, message);
    if (going.facts.sawContent) going.contentMs ??= atMs;
    if (!last) return shed;
    this.#going.delete(key);
    return [...shed, this.#spoken(going)];
  }

  /** The provider closed the connection with a code that is no ordinary end. */
  broke(type: string, reason: string): void {
    if (this.#trouble.error === null) this.#trouble.fail(type, reason);
  }

  /** No more messages. @returns the responses that did not come to their end, and what is known of the connection itself. */
  end(): { unfinished: Spoken[]; connection: ReplyFacts } {
    const unfinished = [...this.#going.values()].map((going) => this.#spoken(going));
    this.#going.clear();
    this.#trouble.identity(this.model, null);
    this.#trouble.complete = true;
    return { unfinished, connection: this.#trouble.build(null, null) };
  }

  #name(message: JsonObject): void {
    this.model = this.format.model(message) ?? this.model;
  }

  /** An error that answers a question is how the response to it ended; any other is the connection's. */
  #failed(message: JsonObject): readonly Spoken[] {
    const asked = this.#askedMs;
    if (asked === null || this.#going.size > 0) {
      readError(this.#trouble, message, true);
      return NONE;
    }
    const going = this.#begin(asked);
    readError(going.facts, message, true);
    return [this.#spoken(going)];
  }

  #makeRoom(): readonly Spoken[] {
    const [oldest] = this.#going;
    if (oldest === undefined || this.#going.size < MOST_OPEN) return NONE;
    this.#going.delete(oldest[0]);
    return [this.#spoken(oldest[1])];
  }

  #begin(beganMs: number): Going {
    this.#askedMs = null;
    const facts = new FactsBuilder();
    facts.identity(this.model, null);
    return { facts, beganMs, contentMs: null };
  }

  #spoken({ facts, beganMs, contentMs }: Going): Spoken {
    return { kind: 'response', reply: this.#replyOf(facts), beganMs, contentMs };
  }

  #transcript(used: JsonObject, atMs: number): Spoken {
    const facts = new FactsBuilder();
    facts.identity(this.#transcriber, null);
    facts.usage(used);
    facts.complete = true;
    return { kind: 'transcript', reply: this.#replyOf(facts), beganMs: this.#heardMs ?? atMs, contentMs: null };
  }

  #replyOf(facts: FactsBuilder): ReplyFacts {
    const usage = facts.rawUsage === null ? null : this.format.usage(facts.rawUsage);
    return facts.build(usage === null ? null : knownUsage(usage), null);
  }
}
