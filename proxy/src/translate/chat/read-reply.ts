/** A reply of chat completions, whole or as chunks, as neutral events. A whole message is one large delta. */
import type { JsonObject } from '../../json/value.ts';
import { asCount, asList, asObject, asText, jsonText } from '../../json/value.ts';
import { openaiUsage } from '../../providers/openai/usage.ts';
import { thoughtsInTotal } from '../../providers/quirks.ts';
import { readReplyError } from '../errors.ts';
import { parseDataUrl } from '../media.ts';
import type { Emit, Finish, ReplyReader } from '../reply-events.ts';
import { unpackSignature } from '../signature.ts';
import { UsageReader } from '../usage-of.ts';
import { MOST_CHOICES } from '../reply-events.ts';

const FINISHES: Readonly<Record<string, Finish>> = {
  stop: 'stop',
  eos: 'stop',
  length: 'length',
  model_length: 'context',
  tool_calls: 'tool',
  function_call: 'tool',
  content_filter: 'filter',
};

export class ChatReplyReader implements ReplyReader {
  readonly #usage: UsageReader;
  /** By choice and index: the call that goes on there. */
  readonly #calls = new Map<string, { key: string; id: string | null }>();
  #count = 0;
  readonly #open = new Set<number>();
  #finished = false;
  #ended = false;

  constructor(readonly emit: Emit) {
    this.#usage = new UsageReader(
      (facts, piece) => {
        facts.usage(piece['usage']);
        facts.usage(asObject(piece['x_groq'])?.['usage']);
        for (const choice of asList(piece['choices'])) facts.usage(asObject(choice)?.['usage']);
      },
      // A total that is more than its parts: the rest is reasoning that the parts leave out (xAI, Google).
      (raw) => thoughtsInTotal(openaiUsage(raw), raw),
      emit,
    );
  }

  piece(value: JsonObject, name: string): void {
    const error =
      name === 'error' || value['error'] !== undefined || value['object'] === 'error'
        ? readReplyError(value, null)
        : null;
    if (error !== null) {
      this.emit({ kind: 'error', error });
      return;
    }
    this.emit({
      kind: 'about',
      id: asText(value['id']),
      model: asText(value['model']),
      tier: asText(value['service_tier']),
    });
    asList(value['choices']).forEach((choice, position) => this.#choice(asObject(choice), position));
    this.#usage.piece(value);
  }

  mark(): void {
    if (!this.#ended) this.emit({ kind: 'end' });
    this.#ended = true;
  }

  /** Some servers send no `[DONE]`: a stream whose every choice has finished is whole (providers/openai/chat.ts). */
  end(document: boolean): void {
    if (document || (this.#finished && this.#open.size === 0)) this.mark();
  }

  #choice(choice: JsonObject | null, position: number): void {
    if (choice === null) return;
    const index = asCount(choice['index']) ?? position;
    if (index >= MOST_CHOICES) return;
    this.#open.add(index);
    const message = asObject(choice['delta']) ?? asObject(choice['message']);
    if (message !== null) this.#message(message, index);
    else if (asText(choice['text']) !== null) this.#say('text', index, choice['text']);
    const reason = choice['finish_reason'] === undefined ? choice['stop_reason'] : choice['finish_reason'];
    const word = asText(reason);
    if (word === null) return;
    this.#open.delete(index);
    this.#finished = true;
    this.emit({ kind: 'finish', choice: index, finish: FINISHES[word] ?? 'other', word });
  }

  #say(kind: 'text' | 'thinking' | 'refusal', choice: number, value: unknown): void {
    const text = asText(value);
    if (text !== null) this.emit({ kind, choice, text });
  }

  #message(message: JsonObject, choice: number): void {
    this.#say('thinking', choice, asText(message['reasoning_content']) ?? message['reasoning']);
    for (const value of asList(message['reasoning_details'])) this.#seal(asObject(value), choice);
    this.#say('text', choice, message['content']);
    for (const value of asList(message['content'])) this.#part(asObject(value), choice);
    this.#say('refusal', choice, message['refusal']);
    asList(message['tool_calls']).forEach((call, position) => this.#call(asObject(call), position, choice));
    // What came before tools: there is one at most, and it has no id.
    const legacy = asObject(message['function_call']);
    if (legacy !== null) this.#call({ index: 0, function: legacy }, 0, choice);
    for (const value of asList(message['images'])) this.#image(asObject(value), choice);
  }

  /** Mistral's content is a list where it thinks. */
  #part(part: JsonObject | null, choice: number): void {
    if (part === null) return;
    this.#say('text', choice, part['text']);
    this.#say('thinking', choice, part['thinking']);
    for (const thought of asList(part['thinking'])) this.#say('thinking', choice, asObject(thought)?.['text']);
  }

  /** OpenRouter tells the seals of those whose models it sells. */
  #seal(detail: JsonObject | null, choice: number): void {
    const home = detail?.['format'] === 'google-gemini-v1' ? 'generate_content' : 'messages';
    const seal = asText(detail?.['signature']);
    if (seal !== null) this.emit({ kind: 'seal', choice, signature: unpackSignature(seal, home) });
  }

  #call(call: JsonObject | null, position: number, choice: number): void {
    if (call === null) return;
    const called = asObject(call['function']) ?? asObject(call['custom']);
    const name = asText(called?.['name']);
    const id = asText(call['id']);
    const place = `${choice}:${asCount(call['index']) ?? position}`;
    let current = this.#calls.get(place);
    // Some servers number every call 0, and some name it in every piece: another id with a name is another call.
    if (current === undefined || (name !== null && id !== null && current.id !== null && id !== current.id)) {
      if (name === null || this.#count >= 4096) return;
      current = { key: String(this.#count++), id };
      this.#calls.set(place, current);
      const seal = asText(asObject(asObject(call['extra_content'])?.['google'])?.['thought_signature']);
      const signature = seal === null ? {} : { signature: unpackSignature(seal, 'generate_content') };
      this.emit({ kind: 'call', choice, key: current.key, id, name, ...signature });
    }
    const given = called?.['arguments'] ?? called?.['input'];
    const text = typeof given === 'string' ? given : asObject(given) === null ? '' : (jsonText(given) ?? '');
    if (text !== '') this.emit({ kind: 'arguments', choice, key: current.key, text });
  }

  #image(image: JsonObject | null, choice: number): void {
    const data = parseDataUrl(asText(asObject(image?.['image_url'])?.['url']) ?? '');
    if (data !== null) this.emit({ kind: 'media', choice, ...data });
  }
}
