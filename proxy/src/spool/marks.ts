/**
 * Marks: one line for the start and one for the end of every call, written by the main thread itself before the first byte
 * goes to the provider and before the last byte goes to the client. They are not synced: a write to the page cache
 * survives the death of this process. All marks of one turn of the event loop are one write (`capture.ts`). After a crash, `recover.ts` makes rows of the calls whose
 * row the recorder had not written.
 *
 * Files are `marks-<number>.log`. At a rotation the starts and attempts of all open calls are written again into the new file, so that
 * a file that is closed holds only calls whose end it holds too; it is deleted when their rows are written.
 */
import { closeSync, openSync, writeSync } from 'node:fs';
import { join } from 'node:path';

/** More than the marks of one turn come to, nearly always. */
const roomBytes = 64 * 1024;
const rotateBytes = 16 * 1024 * 1024;

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
  #waiting = '';
  #count = 0;
  readonly #room = Buffer.allocUnsafeSlow(roomBytes);
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

  /** Adds one mark to those that are written next. @param kind of `markKinds`. @param json the note, on one line. */
  add(kind: string, json: string): void {
    this.#waiting += `${kind}${json}\n`;
    this.#count++;
  }

  /** Writes what was added. Afterwards it survives the death of this process. */
  flush(): void {
    if (this.#count === 0) return;
    // After a line that was cut by a full disk the next one begins on a line of its own.
    const text = this.#torn ? `\n${this.#waiting}` : this.#waiting;
    const [bytes, length] = this.#bytesOf(text);
    try {
      this.#torn = writeSync(this.#file, bytes, 0, length) < length;
      this.#bytes += length;
    } catch {
      this.#torn = true;
    }
    if (this.#torn) this.failed += this.#count;
    this.#waiting = '';
    this.#count = 0;
  }

  /** A text and its length in bytes; in memory of its own only where it is long. */
  #bytesOf(text: string): [Buffer, number] {
    // A UTF-16 unit is at most three bytes.
    if (text.length * 3 <= roomBytes) return [this.#room, this.#room.write(text)];
    const bytes = Buffer.from(text);
    return [bytes, bytes.length];
  }

  get full(): boolean {
    return this.#bytes >= rotateBytes;
  }

  /** Goes on in a new file. The caller adds the starts of open calls next. */
  rotate(): void {
    this.flush();
    const next = openSync(marksPath(this.#directory, this.number + 1), 'a', 0o600);
    closeSync(this.#file);
    this.#file = next;
    this.#bytes = 0;
    this.number++;
  }

  close(): void {
    this.flush();
    closeSync(this.#file);
  }
}
