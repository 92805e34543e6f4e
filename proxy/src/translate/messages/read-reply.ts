/** A reply of Anthropic's Messages, whole or as events, as neutral events. A whole message is its own events at once. */
import type { JsonObject } from '../../json/value.ts';
import { asCount, asList, asObject, asText, jsonText } from '../../json/value.ts';
import { anthropicUsage } from '../../providers/anthropic/usage.ts';
import { readReplyError } from '../errors.ts';
import type { Emit, Finish, ReplyReader } from '../reply-events.ts';
import { unpackSignature } from '../signature.ts';
import { UsageReader } from '../usage-of.ts';

const FINISHES: Readonly<Record<string, Finish>> = {
  end_turn: 'stop',
  max_tokens: 'length',
  model_context_window_exceeded: 'context',
  stop_sequence: 'stop_sequence',
  tool_use: 'tool',
  refusal: 'filter',
  pause_turn: 'pause',
};

export class MessagesReplyReader implements ReplyReader {
  readonly #usage: UsageReader;
  /** Blocks that are calls of the client's tools, and whether their arguments came with their start. */
  readonly #calls = new Map<number, { given: string; streamed: boolean }>();
  #ended = false;

  constructor(readonly emit: Emit) {
    this.#usage = new UsageReader((facts, piece) => facts.usage(piece['usage']), anthropicUsage, emit);
  }

  piece(value: JsonObject, name: string): void {
    const type = asText(value['type']) ?? name;
    if (type === 'error' || value['error'] !== undefined) this.#error(value);
    else if (type === 'message_start') this.#about(asObject(value['message']));
    else if (type === 'message') this.#document(value);
    else if (type === 'content_block_start')
      this.#block(asObject(value['content_block']), asCount(value['index']) ?? 0);
    else if (type === 'content_block_delta') this.#delta(asObject(value['delta']), asCount(value['index']) ?? 0);
    else if (type === 'content_block_stop') this.#stop(asCount(value['index']) ?? 0);
    else if (type === 'message_delta') {
      this.#usage.piece(value);
      this.#finish(asObject(value['delta']));
    } else if (type === 'message_stop') this.mark();
  }

  mark(): void {
    if (!this.#ended) this.emit({ kind: 'end' });
    this.#ended = true;
  }

  end(document: boolean): void {
    if (document) this.mark();
  }

  #error(value: JsonObject): void {
    const error = readReplyError(value, null);
    if (error !== null) this.emit({ kind: 'error', error });
  }

  #about(message: JsonObject | null): void {
    if (message === null) return;
    const tier = asText(asObject(message['usage'])?.['service_tier']);
    this.emit({ kind: 'about', id: asText(message['id']), model: asText(message['model']), tier });
    this.#usage.piece(message);
  }

  #document(message: JsonObject): void {
    this.#about(message);
    asList(message['content']).forEach((value, index) => {
      this.#block(asObject(value), index);
      this.#stop(index);
    });
    this.#finish(message);
  }

  #finish(said: JsonObject | null): void {
    const word = asText(said?.['stop_reason']);
    if (word === null) return;
    const sequence = asText(said?.['stop_sequence']);
    const finish = FINISHES[word] ?? 'other';
    this.emit({ kind: 'finish', choice: 0, finish, word, ...(sequence === null ? {} : { sequence }) });
  }

  /** Blocks of tools that run at the provider are its own affair: what they came to is in the text. */
  #block(block: JsonObject | null, index: number): void {
    if (block === null) return;
    const type = block['type'];
    if (type === 'text') this.#say('text', block['text']);
    else if (type === 'thinking') {
      this.#say('thinking', block['thinking']);
      this.#seal(block['signature']);
    } else if (type === 'redacted_thinking') {
      const data = asText(block['data']);
      if (data !== null) this.emit({ kind: 'seal', choice: 0, signature: { of: 'redacted', value: data } });
    } else if (type === 'tool_use') this.#call(block, index);
  }

  #call(block: JsonObject, index: number): void {
    const input = asObject(block['input']);
    const given = input !== null && Object.keys(input).length > 0 ? (jsonText(input) ?? '') : '';
    if (this.#calls.size >= 4096) return;
    this.#calls.set(index, { given, streamed: false });
    this.emit({
      kind: 'call',
      choice: 0,
      key: String(index),
      id: asText(block['id']),
      name: asText(block['name']) ?? '',
    });
  }

  /** Arguments that came with the start count only where none came after it. */
  #stop(index: number): void {
    const call = this.#calls.get(index);
    if (call === undefined || call.streamed) return;
    this.emit({ kind: 'arguments', choice: 0, key: String(index), text: call.given === '' ? '{}' : call.given });
    call.streamed = true;
  }

  #delta(delta: JsonObject | null, index: number): void {
    const type = delta?.['type'];
    if (type === 'text_delta') this.#say('text', delta?.['text']);
    else if (type === 'thinking_delta') this.#say('thinking', delta?.['thinking']);
    else if (type === 'signature_delta') this.#seal(delta?.['signature']);
    else if (type === 'input_json_delta') {
      const call = this.#calls.get(index);
      const text = asText(delta?.['partial_json']);
      if (call === undefined || text === null) return;
      call.streamed = true;
      this.emit({ kind: 'arguments', choice: 0, key: String(index), text });
    }
  }

  #say(kind: 'text' | 'thinking', value: unknown): void {
    const text = asText(value);
    if (text !== null) this.emit({ kind, choice: 0, text });
  }

  #seal(value: unknown): void {
    const seal = asText(value);
    if (seal !== null) this.emit({ kind: 'seal', choice: 0, signature: unpackSignature(seal, 'messages') });
  }
}
