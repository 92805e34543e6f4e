/** Rows on their way to the spool: what a full disk or a full spool leaves out is counted, bodies before rows. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { RecordEncoder } from '../spool/encoder.ts';
import { SegmentWriter, type SpooledRow } from '../spool/segments.ts';

/** Counters that outlive the process: what was left out is shown for ever, not until the next start. */
interface Losses {
  shedBodies: number;
  lostRows: number;
}

/** The rows of one record: all of them survive a crash, or none. */
export type RecordRows = readonly SpooledRow[];

export class RowWriter {
  readonly losses: Losses;
  readonly segments: SegmentWriter;
  /** Bytes that wait for the store; told by the shipper. */
  waitingBytes: () => number = () => 0;
  readonly #encoder = new RecordEncoder();

  constructor(
    private readonly directory: string,
    private readonly limit: number,
    firstSegment: number,
  ) {
    this.losses = readLosses(directory);
    this.segments = new SegmentWriter(directory, firstSegment);
  }

  /** @returns whether they were written. */
  append(records: readonly RecordRows[]): boolean {
    const waiting = this.waitingBytes();
    if (waiting > this.limit) return this.#lose(records.length);
    const withBodies = waiting <= this.limit * 0.9;
    try {
      this.segments.append(this.#encode(records, withBodies));
    } catch {
      // The disk is full: bodies go first.
      try {
        this.segments.append(this.#encode(records, false));
      } catch {
        return this.#lose(records.length);
      }
    }
    return true;
  }

  #encode(records: readonly RecordRows[], withBodies: boolean): Buffer {
    this.#encoder.clear();
    let shed = 0;
    for (const rows of records) {
      const kept = withBodies ? rows : rows.filter(({ table }) => table !== 'bodies');
      if (kept.length < rows.length) shed++;
      this.#encoder.add(kept);
    }
    if (shed > 0) {
      this.losses.shedBodies += shed;
      this.#keepLosses();
    }
    return this.#encoder.bytes;
  }

  #lose(count: number): false {
    this.losses.lostRows += count;
    this.#keepLosses();
    return false;
  }

  #keepLosses(): void {
    try {
      writeFileSync(join(this.directory, 'losses.json'), JSON.stringify(this.losses), { mode: 0o600 });
    } catch {
      // The disk is full: the figure is shown, and written with the next loss.
    }
  }
}

function readLosses(directory: string): Losses {
  try {
    const parsed = JSON.parse(readFileSync(join(directory, 'losses.json'), 'utf8')) as Partial<Losses>;
    return { shedBodies: Number(parsed.shedBodies) || 0, lostRows: Number(parsed.lostRows) || 0 };
  } catch {
    return { shedBodies: 0, lostRows: 0 };
  }
}
