import { createWriteStream } from 'node:fs';
import { rm, statfs } from 'node:fs/promises';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { StoreError } from './errors.ts';

/** Data of an insert that waits in a file: the engine reads it from there in blocks. */
export interface DataFile {
  readonly path: string;
  /** As the engine names it; `none` for data that is as it is. */
  readonly compression: string;
}

const leastFreeBytes = 512 * 1024 * 1024;
const bytesBetweenLooks = 64 * 1024 * 1024;

/**
 * Files for bodies that are too large for memory. A body is in its file whole before the engine hears of it: one that
 * breaks off inserts nothing, and a slow client keeps no writer waiting. The directory is emptied at each start.
 */
export class BodyFiles {
  readonly #directory: string;
  readonly #mostBytes: number;
  #next = 1;

  constructor(directory: string, mostBytes: number) {
    this.#directory = directory;
    this.#mostBytes = mostBytes;
  }

  /** Writes these chunks to a file, does the work with it, and removes it. */
  async use<Result>(chunks: AsyncIterable<Buffer>, work: (path: string) => Promise<Result>): Promise<Result> {
    const path = join(this.#directory, `body-${this.#next++}`);
    try {
      await pipeline(this.#limited(chunks), createWriteStream(path, { mode: 0o600, highWaterMark: 1024 * 1024 }));
      return await work(path);
    } finally {
      await rm(path, { force: true });
    }
  }

  async *#limited(chunks: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
    let length = 0;
    let looked = -bytesBetweenLooks;
    for await (const chunk of chunks) {
      length += chunk.length;
      if (length > this.#mostBytes) throw tooLarge(this.#mostBytes);
      if (length - looked >= bytesBetweenLooks) {
        looked = length;
        const { bavail, bsize } = await statfs(this.#directory);
        if (bavail * bsize < leastFreeBytes)
          throw new StoreError(243, 'NOT_ENOUGH_SPACE', 'The disk has no room for the data of this insert');
      }
      yield chunk;
    }
  }
}

export function tooLarge(limit: number): StoreError {
  return new StoreError(
    229,
    'QUERY_IS_TOO_LARGE',
    `The body is larger than ${limit} bytes: send it in several inserts`,
  );
}
