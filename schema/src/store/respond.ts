import { randomBytes } from 'node:crypto';
import type { ServerResponse } from 'node:http';
import type { Readable, Writable } from 'node:stream';
import { createGzip } from 'node:zlib';
import { formatError, readStatus, StoreError } from './errors.ts';
import { readContentType } from './formats.ts';
import type { Sink, Summary } from './run.ts';

export interface Responder extends Sink {
  /** A whole result. */
  send(bytes: Buffer, summary: Summary): void;
  /** An error: its own status while no byte has gone out, a marked trailer and a broken connection after. */
  fail(error: StoreError): void;
}

export interface ResponderOptions {
  readonly response: ServerResponse;
  readonly format: string;
  readonly queryId: string;
  readonly compress: boolean;
  readonly waitForEnd: boolean;
  readonly engineVersion: string;
}

// A result is held until it has ended or is this long: a small one gets its whole summary, and an error its own status.
const heldBytes = 256 * 1024;

/** Writes results and errors as ClickHouse's HTTP interface does. */
export function makeResponder(options: ResponderOptions): Responder {
  const { response } = options;
  const tag = randomBytes(8).toString('hex');
  let out: Writable = response;
  let started = false;

  function start(summary: Summary | undefined): void {
    started = true;
    response.setHeader('Content-Type', readContentType(options.format));
    response.setHeader('X-ClickHouse-Format', options.format);
    response.setHeader('X-ClickHouse-Exception-Tag', tag);
    response.setHeader('X-ClickHouse-Summary', JSON.stringify(summary ?? unknownSummary));
    setCommon(response, options.queryId);
    if (options.compress) {
      response.setHeader('Content-Encoding', 'gzip');
      const gzip = createGzip({ level: 3 });
      gzip.pipe(response);
      out = gzip;
    }
  }

  async function consume(output: Readable, ended: Promise<Summary>): Promise<void> {
    const held: Buffer[] = [];
    let length = 0;
    for await (const chunk of output as AsyncIterable<Buffer>) {
      if (response.destroyed) continue;
      if (!started) {
        held.push(chunk);
        length += chunk.length;
        if (length <= heldBytes || (options.waitForEnd && length <= 64 * heldBytes)) continue;
        start(undefined);
        await write(out, response, Buffer.concat(held.splice(0)));
      } else await write(out, response, chunk);
    }
    const summary = await ended;
    if (response.destroyed) return;
    if (!started) {
      start(summary);
      if (!options.compress) response.setHeader('Content-Length', length);
    }
    out.end(Buffer.concat(held));
  }

  function fail(error: StoreError): void {
    const text = formatError(error, options.engineVersion);
    if (!started) {
      sendError(response, error, options);
    } else if (!response.destroyed) {
      out.write(`\r\n__exception__\r\n${tag}\r\n${text}${Buffer.byteLength(text)} ${tag}\r\n__exception__\r\n`, () => {
        // A clean end would say that the result is whole.
        setImmediate(() => response.destroy());
      });
    }
  }

  return {
    consume,
    fail,
    send(bytes, summary) {
      start(summary);
      if (!options.compress) response.setHeader('Content-Length', bytes.length);
      out.end(bytes);
    },
  };
}

/** Answers with an error; nothing has been sent yet. */
export function sendError(
  response: ServerResponse,
  error: StoreError,
  options: { queryId: string; engineVersion: string },
): void {
  if (response.headersSent || response.destroyed) return;
  const body = Buffer.from(formatError(error, options.engineVersion));
  response.statusCode = readStatus(error);
  response.setHeader('Content-Type', 'text/plain; charset=UTF-8');
  response.setHeader('X-ClickHouse-Exception-Code', String(error.code));
  response.setHeader('Content-Length', body.length);
  if (response.statusCode === 401) response.setHeader('WWW-Authenticate', 'Basic realm="ClickHouse server HTTP API"');
  setCommon(response, options.queryId);
  response.end(body);
}

function setCommon(response: ServerResponse, queryId: string): void {
  response.setHeader('X-ClickHouse-Query-Id', queryId.replace(/[^\x20-\x7e]/g, '?'));
  response.setHeader('X-ClickHouse-Timezone', 'UTC');
  response.setHeader('X-ClickHouse-Server-Display-Name', 'weir');
}

const unknownSummary = {
  read_rows: '0',
  read_bytes: '0',
  written_rows: '0',
  written_bytes: '0',
  result_rows: '0',
  elapsed_ns: '0',
} satisfies Summary;

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
