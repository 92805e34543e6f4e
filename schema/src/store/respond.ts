import { randomBytes } from 'node:crypto';
import type { ServerResponse } from 'node:http';
import type { Readable, Transform, Writable } from 'node:stream';
import { makeBlock, makeBlockEncoder } from './blocks.ts';
import { EarlyHead } from './early-head.ts';
import { isEngines, makeEncoder } from './encoding.ts';
import type { Encoding } from './encoding.ts';
import { formatError, readStatus, StoreError } from './errors.ts';
import { readContentType } from './formats.ts';
import { storedFrames } from './frames.ts';
import type { Sink } from './run.ts';
import { emptySummary, readStatistics } from './summary.ts';
import type { Summary } from './summary.ts';

export interface Responder extends Sink {
  /** A whole result; one that is not of rows has no format. */
  send(bytes: Buffer, summary: Partial<Summary>, rows: boolean): void;
  /** Whether the end of the answer has been sent. */
  answered(): boolean;
  /** How far the statement is: an X-ClickHouse-Progress header, while no byte of the body has gone out. */
  progress(sample: Partial<Summary>): void;
  /** An error: its own status while no byte has gone out, a marked trailer and a broken connection after. */
  fail(error: StoreError): void;
}

export interface ResponderOptions {
  readonly response: ServerResponse;
  readonly format: string;
  readonly queryId: string;
  readonly timezone: string;
  readonly encoding: Encoding | undefined;
  readonly level: number;
  /** Everything goes out in ClickHouse's own blocks. */
  readonly blocks: boolean;
  /** The least that the client wants to be held (`buffer_size`). */
  readonly bufferBytes: number;
  readonly engineVersion: string;
}

// A result is held until it has ended, or is this long, or its first bytes are this old: a small one gets its whole summary.
const heldBytes = 256 * 1024;
const heldMs = 50;
const mostHeldBytes = 16 * 1024 * 1024;

/** Writes results and errors as ClickHouse's HTTP interface does. */
export function makeResponder(options: ResponderOptions): Responder {
  const { response } = options;
  const tag = randomBytes(8).toString('hex');
  const early = new EarlyHead(response);
  const most = Math.min(mostHeldBytes, Math.max(heldBytes, options.bufferBytes));
  const held: Buffer[] = [];
  let sampled: Partial<Summary> = {};
  let length = 0;
  let out: Writable = response;
  let encoder: Transform | undefined;
  let flush = (): void => undefined;
  let started = false;
  let answered = false;

  /** Sends the head of a result of rows; `whole` is the length of the body, where it is known. */
  function start(summary: Partial<Summary>, encoding: Encoding | undefined, whole?: number): void {
    response.setHeader('Content-Type', readContentType(options.format));
    response.setHeader('X-ClickHouse-Format', options.format);
    response.setHeader('X-ClickHouse-Exception-Tag', tag);
    if (encoding) response.setHeader('Content-Encoding', encoding);
    if (options.blocks) encoder = makeBlockEncoder();
    else if (encoding && !isEngines(encoding)) {
      const zlib = makeEncoder(encoding, options.level);
      flush = () => zlib.flush();
      encoder = zlib;
    }
    sendHead(summary, encoder ? undefined : whole);
    if (!encoder) return;
    const body = out;
    encoder.on('error', () => response.destroy());
    encoder.on('end', () => (failed ? response.write('', cut) : body.end()));
    encoder.pipe(body, { end: false });
    out = encoder;
  }

  function sendHead(summary: Partial<Summary>, whole: number | undefined): void {
    started = true;
    setCommon(response, options);
    response.setHeader('X-ClickHouse-Summary', JSON.stringify({ ...emptySummary, ...sampled, ...summary }));
    if (early.begun) out = early.end();
    else if (whole !== undefined) response.setHeader('Content-Length', whole);
  }

  function flushHeld(summary: Partial<Summary>): void {
    if (started || response.destroyed) return;
    start(summary, options.encoding);
    out.write(Buffer.concat(held.splice(0)));
    flush();
  }

  async function consume(output: Readable, ended: Promise<Partial<Summary>>, known?: Partial<Summary>): Promise<void> {
    let timer: NodeJS.Timeout | undefined;
    for await (const chunk of output as AsyncIterable<Buffer>) {
      length += chunk.length;
      if (response.destroyed) continue;
      if (started) {
        await write(out, response, chunk);
        continue;
      }
      held.push(chunk);
      if (length > most) flushHeld(known ?? {});
      else if (options.bufferBytes === 0) timer ??= setTimeout(() => flushHeld({}), heldMs);
    }
    clearTimeout(timer);
    const summary = await ended;
    if (response.destroyed) return;
    const bytes = Buffer.concat(held.splice(0));
    const read = options.encoding ? {} : readStatistics(options.format, bytes);
    if (!started) start({ ...summary, ...read }, options.encoding, length);
    answered = true;
    out.end(bytes);
  }

  function fail(error: StoreError): void {
    answered = true;
    if (response.destroyed) return;
    if (!started && (early.begun || isRowless(held, options.encoding))) held.length = 0;
    // As on a server: what has been written stands, and the error follows it.
    if (held.length) flushHeld({});
    if (started) return breakOff(formatError(error, options.engineVersion));
    if (!early.begun) return sendError(response, error, options);
    started = true;
    setErrorHeaders(response, error, options);
    early.end().end(errorBody(error, options));
  }

  let failed = false;
  // A clean end would say that the result is whole.
  const cut = () => setImmediate(() => response.destroy());

  function breakOff(text: string): void {
    failed = true;
    const trailer = `\r\n__exception__\r\n${tag}\r\n${text}${Buffer.byteLength(text)} ${tag}\r\n__exception__\r\n`;
    const bytes = Buffer.from(trailer);
    if (encoder) encoder.end(bytes);
    else
      out.write(options.encoding && isEngines(options.encoding) ? storedFrames[options.encoding](bytes) : bytes, cut);
  }

  return {
    consume,
    fail,
    answered: () => answered,
    progress(sample) {
      sampled = sample;
      if (started || response.destroyed) return;
      if (!early.begun) setCommon(response, options);
      early.write('X-ClickHouse-Progress', JSON.stringify({ ...emptySummary, ...sample }));
    },
    send(bytes, summary, rows) {
      // The engine compresses only what it writes into the pipe.
      const encoding = options.encoding && !isEngines(options.encoding) ? options.encoding : undefined;
      if (rows) start({ ...summary, ...readStatistics(options.format, bytes) }, encoding, bytes.length);
      else {
        response.setHeader('Content-Type', 'text/plain; charset=UTF-8');
        sendHead(summary, bytes.length);
      }
      answered = true;
      out.end(bytes);
    },
  };
}

