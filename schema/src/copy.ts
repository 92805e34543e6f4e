/**
 * Copies a table from one ClickHouse to another by stretches of time, and tells by counts and checksums whether a stretch is
 * there. What is equal is left alone, so that a copy that was broken off, or rows that came meanwhile, cost what is missing
 * and no more. Nothing on the target is ever overwritten or deleted.
 */
import { Readable } from 'node:stream';
import { finished } from 'node:stream/promises';
import { z } from 'zod';
import type { Db } from './db.ts';
import { openRaw } from './raw.ts';
import { columns, type Table } from './records.ts';
import { quoteString } from './store/literal.ts';

export interface CopiedTable {
  table: Table;
  /** The column by which the table is sorted and cut into days. */
  time: 'started_at' | 'request_started_at';
  /** What names a row, as text. */
  key: string;
  /** Rows may be replaced: only the newest version of each counts. */
  replacing: boolean;
  /** Rows that go in one statement. */
  pieceRows: number;
}

/** In the order in which rows are written: a request that can be seen has its attempts and bodies. */
export const copiedTables: readonly CopiedTable[] = [
  { table: 'bodies', time: 'started_at', key: 'toString(request_id)', replacing: false, pieceRows: 20_000 },
  {
    table: 'attempts',
    time: 'started_at',
    key: "concat(toString(request_id), ':', toString(attempt_index))",
    replacing: false,
    pieceRows: 500_000,
  },
  { table: 'requests', time: 'started_at', key: 'toString(request_id)', replacing: false, pieceRows: 500_000 },
  { table: 'scores', time: 'request_started_at', key: 'score_id', replacing: true, pieceRows: 500_000 },
];

export interface Ends {
  source: Db;
  target: Db;
}

/** What a stretch came to, in rows. `differing`: the same key on both sides, other content; left as it is. */
export interface Copied {
  copied: number;
  missing: number;
  differing: number;
}

/** Microseconds since 1970: `from` inclusive, `to` exclusive. */
export interface Span {
  from: bigint;
  to: bigint;
}

interface Digest {
  rows: number;
  sum: string;
}

const leafRows = 5_000;
const keysPerStatement = 200;
const dayMicros = 86_400_000_000n;

/** Days on which the source has rows that the target has not, or others. Oldest first. @param since microseconds. */
export async function differingDays(
  ends: Ends,
  table: CopiedTable,
  since: bigint,
): Promise<{ days: Span[]; equal: number }> {
  const [source, target] = await Promise.all([
    dayDigests(ends.source, table, since),
    dayDigests(ends.target, table, since),
  ]);
  const days: Span[] = [];
  let equal = 0;
  for (const [day, digest] of source) {
    const other = target.get(day);
    if (other !== undefined && same(digest, other)) equal++;
    else days.push({ from: BigInt(day) * dayMicros, to: (BigInt(day) + 1n) * dayMicros });
  }
  return { days, equal };
}

/**
 * Makes the target hold every row that the source has in `span`. With `look` nothing is written, and `missing` says what
 * would have been.
 */
export async function copySpan(ends: Ends, table: CopiedTable, span: Span, look = false): Promise<Copied> {
  const [source, target] = await Promise.all([digestOf(ends.source, table, span), digestOf(ends.target, table, span)]);
  if (source.rows === 0 || same(source, target)) return { copied: 0, missing: 0, differing: 0 };
  if (target.rows === 0 && look) return { copied: 0, missing: source.rows, differing: 0 };
  const whole = span.to - span.from <= 1n;
  if (target.rows === 0 && (source.rows <= table.pieceRows || whole)) {
    await copyRows(ends, table, span, '1', {}, `${source.rows}:${source.sum}`);
    return { copied: source.rows, missing: 0, differing: 0 };
  }
  if (target.rows > 0 && (Math.max(source.rows, target.rows) <= leafRows || whole))
    return copyMissing(ends, table, span, look);
  const middle = (span.from + span.to) / 2n;
  const first = await copySpan(ends, table, { from: span.from, to: middle }, look);
  const second = await copySpan(ends, table, { from: middle, to: span.to }, look);
  return add(first, second);
}

export function add(one: Copied, other: Copied): Copied {
  return {
    copied: one.copied + other.copied,
    missing: one.missing + other.missing,
    differing: one.differing + other.differing,
  };
}

