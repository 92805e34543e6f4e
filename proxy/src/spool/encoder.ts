/**
 * Rows → records. A line is what JSON.stringify would write of its row, but for what says nothing: a member that is '', null,
 * false or {} is left out, and the store takes the column's own default, which is the same (no column of these tables has
 * another). Zeros stay, because a zero is not NULL, and so do lists: earlier versions read `warnings` of every line.
 */
import { crc32 } from 'node:zlib';
import { Utf8Text } from '../json/utf8-text.ts';
import { JsonWriter } from '../json/writer.ts';
import { onceLetters, recordHead, tableLetters, type SpooledRow } from './segments.ts';

const [openBrace, closeBrace, comma, colon, lineFeed] = [0x7b, 0x7d, 0x2c, 0x3a, 0x0a] as const;

/** Writes records one behind the other. */
export class RecordEncoder {
  readonly #to = new JsonWriter();

  /** Adds the record of one call's rows. */
  add(rows: readonly SpooledRow[]): void {
    const to = this.#to;
    const start = to.size;
    to.room(recordHead);
    to.size += recordHead;
    for (const { table, row, once } of rows) {
      const letters = once === true ? onceLetters : tableLetters;
      to.byte(letters[table].charCodeAt(0));
      this.#row(row as Record<string, unknown>);
      to.byte(lineFeed);
    }
    const payload = to.bytes.subarray(start + recordHead, to.size);
    to.bytes.writeUInt32LE(payload.length, start);
    to.bytes.writeUInt32LE(crc32(payload), start + 4);
  }

  /** What was added. It is valid until the next `clear`. */
  get bytes(): Buffer {
    return this.#to.bytes.subarray(0, this.#to.size);
  }

  clear(): void {
    this.#to.clear();
  }

  #row(row: Record<string, unknown>): void {
    const to = this.#to;
    let mark: number = openBrace;
    // Faster than Object.entries, which makes a list of lists.
    for (const name in row) {
      const value = row[name];
      if (saysNothing(value)) continue;
      to.column(mark, name);
      this.#value(value);
      mark = comma;
    }
    if (mark === openBrace) to.byte(openBrace);
    to.byte(closeBrace);
  }

  #value(value: unknown): void {
    const to = this.#to;
    if (typeof value === 'string') to.string(value);
    else if (typeof value === 'number') to.ascii(Number.isFinite(value) ? String(value) : 'null');
    else if (value === true) to.ascii('true');
    else if (value instanceof Utf8Text) to.text(value);
    else if (value instanceof Map) this.#map(value as ReadonlyMap<string, string>);
    else if (Array.isArray(value) && value.length === 0) to.ascii('[]');
    else to.json(value);
  }

  #map(map: ReadonlyMap<string, string>): void {
    const to = this.#to;
    let mark: number = openBrace;
    for (const [name, value] of map) {
      to.byte(mark);
      to.string(name);
      to.byte(colon);
      to.string(value);
      mark = comma;
    }
    to.byte(closeBrace);
  }
}

/** Whether a member is its column's own default, and no version reads it out of a line. */
function saysNothing(value: unknown): boolean {
  if (value === '' || value === null || value === undefined || value === false) return true;
  if (typeof value !== 'object' || Array.isArray(value)) return false;
  if (value instanceof Map) return value.size === 0;
  if (value instanceof Utf8Text) return value.parts.length === 0;
  for (const _ in value) return false;
  return true;
}