/** The beginning of a document in JSON before its first row; or, compressed by the engine, an end without a beginning. */
function isRowless(held: readonly Buffer[], encoding: Encoding | undefined): boolean {
  const bytes = Buffer.concat(held);
  if (encoding && isEngines(encoding)) return bytes.length < 16;
  return bytes.length < 65536 && /"data":\s*[[{]\s*$/.test(bytes.toString('latin1'));
}

/** Answers with an error; nothing has been sent yet. */
export function sendError(
  response: ServerResponse,
  error: StoreError,
  options: { queryId: string; timezone: string; engineVersion: string; blocks: boolean },
): void {
  if (response.headersSent || response.destroyed) return;
  const body = errorBody(error, options);
  response.statusCode = readStatus(error);
  setErrorHeaders(response, error, options);
  response.setHeader('Content-Length', body.length);
  if (response.statusCode === 401) response.setHeader('WWW-Authenticate', 'Basic realm="ClickHouse server HTTP API"');
  response.end(body);
}

/** As on a server, an error is compressed as the result would have been. */
function errorBody(error: StoreError, options: { engineVersion: string; blocks: boolean }): Buffer {
  const text = Buffer.from(formatError(error, options.engineVersion));
  return options.blocks ? makeBlock(text) : text;
}

function setErrorHeaders(
  response: ServerResponse,
  error: StoreError,
  options: { queryId: string; timezone: string },
): void {
  setCommon(response, options);
  response.setHeader('Content-Type', 'text/plain; charset=UTF-8');
  response.setHeader('X-ClickHouse-Exception-Code', String(error.code));
}

function setCommon(response: ServerResponse, options: { queryId: string; timezone: string }): void {
  response.setHeader('X-ClickHouse-Query-Id', options.queryId.replace(/[^\x20-\x7e]/g, '?'));
  response.setHeader('X-ClickHouse-Timezone', options.timezone.replace(/[^\x20-\x7e]/g, '?'));
  response.setHeader('X-ClickHouse-Server-Display-Name', 'weir');
}

/** Writes and waits until there is room again, or until the client has gone. */
function write(out: Writable, response: ServerResponse, chunk: Buffer): Promise<void> | undefined {
  if (out.write(chunk) || response.destroyed) return undefined;
  return new Promise((resolve) => {
    const done = () => {
      out.off('drain', done);
      response.off('close', done);
      resolve();
    };
    out.once('drain', done);
    response.once('close', done);
  });
}
