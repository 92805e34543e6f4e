import { StoreError } from './errors.ts';
import { readTokens } from './lexer.ts';
import type { Token } from './lexer.ts';
import { quoteString } from './literal.ts';

/** What a request asks the engine to run. */
export type Statement =
  | {
      /** Rows come back, in any number: SELECT and WITH. `head` ends before FORMAT; `tail` is what followed it. */
      readonly kind: 'select';
      readonly sql: string;
      readonly head: string;
      readonly format: string | undefined;
      readonly tail: string;
    }
  | { readonly kind: 'insert'; readonly prefix: string; readonly data: Buffer }
  /** An insert whose data the engine reads from a file. */
  | { readonly kind: 'infile'; readonly sql: string }
  | { readonly kind: 'command'; readonly verb: string; readonly sql: string; readonly format: string | undefined };

// A statement longer than this is refused, as max_query_size does; the data of an INSERT does not count.
const maxStatementBytes = 1 << 20;

/** Reads the statement out of the bytes that a request brought, one after the other as ClickHouse joins them. */
export function parseStatement(parts: readonly Buffer[]): Statement {
  const bytes = joinParts(parts);
  // latin1 keeps one character to a byte, so that positions in the text are positions in the bytes.
  const text = bytes.subarray(0, maxStatementBytes).toString('latin1');
  const first = readTokens(text).next();
  if (first.done) throw new StoreError(62, 'SYNTAX_ERROR', 'Empty query');
  if (first.value.text === 'INSERT') {
    const insert = splitInsert(bytes, text);
    if (insert) return insert;
  }
  if (bytes.length > maxStatementBytes) {
    throw new StoreError(
      62,
      'SYNTAX_ERROR',
      `The statement is longer than ${maxStatementBytes} bytes (max_query_size)`,
    );
  }
  return splitStatement(bytes, text, first.value);
}

function splitInsert(bytes: Buffer, text: string): Statement | undefined {
  let previous: Token | undefined;
  let sawFormat = false;
  let selects = false;
  for (const token of readTokens(text)) {
    if (token.depth === 0 && sawFormat && token.kind === 'word') return insertAt(bytes, token.end);
    if (token.depth === 0 && token.kind === 'word') {
      if (token.text === 'SELECT' || token.text === 'WITH') selects = true;
      if (token.text === 'INFILE') {
        throw new StoreError(
          48,
          'NOT_IMPLEMENTED',
          'INSERT FROM INFILE reads the client’s files: send the data in the request',
        );
      }
      if (token.text === 'VALUES' && !selects && previous?.text !== 'FUNCTION') return insertAt(bytes, token.end);
    }
    sawFormat = token.depth === 0 && token.text === 'FORMAT' && token.kind === 'word' && startsFormat(previous);
    previous = token;
  }
  return undefined;
}

function insertAt(bytes: Buffer, end: number): Statement {
  // As ClickHouse's parser: blanks, then at most one end of line, belong to the statement. The engine's entry adds its own.
  let at = end;
  while (bytes[at] === 0x20 || bytes[at] === 0x09 || bytes[at] === 0x0c) at += 1;
  if (bytes[at] === 0x0d) at += 1;
  if (bytes[at] === 0x0a) at += 1;
  return { kind: 'insert', prefix: bytes.toString('utf8', 0, end), data: bytes.subarray(at) };
}

/** The insert as one that reads a file of ours, or nothing where the engine has no such form: with a SELECT from `input()`. */
export function readInfile(prefix: string, file: { path: string; compression: string }): string | undefined {
  const tokens = [...readTokens(prefix)].filter((token) => token.depth === 0 && token.kind === 'word');
  if (tokens.some(({ text }) => text === 'SELECT' || text === 'WITH' || text === 'WATCH')) return undefined;
  const last = tokens.at(-1)!;
  const settings = tokens.find(({ text }) => text === 'SETTINGS');
  const named = tokens.at(-2)?.text === 'FORMAT';
  const format = named ? tokens.at(-2)! : last;
  const name = named ? prefix.slice(last.start, last.end) : 'Values';
  const head = prefix.slice(0, settings?.start ?? format.start);
  const clause = settings ? prefix.slice(settings.start, format.start) : '';
  const from = `FROM INFILE ${quoteString(file.path)} COMPRESSION ${quoteString(file.compression)}`;
  return `${head} ${from} ${clause} FORMAT ${name}`;
}

function splitStatement(bytes: Buffer, text: string, first: Token): Statement {
  const tokens = [...readTokens(text)];
  const end = tokens.findIndex((token) => token.text === ';' && token.kind === 'mark');
  if (end >= 0 && tokens.slice(end).some((token) => token.text !== ';')) {
    throw new StoreError(
      62,
      'SYNTAX_ERROR',
      'Syntax error (Multi-statements are not allowed): one statement in a request',
    );
  }
  const body = end >= 0 ? tokens.slice(0, end) : tokens;
  const stop = end >= 0 ? tokens[end]!.start : bytes.length;
  const cut = (from: number, to: number) => bytes.toString('utf8', from, to);
  const at = findFormat(body);
  const format = at === undefined ? undefined : cut(body[at + 1]!.start, body[at + 1]!.end);
  const sql = cut(0, stop);
  if (!selecting.has(first.text)) return { kind: 'command', verb: first.text, sql, format };
  refuseOutfile(body);
  if (at === undefined) return { kind: 'select', sql, head: sql, format, tail: '' };
  return { kind: 'select', sql, head: cut(0, body[at]!.start), format, tail: cut(body[at + 1]!.end, stop) };
}

const selecting = new Set(['SELECT', 'WITH', 'FROM', '(']);

/** Index of the FORMAT of a `FORMAT Name` at the end (SETTINGS may follow), told from a column that is called format. */
function findFormat(tokens: readonly Token[]): number | undefined {
  for (let at = tokens.length - 2; at > 0; at -= 1) {
    const token = tokens[at]!;
    const after = tokens[at + 2];
    if (token.kind !== 'word' || token.text !== 'FORMAT' || token.depth !== 0) continue;
    if (tokens[at + 1]!.kind !== 'word' || (after && after.text !== 'SETTINGS')) continue;
    if (startsFormat(tokens[at - 1])) return at;
  }
  return undefined;
}

const beforeAnExpression = new Set(
  'SELECT FROM JOIN AS BY WHERE HAVING AND OR NOT IN ON USING DISTINCT PREWHERE INTO TABLE'.split(' '),
);

function startsFormat(previous: Token | undefined): boolean {
  if (!previous) return false;
  if (previous.kind === 'word') return !beforeAnExpression.has(previous.text);
  return previous.kind !== 'mark' || ')]}*'.includes(previous.text);
}

function refuseOutfile(tokens: readonly Token[]): void {
  const at = tokens.findIndex((token, i) => token.text === 'OUTFILE' && tokens[i - 1]?.text === 'INTO');
  if (at >= 0) throw new StoreError(48, 'NOT_IMPLEMENTED', 'INTO OUTFILE is not allowed: the result is the response');
}

function joinParts(parts: readonly Buffer[]): Buffer {
  const given = parts.filter((part) => part.length > 0);
  if (given.length < 2) return given[0] ?? Buffer.alloc(0);
  return Buffer.concat(given.flatMap((part, i) => (i ? [Buffer.from('\n'), part] : [part])));
}
