/** Where a result goes: standard output, or a file that appears under its name only when it is whole. */
import { randomBytes } from 'node:crypto';
import { realpathSync, statSync } from 'node:fs';
import { open, rename, rm, type FileHandle } from 'node:fs/promises';
import { resolve } from 'node:path';
import type { Writable } from 'node:stream';
import { UsageError } from '../usage.ts';

export interface Destination {
  write(bytes: Buffer): Promise<void>;
  /** The result is whole: it takes its name. */
  keep(): Promise<void>;
  /** It is not: nothing stays but what was there before. */
  abandon(): Promise<void>;
}

/**
 * A file beside `path`, with a name of its own until it is kept. An earlier file of that name stays until then.
 * @throws with a sentence when `path` cannot be written, before anything is asked of the store.
 */
export async function openFile(path: string): Promise<Destination> {
  const target = targetOf(path);
  const temporary = `${target}.${process.pid}-${randomBytes(4).toString('hex')}.part`;
  const handle = await open(temporary, 'wx').catch((error: NodeJS.ErrnoException) => {
    throw new Error(`${path} cannot be written: ${error.code ?? error.message}.`);
  });
  return {
    write: (bytes) => writeAll(handle, bytes, path),
    keep: async () => {
      // Synced first: a name that survives a power cut must not stand for bytes that did not.
      await handle.sync();
      await handle.close();
      await rename(temporary, target);
    },
    abandon: async () => {
      await handle.close().catch(() => undefined);
      await rm(temporary, { force: true });
    },
  };
}

/** A symbolic link is followed; anything but a file (a directory, /dev/null) is not replaced. */
function targetOf(path: string): string {
  const there = statSync(path, { throwIfNoEntry: false });
  if (there === undefined) return resolve(path);
  if (!there.isFile()) throw new UsageError(`--out: ${path} is there and is not a file.`);
  return realpathSync(path);
}

async function writeAll(handle: FileHandle, bytes: Buffer, path: string): Promise<void> {
  for (let at = 0; at < bytes.length;) {
    const { bytesWritten } = await handle.write(bytes, at).catch((error: NodeJS.ErrnoException) => {
      throw new Error(`${path} cannot be written: ${error.code ?? error.message}.`);
    });
    at += bytesWritten;
  }
}

/** The reader of our output has seen enough (`| head`). */
export class ReaderGone extends Error {
  override name = 'ReaderGone';
}

/** Standard output; waits for a slow reader. On a terminal, control characters in the rows are made visible. */
export function openOutput(output: Writable, terminal: boolean): Destination {
  let failed: Error | undefined;
  output.on('error', (error: NodeJS.ErrnoException) => {
    failed = error.code === 'EPIPE' ? new ReaderGone() : error;
  });
  return {
    write: (bytes) =>
      new Promise((done, fail) => {
        if (failed !== undefined) return fail(failed);
        output.write(terminal ? tamed(bytes) : bytes, (error) => {
          if (!error) done();
          else fail((error as NodeJS.ErrnoException).code === 'EPIPE' ? new ReaderGone() : error);
        });
      }),
    keep: async () => undefined,
    abandon: async () => undefined,
  };
}

/** What strangers put into a row must not steer the terminal: all controls but line end and tab become question marks. */
function tamed(bytes: Buffer): Buffer {
  const copy = Buffer.from(bytes);
  for (const [at, byte] of copy.entries()) {
    const control = (byte < 0x20 && byte !== 0x0a && byte !== 0x09) || byte === 0x7f;
    // U+0080 to U+009F are controls too: 0xc2 and one of these bytes in UTF-8.
    const second = byte >= 0x80 && byte < 0xa0 && copy[at - 1] === 0xc2;
    if (second) copy[at - 1] = 0x3f;
    if (control || second) copy[at] = 0x3f;
  }
  return copy;
}
