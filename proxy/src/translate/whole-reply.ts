/** The events of a reply folded into what they come to, for clients that asked for no stream. */
import type { JsonObject } from '../json/value.ts';
import { asObject, parseJson } from '../json/value.ts';
import type { Usage } from '../providers/provider.ts';
import type { Signature } from './conversation.ts';
import type { Finish, ReplyError, ReplyEvent } from './reply-events.ts';

export type ReplyPart =
  | { readonly kind: 'text'; text: string; signature: Signature | null }
  | { readonly kind: 'thinking'; text: string; signature: Signature | null }
  /** A seal that stands alone. */
  | { readonly kind: 'seal'; readonly signature: Signature }
  | {
      readonly kind: 'call';
      readonly key: string;
      readonly id: string | null;
      readonly name: string;
      arguments: string;
      readonly signature: Signature | null;
    }
  | { readonly kind: 'media'; readonly mimeType: string; readonly base64: string };

export interface WholeChoice {
  readonly parts: ReplyPart[];
  /** Text with which the model refused. */
  refusal: string | null;
  finish: Finish | null;
  sequence: string | null;
}

export class WholeReply {
  id: string | null = null;
  model: string | null = null;
  tier: string | null = null;
  usage: Usage | null = null;
  error: ReplyError | null = null;
  readonly choices = new Map<number, WholeChoice>();
  readonly #calls = new Map<string, Extract<ReplyPart, { kind: 'call' }>>();

  add(event: ReplyEvent): void {
    if (event.kind === 'about') {
      this.id ??= event.id;
      this.model ??= event.model;
      this.tier = event.tier ?? this.tier;
    } else if (event.kind === 'usage') this.usage = event.usage;
    else if (event.kind === 'error') this.error ??= event.error;
    else if (event.kind === 'arguments') {
      const call = this.#calls.get(event.key);
      if (call !== undefined) call.arguments += event.text;
    } else if (event.kind !== 'end') this.#addTo(this.#choice(event.choice), event);
  }

  /** In their order; there is always one. */
  get inOrder(): (readonly [number, WholeChoice])[] {
    this.#choice(0);
    return [...this.choices].sort(([a], [b]) => a - b);
  }

  #choice(index: number): WholeChoice {
    const known = this.choices.get(index) ?? { parts: [], refusal: null, finish: null, sequence: null };
    this.choices.set(index, known);
    return known;
  }

  #addTo(
    choice: WholeChoice,
    event: Exclude<ReplyEvent, { kind: 'about' | 'usage' | 'error' | 'arguments' | 'end' }>,
  ): void {
    const last = choice.parts.at(-1);
    switch (event.kind) {
      case 'text':
      case 'thinking': {
        const signature = event.kind === 'text' ? (event.signature ?? null) : null;
        if (last?.kind === event.kind && last.signature === null) {
          last.text += event.text;
          last.signature = signature;
        } else choice.parts.push({ kind: event.kind, text: event.text, signature });
        return;
      }
      case 'seal':
        if (last?.kind === 'thinking' && last.signature === null && event.signature.of !== 'redacted')
          last.signature = event.signature;
        else choice.parts.push({ kind: 'seal', signature: event.signature });
        return;
      case 'refusal':
        choice.refusal = (choice.refusal ?? '') + event.text;
        return;
      case 'call': {
        const { key, id, name, signature } = event;
        const call = { kind: 'call' as const, key, id, name, arguments: '', signature: signature ?? null };
        this.#calls.set(key, call);
        choice.parts.push(call);
        return;
      }
      case 'media':
        choice.parts.push({ kind: 'media', mimeType: event.mimeType, base64: event.base64 });
        return;
      case 'finish':
        choice.finish = event.finish;
        choice.sequence = event.sequence ?? null;
    }
  }
}

/** Arguments as the object they are; what is none is kept as it came, and told. */
export function argumentsObject(text: string, warn: (token: string) => void): JsonObject {
  if (text.trim() === '') return {};
  const object = asObject(parseJson(text)?.value);
  if (object !== null) return object;
  warn('malformed_arguments');
  return { malformed_arguments: text };
}

/** A call's id, and one for it where the provider gave none: not to be met again in a later turn. */
export function callIdOf(id: string | null, key: string, reply: string): string {
  return id ?? `call_${reply.replace(/[^a-zA-Z0-9]/g, '').slice(-24)}_${key}`;
}

/** The id of a reply, and one for it where the provider gave none. */
export function replyIdOf(id: string | null, now: () => number): string {
  return id ?? `reply${now().toString(36)}`;
}
