/** Reads whole records back from a segment, and takes them apart by table. */
import type { Batch } from './batches.ts';
import { Reused } from './reused.ts';
import {
  onceLetters,
  readRange,
  readRecords,
  recordHead,
  segmentPath,
  shippedTables,
  tableLetters,
  type ShippedTable,
  type SpooledRecord,
} from './segments.ts';

/** Whole records that stand one behind the other in a segment. */
export interface Stretch {
  segment: number;
  from: number;
  to: number;
  bytes: Buffer;
  records: SpooledRecord[];
}

/** Reads stretches into memory that is used again: each is valid until the next is read. */
export class StretchReader {
  readonly #bytes: Reused;
  #last: Stretch | null = null;

  /** @param usualBytes how much is read at once, unless a single record is longer. */
  constructor(
    private readonly directory: string,
    private readonly usualBytes: number,
  ) {
    this.#bytes = new Reused(usualBytes);
  }

  /** Reads and checks the whole records that begin at `from`: up to the usual size, but at least one record. */
  read(segment: number, from: number, available: number): Stretch {
    const path = segmentPath(this.directory, segment);
    for (let window = Math.min(available, this.usualBytes); ; window = Math.min(available, window * 4)) {
      const bytes = readRange(path, from, window, this.#bytes.ofSize(window));
      const records = [...readRecords(bytes)];
      const last = records.at(-1);
      if (last === undefined && window < available) continue;
      const length = last === undefined ? 0 : last.offset + recordHead + last.payload.length;
      this.#last = { segment, from, to: from + length, bytes: bytes.subarray(0, length), records };
      return this.#last;
    }
  }

  /** A batch's records: nearly always those that were read just now, to cut it. */
  of({ segment, from, to }: Batch): Stretch {
    const last = this.#last;
    return last?.segment === segment && last.from === from && last.to === to
      ? last
      : this.read(segment, from, to - from);
  }
}

/** One table's lines, in their order. */
export interface TableLines {
  plain: Buffer[];
  /** Those that are inserted only where no row of their id is there. */
  once: Buffer[];
}

/** The lines of whole records by the table they belong to. */
export function splitTables(payloads: Buffer[]): Record<ShippedTable, TableLines> {
  const empty = (): TableLines => ({ plain: [], once: [] });
  const lines = { bodies: empty(), attempts: empty(), requests: empty() };
  const byLetter = new Map<number, Buffer[]>();
  for (const table of shippedTables) {
    byLetter.set(tableLetters[table].charCodeAt(0), lines[table].plain);
    byLetter.set(onceLetters[table].charCodeAt(0), lines[table].once);
  }
  for (const payload of payloads) {
    for (let from = 0; from < payload.length;) {
      const end = payload.indexOf(0x0a, from) + 1;
      byLetter.get(payload[from] as number)?.push(payload.subarray(from + 1, end));
      from = end;
    }
  }
  return lines;
}
