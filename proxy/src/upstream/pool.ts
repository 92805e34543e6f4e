/** The connections to one origin. One request at a time goes over each; the one that was used last is taken first. */
import type { buildConnector } from 'undici';
import { now } from '../call.ts';
import { Connection, type Owner } from './connection.ts';
import type { Exchange } from './exchange.ts';

/**
 * A provider that closes a connection which nobody uses does it after seconds. One that has rested so long (ms) waits for a
 * turn of the event loop before it is used again: if its end has arrived meanwhile, that is read first.
 */
const restedMs = 1_000;

export class Pool implements Owner {
  readonly host: string;
  readonly #options: buildConnector.Options;
  readonly #all = new Set<Connection>();
  /** The latest last. */
  readonly #free: Connection[] = [];
  /** They take the first connection that comes free, be it made for them or not. */
  readonly #waiting: Exchange[] = [];
  /** Connections that are being made, or looked at once more: never fewer than exchanges that wait. */
  #coming = 0;

  constructor(
    origin: string,
    private readonly connector: buildConnector.connector,
  ) {
    const { protocol, host, hostname, port } = new URL(origin);
    this.host = host;
    this.#options = { protocol, host, hostname: hostname.replace(/^\[|\]$/g, ''), port };
  }

  /** Nothing is open, and nobody waits. */
  get isEmpty(): boolean {
    return this.#all.size === 0 && this.#coming === 0;
  }

  run(exchange: Exchange): void {
    const connection = this.#take();
    if (connection !== null && now() - connection.freeSince < restedMs) return this.#start(connection, exchange);
    this.#waiting.push(exchange);
    if (connection === null) return this.#connect();
    this.#coming++;
    setImmediate(() => {
      this.#coming--;
      if (connection.isFree) this.free(connection);
      else if (this.#isShort()) this.#connect();
    });
  }

  free(connection: Connection): void {
    const next = this.#next();
    if (next === undefined) this.#free.push(connection);
    else this.#start(connection, next);
  }

  closed(connection: Connection): void {
    this.#all.delete(connection);
    const at = this.#free.indexOf(connection);
    if (at !== -1) this.#free.splice(at, 1);
  }

  /** Gives up what has been free for too long. */
  sweep(): void {
    const at = now();
    for (const connection of this.#free.filter(({ expires }) => expires <= at)) connection.drop();
  }

  close(): void {
    for (const connection of this.#all) connection.drop();
  }

  #take(): Connection | null {
    for (let last = this.#free.pop(); last !== undefined; last = this.#free.pop()) {
      if (last.isFree && last.expires > now()) return last;
      last.drop();
    }
    return null;
  }

  #start(connection: Connection, exchange: Exchange): void {
    try {
      connection.run(exchange);
    } catch (error) {
      // Nothing was sent.
      exchange.fail(error as Error);
      this.free(connection);
    }
  }

  #connect(): void {
    this.#coming++;
    this.connector(this.#options, (error, socket) => {
      this.#coming--;
      if (error !== null) {
        // Whoever waits longest hears of it, unless enough others are coming.
        if (this.#isShort()) this.#next()?.fail(error);
        return;
      }
      const connection = new Connection(socket, this);
      this.#all.add(connection);
      this.free(connection);
    });
  }

  /** More exchanges wait than connections are coming. */
  #isShort(): boolean {
    this.#forget();
    return this.#waiting.length > this.#coming;
  }

  #next(): Exchange | undefined {
    this.#forget();
    return this.#waiting.shift();
  }

  /** Those that were given up while they waited. */
  #forget(): void {
    for (let at = this.#waiting.length - 1; at >= 0; at--)
      if (this.#waiting[at]?.over === true) this.#waiting.splice(at, 1);
  }
}
