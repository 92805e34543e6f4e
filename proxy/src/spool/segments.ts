/**
 * Segments: rows on their way to the store, in append-only files `rows-<number>.log`.
 *
 * A record is everything one call leaves behind, so that a crash keeps all of its rows or none. It is
 * `length u32 | crc32 u32 | payload`, little endian; the payload is lines, each a table's letter and a JSON object. One
 * writer appends; the shipper reads and deletes a file when all of its records are in the store. A crash can leave a torn
 * record at the end of the last file: its checksum is wrong, and the call comes back from its marks.
 */
import { closeSync, fdatasyncSync, openSync, readdirSync, readSync, statSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { crc32 } from 'node:zlib';
import type { Table } from '@weir/schema/records';

const rotateBytes = 32 * 1024 * 1024;
export const recordHead = 8;

/** Tables in the order in which they are inserted: a request that can be seen has its attempts and bodies. */
export const shippedTables = ['bodies', 'attempts', 'requests'] as const satisfies readonly Table[];
export type ShippedTable = (typeof shippedTables)[number];
export const tableLetters: Record<ShippedTable, string> = { bodies: 'b', attempts: 'a', requests: 'r' };
/** The same for rows that may be told again: they are inserted where no row of their id is there. */
export const onceLetters: Record<ShippedTable, string> = { bodies: 'B', attempts: 'A', requests: 'R' };

/** A row on its way to its table. */
export interface SpooledRow {
  table: ShippedTable;
  /** Columns of the table. A text may be `Utf8Text`, a map of texts a `Map`: what the encoder writes without a detour. */
  row: object;
  /** Its id follows from what it tells: a second one is not inserted, now or later. */
  once?: true;
}

export function segmentPath(directory: string, number: number): string {
  return join(directory, `rows-${String(number).padStart(8, '0')}.log`);
}

/** Numbers of the files `<prefix>-<number>.<suffix>` in a folder, ascending. */
export function fileNumbers(directory: string, prefix: string, suffix: string): number[] {
  const pattern = new RegExp(`^${prefix}-(\\d+)\\.${suffix}$`);
  return readdirSync(directory)
    .map((name) => pattern.exec(name)?.[1])
    .filter((digits) => digits !== undefined)
    .map(Number)
    .sort((a, b) => a - b);
}

/** A record's place in the bytes it was read from, and a view of what it holds. */
export interface SpooledRecord {
  offset: number;
  payload: Buffer;
}

/** The records of `bytes`. Ends at the first one that is torn. */
export function* readRecords(bytes: Buffer): Generator<SpooledRecord> {
  let offset = 0;
  while (offset + recordHead <= bytes.length) {
    const size = bytes.readUInt32LE(offset);
    const end = offset + recordHead + size;
    if (end > bytes.length) return;
    const payload = bytes.subarray(offset + recordHead, end);
    if (crc32(payload) !== bytes.readUInt32LE(offset + 4)) return;
    yield { offset, payload };
    offset = end;
  }
}

/** Reads `length` bytes at `offset` into `bytes`; fewer when the file ends before. @returns what was read. */
export function readRange(
  path: string,
  offset: number,
  length: number,
  bytes: Buffer = Buffer.allocUnsafe(length),
): Buffer {
  const file = openSync(path, 'r');
  try {
    let done = 0;
    while (done < length) {
      const count = readSync(file, bytes, done, length - done, offset + done);
      if (count === 0) break;
      done += count;
    }
    return bytes.subarray(0, done);
  } finally {
    closeSync(file);
  }
}

/** How many records lie between two offsets, by their heads alone. */
export function countRecords(path: string, from = 0, to = Infinity): number {
  const end = Math.min(to, fileSize(path));
  if (from + recordHead > end) return 0;
  const file = openSync(path, 'r');
  const head = Buffer.alloc(recordHead);
  let count = 0;
  for (let offset = from; offset + recordHead <= end; count++) {
    readSync(file, head, 0, recordHead, offset);
    offset += recordHead + head.readUInt32LE(0);
    if (offset > end) break;
  }
  closeSync(file);
  return count;
}

export function fileSize(path: string): number {
  return statSync(path, { throwIfNoEntry: false })?.size ?? 0;
}

/** The writing end. */
export class SegmentWriter {
  number: number;
  /** Bytes written to the current file. */
  size = 0;
  #file: number;

  constructor(
    private readonly directory: string,
    number: number,
  ) {
    this.number = number;
    this.#file = openSync(segmentPath(directory, number), 'a', 0o600);
    this.size = fileSize(segmentPath(directory, number));
  }

  /**
   * Appends whole records.
   * @throws when the disk refuses. Then nothing of them counts as written: the file goes on behind the torn part.
   */
  append(records: Buffer): void {
    if (this.size >= rotateBytes) this.#rotate();
    let done = 0;
    try {
      while (done < records.length) done += writeSync(this.#file, records, done);
    } catch (error) {
      if (done > 0) this.#rotate();
      throw error;
    }
    this.size += records.length;
  }

  sync(): void {
    fdatasyncSync(this.#file);
  }

  close(): void {
    closeSync(this.#file);
  }

  #rotate(): void {
    const next = openSync(segmentPath(this.directory, this.number + 1), 'a', 0o600);
    closeSync(this.#file);
    this.#file = next;
    this.number++;
    this.size = 0;
  }
}
