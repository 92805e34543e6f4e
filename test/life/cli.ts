/** The command line as a user runs it. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { within } from '../support/deadline.ts';

const cli = join(dirname(createRequire(import.meta.url).resolve('@weir/proxy/package.json')), 'dist', 'cli.js');

export interface Ran {
  code: number | null;
  out: string;
  err: string;
}

/** Runs `weir <words>` to its end. */
export async function weir(words: string[], environment: Record<string, string>): Promise<Ran> {
  const child = spawn(process.execPath, [cli, ...words], {
    env: { PATH: process.env.PATH, HOME: process.env.HOME, ...environment },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let out = '';
  let err = '';
  child.stdout.on('data', (chunk: Buffer) => (out += chunk.toString()));
  child.stderr.on('data', (chunk: Buffer) => (err += chunk.toString()));
  const [code] = (await within(150_000, `weir ${words.join(' ')}`, once(child, 'close'))) as [number | null];
  return { code, out, err };
}
