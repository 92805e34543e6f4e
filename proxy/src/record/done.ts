/**
 * Which calls have their rows, noted beside the marks: a line of `marks-<number>.done` is a call's id, or the id of one that
 * goes on and how many of its parts have theirs. A closed marks file goes, with its notes, when all calls that ended in it are
 * noted.
 */
import { appendFileSync, unlinkSync } from 'node:fs';
import { donePath, marksPath } from '../spool/marks.ts';

/** Something whose rows were written, to be noted. */
export interface Written {
  /** Of the call. */
  id: string;
  /** Null: the call is over. Else: so many of its parts are written, and more may come. */
  parts: number | null;
  /** The marks file in which the call ended; that in use, for one that goes on. */
  marks: number;
}

export class DoneNotes {
  /** The marks file in use. */
  marks: number;
  /** Marks files → calls that ended in them and whose rows are still being made. */
  readonly #unfinished = new Map<number, number>();
  readonly #closed = new Set<number>();

  constructor(
    private readonly directory: string,
    marks: number,
  ) {
    this.marks = marks;
  }

  /** A call ended, and its rows will come. @returns the marks file that it ended in. */
  expect(): number {
    this.#unfinished.set(this.marks, (this.#unfinished.get(this.marks) ?? 0) + 1);
    return this.marks;
  }

  note(written: readonly Written[]): void {
    const lines = new Map<number, string>();
    for (const { id, parts, marks } of written) {
      lines.set(marks, `${lines.get(marks) ?? ''}${parts === null ? id : `${id} ${parts}`}\n`);
      if (parts === null) this.#unfinished.set(marks, (this.#unfinished.get(marks) ?? 0) - 1);
    }
    for (const [marks, text] of lines) {
      appendFileSync(donePath(this.directory, marks), text, { mode: 0o600 });
      this.#drop(marks);
    }
  }

  /** The marks file of this number is closed, and every end in it was told. `going`: parts of the calls that go on. */
  rotated(number: number, going: readonly Omit<Written, 'marks'>[]): void {
    this.#closed.add(number);
    this.marks = number + 1;
    // Their starts were written again in the new file: so is what is noted of them.
    this.note(going.map((one) => ({ ...one, marks: this.marks })));
    this.#drop(number);
  }

  #drop(number: number): void {
    if (!this.#closed.has(number) || (this.#unfinished.get(number) ?? 0) > 0) return;
    this.#closed.delete(number);
    this.#unfinished.delete(number);
    for (const path of [marksPath(this.directory, number), donePath(this.directory, number)]) {
      try {
        unlinkSync(path);
      } catch {
        // Not there, or not ours to delete: read again at the next start, where its calls are known as done.
      }
    }
  }
}
