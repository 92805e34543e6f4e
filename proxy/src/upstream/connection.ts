/** One connection to a provider: one exchange after the other, each to its end. */
import type { Socket } from 'node:net';
import { errors } from 'undici';
import type { RequestBody } from '../body.ts';
import { now } from '../call.ts';
import type { Exchange } from './exchange.ts';
import { ReplyReader } from './reply-reader.ts';
import { mismatch, requestHead, type Framing } from './request-head.ts';

/** Up to this length a body is copied behind its head: one buffer is one write for less than a list of two. */
const copiedBytes = 16_384;
/** How long a connection stays open that nobody uses, ms: about as long as providers keep theirs. */
const idleMs = 30_000;
/** No longer than this, whatever the provider says. */
const mostIdleMs = 600_000;
/** A connection is given up so long before its provider does: a request must not cross its end on the way. */
const marginMs = 2_000;

/** Whose connection it is. */
export interface Owner {
  /** The `Host` header. */
  readonly host: string;
  /** It can take another exchange. */
  free(connection: Connection): void;
  closed(connection: Connection): void;
}

export class Connection {
  #exchange: Exchange | null = null;
  #reader: ReplyReader | null = null;
  #error: Error | null = null;
  /** The request is on its way whole. */
  #sent = true;
  /** Wakes who waits to write on. */
  #drained: (() => void) | null = null;
  /** When its last exchange ended, on the clock of `now()`. */
  freeSince = now();
  /** When it is given up, on the same clock. */
  expires = this.freeSince + idleMs;

  constructor(
    private readonly socket: Socket,
    private readonly owner: Owner,
  ) {
    socket.on('data', (bytes) => this.#data(bytes));
    socket.on('end', () => this.#end());
    socket.on('error', (error) => {
      this.#error = error;
    });
    socket.on('close', () => this.#closed());
    socket.on('drain', () => this.#wake());
  }

  /** Whether it is open, with nothing under way. */
  get isFree(): boolean {
    return this.#exchange === null && !this.socket.destroyed && this.socket.writable;
  }

  /** Sends the request of an exchange. @throws Error as `requestHead`: then nothing was sent. */
  run(exchange: Exchange): void {
    const request = exchange.begin(this);
    const [head, framing] = requestHead(request, this.owner.host);
    this.#exchange = exchange;
    this.#reader = new ReplyReader(request.method, exchange);
    this.#send(head, framing, request.body);
  }

  resume(): void {
    this.socket.resume();
  }

  /** Ends it at once. */
  drop(): void {
    this.#reader?.stop();
    this.socket.destroy();
  }

  #send(head: string, framing: Framing, body: RequestBody): void {
    const { socket } = this;
    if (body !== null && !Buffer.isBuffer(body)) {
      socket.write(head, 'latin1');
      this.#sent = false;
      const exchange = this.#exchange as Exchange;
      this.#pump(exchange, body, framing).catch((error: unknown) => {
        exchange.abort(error instanceof Error ? error : new Error(String(error)));
      });
    } else if (body === null || body.length === 0) socket.write(head, 'latin1');
    else if (body.length > copiedBytes) {
      socket.cork();
      socket.write(head, 'latin1');
      socket.write(body);
      socket.uncork();
    } else {
      const whole = Buffer.allocUnsafe(head.length + body.length);
      whole.write(head, 'latin1');
      whole.set(body, head.length);
      socket.write(whole);
    }
  }

  /** Sends a body as it comes; stops when the reply has ended before it. */
  async #pump(exchange: Exchange, body: AsyncIterable<Buffer>, framing: Framing): Promise<void> {
    const { socket } = this;
    let left = framing === 'chunked' ? 0 : framing.length;
    for await (const chunk of body) {
      if (exchange.over || socket.destroyed) return;
      if (chunk.length === 0) continue;
      if (framing === 'chunked') {
        socket.cork();
        socket.write(`${chunk.length.toString(16)}\r\n`, 'latin1');
        socket.write(chunk);
        socket.write('\r\n', 'latin1');
        socket.uncork();
      } else {
        left -= chunk.length;
        if (left < 0) throw mismatch('the body is longer');
        socket.write(chunk);
      }
      if (socket.writableNeedDrain) await new Promise<void>((resolve) => (this.#drained = resolve));
    }
    if (left > 0) throw mismatch('the body is shorter');
    if (exchange.over || socket.destroyed) return;
    if (framing === 'chunked') socket.write('0\r\n\r\n', 'latin1');
    this.#sent = true;
  }

  #data(bytes: Buffer): void {
    const reader = this.#reader;
    // Nobody has asked for anything: whatever it is, it cannot be taken for the answer to what is asked next.
    if (reader === null) return void this.socket.destroy();
    try {
      if (!reader.feed(bytes)) this.socket.pause();
    } catch (error) {
      this.drop();
      this.#exchange?.fail(error as Error);
    }
    if (reader.done) this.#done(reader);
  }

  /** The exchange is over: what becomes of the connection. */
  #done({ reusable, keepAliveMs }: ReplyReader): void {
    this.#exchange = null;
    this.#reader = null;
    const lasts = Math.min(keepAliveMs === null ? idleMs : keepAliveMs - marginMs, mostIdleMs);
    if (!reusable || !this.#sent || lasts <= 0 || !this.isFree) {
      this.#wake();
      this.socket.destroy();
      return;
    }
    if (this.socket.isPaused()) this.socket.resume();
    this.freeSince = now();
    this.expires = this.freeSince + lasts;
    this.owner.free(this);
  }

  /** The provider sends nothing more. */
  #end(): void {
    const reader = this.#reader;
    if (reader?.begun === true && reader.close()) this.#done(reader);
    else this.socket.destroy();
  }

  #closed(): void {
    this.#wake();
    this.#reader?.stop();
    this.#exchange?.fail(this.#error ?? new errors.SocketError('other side closed'));
    this.#exchange = null;
    this.#reader = null;
    this.owner.closed(this);
  }

  #wake(): void {
    this.#drained?.();
    this.#drained = null;
  }
}
