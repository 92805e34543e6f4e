/** Reads whole records back from a segment, and takes them apart by table. */
import type { Batch } from './batches.ts';
import { Reused } from './reused.ts';
import {
  readRange,
  readRecords,
  recordHead,
  segmentPath,
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

/** The lines of whole records by the table they belong to, in their order. */
export function splitTables(payloads: Buffer[]): Record<ShippedTable, Buffer[]> {
  const lines: Record<ShippedTable, Buffer[]> = { bodies: [], attempts: [], requests: [] };
  const tableOf = new Map(
    (Object.entries(tableLetters) as [ShippedTable, string][]).map(([table, letter]) => [letter.charCodeAt(0), table]),
  );
  for (const payload of payloads) {
    for (let from = 0; from < payload.length;) {
      const end = payload.indexOf(0x0a, from) + 1;
      const table = tableOf.get(payload[from] as number);
      if (table !== undefined) lines[table].push(payload.subarray(from + 1, end));
      from = end;
    }
  }
  return lines;
}