/** Row by row: few enough to compare their names and hashes here. */
async function copyMissing(ends: Ends, table: CopiedTable, span: Span, look: boolean): Promise<Copied> {
  const [source, target] = await Promise.all([
    rowHashes(ends.source, table, span),
    rowHashes(ends.target, table, span),
  ]);
  const missing: string[] = [];
  let differing = 0;
  for (const [key, hash] of source) {
    const other = target.get(key);
    if (other === undefined) missing.push(key);
    else if (other !== hash) differing++;
  }
  if (look) return { copied: 0, missing: missing.length, differing };
  for (let from = 0; from < missing.length; from += keysPerStatement) {
    const keys = missing.slice(from, from + keysPerStatement);
    await copyRows(
      ends,
      table,
      span,
      `${table.key} IN {keys:Array(String)}`,
      { keys: `[${keys.map(quoteString).join()}]` },
      keys.join(),
    );
  }
  return { copied: missing.length, missing: 0, differing };
}

/** One statement on each side; the rows stream from one to the other in ClickHouse's own format, and are never all here. */
async function copyRows(
  { source, target }: Ends,
  table: CopiedTable,
  span: Span,
  condition: string,
  parameters: Record<string, string>,
  content: string,
): Promise<void> {
  const list = columns(table.table).join(', ');
  // Read so that an error after the first rows is an error here, and not the end of the rows.
  const rows = await openRaw(source, {
    statement: `SELECT ${list} FROM ${table.table} ${within(table)} AND ${condition} ORDER BY ${table.time} FORMAT Native`,
    format: 'Native',
    params: { ...bounds(span), ...parameters },
    limit: 0,
  });
  const answer = await target.exec({
    query: `INSERT INTO ${table.table} (${list}) FORMAT Native`,
    values: Readable.from(rows.bytes, { objectMode: false }),
    clickhouse_settings: {
      async_insert: 0,
      // A statement whose answer was lost may be sent again: the rows it is made of are its name.
      insert_deduplicate: 1,
      insert_deduplication_token: `copy:${table.table}:${span.from}-${span.to}:${content}`,
    },
  });
  answer.stream.resume();
  await finished(answer.stream);
}

async function digestOf(db: Db, table: CopiedTable, span: Span): Promise<Digest> {
  const [row] = await ask(
    db,
    `SELECT count() AS rows, toString(${checksum(table)}) AS sum FROM ${from(table)} ${within(table)}`,
    bounds(span),
    z.object({ rows: z.coerce.number(), sum: z.string() }),
  );
  return row ?? { rows: 0, sum: '0' };
}

async function dayDigests(db: Db, table: CopiedTable, since: bigint): Promise<Map<number, Digest>> {
  const rows = await ask(
    db,
    `SELECT toUInt32(toDate(${table.time})) AS day, count() AS rows, toString(${checksum(table)}) AS sum
      FROM ${from(table)} WHERE ${table.time} >= fromUnixTimestamp64Micro({since:Int64}, 'UTC') GROUP BY day ORDER BY day`,
    { since: String(since) },
    z.object({ day: z.number(), rows: z.coerce.number(), sum: z.string() }),
  );
  return new Map(rows.map(({ day, ...digest }) => [day, digest]));
}

async function rowHashes(db: Db, table: CopiedTable, span: Span): Promise<Map<string, string>> {
  const rows = await ask(
    db,
    `SELECT ${table.key} AS key, toString(${rowHash(table)}) AS hash FROM ${from(table)} ${within(table)}`,
    bounds(span),
    z.object({ key: z.string(), hash: z.string() }),
  );
  return new Map(rows.map(({ key, hash }) => [key, hash]));
}

/** Of a tuple, because the hash of an argument that is NULL would be NULL, and would not count. */
function rowHash({ table }: CopiedTable): string {
  return `cityHash64(tuple(${columns(table).join(', ')}))`;
}

/** A sum does not depend on the order of rows; it wraps at 2⁶⁴. */
function checksum(table: CopiedTable): string {
  return `sum(${rowHash(table)})`;
}

function from({ table, replacing }: CopiedTable): string {
  return replacing ? `${table} FINAL` : table;
}

function within({ time }: CopiedTable): string {
  const moment = (name: string): string => `fromUnixTimestamp64Micro({${name}:Int64}, 'UTC')`;
  return `WHERE ${time} >= ${moment('from')} AND ${time} < ${moment('to')}`;
}

function bounds({ from, to }: Span): Record<string, string> {
  return { from: String(from), to: String(to) };
}

function same(one: Digest, other: Digest): boolean {
  return one.rows === other.rows && one.sum === other.sum;
}

async function ask<Row>(
  db: Db,
  query: string,
  parameters: Record<string, string>,
  row: z.ZodType<Row>,
): Promise<Row[]> {
  const result = await db.query({
    query,
    format: 'JSONEachRow',
    query_params: parameters,
    clickhouse_settings: { max_execution_time: 0 },
  });
  return z.array(row).parse(await result.json());
}
