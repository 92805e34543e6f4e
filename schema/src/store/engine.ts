import { z } from 'zod';
import { quoteName, quoteString } from './literal.ts';
import { loadAddon } from './native.ts';
import type { Addon, Handle, InsertResult, QueryResult } from './native.ts';
import { readEngineError } from './errors.ts';
import type { Summary } from './summary.ts';

/**
 * The engine of the process. Invariants: every statement of a caller has a connection of its own, made for it and closed
 * after it, so that no setting, role, database, parameter or temporary table outlives the statement that set it (a
 * connection costs 0.3 ms). A connection carries a tag, by which another connection finds and ends what it runs.
 */
export class Engine {
  readonly #addon: Addon;
  readonly #path: string;
  readonly #root: Handle;
  #nextTag = 1;

  private constructor(addon: Addon, path: string, root: Handle) {
    this.#addon = addon;
    this.#path = path;
    this.#root = root;
  }

  /** Opens (or makes) the data directory. Throws a StoreError with code 76 when another process has it open. */
  static open(path: string, args: readonly string[]): Engine {
    const addon = loadAddon();
    try {
      return new Engine(addon, path, addon.CreateConnection(path, args));
    } catch (error) {
      throw readEngineError(error);
    }
  }

  /** A fresh connection with these settings, in this order, after the base ones. */
  async connect(options: ConnectOptions): Promise<Connection> {
    const tag = `weir:${process.pid}:${this.#nextTag++}`;
    const connection = new Connection(this.#addon, this.#addon.CreateConnection(this.#path), tag);
    try {
      if (options.database !== undefined) await connection.run(`USE ${quoteName(options.database)}`);
      const settings = new Map([...(options.defaults ?? []), ...options.settings, ...baseSettings(tag)]);
      await connection.run(`SET ${assignments(settings).join(', ')}`);
      for (const role of options.roles ?? []) await connection.run(`SET ROLE ${quoteName(role)}`);
      if (options.readonly !== undefined) await connection.run(`SET readonly = ${options.readonly}`);
      return connection;
    } catch (error) {
      connection.close();
      throw error;
    }
  }

  /** Asks the engine to end what runs on the connection with this tag; done in the background. */
  async kill(tag: string): Promise<void> {
    const connection = new Connection(this.#addon, this.#addon.CreateConnection(this.#path), 'weir:kill');
    try {
      await connection.run(`KILL QUERY WHERE Settings['${tagSetting}'] = ${quoteString(tag)} ASYNC`);
    } finally {
      connection.close();
    }
  }

  /** The figures of what runs on the connection with this tag, or nothing when nothing does. */
  async sample(tag: string): Promise<Partial<Summary> | undefined> {
    const connection = new Connection(this.#addon, this.#addon.CreateConnection(this.#path), 'weir:sample');
    try {
      const from = `system.processes WHERE Settings['${tagSetting}'] = ${quoteString(tag)}`;
      const { bytes } = await connection.run(`SELECT ${sampled.join(', ')} FROM ${from}`, 'JSONEachRow');
      return bytes.length ? sample.parse(JSON.parse(Buffer.from(bytes).toString())) : undefined;
    } finally {
      connection.close();
    }
  }

  /** Closes the data directory. Nothing may be running. */
  close(): void {
    this.#addon.CloseConnection(this.#root);
  }
}

export interface ConnectOptions {
  readonly database?: string | undefined;
  readonly settings: ReadonlyMap<string, string>;
  /** Settings of the store's own choice, which give way to any other. */
  readonly defaults?: ReadonlyMap<string, string>;
  readonly roles?: readonly string[];
  readonly readonly?: 1 | 2 | undefined;
}

/** One connection for one statement. */
export class Connection {
  readonly tag: string;
  readonly #addon: Addon;
  readonly #handle: Handle;

  constructor(addon: Addon, handle: Handle, tag: string) {
    this.#addon = addon;
    this.#handle = handle;
    this.tag = tag;
  }

  /** Runs one statement; its result is whole in memory. */
  async run(sql: string, format = 'TabSeparated'): Promise<QueryResult> {
    try {
      return await this.#addon.QueryAsyncConnection(this.#handle, sql, format);
    } catch (error) {
      throw readEngineError(error);
    }
  }

  /** Runs `INSERT … FORMAT X` (or `… VALUES`) with these bytes as its data. */
  async insert(prefix: string, data: Buffer): Promise<InsertResult> {
    try {
      // The engine refuses an insert of no bytes; a server takes it as no rows.
      return await this.#addon.InsertRawAsyncConnection(this.#handle, prefix, data.length ? data : emptyData, false);
    } catch (error) {
      throw readEngineError(error);
    }
  }

  close(): void {
    this.#addon.CloseConnection(this.#handle);
  }
}

const emptyData = Buffer.from('\n');

const sampled = [
  ...['read_rows', 'read_bytes', 'written_rows', 'written_bytes', 'memory_usage'].map(
    (name) => `toString(${name}) AS ${name}`,
  ),
  'toString(total_rows_approx) AS total_rows_to_read',
  'toString(toUInt64(elapsed * 1e9)) AS elapsed_ns',
];
const figure = z.string().regex(/^-?\d+$/);
const sample = z.object({
  read_rows: figure,
  read_bytes: figure,
  written_rows: figure,
  written_bytes: figure,
  memory_usage: figure,
  total_rows_to_read: figure,
  elapsed_ns: figure,
});

// A text setting of the engine that does nothing here (it filters server logs sent to a native client), and that
// system.processes shows: the one way to find a connection's query, as the engine takes no query id.
const tagSetting = 'send_logs_source_regexp';

/** chDB's own defaults differ from a server's in these. */
function baseSettings(tag: string): ReadonlyMap<string, string> {
  return new Map([
    ['implicit_select', '0'],
    ['allow_introspection_functions', '0'],
    [tagSetting, tag],
  ]);
}

/** `name = 'value'` for each setting. */
export function assignments(settings: ReadonlyMap<string, string>): string[] {
  return [...settings].map(([name, value]) => `${name} = ${quoteString(value)}`);
}
