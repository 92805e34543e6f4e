import { createReadStream } from 'node:fs';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import type { Connection, ConnectOptions, Engine } from './engine.ts';
import { StoreError } from './errors.ts';
import { openPipe } from './fifo.ts';
import { cancelled, Lane } from './lanes.ts';
import type { InsertResult } from './native.ts';
import { quoteString } from './literal.ts';
import type { HeldSession } from './sessions.ts';
import { tooLarge } from './body-files.ts';
import type { Statement } from './statement.ts';
import { elapsedNs } from './summary.ts';
import type { Summary } from './summary.ts';

/** Where a result goes, as it comes. */
export interface Sink {
  /**
   * Reads the output to its end. Must read on when the client has gone, until the output ends. `known` is the summary of a
   * statement that had ended before.
   */
  consume(output: Readable, ended: Promise<Partial<Summary>>, known?: Partial<Summary>): Promise<void>;
}

/** What a statement may use. */
export interface RunOptions {
  readonly connect: ConnectOptions;
  readonly format: string;
  /** What the engine compresses its output with. */
  readonly compression?: 'zstd' | 'lz4' | undefined;
  /** Nothing is shown of the result before the statement has ended: it waits in a file. */
  readonly whole?: boolean;
  readonly signal: AbortSignal;
  /** Told every so often how far the statement is. */
  readonly watch?: { readonly everyMs: number; tell(sample: Partial<Summary>): void } | undefined;
  /** Whose places it takes: what anyone asks never stands before what the owner asks. */
  readonly lane: 'owner' | 'anyone';
  /** Runs on this session's connection, and not on one of its own. */
  readonly session?: HeldSession;
}

/** Runs statements: so many readers and writers at once, the rest in a bounded queue. */
export class Runner {
  readonly #engine: Engine;
  readonly #readers: Readonly<Record<RunOptions['lane'], Lane<string>>>;
  readonly #writers: Lane<number>;
  readonly #reading = new Set<string>();
  readonly #temporary: string;
  #nextFile = 1;

