/**
 * A result as the store wrote it, in any format, passed on as it comes: for exports, where nobody here reads the rows.
 * ClickHouse sends its status before it has read all rows, so an error may come after a million good ones; it is then
 * written into the body behind a marker that only this response knows (`X-ClickHouse-Exception-Tag`), and the connection
 * is broken. @clickhouse/client looks for that marker in the formats that it parses itself, not in the bytes of `exec`.
 */
import type { Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { ClickHouseError, type DataFormat, type Db } from './db.ts';

export interface RawQuery {
  /** As it was written; a FORMAT clause in it wins over `format`. */
  statement: string;
  format: string;
  /** Values of `{name:Type}`: text as it is, lists and maps as ClickHouse writes them (`['a', 'b']`); null is NULL. */
  params?: Record<string, string | null>;
  /** Seconds after which the server ends it; left to the server where it is absent. */
  limit?: number | undefined;
  signal?: AbortSignal;
}

export interface RawResult {
  /** What the server says that it writes; undefined where it says nothing (a statement without a result). */
  format: string | undefined;
  /** Ends only when the result is whole. @throws ClickHouseError, or an error that says that the connection broke. */
  bytes: AsyncIterable<Buffer>;
  /** Gives the rest up; the server then ends the query. */
  close(): void;
}

/** Runs a statement. @throws ClickHouseError, or a network error, when it fails before the first byte. */
export async function openRaw(db: Db, query: RawQuery): Promise<RawResult> {
  const answer = await db.exec({
    query: query.statement,
    // Its own reading of errors takes the first word in capitals and brackets, which a syntax error quotes, for the type.
    ignore_error_response: true,
    ...(query.signal === undefined ? {} : { abort_signal: query.signal }),
    clickhouse_settings: {
      ...parametersOf(query),
      // No setting but a parameter of the HTTP interface (the client's list of formats is shorter than the server's): a FORMAT clause would have to be put into a text that may have one.
      default_format: query.format as DataFormat,
      ...(query.limit === undefined ? {} : { max_execution_time: query.limit }),
    },
  });
  const { stream, response_headers: headers, http_status_code: status } = answer;
  if (status === undefined || status >= 400) throw readError(await text(stream));
  const header = (name: string): string | undefined => {
    const value = headers[name];
    return Array.isArray(value) ? value[0] : value;
  };
  const tag = header('x-clickhouse-exception-tag');
  return {
    format: header('x-clickhouse-format'),
    bytes: whole(stream, tag),
    close: () => void stream.destroy(),
  };
}

/**
 * Parameters in the spelling of the HTTP interface. A text is read there as tab-separated data is, so what is special in it is
 * escaped; a list is read as a literal, whose own escapes must stay (the client's `query_params` escapes both).
 */
function parametersOf({ statement, params = {} }: RawQuery): Record<string, string> {
  const literal = (name: string): boolean =>
    new RegExp(`\\{\\s*${name}\\s*:\\s*(Array|Tuple|Map)\\b`, 'i').test(statement);
  return Object.fromEntries(
    Object.entries(params).map(([name, value]) => {
      if (value === null) return [`param_${name}`, '\\N'];
      return [`param_${name}`, literal(name) ? value : value.replace(/[\\\t\n\r]/g, (mark) => escapes[mark] ?? mark)];
    }),
  );
}

const escapes: Readonly<Record<string, string>> = { '\\': '\\\\', '\t': '\\t', '\n': '\\n', '\r': '\\r' };

/** The bytes before the marker. What may be the beginning of one is held back until more has come. */
async function* whole(source: Readable, tag: string | undefined): AsyncGenerator<Buffer> {
  const parts = splitter(tag);
  try {
    for await (const chunk of source as AsyncIterable<Buffer>) {
      const rows = parts.push(chunk);
      if (rows.length > 0) yield rows;
    }
  } catch (error) {
    // The server breaks the connection once it has said why. Its words may have come with the end, ahead of a slow reader.
    for (let rest: unknown; (rest = source.read()) !== null;) parts.push(rest as Buffer);
    if (parts.error() === undefined) throw new Error(broken, { cause: error });
  }
  const error = parts.error();
  if (error !== undefined) throw readError(error);
  if (parts.held().length > 0) yield parts.held();
}

/** ClickHouse's error from its text: `Code: 62. DB::Exception: … (SYNTAX_ERROR) (version …)`. */
function readError(words: string): Error {
  const match = /Code: (\d+)\. DB::Exception: ([^]*) \(([A-Z][A-Z0-9_]+)\)(?: \(version |\s*$)/.exec(words);
  if (match === null)
    return new Error(words.trim().slice(0, 1_000) || 'The store answered with an error without a word.');
  const [, code = '', message = '', type = ''] = match;
  return new ClickHouseError({ code, message, type });
}

/** Tells the rows from the server's words after the marker. */
function splitter(tag: string | undefined): {
  push(chunk: Buffer): Buffer;
  held(): Buffer;
  error(): string | undefined;
} {
  const marker = Buffer.from(`\r\n__exception__\r\n${tag ?? ''}\r\n`);
  const words: Buffer[] = [];
  let held: Buffer = Buffer.alloc(0);
  return {
    push: (chunk) => {
      if (tag === undefined) return chunk;
      if (words.length > 0) {
        words.push(chunk);
        return Buffer.alloc(0);
      }
      const joined = held.length === 0 ? chunk : Buffer.concat([held, chunk]);
      const at = joined.indexOf(marker);
      if (at >= 0) words.push(joined.subarray(at + marker.length));
      const end = at >= 0 ? at : joined.length - beginning(joined, marker);
      held = at >= 0 ? Buffer.alloc(0) : joined.subarray(end);
      return joined.subarray(0, end);
    },
    held: () => held,
    error: () => (words.length === 0 ? undefined : Buffer.concat(words).toString('utf8')),
  };
}

/** How many bytes at the end of `bytes` may be the beginning of `marker`. */
function beginning(bytes: Buffer, marker: Buffer): number {
  for (let at = Math.max(0, bytes.length - marker.length + 1); ; at += 1) {
    at = bytes.indexOf(0x0d, at);
    if (at < 0) return 0;
    const length = bytes.length - at;
    if (bytes.compare(marker, 0, length, at) === 0) return length;
  }
}

const broken = 'The connection broke before the result was whole.';
