import { createRequire } from 'node:module';

/**
 * The addon below chdb's own JavaScript. chdb's Session.insert takes eight text formats only, and its close() waits for
 * every query of the process; the addon takes any format and closes one connection. Pinned with chdb's version.
 */
export interface Addon {
  CreateConnection(path: string, args?: readonly string[]): Handle;
  CloseConnection(handle: Handle): void;
  QueryAsyncConnection(handle: Handle, sql: string, format: string): Promise<QueryResult>;
  /** Runs `prefix`, a newline, and the bytes as one statement, without copying the bytes through V8. */
  InsertRawAsyncConnection(handle: Handle, prefix: string, data: Buffer, countLines: boolean): Promise<InsertResult>;
}

declare const handle: unique symbol;
/** A connection of the engine. One statement at a time; closed only when nothing runs on it. */
export interface Handle {
  readonly [handle]: true;
}

export interface QueryResult {
  readonly bytes: Uint8Array;
  readonly elapsed: number;
  readonly rowsRead: number;
  readonly bytesRead: number;
}

export interface InsertResult {
  readonly elapsed: number;
  readonly rowsWritten: number;
  readonly bytesWritten: number;
}

/** Loads the engine's library into this process (half a gigabyte: done once, by the store alone). */
export function loadAddon(): Addon {
  const require = createRequire(import.meta.url);
  const inside = createRequire(require.resolve('chdb'));
  return asLoader(inside('./dist/loader.js')).loadNative();
}

/** chdb publishes no types for its loader; the functions used are exercised by test/store. */
function asLoader(module: unknown): { loadNative(): Addon } {
  return module as { loadNative(): Addon };
}
