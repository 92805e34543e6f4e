/**
 * Ships what the recorder has written to the store: cuts batches, inserts them table by table with a deduplication token,
 * deletes a segment when all of it is in the store. One batch is in flight at a time. It tries for ever; a batch that the
 * store refuses because of its content is halved until the bad record is found, which is set aside and counted.
 */
import { createHash } from 'node:crypto';
import { appendFileSync, unlinkSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { crc32 } from 'node:zlib';
import { ClickHouseError, openDb, type Db } from '@weir/schema/db';
import { insertLines } from '@weir/schema/insert';
import { migrate } from '@weir/schema/migrate';
import { BatchLog, type Batch } from './batches.ts';
import { missingLines } from './lookup.ts';
import { Reused } from './reused.ts';
import {
  countRecords,
  fileNumbers,
  fileSize,
  segmentPath,
  shippedTables,
  type SegmentWriter,
  type ShippedTable,
} from './segments.ts';
import { splitTables, StretchReader, type TableLines } from './stretch.ts';

const batchBytes = 8 * 1024 * 1024;
const lingerMs = 250;
const firstBackoffMs = 100;
const longestBackoffMs = 5_000;
/** A repeated insert of unknown fate is looked up when it is older than this: the server forgets tokens by number. */
const tokenTrustMs = 60_000;

/**
 * Codes by which ClickHouse says that the *data* cannot be inserted (src/Common/ErrorCodes.cpp): parse errors, wrong types,
 * values out of range. Every other error is the server's state, and passes.
 */
const dataErrors = new Set([
  6, 25, 26, 27, 34, 38, 41, 43, 53, 69, 70, 72, 117, 131, 190, 349, 376, 407, 441, 467, 469, 636, 675, 676, 691,
]);

export interface ShipperOptions {
  directory: string;
  /** Stays the same over restarts: part of every token. */
  spoolId: string;
  clickhouseUrl: string;
  cluster: string | undefined;
  retainDays: number;
  retainBodiesDays: number;
  writer: SegmentWriter;
}

export interface ShipperStats {
  shippedRows: number;
  shippedBatches: number;
  shipRetries: number;
  rejectedRows: number;
  storeReachable: boolean;
  storeError: string;
}

export class Shipper {
  readonly stats: ShipperStats = {
    shippedRows: 0,
    shippedBatches: 0,
    shipRetries: 0,
    rejectedRows: 0,
    storeReachable: false,
    storeError: '',
  };
  readonly #options: ShipperOptions;
  readonly #log: BatchLog;
  #db: Db | null = null;
  readonly #ending = new AbortController();
  readonly #abandon = new AbortController();
  #wake: (() => void) | null = null;
  #running: Promise<void> | null = null;
  #waitingSince: number | null = null;
  readonly #stretches: StretchReader;
  readonly #joined = new Reused(batchBytes);

  constructor(options: ShipperOptions) {
    this.#options = options;
    this.#stretches = new StretchReader(options.directory, batchBytes);
    const [first = options.writer.number] = fileNumbers(options.directory, 'rows', 'log');
    this.#log = new BatchLog(options.directory, first);
    this.inherited = this.#takeOver();
    // Whether the process before this one had sent them is not known.
    for (const batch of this.#log.pending) this.#log.tried(batch, Date.now());
    if (this.inherited > 0) this.#waitingSince = Date.now();
  }

  get #stopping(): boolean {
    return this.#ending.signal.aborted;
  }

  /** Bytes that are not in the store yet. */
  get waitingBytes(): number {
    const { directory, writer } = this.#options;
    let bytes = this.#log.pending.reduce((sum, batch) => sum + batch.to - batch.from, 0);
    for (let number = this.#log.segment; number <= writer.number; number++) {
      const size = number === writer.number ? writer.size : fileSize(segmentPath(directory, number));
      bytes += number === this.#log.segment ? Math.max(0, size - this.#log.offset) : size;
    }
    return bytes;
  }

  start(): void {
    this.#running = this.#run();
  }

  /** Rows were written. */
  wake(): void {
    if (this.#waitingSince === null && this.waitingBytes > 0) this.#waitingSince = Date.now();
    this.#wake?.();
  }

  /** Since when something has been waiting for the store, ms; 0 when nothing is. */
  get lagMs(): number {
    return this.#waitingSince === null ? 0 : Date.now() - this.#waitingSince;
  }

  /** Records that earlier processes left behind. */
  readonly inherited: number;

  /** Ships what is there, at most for `deadlineMs`; the rest waits for the next start. */
  async stop(deadlineMs: number): Promise<void> {
    this.#ending.abort();
    const timer = setTimeout(() => this.#abandon.abort(), deadlineMs);
    this.#wake?.();
    await this.#running;
    clearTimeout(timer);
    await this.#db?.close();
  }

  /** Deletes what an earlier process had shipped but not deleted; counts what it had not shipped. */
  #takeOver(): number {
    const { directory } = this.#options;
    const first = Math.min(this.#log.segment, ...this.#log.pending.map((batch) => batch.segment));
    let records = 0;
    for (const number of fileNumbers(directory, 'rows', 'log')) {
      const path = segmentPath(directory, number);
      if (number < first) unlinkSync(path);
      else if (number >= this.#log.segment)
        records += countRecords(path, number === this.#log.segment ? this.#log.offset : 0);
    }
    for (const batch of this.#log.pending) {
      records += countRecords(segmentPath(directory, batch.segment), batch.from, batch.to);
    }
    return records;
  }

  async #run(): Promise<void> {
    await this.#reach();
    while (!this.#abandon.signal.aborted) {
      const batch = this.#log.pending[0] ?? (await this.#cut());
      if (batch !== null) await this.#ship(batch);
      else if (this.#stopping) return;
    }
  }

  /** The tables are made, and the store is awake, before the first rows come. */
  async #reach(): Promise<void> {
    for (let backoff = firstBackoffMs; !this.#stopping; backoff = Math.min(backoff * 2, longestBackoffMs)) {
      try {
        const db = await this.#connect();
        // No rows yet, but the way they will take: the first real ones must not wait until an engine has read its own code.
        for (const table of shippedTables) await insertLines(db, table, Buffer.alloc(0));
        return this.#reached();
      } catch (error) {
        this.#unreached(error);
        await delay(backoff, undefined, { signal: this.#ending.signal }).catch(() => undefined);
      }
    }
  }

  /** The next batch: as soon as it is large, or a quarter of a second after its first record. */
  async #cut(): Promise<Batch | null> {
    const { directory, writer } = this.#options;
    const log = this.#log;
    const current = log.segment >= writer.number;
    const size = current ? writer.size : fileSize(segmentPath(directory, log.segment));
    if (log.offset >= size) {
      if (!current) return this.#leaveSegment();
      if (this.#stopping) return null;
      await this.#sleep(60_000);
      return null;
    }
    if (current && size - log.offset < batchBytes && !this.#stopping) {
      await delay(lingerMs, undefined, { signal: this.#abandon.signal }).catch(() => undefined);
    }
    const end = current && log.segment === writer.number ? writer.size : fileSize(segmentPath(directory, log.segment));
    const read = this.#stretches.read(log.segment, log.offset, end - log.offset);
    // Only a torn record is left: its call comes back from the marks.
    if (read.to === read.from) return this.#leaveSegment();
    return log.cut(log.segment, read.from, read.to);
  }

  #leaveSegment(): null {
    const left = this.#log.segment;
    if (left >= this.#options.writer.number) {
      // A torn end in the file that is being written cannot be passed: the writer begins a new file after a failure.
      return null;
    }
    const [next = this.#options.writer.number] = fileNumbers(this.#options.directory, 'rows', 'log').filter(
      (number) => number > left,
    );
    this.#log.enterSegment(next);
    unlinkSync(segmentPath(this.#options.directory, left));
    return null;
  }

  async #ship(batch: Batch): Promise<void> {
    const { bytes, records } = this.#stretches.of(batch);
    const lines = splitTables(records.map((record) => record.payload));
    const identity = `${this.#options.spoolId}:${batch.segment}:${batch.from}-${batch.to}:${crc32(bytes)}`;
    for (const table of [...batch.tables]) {
      const sent = await this.#insert(batch, table, lines[table], `${identity}:${table}`);
      if (this.#abandon.signal.aborted && !sent) return;
      if (!sent) return this.#isolate(batch, records);
      this.#log.tableDone(batch, table);
    }
    this.#log.done(batch);
    this.#waitingSince = this.waitingBytes > 0 ? Date.now() : null;
    this.stats.shippedBatches++;
    this.stats.shippedRows += records.length;
  }

  /** @returns whether the rows are in the store; false when the store refuses their content (or at the very end). */
  async #insert(batch: Batch, table: ShippedTable, { plain, once }: TableLines, token: string): Promise<boolean> {
    if (plain.length === 0 && once.length === 0) return true;
    for (let backoff = firstBackoffMs; ; backoff = Math.min(backoff * 2, longestBackoffMs)) {
      try {
        const db = await this.#connect();
        if (plain.length > 0) await this.#insertPlain(db, batch, table, plain, token);
        if (once.length > 0)
          await insertMissing(db, table, await missingLines(db, table, once, 'any'), `${token}:once`);
        this.#reached();
        return true;
      } catch (error) {
        if (error instanceof ClickHouseError && dataErrors.has(Number(error.code))) return false;
        this.#failed(error, batch);
        await delay(backoff, undefined, { signal: this.#abandon.signal }).catch(() => undefined);
        if (this.#abandon.signal.aborted) return false;
      }
    }
  }

  async #insertPlain(db: Db, batch: Batch, table: ShippedTable, lines: Buffer[], token: string): Promise<void> {
    const trusted = batch.triedAt === null || Date.now() - batch.triedAt <= tokenTrustMs;
    if (trusted) await insertLines(db, table, this.#joined.join(lines), token);
    // With replicas the token and the part are noted in one transaction, and another replica may not show it yet.
    const doubtful = batch.triedAt !== null && (!trusted || this.#options.cluster === undefined);
    if (doubtful) await insertMissing(db, table, await missingLines(db, table, lines), token);
  }

  /** A record that the store will not take is set aside; a batch that holds one is halved. */
  #isolate(batch: Batch, records: { offset: number; payload: Buffer }[]): void {
    const middle = records[Math.floor(records.length / 2)];
    if (records.length > 1 && middle !== undefined) {
      this.#log.split(batch, batch.from + middle.offset);
      return;
    }
    const payload = records[0]?.payload;
    if (payload !== undefined) {
      appendFileSync(join(this.#options.directory, 'rejected.log'), payload, { mode: 0o600 });
      this.stats.rejectedRows++;
    }
    this.#log.done(batch);
  }

  async #connect(): Promise<Db> {
    if (this.#db !== null) return this.#db;
    const { clickhouseUrl, cluster, retainDays, retainBodiesDays } = this.#options;
    await migrate(clickhouseUrl, { retainDays, retainBodiesDays, ...(cluster === undefined ? {} : { cluster }) });
    this.#db = openDb(clickhouseUrl, { application: 'weir-shipper', timeoutMs: 60_000 });
    return this.#db;
  }

  #reached(): void {
    this.stats.storeReachable = true;
    this.stats.storeError = '';
  }

  #failed(error: unknown, batch: Batch): void {
    this.stats.shipRetries++;
    this.#unreached(error);
    this.#log.tried(batch, Date.now());
  }

  #unreached(error: unknown): void {
    this.stats.storeReachable = error instanceof ClickHouseError;
    // The server's words may hold pieces of rows; its code says enough.
    this.stats.storeError = error instanceof ClickHouseError ? `ClickHouse error ${error.code}` : errorCode(error);
  }

  /** Sleeps until something is written, or for `ms`. */
  async #sleep(ms: number): Promise<void> {
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, ms);
      this.#wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
    this.#wake = null;
  }
}

/**
 * Inserts the lines whose rows are not there, under a token of their own. A token says nothing when it is so old that
 * the server may have forgotten it, or when a server died between noting it and keeping its part.
 */
async function insertMissing(db: Db, table: ShippedTable, missing: Buffer[], token: string): Promise<void> {
  if (missing.length > 0) await insertLines(db, table, Buffer.concat(missing), `${token}:${digest(missing)}`);
}

function digest(lines: Buffer[]): string {
  const hash = createHash('sha256');
  for (const line of lines) hash.update(line);
  return hash.digest('hex').slice(0, 16);
}

function errorCode(error: unknown): string {
  if (!(error instanceof Error)) return 'unknown error';
  return (error as NodeJS.ErrnoException).code ?? error.message.slice(0, 200);
}
