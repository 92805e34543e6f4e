/** The built command line, as a user runs it. */
import { spawn, spawnSync, type ChildProcessByStdio } from 'node:child_process';
import { once } from 'node:events';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import type { Readable, Writable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { within } from './deadline.ts';

/** The path of the program. */
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

/** Starts `weir <words>` with an environment of its own: of this process's only where programs and the home are. */
export function startCli(
  words: string[],
  environment: Record<string, string>,
): ChildProcessByStdio<Writable, Readable, Readable> {
  const { PATH, HOME } = process.env;
  return spawn(process.execPath, [program, ...words], {
    env: { PATH, HOME, ...environment },
    stdio: ['pipe', 'pipe', 'pipe'],
  });
}

/** Runs `weir <words>` to its end. */
export async function runCli(words: string[], environment: Record<string, string>, stdin = ''): Promise<Ended> {
  const child = startCli(words, environment);
  child.stdin.on('error', () => undefined).end(stdin);
  const ended = Promise.all([once(child, 'exit'), buffer(child.stdout), buffer(child.stderr)]);
  const [[code], stdout, stderr] = await within(150_000, `the end of weir ${words.join(' ')}`, ended);
  return { code: code as number | null, stdout, stderr: stderr.toString() };
}

/** util-linux's `script` gives a program a terminal. */
export const hasTerminal = spawnSync('script', ['--version']).stdout?.includes('util-linux') === true;

/** Runs `weir <words>` on a terminal on which somebody types `answer` when `question` is shown. @returns its screen. */
export async function runOnTerminal(
  words: string[],
  environment: Record<string, string>,
  { question, answer }: { question: string; answer: string },
): Promise<{ code: number | null; screen: string }> {
  const { PATH, HOME } = process.env;
  const command = [process.execPath, program, ...words].map((word) => `'${word}'`).join(' ');
  const child = spawn('script', ['--quiet', '--return', '--command', command, '/dev/null'], {
    env: { PATH, HOME, ...environment },
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  let screen = '';
  let asked = false;
  child.stdout.on('data', (part: Buffer) => {
    screen += part.toString();
    if (asked || !screen.includes(question)) return;
    asked = true;
    child.stdin.write(`${answer}\r`);
  });
  const [code] = await within(150_000, `the end of weir ${words.join(' ')} on a terminal`, once(child, 'close'));
  return { code: code as number | null, screen };
}
