/** A reply of generateContent as neutral events. A stream's pieces have the shape of a whole reply. */
import type { JsonObject } from '../../json/value.ts';
import { asCount, asList, asObject, asText, jsonText } from '../../json/value.ts';
import { readGeminiUsage } from '../../providers/google/generate.ts';
import { geminiUsage } from '../../providers/google/usage.ts';
import { readReplyError } from '../errors.ts';
import type { Emit, Finish, ReplyReader } from '../reply-events.ts';
import { unpackSignature } from '../signature.ts';
import { UsageReader } from '../usage-of.ts';
import { MOST_CHOICES } from '../reply-events.ts';
import { PartialArguments } from './partial-arguments.ts';

const FILTERS = [
  ...['SAFETY', 'RECITATION', 'BLOCKLIST', 'PROHIBITED_CONTENT', 'SPII', 'LANGUAGE', 'MODEL_ARMOR'],
  ...['IMAGE_SAFETY', 'IMAGE_PROHIBITED_CONTENT', 'IMAGE_RECITATION'],
];
const FINISHES: Readonly<Record<string, Finish>> = {
  STOP: 'stop',
  MAX_TOKENS: 'length',
  MALFORMED_FUNCTION_CALL: 'malformed_call',
  UNEXPECTED_TOOL_CALL: 'malformed_call',
  ...Object.fromEntries(FILTERS.map((word) => [word, 'filter' as const])),
};
/** Vertex with `enum-encoding=int`. */
const BY_NUMBER: Readonly<Record<number, string>> = {
  1: 'STOP',
  2: 'MAX_TOKENS',
  3: 'SAFETY',
  4: 'RECITATION',
  5: 'OTHER',
};

export class GenerateReplyReader implements ReplyReader {
  readonly #usage: UsageReader;
  #count = 0;
  readonly #called = new Set<number>();
  /** A call whose arguments come in pieces. */
  #partial: { key: string; choice: number; args: PartialArguments } | null = null;
  #finished = false;

  constructor(readonly emit: Emit) {
    this.#usage = new UsageReader((facts, piece) => readGeminiUsage(facts, piece['usageMetadata']), geminiUsage, emit);
  }

  piece(value: JsonObject): void {
    const error = value['error'] === undefined ? null : readReplyError(value, null);
    if (error !== null) {
      this.emit({ kind: 'error', error });
      return;
    }
    const tier = asText(asObject(value['usageMetadata'])?.['serviceTier']);
    this.emit({ kind: 'about', id: asText(value['responseId']), model: asText(value['modelVersion']), tier });
    this.#usage.piece(value);
    const candidates = asList(value['candidates']);
    candidates.forEach((candidate, position) => this.#candidate(asObject(candidate), position));
    const blocked = asText(asObject(value['promptFeedback'])?.['blockReason']);
    if (blocked === null || blocked === 'BLOCK_REASON_UNSPECIFIED') return;
    this.#finished = true;
    if (candidates.length === 0) this.emit({ kind: 'finish', choice: 0, finish: 'filter', word: blocked });
  }

  /** The format has no mark of its end. */
  mark(): void {}

  end(document: boolean): void {
    this.#endPartial();
    if (document || this.#finished) this.emit({ kind: 'end' });
  }

  #candidate(candidate: JsonObject | null, position: number): void {
    if (candidate === null) return;
    const choice = asCount(candidate['index']) ?? position;
    if (choice >= MOST_CHOICES) return;
    for (const value of asList(asObject(candidate['content'])?.['parts'])) this.#part(asObject(value), choice);
    const reason = candidate['finishReason'];
    const word =
      typeof reason === 'number' ? (BY_NUMBER[reason] ?? (reason > 0 ? String(reason) : null)) : asText(reason);
    if (word === null || word === 'FINISH_REASON_UNSPECIFIED') return;
    this.#endPartial();
    this.#finished = true;
    const finish = FINISHES[word] ?? 'other';
    // Gemini has no reason of its own for a call.
    const said = finish === 'stop' && this.#called.has(choice) ? 'tool' : finish;
    this.emit({ kind: 'finish', choice, finish: said, word });
  }

  /** Parts of the provider's own tools (code and its results) are not the client's to see in another API. */
  #part(part: JsonObject | null, choice: number): void {
    if (part === null) return;
    const seal = asText(part['thoughtSignature']);
    const signature = seal === null ? null : unpackSignature(seal, 'generate_content');
    const call = asObject(part['functionCall']);
    if (call !== null) {
      this.#call(call, signature, choice);
      return;
    }
    const inline = asObject(part['inlineData']);
    const data = asText(inline?.['data']);
    if (data !== null) this.emit({ kind: 'media', choice, mimeType: asText(inline?.['mimeType']) ?? '', base64: data });
    const text = asText(part['text']);
    if (part['thought'] === true) {
      if (text !== null) this.emit({ kind: 'thinking', choice, text });
      if (signature !== null) this.emit({ kind: 'seal', choice, signature });
    } else if (text !== null) this.emit({ kind: 'text', choice, text, ...(signature === null ? {} : { signature }) });
    else if (signature !== null) this.emit({ kind: 'seal', choice, signature });
  }

  #call(call: JsonObject, signature: ReturnType<typeof unpackSignature> | null, choice: number): void {
    const name = asText(call['name']);
    if (name !== null) {
      this.#endPartial();
      if (this.#count >= 4096) return;
      const key = String(this.#count++);
      this.#called.add(choice);
      this.emit({
        kind: 'call',
        choice,
        key,
        id: asText(call['id']),
        name,
        ...(signature === null ? {} : { signature }),
      });
      if (call['willContinue'] !== true && call['partialArgs'] === undefined) {
        const text = jsonText(asObject(call['args']) ?? {}) ?? '{}';
        this.emit({ kind: 'arguments', choice, key, text });
        return;
      }
      this.#partial = { key, choice, args: new PartialArguments() };
    }
    for (const piece of asList(call['partialArgs'])) this.#partial?.args.add(asObject(piece));
    if (call['willContinue'] !== true) this.#endPartial();
  }

  #endPartial(): void {
    if (this.#partial === null) return;
    const { key, choice, args } = this.#partial;
    this.#partial = null;
    this.emit({ kind: 'arguments', choice, key, text: jsonText(args.value) ?? '{}' });
  }
}