  constructor(
    engine: Engine,
    options: { pipes: readonly string[]; temporary: string; writers: number; maxWaiting: number },
  ) {
    this.#engine = engine;
    this.#temporary = options.temporary;
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
    return this.#readers[options.lane].use(options.signal, (pipe) =>
      this.#connected(options, true, async (connection) => {
        if (options.whole) return this.#selectWhole(statement, options, sink, connection);
        const { output, end } = openPipe(pipe);
        const ended = runInto(connection, statement, options, pipe).finally(end);
        // The consumer may be done before the engine is; both are waited for, and the engine's error is the one to tell.
        const [engine, consumer] = await Promise.allSettled([ended, sink.consume(output, ended)]);
        if (engine.status === 'rejected') throw engine.reason;
        if (consumer.status === 'rejected') throw consumer.reason;
      }),
    );
  }

  async #selectWhole(
    statement: Extract<Statement, { kind: 'select' }>,
    options: RunOptions,
    sink: Sink,
    connection: Connection,
  ): Promise<void> {
    const path = join(this.#temporary, `result-${this.#nextFile++}`);
    try {
      const summary = await runInto(connection, statement, options, path);
      await sink.consume(createReadStream(path), Promise.resolve(summary), summary);
    } finally {
      await rm(path, { force: true });
    }
  }

  /** A statement with a small result or none. */
  command(sql: string, options: RunOptions): Promise<{ bytes: Buffer; summary: Partial<Summary> }> {
    return this.#readers[options.lane].use(options.signal, () =>
      this.#connected(options, true, async (connection) => {
        const result = await connection.run(sql, options.format);
        return { bytes: Buffer.from(result.bytes), summary: readSummary(result) };
      }),
    );
  }

  /** An `INSERT … SELECT`: it reads, and ends with its client, as what only reads does. What it read is not known. */
  insertSelect(sql: string, options: RunOptions): Promise<Partial<Summary>> {
    return this.#readers[options.lane].use(options.signal, () =>
      this.#connected(options, true, async (connection) => readWritten(await connection.insert(sql, Buffer.alloc(0)))),
    );
  }

  /** An insert; it is not ended when its client goes: whoever sent it may count on it once it is in. */
  insert(prefix: string, data: Buffer, options: RunOptions): Promise<Partial<Summary>> {
    return this.#writers.use(options.signal, () =>
      this.#connected(options, false, async (connection) => readTaken(await connection.insert(prefix, data))),
    );
  }

  /** The same with its data in a file, which the engine reads in blocks. */
  insertFile(sql: string, options: RunOptions): Promise<Partial<Summary>> {
    return this.#writers.use(options.signal, () =>
      this.#connected(options, false, async (connection) => {
        const { elapsed, rowsRead, bytesRead } = await connection.run(sql);
        return readTaken({ elapsed, rowsWritten: rowsRead, bytesWritten: bytesRead });
      }),
    );
  }

  /** What a file of the store holds, decompressed by the engine; whole in memory, and no more than `most` bytes. */
  decode(
    path: string,
    compression: string,
    most: number,
    options: Pick<RunOptions, 'signal' | 'connect'>,
  ): Promise<Buffer> {
    const settings = new Map([['max_memory_usage', String(3 * most)]]);
    const sql = `SELECT * FROM file(${quoteString(path)}, 'RawBLOB', 'b String', ${quoteString(compression)})`;
    return this.#readers.owner.use(options.signal, () =>
      this.#connected(
        { ...options, connect: { settings }, format: 'RawBLOB', lane: 'owner' },
        true,
        async (connection) => {
          const { bytes } = await connection.run(sql, 'RawBLOB');
          if (bytes.length > most) throw tooLarge(most);
          return Buffer.from(bytes);
        },
      ),
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
    const { connection, leave } = await this.#enter(options);
    if (killable) this.#reading.add(connection.tag);
    const stop = killable ? this.#killOnAbort(options.signal, connection.tag) : () => Promise.resolve();
    const stopWatching = this.#watch(options, connection.tag);
    try {
      if (options.signal.aborted) throw cancelled();
      return await work(connection);
    } finally {
      stopWatching();
      await stop();
      this.#reading.delete(connection.tag);
      await leave();
    }
  }

  /** Samples the statement's figures while it runs, the next one an interval after the last has come. */
  #watch({ watch }: RunOptions, tag: string): () => void {
    if (!watch) return () => undefined;
    let done = false;
    let timer: NodeJS.Timeout | undefined;
    const sample = async (): Promise<void> => {
      const figures = await this.#engine.sample(tag).catch(() => undefined);
      if (done) return;
      if (figures) watch.tell(figures);
      timer = setTimeout(() => void sample(), watch.everyMs);
    };
    timer = setTimeout(() => void sample(), watch.everyMs);
    return () => {
      done = true;
      clearTimeout(timer);
    };
  }

  async #enter(options: RunOptions): Promise<{ connection: Connection; leave(): Promise<void> | void }> {
    if (options.session) return options.session.enter(options.connect);
    const connection = await this.#engine.connect(options.connect);
    return { connection, leave: () => connection.close() };
  }

  /**
   * Ends the connection's statement when the signal says so; repeated, as the engine may not have begun it yet. Returns how
   * to stop: none is on its way after that, which could meet the next statement of a session.
   */
  #killOnAbort(signal: AbortSignal, tag: string): () => Promise<void> {
    let timer: NodeJS.Timeout | undefined;
    let killing = Promise.resolve();
    let done = false;
    const kill = () => {
      killing = this.#engine
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
      return killing;
    };
  }
}

/** Runs a SELECT with its result led into a pipe or a file. */
async function runInto(
  connection: Connection,
  statement: Extract<Statement, { kind: 'select' }>,
  options: RunOptions,
  path: string,
): Promise<Partial<Summary>> {
  const compression = options.compression ? ` COMPRESSION '${options.compression}'` : '';
  const into = `\nINTO OUTFILE ${quoteString(path)} TRUNCATE${compression} FORMAT ${options.format} `;
  try {
    return readSummary(await connection.run(`${statement.head}${into}${statement.tail}`, 'Null'));
  } catch (error) {
    throw withoutSuffix(error, into);
  }
}

/** The engine counts what a statement returns, and not what it read for that. */
function readSummary(result: { elapsed: number; rowsRead: number; bytesRead: number }): Partial<Summary> {
  return {
    result_rows: String(result.rowsRead),
    result_bytes: String(result.bytesRead),
    elapsed_ns: elapsedNs(result.elapsed),
  };
}

function readWritten({ rowsWritten, bytesWritten, elapsed }: InsertResult): Partial<Summary> {
  const rows = String(rowsWritten);
  const bytes = String(bytesWritten);
  return {
    written_rows: rows,
    written_bytes: bytes,
    result_rows: rows,
    result_bytes: bytes,
    elapsed_ns: elapsedNs(elapsed),
  };
}

/** Of the data of an insert, what was written is what was read. */
function readTaken(result: InsertResult): Partial<Summary> {
  const { rowsWritten, bytesWritten } = result;
  return { ...readWritten(result), read_rows: String(rowsWritten), read_bytes: String(bytesWritten) };
}

/** Error texts quote the statement; ours has a clause that the caller did not write. */
function withoutSuffix(error: unknown, suffix: string): unknown {
  if (!(error instanceof StoreError)) return error;
  return new StoreError(error.code, error.type, error.message.replaceAll(suffix, ''), error.status);
}
