/**
 * A reply as the pieces of streamGenerateContent with `alt=sse`: ai.google.dev/api/generate-content. The last piece has the
 * reasons and the usage; it comes only when the reply has reached its end, for the format has no other mark of it.
 */
import { StreamFrame, type ContentEvent } from '../stream-frame.ts';
import type { JsonObject } from '../../json/value.ts';
import type { Finish, ReplyContext, ReplyEvent, StreamWriter } from '../reply-events.ts';
import { argumentsObject, replyIdOf } from '../whole-reply.ts';
import { generateUsage } from './usage.ts';
import { callOf, finishReason, sealOf } from './write-reply-parts.ts';

type Call = Extract<ReplyEvent, { kind: 'call' }>;

interface Choice {
  /** Calls whose arguments still come: this API has them whole. */
  readonly calls: Map<string, { readonly call: Call; text: string }>;
  finish: Finish | null;
  refused: boolean;
}

export class GenerateStreamWriter implements StreamWriter {
  readonly #frame = new StreamFrame('generate_content', {
    content: (event) => this.#content(event, this.#choice(event.choice)),
    end: () => this.#end(),
  });
  readonly #choices = new Map<number, Choice>();

  constructor(readonly context: ReplyContext) {}

  write(event: ReplyEvent): string {
    return this.#frame.take(event);
  }

  #choice(index: number): Choice {
    const choice = this.#choices.get(index) ?? { calls: new Map<string, never>(), finish: null, refused: false };
    this.#choices.set(index, choice);
    return choice;
  }

  #content(event: ContentEvent, choice: Choice): string {
    switch (event.kind) {
      case 'call':
        choice.calls.set(event.key, { call: event, text: '' });
        return '';
      case 'arguments': {
        const call = choice.calls.get(event.key);
        if (call === undefined) this.context.warn('malformed_arguments');
        else call.text += event.text;
        return '';
      }
      case 'finish':
        choice.finish = event.finish;
        return this.#parts(event.choice, this.#called(choice));
      default:
        choice.refused ||= event.kind === 'refusal';
        return this.#parts(event.choice, [...this.#called(choice), this.#part(event)]);
    }
  }

  #part(event: Extract<ReplyEvent, { kind: 'text' | 'refusal' | 'thinking' | 'seal' | 'media' }>): JsonObject {
    switch (event.kind) {
      case 'text':
      case 'refusal':
        return { text: event.text, ...sealOf(event.signature) };
      case 'thinking':
        return { text: event.text, thought: true };
      case 'seal':
        return { text: '', thought: true, ...sealOf(event.signature) };
      case 'media':
        return { inlineData: { mimeType: event.mimeType, data: event.base64 } };
    }
  }

  /** The calls that are whole by now, because something else has come. */
  #called(choice: Choice): JsonObject[] {
    const calls = [...choice.calls.values()];
    choice.calls.clear();
    return calls.map(({ call, text }) =>
      callOf(call.id, call.name, argumentsObject(text, this.context.warn), call.signature),
    );
  }

  #parts(index: number, parts: readonly JsonObject[]): string {
    return parts.length === 0 ? '' : this.#piece([{ content: { parts, role: 'model' }, index }]);
  }

  #piece(candidates: readonly JsonObject[]): string {
    this.#frame.id ??= replyIdOf(null, this.context.now);
    const usage = this.#frame.usage === null ? {} : { usageMetadata: generateUsage(this.#frame.usage) };
    const model = this.#frame.model ?? this.context.model;
    return `data: ${JSON.stringify({ candidates, ...usage, modelVersion: model, responseId: this.#frame.id })}\n\n`;
  }

  #end(): string {
    this.#choice(0);
    const candidates = [...this.#choices].map(([index, choice]) => ({
      content: { parts: [...this.#called(choice)], role: 'model' },
      finishReason: finishReason(choice.finish, choice.refused),
      index,
    }));
    return this.#piece(candidates);
  }
}
