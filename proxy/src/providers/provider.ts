/**
 * How a provider speaks, as data and pure functions: no I/O, no clock, no base class. Shared code never compares a
 * provider's name; it asks the provider.
 */

import type { Operation } from '@weir/schema/records';
import type { PathOf } from './paths.ts';

export type { Operation };

/**
 * Token counts in Weir's one convention (OpenTelemetry GenAI): `input_tokens` includes cached reads and writes,
 * `output_tokens` includes reasoning; the others are parts of those totals. `null` is unknown, never zero.
 */
export interface Usage {
  input_tokens: number | null;
  output_tokens: number | null;
  cache_read_tokens: number | null;
  cache_write_tokens: number | null;
  /** The part of `cache_write_tokens` that was written to live for an hour. */
  cache_write_1h_tokens: number | null;
  reasoning_tokens: number | null;
  input_audio_tokens: number | null;
  output_audio_tokens: number | null;
  input_image_tokens: number | null;
}

/**
 * What a reply counts beside {@link Usage}: what is charged by the piece (`web_searches`, `images`, `audio_seconds` …), and
 * parts of the totals that some models price apart (`output_image_tokens`, `cache_read_audio_tokens` …). The names are
 * those of `prices/classes.ts`; what is not named was not counted.
 */
export type Units = Readonly<Record<string, number>>;

/** What a request's body (or path) says, as far as its endpoint is understood. */
export interface RequestFacts {
  model: string | null;
  /** The body asked for a stream (`stream: true`, or a streaming path). */
  streamed: boolean;
  /** The API's own end-user field: `user`, `safety_identifier`, `metadata.user_id`. */
  user: string | null;
  /** Hash of the canonical body without stream, user and metadata; `null` when the body is not JSON. Decimal UInt64. */
  hash: string | null;
  serviceTier: string | null;
  /** Text that went in, counted only when the provider reports no usage. Bounded by {@link TEXT_LIMIT}. */
  text: TextSample;
}

/** What a reply says. `usage` is `null` when the provider reported none at all. */
export interface ReplyFacts {
  model: string | null;
  /** The provider's id for the reply (`chatcmpl-…`, `msg_…`). */
  replyId: string | null;
  usage: Usage | null;
  finishReasons: string[];
  /** Calls of client-side tools that the reply asks for. */
  toolCalls: number;
  error: { type: string | null; message: string | null } | null;
  serviceTier: string | null;
  /** The provider's own price for the call in USD, as the decimal text it sent; `null` where it sends none. */
  reportedCostUsd: string | null;
  units: Units;
  /** A stream reached the end its format defines (`[DONE]`, `message_stop`, `response.completed` …). JSON: parsed whole. */
  complete: boolean;
  /** The provider goes on with it after the call that asked: its usage comes with a later fetch. */
  background: boolean;
  /** Text that came out, counted only when the provider reports no usage. */
  text: TextSample;
  /** What is odd about the reply: becomes the row's `warnings`. Short snake_case tokens, each once. */
  warnings: string[];
}

/** Text kept to be counted: at most {@link TEXT_LIMIT} characters; `characters` is the true length. */
export interface TextSample {
  kept: string;
  characters: number;
}
export const TEXT_LIMIT = 1_048_576;

/** Reads one body as it arrives, split anywhere; bounded memory at any size; never throws on hostile input. */
export interface Reader<Facts> {
  /** The chunk may be reused by the caller after the call returns: copy what must be kept. */
  feed(chunk: Uint8Array): void;
  /** No more bytes. Idempotent. `cut`: the body ended before its format's end (client left, upstream died). */
  end(cut?: boolean): Facts;
  /**
   * True from the moment that content (text, reasoning, a tool call's name or arguments) has been seen: the recorder
   * stamps time to first token from the chunk that made it true. Always false for replies that are not streams.
   */
  readonly sawContent: boolean;
}

export interface ReplyContext {
  operation: Operation;
  /** Path after the provider, without query. */
  path: string;
  status: number;
  /** The reply's `content-type`, lower case, parameters included; '' when absent. Bytes fed are already decompressed. */
  contentType: string;
  header(name: string): string | null;
}

/** One wire format: what OpenAI, Anthropic, Google and AWS each speak, and what compatible providers speak too. */
export interface Dialect {
  readonly name: 'openai' | 'anthropic' | 'google' | 'aws';
  /** What a call is, from its method and its path after the provider (no query). */
  operation(method: string, path: string): Operation;
  /** The model where the path names it (Gemini), else `null`. */
  modelInPath(path: string): string | null;
  requestReader(context: { operation: Operation; path: string; contentType: string }): Reader<RequestFacts>;
  replyReader(context: ReplyContext): Reader<ReplyFacts>;
  /** The facts of a reply that was parsed already: one of many in a file. */
  readReply(context: ReplyContext, body: unknown): ReplyFacts;
  /** Body of an error that is Weir's own, in the shape this API's SDKs raise. */
  errorBody(error: { status: number; code: string; message: string }): Record<string, unknown>;
  /** The same as one in-band SSE event, for a stream whose upstream died. Complete with its blank line. */
  errorEvent(error: { status: number; code: string; message: string }): string;
  /** The same as a message of a binary stream, for a dialect that has one. */
  errorMessage?(error: { status: number; code: string; message: string }): Uint8Array;
}

/** For a provider whose host depends on where: the path segment after its name. */
export interface Place {
  /** What the segment is called in a sentence, and one to show. */
  readonly noun: string;
  readonly example: string;
  /** Scheme and host; `null` when the place is not well formed. */
  hostOf(place: string, path: string): string | null;
}

/** How Weir presents what it holds for a provider, where that is more than one key in a header. */
export type Signing = 'aws-sigv4' | 'google-service-account';

export interface Provider {
  /** First path segment and the `provider` column. */
  readonly name: string;
  /** The vendor's documented host, https; `null` for `custom`, whose caller names it, and where a place decides. */
  readonly host: string | null;
  readonly place?: Place;
  readonly dialect: Dialect;
  /** Where it has what others have too; absent where it is sent only what its own path says. */
  readonly pathOf?: PathOf;
  /** Headers that it does not go without, for a call that was not made for it. */
  readonly neededHeaders?: readonly (readonly [name: string, value: string])[];
  /** Environment variable of the vendor's own name for its key. */
  readonly keyEnvironment: string | null;
  /** Lower-case names of the request headers and query parameters in which its SDKs put the caller's credential. */
  readonly credentialHeaders: readonly string[];
  readonly credentialQuery: readonly string[];
  readonly signing?: Signing;
  /** Its id in the price list; `null` where no list knows it. */
  readonly priceList: string | null;
  /** Service tiers whose price is a known percentage of the ordinary one. A tier not named here has no known price. */
  readonly tierPercent?: Readonly<Record<string, number>>;
}
