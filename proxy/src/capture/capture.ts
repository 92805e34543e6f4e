/**
 * The main thread's half of recording: marks on disk, frames in slabs to the recorder's thread. Everything here is bounded
 * and nothing here can fail a call: what cannot be kept is shed and counted.
 */
import { join } from 'node:path';
import type { Worker } from 'node:worker_threads';
import type { Outcome } from '@weir/schema/records';
import type { Attempt, Call } from '../call.ts';
import { now } from '../call.ts';
import { ChurnMap } from '../churn-map.ts';
import type { Marks } from '../spool/marks.ts';
import type { FromRecorder, RecorderStats, TakenNotes, ToRecorder } from '../record/messages.ts';
import { frameHead, kinds, writeHead, type Kind } from './frames.ts';
import { markKinds } from './notes.ts';
import { Overflow } from './overflow.ts';
import { attemptText, endText, headText, startText } from './write-notes.ts';

const slabBytes = 512 * 1024;
const nothing = Buffer.alloc(0);
/** Slabs that the recorder may hold at once; what comes on top waits in a file. */
const slabsInFlight = 16;
const lingerMs = 50;
/** Notes of about a dozen calls. */
const mostWaiting = 64;
/** A larger chunk is copied while it is still in the processor's cache. */
const smallBytes = 8_192;
/** Up to so many calls at once nearly every turn of the event loop is one call's alone. */
const fewCalls = 4;
/** Between the end of a call and the statistics that know of its row. */
const settleMs = 1_000;

export interface CaptureOptions {
  directory: string;
  marks: Marks;
  configHash: string;
  overflowLimit: number;
  /** Starts a recorder; called again when one dies. `open`: ids of the calls that are still going on. */
  startRecorder: (open: string[]) => Worker;
  onRecorderDeath: (error: unknown) => void;
}

/** What the recorder is to be told: a text, how to make it, or bytes. */
interface Told {
  kind: Kind;
  call: Call;
  /** On the monotonic clock. */
  at: number;
  payload: string | Buffer | (() => string);
}

export class Capture {
  readonly open = new ChurnMap<Call>();
  /** Bytes of bodies that were not captured because the recorder was too far behind. */
  shedBytes = 0;
  recorderDeaths = 0;
  stats: RecorderStats | null = null;
  /** Told what came of calls that limits count. */
  onTaken: (notes: TakenNotes) => void = () => undefined;
  #slab: Buffer = makeSlab();
  #filled = 0;
  #timer: NodeJS.Timeout | null = null;
  #inFlight = 0;
  #recorder: Worker;
  #stopped: (() => void) | null = null;
  /** In order. It is put into the slab when a dozen calls have come together: code that has just run costs half (docs/performance.md). */
  #waiting: Told[] = [];
  /** What is done when the marks of this turn are written. */
  #next: (() => void)[] = [];
  readonly #free: Buffer[] = [];
  /** Moments that were asked for → rows that have to be sent until all that were written before are. */
  readonly #due = new Map<number, number>();
  readonly #overflow: Overflow;
  readonly #options: CaptureOptions;

  constructor(options: CaptureOptions) {
    this.#options = options;
    this.#overflow = new Overflow(join(options.directory, 'overflow'), options.overflowLimit);
    this.#recorder = this.#startRecorder();
  }

  get overflowBytes(): number {
    return this.#overflow.bytes;
  }

  /**
   * Whether the rows of every call that ended before a moment, ms since 1970, are in the store: asked again until it is so. Rows
   * are sent in the order in which they were written, so that it is enough to count them.
   */
  hasShipped(before: number): boolean {
    const { stats } = this;
    // What was told may be half a second old, and rows come after the calls they are of.
    if (stats === null || !stats.storeReachable || Date.now() < before + settleMs) return false;
    const sent = stats.shippedRows + stats.rejectedRows;
    const due = this.#due.get(before) ?? sent + stats.spoolRows;
    if (sent < due) this.#due.set(before, due);
    else this.#due.delete(before);
    return sent >= due;
  }

