import type { JsonObject } from '../json/value.ts';
import { asObject, asText } from '../json/value.ts';
import { CutText } from '../json/project.ts';
import type { ReplyFacts, TextSample, Usage } from './provider.ts';
import { TEXT_LIMIT } from './provider.ts';
import { readUnits } from './units.ts';

/** A reply never has more than this many choices or distinct tool calls that we tell apart. */
const MANY = 65_535;
const LONGEST_MESSAGE = 4096;
const LONGEST_WORD = 512;

/** Text kept to be counted, with its true length. */
export class Sample {
  #parts: string[] = [];
  #kept = 0;
  characters = 0;

  add(value: unknown): boolean {
    const text = value instanceof CutText ? value.kept : value;
    if (typeof text !== 'string' || text === '') return false;
    this.characters += value instanceof CutText ? value.characters : text.length;
    const room = TEXT_LIMIT - this.#kept;
    if (room > 0) {
      const part = text.length > room ? text.slice(0, room) : text;
      this.#parts.push(part);
      this.#kept += part.length;
      if (this.#parts.length > 4096) this.#parts = [this.#parts.join('')];
    }
    return true;
  }

  done(): TextSample {
    return { kept: this.#parts.join(''), characters: this.characters };
  }
}

/** What one reply has said so far. Formats write into it; {@link FactsBuilder.build} reads it out. */
export class FactsBuilder {
  sawContent = false;
  complete = false;
  background = false;
  rawUsage: JsonObject | null = null;
  error: ReplyFacts['error'] = null;
  #model: string | null = null;
  #replyId: string | null = null;
  #tier: string | null = null;
  readonly #finish = new Map<number, string>();
  readonly #calls = new Map<string, string>();
  #callCount = 0;
  readonly #text = new Sample();
  readonly #units = new Map<string, number>();
  readonly #warnings = new Set<string>();
  readonly #pieces = new Map<string, Set<string>>();
  readonly #chargedAs = new Map<string, string>();

  /** `model` and `id` of a reply; the last that is said counts, an empty one says nothing. */
  identity(model: unknown, replyId: unknown): void {
    this.#model = word(model) ?? this.#model;
    this.#replyId = word(replyId) ?? this.#replyId;
  }

  tier(value: unknown): void {
    this.#tier = word(value) ?? this.#tier;
  }

  finish(choice: number, reason: unknown): void {
    // Some servers number their reasons (Vertex with `enum-encoding=int`).
    const said = typeof reason === 'number' ? String(reason) : word(reason);
    if (said !== null && (this.#finish.has(choice) || this.#finish.size < MANY)) this.#finish.set(choice, said);
  }

  get finished(): boolean {
    return this.#finish.size > 0;
  }

  text(value: unknown): void {
    if (this.#text.add(value)) this.sawContent = true;
  }

  /**
   * A call of a client's tool, once for each `place`. A stream repeats the place with pieces of arguments; a place that
   * comes back with another id is another call (some servers number every call 0).
   */
  toolCall(place: string, id: string | null): void {
    this.sawContent = true;
    const known = this.#calls.get(place);
    if (known !== undefined && (id === null || known === '' || known === id)) {
      if (known === '' && id !== null) this.#calls.set(place, id);
      return;
    }
    if (this.#callCount >= MANY) return;
    this.#calls.set(place, id?.slice(0, LONGEST_WORD) ?? '');
    this.#callCount++;
  }

  /** A call that comes whole, and once. */
  anotherToolCall(): void {
    this.sawContent = true;
    if (this.#callCount < MANY) this.#callCount++;
  }

  /** Members given later win over earlier ones; null says nothing. */
  usage(value: unknown): void {
    const said = asObject(value);
    if (said !== null) this.rawUsage = this.rawUsage === null ? said : overlay(this.rawUsage, said);
  }

  /** A thing that is charged by the piece; the same `place` told again is the same piece. */
  piece(unit: string, place: string): void {
    const places = this.#pieces.get(unit) ?? new Set<string>();
    if (places.size < MANY) places.add(place);
    this.#pieces.set(unit, places);
  }

  /** Pieces of one kind have another price in this reply, whether they were told before or come after. */
  chargeAs(unit: string, other: string): void {
    this.#chargedAs.set(unit, other);
  }

  /** A number that is billed besides tokens; later ones win, what is no number says nothing. */
  unit(name: string, value: unknown): void {
    if (typeof value === 'number' && Number.isFinite(value) && value >= 0) this.#units.set(name, value);
  }

  fail(type: string | null, message: string | null): void {
    this.error = { type: type?.slice(0, LONGEST_WORD) ?? null, message: message?.slice(0, LONGEST_MESSAGE) ?? null };
  }

  warn(token: string): void {
    this.#warnings.add(token);
  }

  build(usage: Usage | null, reportedCostUsd: string | null): ReplyFacts {
    return {
      model: this.#model,
      replyId: this.#replyId,
      usage,
      finishReasons: [...this.#finish].sort(([a], [b]) => a - b).map(([, reason]) => reason),
      toolCalls: this.#callCount,
      error: this.error,
      serviceTier: this.#tier,
      reportedCostUsd,
      units: {
        ...Object.fromEntries(
          [...this.#pieces].map(([unit, places]) => [this.#chargedAs.get(unit) ?? unit, places.size]),
        ),
        ...(this.rawUsage === null ? {} : readUnits(this.rawUsage)),
        ...Object.fromEntries(this.#units),
      },
      complete: this.complete,
      background: this.background,
      text: this.#text.done(),
      warnings: [...this.#warnings],
    };
  }
}

function word(value: unknown): string | null {
  return asText(value)?.slice(0, LONGEST_WORD) ?? null;
}

/** Reported numbers are few: a deeper merge than two levels has no use in any API. */
function overlay(base: JsonObject, over: JsonObject, depth = 0): JsonObject {
  const merged: Record<string, unknown> = { ...base };
  for (const [name, value] of Object.entries(over)) {
    if (value === null || value === undefined) continue;
    const below = asObject(merged[name]);
    const said = asObject(value);
    merged[name] = below !== null && said !== null && depth < 2 ? overlay(below, said, depth + 1) : value;
  }
  return merged;
}

/** No count known. */
export const UNKNOWN_USAGE: Usage = {
  input_tokens: null,
  output_tokens: null,
  cache_read_tokens: null,
  cache_write_tokens: null,
  cache_write_1h_tokens: null,
  reasoning_tokens: null,
  input_audio_tokens: null,
  output_audio_tokens: null,
  input_image_tokens: null,
};

/** The usage, or `null` when not one of its counts is known. */
export function knownUsage(usage: Usage): Usage | null {
  return Object.values(usage).some((count) => count !== null) ? usage : null;
}
