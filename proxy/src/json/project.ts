import type { Plan } from './plan.ts';
import { KEEP } from './plan.ts';
import type { TokenSink } from './tokens.ts';
import { JsonTokens } from './tokens.ts';

/** Text that was too long to keep whole. */
export class CutText {
  constructor(
    readonly kept: string,
    readonly characters: number,
  ) {}
}

/** Bytes of one ordinary string (a name, an id, a message) that are kept. */
const STRING_LIMIT = 16_384;
/** Bytes of all ordinary strings of one document together. */
const STRINGS_LIMIT = 1_048_576;
/** Bytes of sampled text of one document. */
const TEXT_BYTES = 1_048_576;
/** Values kept inside lists, where the count is the provider's choice. Values outside lists have as many again. */
const LIST_VALUES = 20_000;
const LONGEST_NAME = 128;
/** Room for one ordinary string that a document begins with. */
const USUAL_STRING = 128;

interface Frame {
  /** `null`: nothing under here is wanted. */
  readonly plan: Plan | null;
  readonly container: Record<string, unknown> | unknown[] | null;
  name: string | null;
  readonly inList: boolean;
}

/** Take values instead of having them kept. */
export interface Takers {
  /** Each item of a document that is one list, or of a list whose plan says so. */
  readonly onItem?: (item: unknown) => void;
  /** Each sampled text. */
  readonly onText?: (text: string | CutText) => void;
}

/**
 * Builds the part of a JSON document that a {@link Plan} names, in bounded memory at any size: a stand-in for
 * `JSON.parse` where the document is large. Members are set on objects without a prototype.
 */
export class Projection implements TokenSink {
  root: unknown = undefined;
  cut = false;
  readonly #frames: Frame[] = [];
  #skipped = 0;
  #valuePlan: Plan | null;
  #wanted = false;
  #inName = false;
  #limit = 0;
  /** The current string, as far as it is kept. Reused: it grows to the longest one. */
  #buffer = Buffer.allocUnsafe(USUAL_STRING);
  #bytes = 0;
  #characters = 0;
  #stringsLeft = STRINGS_LIMIT;
  #textLeft = TEXT_BYTES;
  #listValues = 0;
  #otherValues = 0;

  constructor(
    readonly plan: Plan,
    readonly takers: Takers = {},
  ) {
    this.#valuePlan = plan;
  }

  open(isObject: boolean): void {
    const plan = this.#valuePlan;
    if (this.#skipped > 0 || plan === null || !this.#afford()) {
      this.#skipped++;
      return;
    }
    const above = this.#frames.at(-1);
    const container: Record<string, unknown> | unknown[] = isObject
      ? (Object.create(null) as Record<string, unknown>)
      : [];
    this.#frames.push({ plan, container, name: null, inList: !isObject || above?.inList === true });
    this.#next();
  }

