/**
 * A reply as the events of Messages: docs.anthropic.com/en/docs/build-with-claude/streaming. Blocks follow each other here,
 * one open at a time; pieces of a call that comes while another's are not whole wait for it.
 */
import { StreamFrame, type ContentEvent } from '../stream-frame.ts';
import type { JsonObject } from '../../json/value.ts';
import type { Signature } from '../conversation.ts';
import { JsonEnd } from '../json-end.ts';
import type { ReplyContext, ReplyEvent, StreamWriter } from '../reply-events.ts';
import { packSignature } from '../signature.ts';
import { callIdOf, replyIdOf } from '../whole-reply.ts';
import { callId } from './write-blocks.ts';
import { sealBlock } from './write-document.ts';
import { stopReason } from './write-parts.ts';
import { messagesUsage } from './usage.ts';

type Call = Extract<ReplyEvent, { kind: 'call' }>;
type Open =
  { readonly kind: 'text' | 'thinking' } | { readonly kind: 'call'; readonly key: string; readonly json: JsonEnd };

export class MessagesStreamWriter implements StreamWriter {
  readonly #frame = new StreamFrame('messages', {
    // This API has one answer only.
    content: (event) => (event.choice === 0 ? this.#start() + this.#content(event) : ''),
    end: () => this.#start() + this.#end(),
  });
  #started = false;
  #index = -1;
  #open: Open | null = null;
  readonly #waiting = new Map<string, { call: Call; text: string }>();
  #called = false;
  #refused = false;
  #finish: Extract<ReplyEvent, { kind: 'finish' }> | null = null;

  constructor(readonly context: ReplyContext) {}

  write(event: ReplyEvent): string {
    return this.#frame.take(event);
  }

  #content(event: ContentEvent): string {
    switch (event.kind) {
      case 'text':
      case 'refusal':
        this.#refused ||= event.kind === 'refusal';
        return (
          this.#in('text') +
          this.#delta({ type: 'text_delta', text: event.text }) +
          ('signature' in event && event.signature !== undefined ? this.#alone(event.signature) : '')
        );
      case 'thinking':
        return this.#in('thinking') + this.#delta({ type: 'thinking_delta', thinking: event.text });
      case 'seal':
        return this.#seal(event.signature);
      case 'call':
        return this.#call(event);
      case 'arguments':
        return this.#arguments(event.key, event.text);
      case 'media':
        this.context.warn('dropped:reply_media');
        return '';
      case 'finish':
        this.#finish = event;
        return '';
    }
  }

  /** Once it is known what it says: with the first content, or at the end of an answer without any. */
  #start(): string {
    if (this.#started) return '';
    this.#started = true;
    this.#frame.id = replyIdOf(this.#frame.id, this.context.now);
    const message = {
      id: this.#frame.id,
      type: 'message',
      role: 'assistant',
      model: this.#frame.model ?? this.context.model,
      content: [],
      stop_reason: null,
      stop_sequence: null,
      usage: messagesUsage(this.#frame.usage),
    };
    return sse('message_start', { message });
  }

  /** Makes the open block one of this kind. */
  #in(kind: 'text' | 'thinking'): string {
    if (this.#open?.kind === kind) return '';
    const block = kind === 'text' ? { type: 'text', text: '' } : { type: 'thinking', thinking: '', signature: '' };
    return this.#flush() + this.#begin(block, { kind });
  }

  #begin(block: JsonObject, open: Open): string {
    this.#open = open;
    this.#index++;
    return sse('content_block_start', { index: this.#index, content_block: block });
  }

  #delta(delta: JsonObject): string {
    return sse('content_block_delta', { index: this.#index, delta });
  }

  #close(): string {
    const open = this.#open;
    if (open === null) return '';
    this.#open = null;
    // Reasoning without a seal is marked as whose it is, so that it can go back there.
    const unsealed = open.kind === 'thinking' ? this.#signed({ of: this.context.upstream, value: '' }) : '';
    return unsealed + this.#stop();
  }

  #stop(): string {
    return sse('content_block_stop', { index: this.#index });
  }

  #signed(signature: Signature): string {
    const packed = packSignature(signature, 'messages');
    return packed === '' ? '' : this.#delta({ type: 'signature_delta', signature: packed });
  }

  #seal(signature: Signature): string {
    if (this.#open?.kind !== 'thinking' || signature.of === 'redacted') return this.#alone(signature);
    this.#open = null;
    return this.#signed(signature) + this.#stop();
  }

  #alone(signature: Signature): string {
    const before = this.#flush();
    if (signature.of === 'redacted') {
      const started = this.#begin(sealBlock(signature), { kind: 'text' });
      this.#open = null;
      return before + started + this.#stop();
    }
    return before + this.#in('thinking') + this.#seal(signature);
  }

  #call(call: Call): string {
    this.#called = true;
    if (this.#open?.kind === 'call' && !this.#open.json.whole) {
      this.#waiting.set(call.key, { call, text: '' });
      return '';
    }
    return this.#beginCall(call);
  }

  #beginCall(call: Call): string {
    const sealed = call.signature === undefined ? this.#close() : this.#seal(call.signature);
    const id = callId(callIdOf(call.id, call.key, this.#frame.id ?? ''));
    const block = { type: 'tool_use', id, name: call.name, input: {} };
    return sealed + this.#begin(block, { kind: 'call', key: call.key, json: new JsonEnd() });
  }

  #arguments(key: string, text: string): string {
    if (this.#open?.kind === 'call' && this.#open.key === key) {
      this.#open.json.feed(text);
      return this.#delta({ type: 'input_json_delta', partial_json: text });
    }
    const waiting = this.#waiting.get(key);
    if (waiting !== undefined) waiting.text += text;
    else this.context.warn('malformed_arguments');
    return '';
  }

  /** Closes what is open, and writes the calls that waited for it. */
  #flush(): string {
    const out = [this.#close()];
    const waiting = [...this.#waiting.values()];
    this.#waiting.clear();
    for (const { call, text } of waiting) {
      out.push(this.#beginCall(call));
      if (text !== '') out.push(this.#arguments(call.key, text));
    }
    out.push(this.#close());
    return out.join('');
  }

  #end(): string {
    if (this.#frame.usage === null) this.context.warn('usage_unknown');
    const seen = { called: this.#called, refused: this.#refused };
    const delta = {
      stop_reason: stopReason(this.#finish?.finish ?? null, seen, this.context.warn),
      stop_sequence: this.#finish?.sequence ?? null,
    };
    const usage = messagesUsage(this.#frame.usage);
    return this.#flush() + sse('message_delta', { delta, usage }) + sse('message_stop', {});
  }
}

function sse(type: string, data: JsonObject): string {
  return `event: ${type}\ndata: ${JSON.stringify({ type, ...data })}\n\n`;
}
