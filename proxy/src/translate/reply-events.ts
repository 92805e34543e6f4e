/**
 * The one neutral form of a reply: events in the order in which they came. A JSON reply is the same events at once, so that
 * one reader and two writers (a stream, a document) serve each dialect.
 */
import type { JsonObject } from '../json/value.ts';
import type { Usage } from '../providers/provider.ts';
import type { WholeReply } from './whole-reply.ts';
import type { Signature, TranslatedDialect } from './conversation.ts';

/** Why an answer ended. `other` is a reason that no other API has; the event keeps its word. */
export type Finish =
  'stop' | 'stop_sequence' | 'length' | 'context' | 'tool' | 'filter' | 'pause' | 'malformed_call' | 'other';

export interface ReplyError {
  readonly status: number;
  /** The provider's own word for it. */
  readonly type: string | null;
  readonly message: string;
}

export type ReplyEvent =
  /** What is known of the reply as a whole; given again when more is known. */
  | { readonly kind: 'about'; readonly id: string | null; readonly model: string | null; readonly tier: string | null }
  | {
      readonly kind: 'text' | 'refusal';
      readonly choice: number;
      readonly text: string;
      readonly signature?: Signature;
    }
  | { readonly kind: 'thinking'; readonly choice: number; readonly text: string }
  /** Seals the thinking before it; without any, what comes next. */
  | { readonly kind: 'seal'; readonly choice: number; readonly signature: Signature }
  /** A tool's call begins. `key` tells the calls of one reply apart. */
  | {
      readonly kind: 'call';
      readonly choice: number;
      readonly key: string;
      readonly id: string | null;
      readonly name: string;
      readonly signature?: Signature;
    }
  /** A piece of the JSON text of a call's arguments. */
  | { readonly kind: 'arguments'; readonly choice: number; readonly key: string; readonly text: string }
  | { readonly kind: 'media'; readonly choice: number; readonly mimeType: string; readonly base64: string }
  | {
      readonly kind: 'finish';
      readonly choice: number;
      readonly finish: Finish;
      /** The provider's own word. */
      readonly word: string;
      readonly sequence?: string;
    }
  /** All counts so far, in Weir's convention. */
  | { readonly kind: 'usage'; readonly usage: Usage }
  | { readonly kind: 'error'; readonly error: ReplyError }
  /** The reply reached the end that its format defines. */
  | { readonly kind: 'end' };

/** Nobody answers a question more often; what is beyond is no reply. */
export const MOST_CHOICES = 128;

export type Emit = (event: ReplyEvent) => void;

/** Reads the pieces of a provider's reply: events of a stream, or one document. Never throws on what they hold. */
export interface ReplyReader {
  piece(value: JsonObject, name: string): void;
  /** A mark that says: the stream is complete (`[DONE]`). */
  mark(): void;
  /** No more bytes; `document`: they were one JSON document, which was read whole. */
  end(document: boolean): void;
}

/** What a writer must know of the request that is answered. */
export interface ReplyContext {
  /** What a client that gave no name for it is told: the model it asked for. */
  readonly model: string;
  /** The dialect that the reply came in. */
  readonly upstream: TranslatedDialect;
  readonly includeUsage: boolean;
  /** Milliseconds since 1970. */
  readonly now: () => number;
  /** Something of the reply has no place in the client's dialect. */
  readonly warn: (token: string) => void;
}

/** Writes a reply that is whole as one document of the client's dialect. */
export type DocumentWriter = (reply: WholeReply, context: ReplyContext) => JsonObject;

/** Writes a reply as a stream of the client's dialect. */
export interface StreamWriter {
  /** @returns what goes to the client for it; '' when nothing does yet. */
  write(event: ReplyEvent): string;
}
