/**
 * Batches: which bytes of which segment go to the store as one insert. A batch's boundaries are written down when it is cut
 * and never change, because its deduplication token names them: the same rows cut differently would be inserted twice.
 *
 * `batches.log` holds one JSON object a line: `cut`, `table` (one table's rows are in the store), `tried` (an insert of
 * unknown fate), `split` (a batch with a bad row becomes two), `done`. It is written anew, without what is done, whenever a
 * segment is deleted.
 */
import { appendFileSync, existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { replaceFile } from '../replace-file.ts';
import { shippedTables, type ShippedTable } from './segments.ts';

export interface Batch {
  id: number;
  segment: number;
  from: number;
  to: number;
  /** Tables whose rows are not in the store yet. */
  tables: ShippedTable[];
  /** When an insert was first sent whose fate is unknown, ms since 1970; null when there is none. */
  triedAt: number | null;
}

type Line =
  | { kind: 'cut'; batch: Batch }
  | { kind: 'table'; id: number; table: ShippedTable }
  | { kind: 'tried'; id: number; at: number }
  | { kind: 'split'; id: number; into: [Batch, Batch] }
  | { kind: 'done'; id: number }
  | { kind: 'cursor'; segment: number; offset: number; next: number };

export class BatchLog {
  /** In the order of their bytes. */
  readonly pending: Batch[] = [];
  /** Where the next batch begins. */
  segment: number;
  offset = 0;
  #next = 1;
  readonly #path: string;

  constructor(directory: string, firstSegment: number) {
    this.segment = firstSegment;
    this.#path = join(directory, 'batches.log');
    if (existsSync(this.#path)) this.#read();
  }

  cut(segment: number, from: number, to: number): Batch {
    const batch: Batch = { id: this.#next, segment, from, to, tables: [...shippedTables], triedAt: null };
    this.#write({ kind: 'cut', batch });
    return batch;
  }

  tableDone(batch: Batch, table: ShippedTable): void {
    this.#write({ kind: 'table', id: batch.id, table });
  }

  tried(batch: Batch, at: number): void {
    if (batch.triedAt === null) this.#write({ kind: 'tried', id: batch.id, at });
  }

  /** Only the tables that are still missing are in the two parts. */
  split(batch: Batch, at: number): void {
    const part = (id: number, from: number, to: number): Batch => {
      return { id, segment: batch.segment, from, to, tables: [...batch.tables], triedAt: null };
    };
    this.#write({
      kind: 'split',
      id: batch.id,
      into: [part(this.#next, batch.from, at), part(this.#next + 1, at, batch.to)],
    });
  }

  done(batch: Batch): void {
    this.#write({ kind: 'done', id: batch.id });
  }

  /** Moves on to a new segment. */
  enterSegment(segment: number): void {
    this.segment = segment;
    this.offset = 0;
    this.#compact();
  }

  #compact(): void {
    const lines: Line[] = [
      { kind: 'cursor', segment: this.segment, offset: this.offset, next: this.#next },
      ...this.pending.map((batch): Line => ({ kind: 'cut', batch })),
    ];
    replaceFile(this.#path, lines.map((line) => `${JSON.stringify(line)}\n`).join(''));
  }

  #write(line: Line): void {
    appendFileSync(this.#path, `${JSON.stringify(line)}\n`, { mode: 0o600 });
    this.#apply(line);
  }

  #read(): void {
    for (const text of readFileSync(this.#path, 'utf8').split('\n')) {
      if (text === '') continue;
      let line: Line;
      try {
        line = JSON.parse(text) as Line;
      } catch {
        continue; // The last line, torn by a crash: what it would have said was not done yet.
      }
      this.#apply(line);
    }
    // A line that was torn must not grow together with the next one.
    this.#compact();
  }

  #apply(line: Line): void {
    if (line.kind === 'cursor') {
      this.segment = line.segment;
      this.offset = line.offset;
      this.#next = line.next;
    } else if (line.kind === 'cut') {
      this.pending.push(line.batch);
      this.#next = Math.max(this.#next, line.batch.id + 1);
      if (line.batch.segment > this.segment) this.offset = 0;
      this.segment = Math.max(this.segment, line.batch.segment);
      if (line.batch.segment === this.segment) this.offset = Math.max(this.offset, line.batch.to);
    } else {
      this.#change(line);
    }
  }

  #change(line: Exclude<Line, { kind: 'cursor' } | { kind: 'cut' }>): void {
    const at = this.pending.findIndex((batch) => batch.id === line.id);
    const batch = this.pending[at];
    if (batch === undefined) return;
    if (line.kind === 'table') batch.tables = batch.tables.filter((table) => table !== line.table);
    else if (line.kind === 'tried') batch.triedAt = line.at;
    else if (line.kind === 'done') this.pending.splice(at, 1);
    else {
      this.pending.splice(at, 1, ...line.into);
      this.#next = line.into[1].id + 1;
    }
  }
}
