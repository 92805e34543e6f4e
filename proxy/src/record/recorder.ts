/**
 * The recorder: frames in, rows out. Runs in a thread of its own; owns the spool's writing end. The order of its writes is
 * what makes a crash harmless: first a call's record, then the note that it is done, then (in the shipper) the insert.
 */
import { appendFileSync, readFileSync, unlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { kinds, readFrames, type Frame } from '../capture/frames.ts';
import type { EndNote, HeadNote, NotedAttempt, StartNote } from '../capture/notes.ts';
import type { PriceBook } from '../prices/book.ts';
import { providers } from '../providers/registry.ts';
import { donePath, marksPath } from '../spool/marks.ts';
import { recover, type MarkedCall } from '../spool/recover.ts';
import { fileNumbers, RecordEncoder, SegmentWriter, type ShippedTable } from '../spool/segments.ts';
import { CountedReplies } from './counted.ts';
import { measure } from './measure.ts';
import type { RecorderOptions } from './messages.ts';
import { CallReading, type ReadCall } from './reading.ts';
import { attemptRows, bodyRow, requestRow, type Measured } from './rows.ts';
import { UnpricedModels } from './unpriced.ts';

interface Finished {
  id: string;
  marks: number;
  rows: { table: ShippedTable; row: object }[];
}

/** Counters that outlive the process: what was left out is shown for ever, not until the next start. */
interface Losses {
  shedBodies: number;
  lostRows: number;
}

const noMeasure: Measured = { usage: null, units: {}, source: 'none', cost: null };
/** Of the attempt that answered: its reply did not reach its end. */
const cutOutcomes = new Set(['cancelled', 'truncated', 'timeout', 'network_error', 'interrupted']);

export class Recorder {
  readonly counters = {
    recordedRequests: 0,
    recordedAttempts: 0,
    recovered: 0,
    interrupted: 0,
    unpriced: 0,
    estimated: 0,
    readErrors: 0,
  };
  readonly unpricedModels = new UnpricedModels();
  readonly losses: Losses;
  readonly writer: SegmentWriter;
  readonly #encoder = new RecordEncoder();
  /** Bytes that wait for the store; told by the shipper. */
  waitingBytes: () => number = () => 0;
  #marks: number;
  #orphans: Map<string, MarkedCall>;
  #finished: Finished[] = [];
  readonly #calls = new Map<number, CallReading>();
  /** Marks files that are closed → calls of theirs whose rows are still being made. */
  readonly #unfinished = new Map<number, number>();
  readonly #closed = new Set<number>();
  readonly #counted = new CountedReplies();
  readonly #pending = new Set<Promise<void>>();

  /** @param prices those in force; they may change while the recorder runs. */
  constructor(
    private readonly options: RecorderOptions,
    private readonly prices: { readonly book: PriceBook },
  ) {
    const { directory, marksNumber, open } = options;
    this.losses = readLosses(directory);
    const newest = fileNumbers(directory, 'rows', 'log').at(-1) ?? 0;
    // Always a new file: the last one may end in a torn record.
    this.writer = new SegmentWriter(directory, newest + 1);
    this.#marks = marksNumber;
    const recovery = recover(directory, marksNumber, new Set(open));
    this.#orphans = recovery.open;
    for (const call of recovery.missing) this.#recoverCall(call);
    this.flush();
    recovery.forget();
  }

  get openCalls(): number {
    return this.#calls.size + this.#orphans.size;
  }

  /** Reads one slab. Afterwards it may be reused. */
  async take(slab: Buffer, length: number): Promise<void> {
    for (const frame of readFrames(slab, length)) {
      const full = this.#frame(frame);
      if (full !== null) await full;
    }
    // Rows of the calls that ended here are ready in the next turn, but for those that are still being decompressed.
    await new Promise((resolve) => setImmediate(resolve));
    this.flush();
  }

  /** Waits for replies that are still being decompressed. */
  async settle(): Promise<void> {
    await Promise.all(this.#pending);
    this.flush();
  }

  /** Writes the rows of finished calls, then notes that they are done. */
  flush(): void {
    if (this.#finished.length === 0) return;
    const finished = this.#finished;
    this.#finished = [];
    this.#append(finished);
    const done = new Map<number, string[]>();
    for (const { id, marks } of finished) {
      const ids = done.get(marks);
      if (ids === undefined) done.set(marks, [id]);
      else ids.push(id);
    }
    for (const [marks, ids] of done) {
      appendFileSync(donePath(this.options.directory, marks), `${ids.join('\n')}\n`, { mode: 0o600 });
      this.#unfinished.set(marks, (this.#unfinished.get(marks) ?? 0) - ids.length);
      this.#dropMarks(marks);
    }
  }

  #append(finished: Finished[]): void {
    const limit = this.options.spoolLimit;
    const waiting = this.waitingBytes();
    if (waiting > limit) return this.#lose(finished.length);
    const withBodies = waiting <= limit * 0.9;
    try {
      this.writer.append(this.#encode(finished, withBodies));
    } catch {
      // The disk is full: bodies go first.
      try {
        this.writer.append(this.#encode(finished, false));
      } catch {
        return this.#lose(finished.length);
      }
    }
    for (const { rows } of finished) {
      this.counters.recordedRequests++;
      this.counters.recordedAttempts += rows.filter(({ table }) => table === 'attempts').length;
    }
  }

  #encode(finished: Finished[], withBodies: boolean): Buffer {
    this.#encoder.clear();
    let shed = 0;
    for (const { rows } of finished) {
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

  #lose(count: number): void {
    this.losses.lostRows += count;
    this.#keepLosses();
  }

  #keepLosses(): void {
    try {
      writeFileSync(join(this.options.directory, 'losses.json'), JSON.stringify(this.losses), { mode: 0o600 });
    } catch {
      // The disk is full: the figure is shown, and written with the next loss.
    }
  }

  /** @returns what to wait for before the next frame; null nearly always. */
  #frame(frame: Frame): Promise<void> | null {
    const call = this.#calls.get(frame.call);
    switch (frame.kind) {
      case kinds.start:
        this.#start(frame.call, JSON.parse(frame.payload.toString()) as StartNote);
        return null;
      case kinds.requestHeaders:
        if (call !== undefined) call.requestHeaders = JSON.parse(frame.payload.toString()) as string[];
        return null;
      case kinds.request:
        return call?.feedRequest(frame.payload) ?? null;
      case kinds.head:
        call?.setHead(JSON.parse(frame.payload.toString()) as HeadNote);
        return null;
      case kinds.response:
        return call?.feedResponse(frame.payload, frame.atMs) ?? null;
      case kinds.shed:
        call?.warnings.add('capture_shed');
        return null;
      case kinds.end:
        this.#end(frame.call, delivered(JSON.parse(frame.payload.toString()) as EndNote, frame.atMs));
        return null;
      case kinds.rotated:
        this.#rotated(frame.call);
        return null;
      case kinds.attempt:
        return null; // The end tells of every attempt; the mark matters only after a crash.
    }
  }

  #start(sequence: number, start: StartNote): void {
    const provider = providers.get(start.row.provider);
    if (provider === undefined) return;
    this.#calls.set(sequence, new CallReading(start, provider, this.options.bodyLimit));
  }

  #end(sequence: number, end: EndNote): void {
    const marks = this.#marks;
    this.#unfinished.set(marks, (this.#unfinished.get(marks) ?? 0) + 1);
    const call = this.#calls.get(sequence);
    this.#calls.delete(sequence);
    if (call === undefined) {
      // Its beginning was told to a recorder that died; the marks have it.
      const orphan = this.#orphans.get(end.request_id);
      if (orphan === undefined) this.counters.readErrors++;
      else this.#finished.push({ id: end.request_id, marks, rows: this.#rowsWithoutReading(orphan.start, end) });
      this.#orphans.delete(end.request_id);
      return;
    }
    const finish = async (): Promise<void> => {
      const rows = await this.#rows(call, end);
      this.#finished.push({ id: end.request_id, marks, rows });
    };
    const work = finish().finally(() => {
      this.#pending.delete(work);
      if (call.asynchronous) this.flush();
    });
    this.#pending.add(work);
  }

  async #rows(call: CallReading, end: EndNote): Promise<Finished['rows']> {
    try {
      const read = await call.end(cutOutcomes.has(end.attempts.at(-1)?.outcome ?? end.row.outcome));
      return this.#rowsOf(read, end);
    } catch (error) {
      this.counters.readErrors++;
      process.emitWarning(`a reply could not be read: ${error instanceof Error ? (error.stack ?? '') : String(error)}`);
      return this.#rowsWithoutReading(call.start, end, 'unreadable');
    }
  }

  #rowsOf(read: ReadCall, end: EndNote): Finished['rows'] {
    const provider = providers.get(read.start.row.provider);
    const measures = { book: this.prices.book, counted: this.#counted };
    const measured = provider === undefined ? noMeasure : measure(provider, read, end, measures);
    if (measured.source === 'estimated') this.counters.estimated++;
    if (measured.usage !== null && measured.cost === null && read.start.row.method === 'POST') {
      this.counters.unpriced++;
      this.unpricedModels.add(
        read.start.row.provider,
        read.reply?.model ?? read.request.model ?? read.start.row.request_model,
      );
    }
    const body = bodyRow(read);
    return [
      ...(body === null ? [] : [{ table: 'bodies' as const, row: body }]),
      ...attemptRows(read.start, end, read, measured).map((row) => ({ table: 'attempts' as const, row })),
      { table: 'requests' as const, row: requestRow(read.start, end, read, measured) },
    ];
  }

  #rowsWithoutReading(start: StartNote, end: EndNote, warning = 'recovered'): Finished['rows'] {
    const noted = { ...end, row: { ...end.row, warnings: [...end.row.warnings, warning] } };
    return [
      ...attemptRows(start, noted, null, noMeasure).map((row) => ({ table: 'attempts' as const, row })),
      { table: 'requests' as const, row: requestRow(start, noted, null, noMeasure) },
    ];
  }

  #recoverCall(call: MarkedCall): void {
    this.counters.recovered++;
    if (call.end === null) this.counters.interrupted++;
    const end = call.end ?? interruptedEnd(call);
    const rows = this.#rowsWithoutReading(call.start, end);
    this.#finished.push({ id: call.start.row.request_id, marks: this.#marks, rows });
    this.#unfinished.set(this.#marks, (this.#unfinished.get(this.#marks) ?? 0) + 1);
  }

  #rotated(number: number): void {
    this.#closed.add(number);
    this.#marks = number + 1;
    this.#dropMarks(number);
  }

  /** A closed marks file goes when every call that ended in it has its rows written. */
  #dropMarks(number: number): void {
    if (!this.#closed.has(number) || (this.#unfinished.get(number) ?? 0) > 0) return;
    this.#closed.delete(number);
    this.#unfinished.delete(number);
    for (const path of [marksPath(this.options.directory, number), donePath(this.options.directory, number)]) {
      try {
        unlinkSync(path);
      } catch {
        // Not there, or not ours to delete: read again at the next start, where its calls are known as done.
      }
    }
  }
}

