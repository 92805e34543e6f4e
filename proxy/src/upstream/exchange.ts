/** One request to a provider and its reply: what is told of it, and to whom. */
import type { RequestBody } from '../body.ts';
import { now, type Attempt, type Target } from '../call.ts';
import type { ReplyEvents } from './reply-reader.ts';

/** Takes what a provider sends. */
export interface Sink {
  /** @returns false: the connection is not read on until `resume`. What has been read already still comes. */
  data(chunk: Buffer): boolean;
  end(trailers: string[]): void;
  error(error: Error): void;
}

/** The head of a provider's answer. */
export interface Reply {
  status: number;
  statusText: string;
  /** Raw: name, value, name, value …; latin1. */
  headers: string[];
  /** The sink that said that it is full can take more. */
  resume(): void;
}

/** Hears what comes of an attempt: one of the two, once. */
export interface Receiver {
  /**
   * The head has come. Takes the body from here on: answered at once and not by a promise, because the first bytes are often
   * in the same packet, and to hold them back would cost more than to pass them on.
   */
  reply(reply: Reply): Sink;
  /** No head came. */
  failed(error: Error): void;
}

export interface Sending {
  /** Gives the call up: the provider sees its connection end. */
  abort(reason: Error): void;
}

export interface SendRequest {
  method: string;
  target: Target;
  /** Raw: name, value, name, value …. */
  headers: string[];
  body: RequestBody;
}

/** The connection that an exchange has got. */
interface Carrier {
  resume(): void;
  /** Ends it. */
  drop(): void;
}

/** Fills in the attempt as it goes, and ends once: whole, broken off, or given up. */
export class Exchange implements Sending, Reply, ReplyEvents {
  status = 0;
  statusText = '';
  headers: string[] = [];
  /** Nothing more comes of it. */
  over = false;
  #request: SendRequest | null;
  #carrier: Carrier | null = null;
  #sink: Sink | null = null;

  constructor(
    request: SendRequest,
    private readonly attempt: Attempt,
    private readonly receiver: Receiver,
  ) {
    this.#request = request;
  }

  /** There is a connection. @returns what is to be sent, which is not held any longer: a long answer needs it no more. */
  begin(carrier: Carrier): SendRequest {
    const request = this.#request;
    if (request === null) throw new Error('an exchange is sent once');
    this.#request = null;
    this.#carrier = carrier;
    this.attempt.connectMs = now() - this.attempt.startedAt;
    return request;
  }

  abort(reason: Error): void {
    if (this.over) return;
    this.#carrier?.drop();
    this.fail(reason);
  }

  resume(): void {
    if (!this.over) this.#carrier?.resume();
  }

  head(status: number, statusText: string, headers: string[]): void {
    this.attempt.headersMs = now() - this.attempt.startedAt;
    this.attempt.status = status;
    this.status = status;
    this.statusText = statusText;
    this.headers = headers;
    this.#sink = this.receiver.reply(this);
  }

  data(chunk: Buffer): boolean {
    this.attempt.responseBytes += chunk.length;
    return this.#sink?.data(chunk) ?? true;
  }

  end(trailers: string[]): void {
    this.over = true;
    this.attempt.endedAt ??= now();
    this.#sink?.end(trailers);
  }

  /** It ends here, without an end. */
  fail(error: Error): void {
    if (this.over) return;
    this.over = true;
    this.attempt.endedAt ??= now();
    if (this.#sink === null) this.receiver.failed(error);
    else this.#sink.error(error);
  }
}
