/**
 * The recorder: frames in, rows out. Runs in a thread of its own; owns the spool's writing end. The order of its writes is
 * what makes a crash harmless: first a call's record, then the note that it is done, then (in the shipper) the insert.
 */
import { kinds, readFrames, type Frame } from '../capture/frames.ts';
import type { EndNote, HeadNote, NotedAttempt, StartNote } from '../capture/notes.ts';
import { readEnd, readStart } from '../capture/read-notes.ts';
import { ChurnMap } from '../churn-map.ts';
import type { PriceBook } from '../prices/book.ts';
import type { BatchLine } from '../providers/batch-lines.ts';
import { providers, readerOf } from '../providers/registry.ts';
import { partId } from '../spool/parts.ts';
import { recover, recoveredWarning, type MarkedCall } from '../spool/recover.ts';
import { fileNumbers } from '../spool/segments.ts';
import { CountedReplies } from './counted.ts';
import { DoneNotes, type Written } from './done.ts';
import { lineRows, readLine } from './line-rows.ts';
import { measure } from './measure.ts';
import type { RecorderOptions, TakenNotes } from './messages.ts';
import { CallReading, type ReadCall, type Reading } from './reading.ts';
import { RowWriter, type RecordRows } from './row-writer.ts';
import { answeringAttempt, attemptRows, bodyRow, requestRow, type Measured } from './rows.ts';
import { opensWebSocket, SocketReading, type Part } from './socket.ts';
import { TakenList, usedBy } from './taken-note.ts';
import { UnpricedModels } from './unpriced.ts';

interface Finished {
  /** What is noted when the rows are written; null where nothing has to be. */
  written: Written | null;
  rows: RecordRows;
}

