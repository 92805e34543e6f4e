/**
 * Slabs that the recorder has no time for yet, in a file: first in, first out, bounded. Memory stays bounded when a reply
 * passes faster than it can be read, and nothing of it is lost. The file means nothing after a restart (the marks do).
 */
import { closeSync, ftruncateSync, openSync, readSync, unlinkSync, writeSync } from 'node:fs';

export class Overflow {
  #file: number | null = null;
  #written = 0;
  #read = 0;
  readonly #lengths: number[] = [];

  constructor(
    private readonly path: string,
    private readonly limit: number,
  ) {}

  get empty(): boolean {
    return this.#lengths.length === 0;
  }

  /** Bytes that wait in the file. */
  get bytes(): number {
    return this.#written - this.#read;
  }

  /** @returns false when the limit is reached or the disk refuses: the caller keeps the slab or sheds it. */
  push(slab: Buffer, length: number): boolean {
    if (this.bytes + length > this.limit) return false;
    try {
      this.#file ??= openSync(this.path, 'w+', 0o600);
      let done = 0;
      while (done < length) done += writeSync(this.#file, slab, done, length - done, this.#written + done);
    } catch {
      return false;
    }
    this.#written += length;
    this.#lengths.push(length);
    return true;
  }

  /** Fills `slab` with the oldest entry. @returns its length; 0 when there is none. */
  shift(slab: Buffer): number {
    const length = this.#lengths.shift();
    if (length === undefined || this.#file === null) return 0;
    let done = 0;
    while (done < length) {
      const count = readSync(this.#file, slab, done, length - done, this.#read + done);
      if (count === 0) break;
      done += count;
    }
    this.#read += length;
    if (this.#lengths.length === 0) this.clear();
    return done;
  }

  clear(): void {
    if (this.#file !== null) ftruncateSync(this.#file, 0);
    this.#lengths.length = 0;
    this.#read = this.#written = 0;
  }

  close(): void {
    if (this.#file === null) return;
    closeSync(this.#file);
    this.#file = null;
    unlinkSync(this.path);
  }
}
