/**
 * The connection to Redis. A question is answered within its time or not at all; when one is not, or the connection ends, Redis
 * is away until it has been told what it missed. Nothing is queued for it here: that is the business of who asks.
 */
import { createClient } from '@redis/client';
import { log } from '../log.ts';
import { scripts, type Script } from './redis-scripts.ts';

/** Redis did not answer in time. */
class Late extends Error {}

export interface RedisLinkOptions {
  /** redis:// or rediss://, with its password: never shown. */
  url: string;
  /** How long a decision may wait, ms. */
  limitMs: number;
  /** Looks whether Redis has what it had, and tells it what it missed. What it throws makes it away. */
  sync: () => Promise<void>;
  /** Whether `sync` has something to tell soon. */
  hurries: () => boolean;
  /** Told when it has become away, before anything else is done. */
  onAway: () => void;
}

/** How often `sync` is done, ms: while Redis is there, and while it is away. */
const beatMs = 1_000;
const retryMs = 200;
/** What nobody waits for may take longer, ms. */
const patienceMs = 1_000;
/** A connection on which nothing has come back so often is given up, and made anew. */
const mostSilent = 3;
/** Commands that wait for an answer; past it they fail at once. */
const mostWaiting = 20_000;

type Client = ReturnType<typeof connect>;

export class RedisLink {
  /** Since when it is away, ms since 1970; null when it is not. */
  awaySince: number | null = Date.now();
  #client: Client;
  #stopped = false;
  #wake: () => void = () => undefined;
  #silent = 0;
  #said = false;

  constructor(private readonly options: RedisLinkOptions) {
    this.#client = this.#connect();
  }

  /** @returns when Redis was reached, or could not be at once. */
  async start(): Promise<void> {
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, patienceMs);
      void this.#tend(() => {
        clearTimeout(timer);
        resolve();
      });
    });
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    this.#wake();
    const client = this.#client;
    const late = new Promise((resolve) => setTimeout(resolve, patienceMs).unref());
    if (client.isReady) await Promise.race([client.close().catch(() => undefined), late]);
    if (client.isOpen) client.destroy();
  }

  /** Asks within the time of a decision. @throws when there is no answer in time, or it is an error. */
  decide(script: Script, keys: readonly string[], args: readonly string[]): Promise<unknown> {
    return this.#run(script, keys, args, this.options.limitMs);
  }

  /** Tells what no call waits for. @throws as `decide`. */
  tell(script: Script, keys: readonly string[], args: readonly string[]): Promise<unknown> {
    return this.#run(script, keys, args, patienceMs);
  }

  /** Redis is away until `sync` has gone well. */
  lose(why: unknown): void {
    if (this.#stopped) return;
    if (!this.#said) log.warn({ error: textOf(why) }, 'Redis is away: limits are not shared meanwhile');
    this.#said = true;
    if (this.awaySince !== null) return;
    this.awaySince = Date.now();
    this.options.onAway();
    this.#wake();
  }

  #connect(): Client {
    const client = connect(this.options.url);
    client.on('error', (error: unknown) => {
      if (client === this.#client) this.lose(error);
    });
    client.on('ready', () => this.#wake());
    // It tries until it is destroyed; each failure is told by the event.
    client.connect().catch(() => undefined);
    return client;
  }

  async #tend(onFirst: () => void): Promise<void> {
    if (!this.#client.isReady) await this.#pause(retryMs);
    while (!this.#stopped) {
      try {
        if (this.awaySince !== null) await this.#load();
        await this.options.sync();
        if (this.awaySince !== null) log.info({ awayMs: Date.now() - this.awaySince }, 'limits are shared in Redis');
        this.awaySince = null;
        this.#said = false;
        this.#silent = 0;
        onFirst();
      } catch (error) {
        this.lose(error);
        this.#giveUp(error);
      }
      await this.#pause(this.awaySince === null && !this.options.hurries() ? beatMs : retryMs);
    }
  }

  /** A script that a server does not know is sent again, after what was asked meanwhile: so that none is, it learns them first. */
  async #load(): Promise<void> {
    const client = this.#client;
    await inTime(Promise.all(scripts.map(({ text }) => client.sendCommand(['SCRIPT', 'LOAD', text]))), patienceMs);
  }

  /** A connection that is open and silent, such as one to a machine that is gone, is made anew. */
  #giveUp(error: unknown): void {
    if (!(error instanceof Late) || ++this.#silent < mostSilent || this.#stopped) return;
    this.#silent = 0;
    const silent = this.#client;
    this.#client = this.#connect();
    silent.destroy();
  }

  async #pause(ms: number): Promise<void> {
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, ms).unref();
      this.#wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
    this.#wake = () => undefined;
  }

  #run(script: Script, keys: readonly string[], args: readonly string[], ms: number): Promise<unknown> {
    const client = this.#client;
    const rest = [String(keys.length), ...keys, ...args];
    const answer = client.sendCommand<unknown>(['EVALSHA', script.sha, ...rest]).catch((error: unknown) => {
      if (!textOf(error).startsWith('NOSCRIPT')) throw error;
      return client.sendCommand<unknown>(['EVAL', script.text, ...rest]);
    });
    return inTime(answer, ms);
  }
}

/** The time is Redis's: by how much this process itself was late, so much longer the answer may take, once. */
async function inTime<T>(answer: Promise<T>, ms: number): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const began = performance.now();
  const late = new Promise<never>((_, reject) => {
    // One look at the sockets first: after a stall the answer may be there, unread.
    const giveUp = (): void => void setImmediate(() => reject(new Late(`no answer within ${ms} ms`)));
    timer = setTimeout(() => {
      const stalled = performance.now() - began - ms;
      if (stalled < 10) giveUp();
      else timer = setTimeout(giveUp, Math.min(ms, stalled));
    }, ms);
  });
  try {
    return await Promise.race([answer, late]);
  } finally {
    clearTimeout(timer);
  }
}

function connect(url: string) {
  return createClient({
    url,
    RESP: 2,
    name: 'weir',
    disableOfflineQueue: true,
    commandsQueueMaxLength: mostWaiting,
    socket: { connectTimeout: 1_000, reconnectStrategy: (retries) => Math.min(500, 25 * 2 ** Math.min(retries, 5)) },
  });
}

/** Redis tells kinds of errors by their first word: it has no codes. */
function textOf(error: unknown): string {
  return error instanceof Error ? error.message || error.name : String(error);
}