  close(): void {
    if (this.#skipped > 0) {
      this.#skipped--;
      if (this.#skipped === 0) this.#next();
      return;
    }
    const frame = this.#frames.pop();
    if (frame === undefined) return;
    this.#put(frame.container);
  }

  stringStart(isKey: boolean): void {
    this.#wanted = this.#skipped === 0 && (isKey || this.#valuePlan?.keep === true || this.#valuePlan?.text === true);
    this.#inName = isKey;
    if (!this.#wanted) return;
    this.#bytes = 0;
    this.#characters = 0;
    if (isKey) this.#limit = LONGEST_NAME + 1;
    else if (this.#valuePlan?.text === true) this.#limit = this.#textLeft;
    else this.#limit = Math.min(STRING_LIMIT, this.#stringsLeft);
  }

  piece(bytes: Uint8Array, start: number, end: number): void {
    if (!this.#wanted) return;
    const room = Math.min(this.#limit - this.#bytes, end - start);
    if (room > 0) this.#copy(bytes, start, room);
    if (room < end - start || this.#characters > 0) this.#count(bytes, start + Math.max(room, 0), end);
  }

  stringEnd(isKey: boolean): void {
    if (!this.#wanted) {
      if (!isKey) this.#next();
      return;
    }
    this.#wanted = false;
    const text = this.#buffer.toString('utf8', 0, this.#bytes);
    if (isKey) {
      this.#name(this.#bytes > LONGEST_NAME ? null : text);
      return;
    }
    this.#text(this.#characters > 0 ? new CutText(text, text.length + this.#characters) : text);
  }

  /** The document broke off: closes what is open, so that what was read can be used. Idempotent. */
  finish(): void {
    if (this.#wanted) this.stringEnd(this.#inName);
    this.#skipped = 0;
    while (this.#frames.length > 0) this.close();
  }

  number(value: number): void {
    this.#scalar(value);
  }

  literal(value: boolean | null): void {
    this.#scalar(value);
  }

  #copy(bytes: Uint8Array, start: number, size: number): void {
    const used = this.#bytes;
    this.#bytes = used + size;
    if (this.#bytes > this.#buffer.length) {
      const grown = Buffer.allocUnsafe(Math.max(this.#bytes, this.#buffer.length * 2));
      this.#buffer.copy(grown, 0, 0, used);
      this.#buffer = grown;
    }
    this.#buffer.set(bytes.subarray(start, start + size), used);
  }

  #text(text: string | CutText): void {
    const sampled = this.#valuePlan?.text === true;
    if (sampled) this.#textLeft -= this.#bytes;
    else this.#stringsLeft -= this.#bytes;
    if (sampled && this.takers.onText !== undefined) {
      this.takers.onText(text);
      this.#next();
    } else if (this.#afford()) this.#put(text);
    else this.#next();
  }

  #scalar(value: unknown): void {
    if (this.#skipped === 0 && this.#valuePlan?.keep === true && this.#afford()) this.#put(value);
    else if (this.#skipped === 0) this.#next();
  }

  #name(name: string | null): void {
    const frame = this.#frames.at(-1);
    if (this.#skipped > 0 || frame === undefined) return;
    frame.name = name;
    const plan = frame.plan;
    if (name === null) this.#valuePlan = null;
    else this.#valuePlan = plan?.members?.get(name) ?? (plan?.keep === true ? KEEP : null);
  }

  /** Sets the plan of the value that comes next in a list; in an object its name will. */
  #next(): void {
    const frame = this.#frames.at(-1);
    this.#valuePlan = frame !== undefined && Array.isArray(frame.container) ? frame.plan : null;
  }

  #put(value: unknown): void {
    const frame = this.#frames.at(-1);
    if (frame === undefined) this.root = value;
    else if (Array.isArray(frame.container)) {
      const handedOn = this.#frames.length === 1 || frame.plan?.items === true;
      if (this.takers.onItem !== undefined && handedOn) this.#item(value);
      else frame.container.push(value);
    } else if (frame.container !== null && frame.name !== null) frame.container[frame.name] = value;
    this.#next();
  }

  #item(value: unknown): void {
    this.#stringsLeft = STRINGS_LIMIT;
    this.#textLeft = TEXT_BYTES;
    this.#listValues = 0;
    this.#otherValues = 0;
    this.takers.onItem?.(value);
  }

  #afford(): boolean {
    const inList = this.#frames.at(-1)?.inList === true;
    const used = inList ? this.#listValues++ : this.#otherValues++;
    if (used < LIST_VALUES) return true;
    this.cut = true;
    return false;
  }

  /** Counts UTF-16 units from lead bytes alone, as `String.length` would. */
  #count(bytes: Uint8Array, start: number, end: number): void {
    let units = 0;
    for (let at = start; at < end; at++) {
      const byte = bytes[at] ?? 0;
      if ((byte & 0xc0) !== 0x80) units += byte >= 0xf0 ? 2 : 1;
    }
    this.#characters += units;
  }
}

/** A projection together with the tokens that feed it. */
export class ProjectionReader {
  readonly projection: Projection;
  readonly #tokens: JsonTokens;

  constructor(plan: Plan, takers: Takers = {}) {
    this.projection = new Projection(plan, takers);
    this.#tokens = new JsonTokens(this.projection);
  }

  feed(chunk: Uint8Array): void {
    this.#tokens.feed(chunk);
  }

  /** True when the document was whole. */
  end(): boolean {
    this.#tokens.end();
    const whole = this.#tokens.whole;
    if (!whole) this.projection.finish();
    return whole;
  }

  /** What was read, the open objects of a document that broke off included. */
  get value(): unknown {
    return this.projection.root;
  }
}