/** So many finished calls are written at once: what they were read from is garbage before it has been moved. */
const mostFinished = 64;
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
  readonly rows: RowWriter;
  /** Told whenever records were written: a decompressed reply's come after its slab. */
  onWritten: () => void = () => undefined;
  /** Told when there is something `taken` that no slab brings: a decompressed reply's comes after its slab. */
  onTaken: () => void = () => undefined;
  readonly #taken = new TakenList();
  readonly #done: DoneNotes;
  #orphans: Map<string, MarkedCall>;
  #finished: Finished[] = [];
  readonly #calls = new ChurnMap<Reading>();
  readonly #counted = new CountedReplies();
  readonly #pending = new ChurnMap<Promise<void>>();

  /** @param prices those in force; they may change while the recorder runs. */
  constructor(
    private readonly options: RecorderOptions,
    private readonly prices: { readonly book: PriceBook },
  ) {
    const { directory, marksNumber, open } = options;
    const newest = fileNumbers(directory, 'rows', 'log').at(-1) ?? 0;
    // Always a new file: the last one may end in a torn record.
    this.rows = new RowWriter(directory, options.spoolLimit, newest + 1);
    this.#done = new DoneNotes(directory, marksNumber);
    const recovery = recover(directory, marksNumber, new Set(open));
    this.#orphans = recovery.open;
    for (const call of recovery.missing) this.#recoverCall(call);
    this.flush();
    // The notes that told of them are about to go.
    this.#done.note(this.#going().map((one) => ({ ...one, marks: marksNumber })));
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
    this.flush();
    // Most calls end in the slab in which they began: only of the others a copy is made.
    for (const call of this.#calls.values()) call.own();
    // The shipper has its turn between two slabs.
    await new Promise((resolve) => setImmediate(resolve));
  }

  /** Waits for replies that are still being decompressed. */
  async settle(): Promise<void> {
    await Promise.all(this.#pending.values());
    this.flush();
    this.onTaken();
  }

  /** Writes the rows of finished calls, then notes that they are done. */
  flush(): void {
    if (this.#finished.length === 0) return;
    const finished = this.#finished;
    this.#finished = [];
    const records = finished.map(({ rows }) => rows).filter((rows) => rows.length > 0);
    if (records.length > 0 && this.rows.append(records)) {
      this.counters.recordedRequests += records.length;
      const attempts = records.map((rows) => rows.filter(({ table }) => table === 'attempts').length);
      this.counters.recordedAttempts += attempts.reduce((sum, count) => sum + count, 0);
    }
    this.onWritten();
    this.#done.note(finished.flatMap(({ written }) => written ?? []));
  }

  /** What limits are to count of the calls whose rows were written, once. */
  taken(): TakenNotes | null {
    return this.#taken.drain();
  }

  /** @returns what to wait for before the next frame; null nearly always. */
  #frame(frame: Frame): Promise<void> | null {
    const call = this.#calls.get(frame.call);
    switch (frame.kind) {
      case kinds.start:
        this.#start(frame.call, readStart(frame.payload.toString()));
        return null;
      case kinds.requestHeaders:
        if (call instanceof CallReading) call.requestHeaders = JSON.parse(frame.payload.toString()) as string[];
        return null;
      case kinds.request:
        return call?.feedRequest(frame.payload, frame.atMs) ?? null;
      case kinds.head:
        if (call instanceof CallReading) this.#head(frame.call, call, JSON.parse(frame.payload.toString()) as HeadNote);
        return null;
      case kinds.response:
        return call?.feedResponse(frame.payload, frame.atMs) ?? null;
      case kinds.shed:
        call?.warnings.add('capture_shed');
        return null;
      case kinds.end:
        this.#end(frame.call, delivered(readEnd(frame.payload.toString()), frame.atMs));
        return null;
      case kinds.rotated:
        this.flush();
        this.#done.rotated(frame.call, this.#going());
        return null;
      case kinds.attempt:
        return null; // The end tells of every attempt; the mark matters only after a crash.
    }
  }

  #start(sequence: number, start: StartNote): void {
    const provider = readerOf(start.row.provider);
    if (provider === undefined) return;
    const { bodyLimit } = this.options;
    const call: Reading = new CallReading(start, provider, {
      bodyLimit,
      onLine: (line) => this.#line(sequence, call, line),
    });
    this.#calls.set(sequence, call);
  }

  /** From a head that switches protocols on, a call is read as what it switched to. */
  #head(sequence: number, call: CallReading, head: HeadNote): void {
    if (!opensWebSocket(head)) {
      call.setHead(head);
      return;
    }
    const { start, requestHeaders } = call;
    const id = start.row.request_id;
    const { bodyLimit } = this.options;
    const onPart = ({ read, end }: Part): void => {
      const written = { id, parts: socket.parts, marks: this.#done.marks };
      this.#finished.push({ written, rows: this.#rowsOf(read, end, { sequence, over: false }) });
    };
    const socket = new SocketReading({ start, requestHeaders, head, bodyLimit, onPart });
    this.#calls.set(sequence, socket);
  }

  /** A line of a finished batch. No mark knows it: it comes again with the next download. */
  #line(sequence: number, { start }: Reading, line: BatchLine): void {
    const told = readLine(start, line);
    const measured = this.#measure(told.read, told.end);
    const rows = lineRows(told, measured, line.text, this.options.bodyLimit);
    this.#finished.push({ written: null, rows });
    // It comes again with every download, and costs once.
    if (start.limited !== undefined && this.#counted.first(told.end.request_id))
      this.#taken.add(sequence, false, usedBy(told.read.start, told.end, measured));
  }

  /** Calls that go on and of which parts are written. */
  #going(): Omit<Written, 'marks'>[] {
    const told = [...this.#calls.values()].map(({ start, parts }) => ({ id: start.row.request_id, parts }));
    const orphans = [...this.#orphans].map(([id, { parts }]) => ({ id, parts }));
    return [...told, ...orphans].filter(({ parts }) => parts > 0);
  }

  #end(sequence: number, end: EndNote): void {
    const written = { id: end.request_id, parts: null, marks: this.#done.expect() };
    const call = this.#calls.get(sequence);
    this.#calls.delete(sequence);
    if (call === undefined) {
      // Its beginning was told to a recorder that died; the marks have it.
      const orphan = this.#orphans.get(end.request_id);
      if (orphan === undefined) this.counters.readErrors++;
      else this.#finished.push({ written, rows: this.#rowsWithoutReading(orphan, end) });
      this.#orphans.delete(end.request_id);
      return;
    }
    // Its rows may be made when the slab is long filled again.
    if (call.asynchronous) call.own();
    const rows = this.#rows(sequence, call, end);
    if (!(rows instanceof Promise)) {
      this.#finished.push({ written, rows });
      if (this.#finished.length >= mostFinished) this.flush();
      return;
    }
    const work = rows.then((made) => {
      this.#pending.delete(sequence);
      this.#finished.push({ written, rows: made });
      this.flush();
      this.onTaken();
    });
    this.#pending.set(sequence, work);
  }

  /** @returns a promise only for a call whose bodies are decompressed. */
  #rows(sequence: number, call: Reading, end: EndNote): RecordRows | Promise<RecordRows> {
    const rowsOf = (read: ReadCall | null): RecordRows => {
      if (read !== null) return this.#rowsOf(read, end, { sequence, over: true });
      this.#taken.add(sequence, true, usedBy(call.start, { ...end, attempts: [] }, noMeasure));
      return [];
    };
    const unreadable = (error: unknown): RecordRows => {
      this.counters.readErrors++;
      process.emitWarning(`a reply could not be read: ${error instanceof Error ? (error.stack ?? '') : String(error)}`);
      return this.#rowsWithoutReading(call, end, 'unreadable');
    };
    try {
      const read = call.end(cutOutcomes.has(answeringAttempt(end)?.outcome ?? end.row.outcome));
      return read instanceof Promise ? read.then(rowsOf).catch(unreadable) : rowsOf(read);
    } catch (error) {
      return unreadable(error);
    }
  }

  #measure(read: ReadCall, end: EndNote): Measured {
    const sold = answeringAttempt(end)?.provider ?? read.start.row.provider;
    const provider = providers.get(sold);
    const measures = { book: this.prices.book, counted: this.#counted };
    const measured = provider === undefined ? noMeasure : measure(provider, read, end, measures);
    if (measured.source === 'estimated') this.counters.estimated++;
    if (measured.usage !== null && measured.cost === null && read.made) {
      this.counters.unpriced++;
      this.unpricedModels.add(
        sold,
        read.reply?.model ?? answeringAttempt(end)?.model ?? read.request.model ?? read.start.row.request_model,
      );
    }
    return measured;
  }

  /** @param call its number, and whether nothing more comes of it. */
  #rowsOf(read: ReadCall, end: EndNote, { sequence, over }: { sequence: number; over: boolean }): RecordRows {
    const measured = this.#measure(read, end);
    this.#taken.add(sequence, over, usedBy(read.start, end, measured));
    const body = bodyRow(read);
    return [
      ...(body === null ? [] : [{ table: 'bodies' as const, row: body }]),
      ...attemptRows(read.start, end, read, measured).map((row) => ({ table: 'attempts' as const, row })),
      { table: 'requests' as const, row: requestRow(read.start, end, read, measured) },
    ];
  }

  /** What is left of a call whose reply nobody reads: of a connection, its next part. */
  #rowsWithoutReading(call: Pick<Reading, 'start' | 'parts'>, end: EndNote, warning = recoveredWarning): RecordRows {
    const { row } = call.start;
    const start = { ...call.start, row: { ...row, request_id: partId(row.request_id, call.parts) } };
    const noted = { ...end, row: { ...end.row, warnings: [...end.row.warnings, warning] } };
    this.#taken.addRecovered(call.start, usedBy(start, noted, noMeasure));
    return [
      ...attemptRows(start, noted, null, noMeasure).map((row) => ({ table: 'attempts' as const, row })),
      { table: 'requests' as const, row: requestRow(start, noted, null, noMeasure) },
    ];
  }

  #recoverCall(call: MarkedCall): void {
    this.counters.recovered++;
    if (call.end === null) this.counters.interrupted++;
    const end = call.end ?? interruptedEnd(call);
    const written = { id: call.start.row.request_id, parts: null, marks: this.#done.expect() };
    this.#finished.push({ written, rows: this.#rowsWithoutReading(call, end) });
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
