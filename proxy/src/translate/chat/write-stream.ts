/** A reply as a stream of chat completion chunks: platform.openai.com/docs/api-reference/chat-streaming. */
import { StreamFrame, type ContentEvent } from '../stream-frame.ts';
import type { JsonObject } from '../../json/value.ts';
import type { Usage } from '../../providers/provider.ts';
import type { ReplyContext, ReplyEvent, StreamWriter } from '../reply-events.ts';
import { callIdOf, replyIdOf } from '../whole-reply.ts';
import { callSeal, finishWord, imageOf, reasoningDetail } from './write-parts.ts';
import { chatUsage } from './usage.ts';

/** Reasoning that is kept until its seal is known; with more, the client gets it without. */
const THOUGHT_LIMIT = 1_048_576;

interface Choice {
  calls: number;
  readonly places: Map<string, number>;
  details: number;
  thought: string;
}

export class ChatStreamWriter implements StreamWriter {
  readonly #frame = new StreamFrame('chat', {
    content: (event) => this.#content(event),
    end: () => this.#end(),
  });
  readonly #created: number;
  readonly #choices = new Map<number, Choice>();

  constructor(readonly context: ReplyContext) {
    this.#created = Math.floor(context.now() / 1000);
  }

  write(event: ReplyEvent): string {
    return this.#frame.take(event);
  }

  #content(event: ContentEvent): string {
    const known = this.#choices.get(event.choice);
    const choice = known ?? { calls: 0, places: new Map<string, number>(), details: 0, thought: '' };
    this.#choices.set(event.choice, choice);
    const first = known === undefined ? this.#chunk(event.choice, { role: 'assistant', content: '' }) : '';
    if (event.kind === 'finish') {
      const reason = finishWord(event.finish, choice.calls > 0, this.context.warn);
      return first + this.#chunk(event.choice, {}, reason);
    }
    return (
      first +
      this.#deltas(event, choice)
        .map((delta) => this.#chunk(event.choice, delta))
        .join('')
    );
  }

  #deltas(
    event: Exclude<ReplyEvent, { kind: 'about' | 'usage' | 'error' | 'end' | 'finish' }>,
    choice: Choice,
  ): JsonObject[] {
    switch (event.kind) {
      case 'text': {
        const detail = event.signature === undefined ? null : reasoningDetail(event.signature, '', choice.details++);
        return [{ content: event.text }, ...(detail === null ? [] : [{ reasoning_details: [detail] }])];
      }
      case 'refusal':
        return [{ refusal: event.text }];
      case 'thinking':
        if (choice.thought.length <= THOUGHT_LIMIT) choice.thought += event.text;
        return [{ reasoning_content: event.text }];
      case 'seal': {
        const { thought } = choice;
        if (event.signature.of !== 'redacted') choice.thought = '';
        if (thought.length > THOUGHT_LIMIT) {
          this.context.warn('dropped:signature');
          return [];
        }
        return [{ reasoning_details: [reasoningDetail(event.signature, thought, choice.details++)] }];
      }
      case 'call': {
        const index = choice.calls++;
        choice.places.set(event.key, index);
        const id = callIdOf(event.id, event.key, this.#replyId);
        const called = { name: event.name, arguments: '' };
        return [{ tool_calls: [{ index, id, type: 'function', function: called, ...callSeal(event.signature) }] }];
      }
      case 'arguments': {
        const index = choice.places.get(event.key);
        return index === undefined ? [] : [{ tool_calls: [{ index, function: { arguments: event.text } }] }];
      }
      case 'media':
        if (event.mimeType.startsWith('image/')) return [{ images: [imageOf(event.mimeType, event.base64)] }];
        this.context.warn('dropped:reply_media');
        return [];
    }
  }

  get #replyId(): string {
    return (this.#frame.id ??= replyIdOf(null, this.context.now));
  }

  #head(): JsonObject {
    const model = this.#frame.model ?? this.context.model;
    return { id: this.#replyId, object: 'chat.completion.chunk', created: this.#created, model };
  }

  #chunk(index: number, delta: JsonObject, finish: string | null = null): string {
    const none = this.context.includeUsage ? { usage: null } : {};
    return sse({ ...this.#head(), choices: [{ index, delta, logprobs: null, finish_reason: finish }], ...none });
  }

  #end(): string {
    const asked = this.context.includeUsage && this.#frame.usage !== null;
    const usage = asked ? sse({ ...this.#head(), choices: [], usage: chatUsage(this.#frame.usage as Usage) }) : '';
    return `${usage}data: [DONE]\n\n`;
  }
}

function sse(chunk: JsonObject): string {
  return `data: ${JSON.stringify(chunk)}\n\n`;
}
