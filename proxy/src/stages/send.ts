/**
 * One call to a provider over undici's raw handler: header lists and bytes in, bytes out; no web streams, no decoding
 * (PERFORMANCE.md: what else was tried and what it costs).
 */
import { Agent, errors, type Dispatcher } from 'undici';
import type { RequestBody } from '../body.ts';
import { now, type Attempt, type Target } from '../call.ts';
import { guardedLookup } from '../guard.ts';

const headerBytes = 128 * 1024;

/** No time limit of Weir's own, no pipelining; connections stay open as long as providers usually keep them. */
const agentOptions = {
  headersTimeout: 0,
  bodyTimeout: 0,
  keepAliveTimeout: 30_000,
  keepAliveMaxTimeout: 600_000,
  maxHeaderSize: headerBytes,
  pipelining: 1,
  connections: null,
} satisfies Agent.Options;

/** Connections to providers. Closed once, at the end. */
export class Upstream {
  readonly #open = new Agent({ ...agentOptions, connect: { timeout: 30_000, noDelay: true } });
  readonly #guarded = new Agent({
    ...agentOptions,
    connect: { timeout: 30_000, noDelay: true, lookup: guardedLookup },
  });

  agent(target: Target): Agent {
    return target.guarded ? this.#guarded : this.#open;
  }

  async close(): Promise<void> {
    await Promise.all([this.#open.destroy(), this.#guarded.destroy()]);
  }
}

/** Takes what a provider sends. */
export interface Sink {
  /** @returns false to be sent nothing more until `resume`. */
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

/** Starts one attempt. `attempt` is filled in as it goes. */
export function send(upstream: Upstream, request: SendRequest, attempt: Attempt, receiver: Receiver): Sending {
  const exchange = new Exchange(attempt, receiver);
  const { target } = request;
  upstream.agent(target).dispatch(
    {
      origin: target.origin,
      path: target.path,
      method: request.method as Dispatcher.HttpMethod,
      headers: request.headers,
      body: request.body as Dispatcher.DispatchOptions['body'] & object,
    },
    exchange,
  );
  return exchange;
}

class Exchange implements Dispatcher.DispatchHandler, Sending, Reply {
  status = 0;
  statusText = '';
  headers: string[] = [];
  #abort: ((error?: Error) => void) | null = null;
  #reason: Error | null = null;
  /** It was given up while it waited for a connection. */
  #over = false;
  #resume: () => void = () => undefined;
  #sink: Sink | null = null;

  constructor(
    private readonly attempt: Attempt,
    private readonly receiver: Receiver,
  ) {}

  abort(reason: Error): void {
    if (this.#over) return;
    this.#reason = reason;
    if (this.#abort !== null) return this.#abort(reason);
    // Before there is a connection undici has nothing to end: it is told as soon as there is one, and nobody waits for that.
    this.#over = true;
    this.attempt.endedAt ??= now();
    this.receiver.failed(reason);
  }

  resume(): void {
    this.#resume();
  }

  onConnect(abort: (error?: Error) => void): void {
    this.#abort = abort;
    if (this.#reason !== null) return abort(this.#reason);
    this.attempt.connectMs = now() - this.attempt.startedAt;
  }

  onHeaders(status: number, headers: Buffer[], resume: () => void, statusText: string): boolean {
    if (status < 200) return true; // 103 Early Hints and their like: for the next hop only.
    this.attempt.headersMs = now() - this.attempt.startedAt;
    this.attempt.status = status;
    this.status = status;
    this.statusText = statusText;
    this.headers = headers.map((part) => part.toString('latin1'));
    this.#resume = resume;
    this.#sink = this.receiver.reply(this);
    return true;
  }

  onData(chunk: Buffer): boolean {
    this.attempt.responseBytes += chunk.length;
    return this.#sink?.data(chunk) ?? true;
  }

  onComplete(trailers: string[] | null): void {
    this.attempt.endedAt ??= now();
    const list = (trailers ?? []).map((part: string | Buffer) =>
      typeof part === 'string' ? part : part.toString('latin1'),
    );
    this.#sink?.end(list);
  }

  onError(error: Error): void {
    if (this.#over) return;
    this.attempt.endedAt ??= now();
    if (this.#sink === null) this.receiver.failed(error);
    else this.#sink.error(error);
  }
}

/** A clock of `Weir-Timeout` has run out. */
export class ClockError extends Error {
  constructor(
    readonly clock: 'headers' | 'idle' | 'total',
    limitMs: number,
  ) {
    super(`the ${clock} clock of Weir-Timeout ran out after ${limitMs} ms`);
  }
}

/** What went wrong between Weir and a provider, by code: `network:ECONNRESET`, `timeout:headers`. */
export function triggerOf(error: unknown): { outcome: 'timeout' | 'network_error'; trigger: string; message: string } {
  const code = error instanceof Error ? ((error as NodeJS.ErrnoException).code ?? error.name) : 'unknown';
  const message = error instanceof Error ? error.message : String(error);
  if (error instanceof ClockError) return { outcome: 'timeout', trigger: `timeout:${error.clock}`, message };
  if (error instanceof errors.ConnectTimeoutError) return { outcome: 'timeout', trigger: 'timeout:connect', message };
  if (error instanceof errors.HeadersTimeoutError) return { outcome: 'timeout', trigger: 'timeout:headers', message };
  if (error instanceof errors.BodyTimeoutError) return { outcome: 'timeout', trigger: 'timeout:idle', message };
  return { outcome: 'network_error', trigger: `network:${code}`, message };
}