/**
 * The end of a call as it was marked, before its last bytes went out, and as it became when the client had them: `atMs` after
 * it began. What lies between is Weir's own time.
 */
function delivered(end: EndNote, atMs: number): EndNote {
  const { row } = end;
  row.duration_ms = Math.max(row.duration_ms, Math.round(atMs * 1000) / 1000);
  row.overhead_ms = Math.round((row.duration_ms - row.upstream_ms - row.wait_ms) * 1000) / 1000;
  return end;
}

/** The end of a call that was in flight when the process died: how long it lasted is not known. */
function interruptedEnd(call: MarkedCall): EndNote {
  const attempts: NotedAttempt[] = [
    ...(call.start.attempt === null ? [] : [call.start.attempt]),
    ...call.attempts.map((note) => note.attempt),
  ];
  return {
    request_id: call.start.row.request_id,
    row: {
      status: null,
      outcome: 'interrupted',
      error_type: '',
      error_message: '',
      duration_ms: 0,
      overhead_ms: 0,
      wait_ms: 0,
      upstream_ms: 0,
      client_stall_ms: null,
      attempts: attempts.length,
      request_bytes: null,
      response_bytes: null,
      warnings: [],
    },
    attempts: attempts.map((attempt) => ({ ...attempt, outcome: 'interrupted', duration_ms: 0 })),
  };
}

function readLosses(directory: string): Losses {
  try {
    const parsed = JSON.parse(readFileSync(join(directory, 'losses.json'), 'utf8')) as Partial<Losses>;
    return { shedBodies: Number(parsed.shedBodies) || 0, lostRows: Number(parsed.lostRows) || 0 };
  } catch {
    return { shedBodies: 0, lostRows: 0 };
  }
}
