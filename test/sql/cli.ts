/** The built command line as a child process, beside a store. */
import { spawn, type ChildProcessByStdio } from 'node:child_process';
import { once } from 'node:events';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import type { Readable, Writable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { within } from '../support/deadline.ts';
import type { TestStore } from '../store/support.ts';

export const program = join(
  dirname(createRequire(import.meta.url).resolve('@weir/proxy/package.json')),
  'dist',
  'cli.js',
);

export interface Ended {
  code: number | null;
  stdout: Buffer;
  stderr: string;
}

/** What a command needs to find the store, and nothing else of this process. */
export function environmentOf(store: TestStore): NodeJS.ProcessEnv {
  const { PATH, HOME } = process.env;
  return { PATH, HOME, WEIR_DATA_DIR: store.dataDir, WEIR_STORE_PORT: new URL(store.url).port };
}

export function start(store: TestStore, words: string[]): ChildProcessByStdio<Writable, Readable, Readable> {
  return spawn(process.execPath, [program, ...words], { env: environmentOf(store), stdio: ['pipe', 'pipe', 'pipe'] });
}

/** Runs a command to its end. */
export async function weir(store: TestStore, words: string[], stdin = ''): Promise<Ended> {
  const child = start(store, words);
  child.stdin.on('error', () => undefined).end(stdin);
  const ended = Promise.all([once(child, 'exit'), buffer(child.stdout), buffer(child.stderr)]);
  const [[code], stdout, stderr] = await within(120_000, `the end of weir ${words.join(' ')}`, ended);
  return { code: code as number | null, stdout, stderr: stderr.toString() };
}
