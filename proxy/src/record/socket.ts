/**
 * A WebSocket while it passes: its messages are read, and each response that they come to is a part with rows of its own, as
 * is what a model of its own wrote down of the user's speech. A connection without either is read as one call.
 */
import type { EndNote, HeadNote, NotedAttempt, StartNote } from '../capture/notes.ts';
import { ProjectionReader } from '../json/project.ts';
import { asObject, parseJson } from '../json/value.ts';
import { Conversation, type Spoken } from '../providers/realtime/conversation.ts';
import { realtimeFormatOf } from '../providers/realtime/formats.ts';
import type { ReplyFacts } from '../providers/provider.ts';
import { partId } from '../spool/parts.ts';
import { readDeflate } from '../websocket/inflate.ts';
import { MessageReader, type MessageSink } from '../websocket/messages.ts';
import { KeptBody } from './kept.ts';
import { noText } from './late-text.ts';
import { findHeader, type ReadCall, type Reading } from './reading.ts';

/** One response or transcript of a connection, as it is recorded. */
export interface Part {
  read: ReadCall;
  end: EndNote;
}

export interface SocketOptions {
  start: StartNote;
  requestHeaders: string[];
  head: HeadNote;
  bodyLimit: number;
  /** Takes each response and transcript when it is over. */
  onPart: (part: Part) => void;
}

/** Codes by which a connection ends in the ordinary way (RFC 6455 §7.4.1). */
const ORDINARY = new Set([1000, 1001, 1005]);
const lineFeed = Buffer.from('\n');

/** Whether a provider's head says that WebSocket frames follow. */
export function opensWebSocket({ status, headers }: HeadNote): boolean {
  return status === 101 && findHeader(headers, 'upgrade').toLowerCase() === 'websocket';
}

/** How a part ended. */
interface Ended {
  durationMs: number;
  outcome: EndNote['row']['outcome'];
  requestBytes: number | null;
  responseBytes: number | null;
}

/** One direction: its reader, and what of it is kept and counted since the last response. */
interface Side {
  readonly reader: MessageReader;
  kept: KeptBody;
  bytes: number;
}

export class SocketReading implements Reading {
  readonly warnings = new Set<string>();
  parts = 0;
  readonly start: StartNote;
  readonly requestHeaders: string[];
  readonly asynchronous: boolean;
  readonly #options: SocketOptions;
  readonly #conversation: Conversation;
  readonly #client: Side;
  readonly #server: Side;
  #atMs = 0;
  /** Who said first that the connection ends. */
  #closedBy: 'client' | 'provider' | null = null;

  constructor(options: SocketOptions) {
    this.#options = options;
    this.start = options.start;
    this.requestHeaders = options.requestHeaders;
    this.#conversation = new Conversation(realtimeFormatOf(options.start.row.path));
    const deflate = readDeflate(findHeader(options.head.headers, 'sec-websocket-extensions'));
    this.asynchronous = deflate !== null;
    this.#client = this.#open('client', deflate === null ? null : { alone: deflate.client });
    this.#server = this.#open('provider', deflate === null ? null : { alone: deflate.server });
  }

  feedRequest(chunk: Buffer, atMs: number): Promise<void> | null {
    return this.#feed(this.#client, chunk, atMs);
  }

  feedResponse(chunk: Buffer, atMs: number): Promise<void> | null {
    return this.#feed(this.#server, chunk, atMs);
  }

  own(): void {
    // What is kept of messages are copies.
  }

