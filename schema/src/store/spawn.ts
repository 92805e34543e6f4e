import { fork } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import { z } from 'zod';
import { readPassword } from './password.ts';

export interface StartStoreOptions {
  readonly dataDir: string;
  /** 0 takes a free one. */
  readonly port: number;
  /** Bytes that the engine may use. */
  readonly memoryLimit?: number;
  /** False: it takes its share of the processors like any other process. */
  readonly stepBack?: boolean;
  readonly log?: 'debug' | 'info' | 'warn' | 'error';
  /** Milliseconds until a store that does not listen is given up. */
  readonly deadline?: number;
  /** Each line that the store writes on stderr. */
  readonly onLog?: (line: string) => void;
  /** The store has ended, asked to or not. */
  readonly onExit?: (how: { code: number | null; signal: NodeJS.Signals | null; asked: boolean }) => void;
}

export interface RunningStore {
  /** Where it answers; without credentials it answers what the gate lets through. */
  readonly url: string;
  /** The same with user, password and database: what CLICKHOUSE_URL would be. */
  readonly adminUrl: string;
  readonly pid: number;
  /** Ends it, and waits until it has. */
  stop(): Promise<void>;
}

const line = z.discriminatedUnion('event', [
  z.object({ event: z.literal('listening'), url: z.url() }),
  z.object({ event: z.literal('failed'), error: z.string() }),
]);

/** Starts the store in a process of its own and waits until it answers. */
export async function startStore(options: StartStoreOptions): Promise<RunningStore> {
  const child = fork(storeProgram(), [], {
    env: storeEnvironment(options),
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
    execArgv: [],
  });
  let asked = false;
  const exited = new Promise<void>((resolve) => {
    child.once('exit', (code, signal) => {
      resolve();
      options.onExit?.({ code, signal, asked });
    });
  });
  createInterface({ input: child.stderr! }).on('line', (text) => options.onLog?.(text));
  const stop = async (): Promise<void> => {
    asked = true;
    child.kill('SIGTERM');
    // What does not end by itself would keep the data directory locked.
    const timer = setTimeout(() => child.kill('SIGKILL'), 30_000);
    await exited;
    clearTimeout(timer);
  };
  try {
    const url = await listening(child, options.deadline ?? 60_000);
    const admin = new URL(`${url}/weir`);
    admin.username = 'weir';
    admin.password = readPassword(options.dataDir);
    return { url, adminUrl: admin.href, pid: child.pid!, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

/** The path of the built program: beside this package's package.json, whoever bundled this file. */
export function storeProgram(): string {
  const manifest = createRequire(import.meta.url).resolve('@weir/schema/package.json');
  return join(dirname(manifest), 'dist', 'store.js');
}

export function storeEnvironment(options: StartStoreOptions): NodeJS.ProcessEnv {
  const { PATH, HOME, LANG, TMPDIR } = process.env;
  return {
    PATH,
    HOME,
    LANG,
    TMPDIR,
    // Statements occupy threads of libuv's pool, which must be as large as there are places for them.
    UV_THREADPOOL_SIZE: '20',
    // The engine's allocator (jemalloc.net/jemalloc.3.html) keeps what was freed for 5 s, which a query after a query can make
    // as much again as the limit: large pieces go back at once, small ones soon. Queries take the time that they took.
    JE_MALLOC_CONF: 'oversize_threshold:1048576,dirty_decay_ms:100,muzzy_decay_ms:0',
    WEIR_DATA_DIR: options.dataDir,
    WEIR_STORE_PORT: String(options.port),
    WEIR_STORE_LOG: options.log ?? 'info',
    ...(options.stepBack === false ? { WEIR_STORE_STEP_BACK: 'off' } : {}),
    ...(options.memoryLimit === undefined ? {} : { WEIR_STORE_MEMORY: String(options.memoryLimit) }),
  };
}

function listening(child: ChildProcess, deadline: number): Promise<string> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => fail(`The store did not answer within ${deadline} ms.`), deadline);
    const fail = (sentence: string) => {
      clearTimeout(timer);
      reject(new Error(sentence));
    };
    child.once('error', (error) => fail(`The store could not be started: ${error.message}`));
    child.once('exit', (code, signal) => fail(`The store ended before it answered (${signal ?? `code ${code}`}).`));
    createInterface({ input: child.stdout! }).on('line', (text) => {
      const parsed = line.safeParse(parseJson(text));
      if (!parsed.success) return;
      if (parsed.data.event === 'failed') return fail(parsed.data.error);
      clearTimeout(timer);
      resolve(parsed.data.url);
    });
  });
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