  /** A call begins. @param next sends the first byte to a provider, when the start is marked: see `whenMarked`. */
  start(call: Call, requestHeaders: readonly string[], next?: () => void): void {
    this.open.set(call.sequence, call);
    const note = startText(call, this.#options.configHash);
    this.#options.marks.add(markKinds.start, note);
    // The provider first, the recorder after.
    if (next !== undefined) this.whenMarked(next);
    this.#tell(kinds.start, call, note);
    this.#tell(kinds.requestHeaders, call, () => JSON.stringify(requestHeaders));
  }

  /** Before the first byte of a further attempt: see `whenMarked`. */
  attempt(call: Call, attempt: Attempt): void {
    const note = attemptText(call, attempt, now());
    this.#options.marks.add(markKinds.attempt, note);
    this.#tell(kinds.attempt, call, note);
  }

  requestBytes(call: Call, chunk: Buffer): void {
    call.requestBytes += chunk.length;
    this.#bytes(kinds.request, call, chunk);
  }

  /** @param attempt whose answer it is. */
  head(call: Call, attempt: Attempt, status: number, headers: readonly string[]): void {
    this.#tell(kinds.head, call, () => headText(call, attempt, status, headers));
  }

  responseBytes(call: Call, chunk: Buffer): void {
    this.#bytes(kinds.response, call, chunk);
  }

  /** Before the last byte goes to the client: see `whenMarked`. */
  ending(call: Call, outcome: Outcome, error: { type: string; message: string }): void {
    call.endMark = endText(call, outcome, error, call.leftAt ?? now());
    this.#options.marks.add(markKinds.end, call.endMark);
  }

  /**
   * Calls `next`, which must not happen before, when everything that was marked is on disk. Where many calls are open, that is
   * at the end of this turn of the event loop, with one write for all of them (docs/performance.md).
   */
  whenMarked(next: () => void): void {
    if (this.#next.length === 0 && this.open.size <= fewCalls) {
      this.flushMarks();
      return next();
    }
    if (this.#next.push(next) > 1) return;
    setImmediate(() => {
      this.flushMarks();
      const all = this.#next;
      this.#next = [];
      for (const one of all) unhindered(one);
    });
  }

  /** Writes what was marked now, for whoever goes on without waiting. */
  flushMarks(): void {
    this.#options.marks.flush();
  }

  /** Nothing more comes of this call. The frame tells what was marked; its time is when the client had everything. */
  end(call: Call): void {
    if (call.endMark !== null) this.#tell(kinds.end, call, call.endMark, call.leftAt ?? now());
    this.open.delete(call.sequence);
    if (this.#options.marks.full) this.#rotateMarks();
  }

  /** Hands everything to the recorder and waits until it has written and, as far as it can, shipped it. */
  async stop(deadlineMs: number): Promise<void> {
    this.#post();
    const stopped = new Promise<void>((resolve) => {
      this.#stopped = resolve;
    });
    while (!this.#overflow.empty) await new Promise((resolve) => setTimeout(resolve, 5));
    this.#recorder.postMessage({ kind: 'stop', deadlineMs });
    await stopped;
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#options.marks.close();
    this.#overflow.close();
  }

  #tell(kind: Kind, call: Call, payload: Told['payload'], at = now()): void {
    this.#timer ??= setTimeout(() => this.#post(), lingerMs).unref();
    if (this.#waiting.push({ kind, call, at, payload }) >= mostWaiting) this.#fill();
  }

  /** Puts what waits into the slab. */
  #fill(): void {
    if (this.#waiting.length === 0) return;
    const all = this.#waiting;
    this.#waiting = [];
    for (const { kind, call, at, payload } of all) {
      if (typeof payload === 'string') this.#text(kind, call, payload, at);
      else if (typeof payload === 'function') this.#text(kind, call, payload(), at);
      else this.#put(kind, call, payload, at);
    }
  }

  /** Writes a text into the slab, which it does not leave. */
  #text(kind: Kind, call: Call, text: string, at: number): void {
    const room = slabBytes - this.#filled - frameHead;
    // A UTF-16 unit is at most three bytes; they are counted only where that would not fit.
    if (text.length * 3 > room) {
      const length = Buffer.byteLength(text);
      if (length > slabBytes - frameHead) {
        this.shedBytes += length;
        return;
      }
      if (length > room) this.#hand();
    }
    const length = this.#slab.write(text, this.#filled + frameHead);
    writeHead(this.#slab, this.#filled, kind, call.sequence, at - call.started, length);
    this.#filled += frameHead + length;
  }

  #bytes(kind: Kind, call: Call, chunk: Buffer): void {
    if (this.#overflow.bytes > this.#options.overflowLimit * 0.9) {
      this.shedBytes += chunk.length;
      this.#tell(kinds.shed, call, nothing);
    } else {
      this.#tell(kind, call, chunk);
      if (chunk.length > smallBytes) this.#fill();
    }
  }

  /** Copies bytes into the slab; those that do not fit go on in the next one. */
  #put(kind: Kind, call: { sequence: number; started: number }, payload: Buffer, at: number): void {
    const atMs = at - call.started;
    let from = 0;
    for (;;) {
      const room = slabBytes - this.#filled - frameHead;
      const left = payload.length - from;
      if (room < Math.min(left, 1024)) {
        this.#hand();
        continue;
      }
      const size = Math.min(room, left);
      writeHead(this.#slab, this.#filled, kind, call.sequence, atMs, size);
      payload.copy(this.#slab, this.#filled + frameHead, from, from + size);
      this.#filled += frameHead + size;
      from += size;
      if (from >= payload.length) break;
    }
  }

  /** Hands over everything that there is. */
  #post(): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
    this.#fill();
    this.#hand();
  }

  /** Hands the slab over. */
  #hand(): void {
    if (this.#filled === 0) return;
    const slab = this.#slab;
    const length = this.#filled;
    this.#filled = 0;
    const waiting = this.#inFlight >= slabsInFlight || !this.#overflow.empty;
    // Past the file's limit the slab goes to the recorder all the same: bodies are shed before it comes to that.
    if (waiting && this.#overflow.push(slab, length)) return;
    this.#slab = this.#free.pop() ?? makeSlab();
    this.#send(slab, length);
  }

  #send(slab: Buffer, length: number): void {
    this.#inFlight++;
    this.#recorder.postMessage({ kind: 'slab', bytes: slab.buffer as SharedArrayBuffer, length } satisfies ToRecorder);
  }

  #startRecorder(): Worker {
    const recorder = this.#options.startRecorder([...this.open.values()].map((call) => call.id));
    recorder.on('message', (message: FromRecorder) => {
      if (message.kind === 'free') {
        if (message.taken !== null) this.onTaken(message.taken);
        this.#takeBack(Buffer.from(message.bytes));
      } else if (message.kind === 'stats') this.stats = message.stats;
      else if (message.kind === 'told') this.onTaken(message);
      else this.#stopped?.();
    });
    recorder.on('error', (error) => this.#restartRecorder(error));
    return recorder;
  }

  /** The thread died: its slabs are lost, but not its calls, whose marks the next one reads. */
  #restartRecorder(error: unknown): void {
    this.recorderDeaths++;
    // The next one counts from nothing.
    this.#due.clear();
    this.#options.onRecorderDeath(error);
    if (this.#stopped !== null) return this.#stopped();
    this.#inFlight = 0;
    // What is on its way belongs to calls that the marks know: telling it again would make two rows of one call.
    this.#waiting = [];
    this.#filled = 0;
    this.#overflow.clear();
    this.#rotateMarks();
    this.#filled = 0;
    this.#recorder = this.#startRecorder();
  }

  #takeBack(slab: Buffer): void {
    this.#inFlight--;
    if (slab.length === slabBytes) {
      const length = this.#overflow.empty ? 0 : this.#overflow.shift(slab);
      if (length > 0) this.#send(slab, length);
      else if (this.#free.length < slabsInFlight) this.#free.push(slab);
    }
  }

  #rotateMarks(): void {
    const { marks } = this.#options;
    const closed = marks.number;
    marks.rotate();
    for (const call of this.open.values()) {
      marks.add(markKinds.start, startText(call, this.#options.configHash));
      for (const attempt of call.attempts.slice(1)) marks.add(markKinds.attempt, attemptText(call, attempt, now()));
      if (call.endMark !== null) marks.add(markKinds.end, call.endMark);
    }
    marks.flush();
    // Behind every end that the file holds.
    this.#fill();
    const at = now();
    this.#put(kinds.rotated, { sequence: closed, started: at }, nothing, at);
    this.#timer ??= setTimeout(() => this.#post(), lingerMs).unref();
  }
}

/**
 * Memory that both threads see, and that one of them uses at a time. Handing over memory of its own each time would have V8
 * count it anew as the recorder's, and collect the whole heap every few megabytes.
 */
function makeSlab(): Buffer {
  return Buffer.from(new SharedArrayBuffer(slabBytes));
}

/** What goes wrong for one call is reported, and does not keep the others waiting. */
function unhindered(next: () => void): void {
  try {
    next();
  } catch (error) {
    queueMicrotask(() => {
      throw error;
    });
  }
}