  /** @returns what the connection itself is recorded as; null where its responses are. */
  end(): ReadCall | null {
    const { unfinished, connection } = this.#conversation.end();
    const outcome = this.#closedBy === 'provider' ? 'truncated' : 'cancelled';
    for (const spoken of unfinished) this.#speak(spoken, outcome);
    for (const side of [this.#client, this.#server]) side.reader.close();
    return this.parts > 0 ? null : this.#read(this.start, connection, null);
  }

  #open(from: 'client' | 'provider', compression: { alone: boolean } | null): Side {
    const take = (value: unknown): void => this.#message(from, value);
    const sink: MessageSink = {
      bytes: (bytes, last) => side.kept.add(last ? lineFeed : bytes),
      message: (text) => take(parseJson(text)?.value),
      longMessage: () => {
        const reader = new ProjectionReader(this.#conversation.format.plan);
        return {
          feed: (chunk) => reader.feed(chunk),
          end: () => {
            reader.end();
            take(reader.value);
          },
        };
      },
      closed: (code, reason) => this.#closed(from, code, reason),
    };
    const side: Side = { reader: new MessageReader(sink, compression), kept: this.#keep(), bytes: 0 };
    return side;
  }

  #feed(side: Side, chunk: Buffer, atMs: number): Promise<void> | null {
    this.#atMs = atMs;
    side.bytes += chunk.length;
    const waiting = side.reader.feed(chunk);
    if (side.reader.broken) this.warnings.add('unreadable_frames');
    return waiting;
  }

  #message(from: 'client' | 'provider', value: unknown): void {
    const message = asObject(value);
    if (message === null) return;
    if (from === 'client') this.#conversation.sent(message, this.#atMs);
    else for (const spoken of this.#conversation.received(message, this.#atMs)) this.#speak(spoken, 'ok');
  }

  #closed(from: 'client' | 'provider', code: number, reason: string): void {
    this.#closedBy ??= from;
    if (from === 'provider' && !ORDINARY.has(code)) this.#conversation.broke(`websocket_${code}`, reason);
  }

  #keep(): KeptBody {
    return new KeptBody(this.#options.start.keep ? this.#options.bodyLimit : 0);
  }

  #speak({ kind, reply, beganMs, contentMs }: Spoken, outcome: EndNote['row']['outcome']): void {
    const start = this.#startOf(kind, beganMs);
    const durationMs = round(this.#atMs - beganMs);
    if (kind === 'transcript') {
      const read = { ...this.#read(start, reply, null), request: { ...noRequest, model: reply.model } };
      this.#options.onPart({ read, end: this.#endOf(start, { durationMs, outcome, ...noBytes }) });
      return;
    }
    const read = this.#read(start, reply, contentMs === null ? null : round(contentMs - beganMs));
    const bytes = { requestBytes: this.#client.bytes, responseBytes: this.#server.bytes };
    const end = this.#endOf(start, { durationMs, outcome, ...bytes });
    this.#client.kept = this.#keep();
    this.#server.kept = this.#keep();
    this.#client.bytes = this.#server.bytes = 0;
    this.#options.onPart({ read, end });
  }

  /** A transcript is a call to another model. Its messages stand among those of a response, and are kept with them. */
  #startOf(kind: Spoken['kind'], beganMs: number): StartNote {
    const { row } = this.start;
    const part = {
      ...row,
      request_id: partId(row.request_id, this.parts++),
      started_at: row.started_at + Math.round(beganMs * 1000),
    };
    if (kind === 'response') return { ...this.start, row: part };
    return { ...this.start, keep: false, row: { ...part, operation: 'audio' } };
  }

  #read(start: StartNote, reply: ReplyFacts, ttftMs: number | null): ReadCall {
    const { keep } = start;
    return {
      start,
      made: true,
      request: { ...noRequest, model: modelInQuery(start.row.query) ?? this.#conversation.model },
      requestText: () => noText,
      reply,
      ttftMs,
      head: this.#options.head,
      requestHeaders: this.requestHeaders,
      requestBody: keep ? this.#client.kept : null,
      responseBody: keep ? this.#server.kept : null,
      warnings: [...this.warnings],
    };
  }

  /** The connection stood all the time: what a response lasted is the provider's. */
  #endOf({ row, attempt }: StartNote, { durationMs, outcome, requestBytes, responseBytes }: Ended): EndNote {
    const shared = { status: this.#options.head.status, outcome, error_type: '', error_message: '' };
    const attempts: NotedAttempt[] =
      attempt === null
        ? []
        : [
            {
              ...attempt,
              ...shared,
              started_at: row.started_at,
              connect_ms: 0,
              headers_ms: null,
              duration_ms: durationMs,
              response_bytes: responseBytes,
            },
          ];
    return {
      request_id: row.request_id,
      row: {
        ...shared,
        duration_ms: durationMs,
        overhead_ms: 0,
        wait_ms: 0,
        upstream_ms: durationMs,
        client_stall_ms: null,
        attempts: attempts.length,
        request_bytes: requestBytes,
        response_bytes: responseBytes,
        warnings: [],
      },
      attempts,
    };
  }
}

/** Of what is a part of another row's messages. */
const noBytes = { requestBytes: null, responseBytes: null };

const noRequest: ReadCall['request'] = {
  model: null,
  streamed: true,
  user: null,
  hash: null,
  serviceTier: null,
};

/** `?model=` (OpenAI), `?deployment=` (Azure): platform.openai.com/docs/guides/realtime-websocket. */
function modelInQuery(query: string): string | null {
  const parameters = new URLSearchParams(query);
  return parameters.get('model') ?? parameters.get('deployment');
}

/** Milliseconds with microsecond digits, never below zero. */
function round(ms: number): number {
  return Math.max(0, Math.round(ms * 1000) / 1000);
}
