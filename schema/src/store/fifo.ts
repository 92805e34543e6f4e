import { execFileSync } from 'node:child_process';
import { closeSync, constants, existsSync, mkdirSync, openSync, rmSync } from 'node:fs';
import { Socket } from 'node:net';
import { join } from 'node:path';
import type { Readable } from 'node:stream';

/**
 * Results leave the engine through named pipes: it writes `INTO OUTFILE` as one document in any format, footers included,
 * as fast as the client reads, and nothing is held in memory but the pipe's 64 KB. (chDB's own streaming returns each
 * block as a document of its own, and its plain query the whole result.)
 */
export function makeFifos(directory: string, count: number): string[] {
  rmSync(directory, { recursive: true, force: true });
  mkdirSync(directory, { recursive: true, mode: 0o700 });
  const paths = Array.from({ length: count }, (_, i) => join(directory, `result-${i}`));
  execFileSync('mkfifo', ['-m', '600', ...paths]);
  if (!paths.every(existsSync)) throw new Error(`mkfifo made no pipes in ${directory}`);
  return paths;
}

/** The reading end of a pipe for one result. */
export interface Pipe {
  readonly output: Readable;
  /** The engine has written what it has to write: lets the output end. */
  end(): void;
}

/**
 * Opens both ends without blocking. The writing end that we hold keeps the pipe from ending before the engine has opened
 * its own; the reading end is kept until the engine is done, as an engine that opens a pipe without a reader waits for ever.
 */
export function openPipe(path: string): Pipe {
  const reader = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
  const writer = openSync(path, constants.O_WRONLY | constants.O_NONBLOCK);
  const output = new Socket({ fd: reader, readable: true, writable: false });
  return { output, end: () => closeSync(writer) };
}
