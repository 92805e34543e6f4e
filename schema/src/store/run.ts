import type { Readable } from 'node:stream';
import type { Connection, ConnectOptions, Engine } from './engine.ts';
import { StoreError } from './errors.ts';
import { openPipe } from './fifo.ts';
import { cancelled, Lane } from './lanes.ts';
import { quoteString } from './literal.ts';
import type { Statement } from './statement.ts';

/** What is known of a statement that has ended, in the words of X-ClickHouse-Summary. */
export interface Summary {
  readonly read_rows: string;
  readonly read_bytes: string;
  readonly written_rows: string;
  readonly written_bytes: string;
  readonly result_rows: string;
  readonly elapsed_ns: string;
}

/** Where a result goes, as it comes. */
export interface Sink {
  /** Reads the output to its end. Must read on when the client has gone, until the output ends. */
  consume(output: Readable, ended: Promise<Summary>): Promise<void>;
}

/** What a statement may use. */
export interface RunOptions {
  readonly connect: ConnectOptions;
  readonly format: string;
  readonly signal: AbortSignal;
  /** Whose places it takes: what anyone asks never stands before what the owner asks. */
  readonly lane: 'owner' | 'anyone';
}

/** Runs statements: so many readers and writers at once, the rest in a bounded queue. */
export class Runner {
  readonly #engine: Engine;
  readonly #readers: Readonly<Record<RunOptions['lane'], Lane<string>>>;
  readonly #writers: Lane<number>;
  readonly #reading = new Set<string>();

  constructor(engine: Engine, options: { pipes: readonly string[]; writers: number; maxWaiting: number }) {
    this.#engine = engine;
    const { pipes, maxWaiting } = options;
    const forAnyone = pipes.length > 2 ? Math.max(1, Math.floor(pipes.length / 4)) : 0;
    const anyone = new Lane({ name: 'anyone', places: pipes.slice(0, forAnyone), maxWaiting: 32 });
    const owner = new Lane({ name: 'readers', places: pipes.slice(forAnyone), maxWaiting });
    this.#readers = { owner, anyone: forAnyone ? anyone : owner };
    const writers = Array.from({ length: options.writers }, (_, i) => i);
    this.#writers = new Lane({ name: 'writers', places: writers, maxWaiting });
  }

  /** Rows of a SELECT, streamed into the sink. */
  select(statement: Extract<Statement, { kind: 'select' }>, options: RunOptions, sink: Sink): Promise<void> {
    return this.#readers[options.lane].use(options.signal, (path) =>
      this.#connected(options, true, async (connection) => {
        const pipe = openPipe(path);
        const into = `\nINTO OUTFILE ${quoteString(path)} TRUNCATE FORMAT ${options.format} `;
        const running = connection.run(`${statement.head}${into}${statement.tail}`, 'Null');
        const ended = running.then((result) => readSummary(result)).finally(() => pipe.end());
        // The consumer may be done before the engine is; both are waited for, and the engine's error is the one to tell.
        const [engine, consumer] = await Promise.allSettled([ended, sink.consume(pipe.output, ended)]);
        if (engine.status === 'rejected') throw withoutSuffix(engine.reason, into);
        if (consumer.status === 'rejected') throw consumer.reason;
      }),
    );
  }

  /** A statement with a small result or none. */
  command(sql: string, options: RunOptions): Promise<{ bytes: Buffer; summary: Summary }> {
    return this.#readers[options.lane].use(options.signal, () =>
      this.#connected(options, true, async (connection) => {
        const result = await connection.run(sql, options.format);
        return { bytes: Buffer.from(result.bytes), summary: readSummary(result) };
      }),
    );
  }

  /** An insert; it is not ended when its client goes: whoever sent it may count on it once it is in. */
  insert(prefix: string, data: Buffer, options: RunOptions): Promise<Summary> {
    return this.#writers.use(options.signal, () =>
      this.#connected(options, false, async (connection) => {
        const { elapsed, rowsWritten, bytesWritten } = await connection.insert(prefix, data);
        return {
          ...readSummary({ elapsed, rowsRead: rowsWritten, bytesRead: bytesWritten }),
          written_rows: String(rowsWritten),
          written_bytes: String(bytesWritten),
        };
      }),
    );
  }

  /** Ends what reads; what writes goes on. */
  async endQueries(): Promise<void> {
    await Promise.allSettled([...this.#reading].map((tag) => this.#engine.kill(tag)));
  }

  async #connected<Result>(
    options: RunOptions,
    killable: boolean,
    work: (connection: Connection) => Promise<Result>,
  ): Promise<Result> {
    if (options.signal.aborted) throw cancelled();
    const connection = await this.#engine.connect(options.connect);
    if (killable) this.#reading.add(connection.tag);
    const stop = killable ? this.#killOnAbort(options.signal, connection.tag) : () => undefined;
    try {
      if (options.signal.aborted) throw cancelled();
      return await work(connection);
    } finally {
      stop();
      this.#reading.delete(connection.tag);
      connection.close();
    }
  }

  /** Ends the connection's statement when the signal says so; repeated, as the engine may not have begun it yet. */
  #killOnAbort(signal: AbortSignal, tag: string): () => void {
    let timer: NodeJS.Timeout | undefined;
    let done = false;
    const kill = () => {
      void this.#engine
        .kill(tag)
        .catch(() => undefined)
        .then(() => {
          if (!done) timer = setTimeout(kill, 250);
        });
    };
    signal.addEventListener('abort', kill, { once: true });
    return () => {
      done = true;
      signal.removeEventListener('abort', kill);
      clearTimeout(timer);
    };
  }
}

function readSummary(result: { elapsed: number; rowsRead: number; bytesRead: number }): Summary {
  return {
    read_rows: String(result.rowsRead),
    read_bytes: String(result.bytesRead),
    written_rows: '0',
    written_bytes: '0',
    result_rows: String(result.rowsRead),
    elapsed_ns: String(Math.round(result.elapsed * 1e9)),
  };
}

/** Error texts quote the statement; ours has a clause that the caller did not write. */
function withoutSuffix(error: unknown, suffix: string): unknown {
  if (!(error instanceof StoreError)) return error;
  return new StoreError(error.code, error.type, error.message.replaceAll(suffix, ''), error.status);
}
