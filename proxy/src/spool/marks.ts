/**
 * Marks: one line for the start and one for the end of every call, written by the main thread itself before the first byte
 * goes to the provider and before the last byte goes to the client. They are not synced: a write to the page cache
 * survives the death of this process, and costs microseconds. After a crash, `recover.ts` makes rows of the calls whose
 * row the recorder had not written.
 *
 * Files are `marks-<number>.log`. At a rotation the starts and attempts of all open calls are written again into the new file, so that
 * a file that is closed holds only calls whose end it holds too; it is deleted when their rows are written.
 */
import { closeSync, openSync, writeSync } from 'node:fs';
import { join } from 'node:path';

const rotateBytes = 16 * 1024 * 1024;
const lineFeed = Buffer.from('\n');

export function marksPath(directory: string, number: number): string {
  return join(directory, `marks-${String(number).padStart(8, '0')}.log`);
}

/** Where the recorder notes the calls of a marks file whose rows are written: `record/done.ts`. */
export function donePath(directory: string, number: number): string {
  return join(directory, `marks-${String(number).padStart(8, '0')}.done`);
}

export class Marks {
  #file: number;
  #bytes = 0;
  #torn = false;
  /** Marks that could not be written (disk full): those calls are recorded, but would not survive a crash. */
  failed = 0;
  readonly #directory: string;

  constructor(
    directory: string,
    public number: number,
  ) {
    this.#directory = directory;
    this.#file = openSync(marksPath(directory, number), 'a', 0o600);
  }

  /** Appends one mark: `bytes` is its kind, its JSON and a line feed. */
  write(bytes: Uint8Array): void {
    try {
      // After a line that was cut by a full disk the next one begins on a line of its own.
      if (this.#torn) writeSync(this.#file, lineFeed);
      this.#torn = writeSync(this.#file, bytes) < bytes.length;
      this.#bytes += bytes.length;
    } catch {
      this.#torn = true;
    }
    if (this.#torn) this.failed++;
  }

  get full(): boolean {
    return this.#bytes >= rotateBytes;
  }

  /** Goes on in a new file. The caller writes the starts of open calls there next. */
  rotate(): void {
    const next = openSync(marksPath(this.#directory, this.number + 1), 'a', 0o600);
    closeSync(this.#file);
    this.#file = next;
    this.#bytes = 0;
    this.number++;
  }

  close(): void {
    closeSync(this.#file);
  }
}
