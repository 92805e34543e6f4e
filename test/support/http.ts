/** Raw HTTP: what was sent and what came, byte for byte; no client in between that could tidy it up. */
import { connect, type Socket } from 'node:net';
import { within } from './deadline.ts';

export interface RawResponse {
  status: number;
  /** Raw: name, value …. */
  headers: string[];
  header(name: string): string | undefined;
  /** Chunked framing undone; content codings as they came. */
  body: Buffer;
  /** The body reached the end that its framing announced. */
  complete: boolean;
}

export interface RawRequest {
  method?: string;
  path: string;
  headers?: [string, string][];
  body?: Buffer | string;
  /** Sizes of the writes in which the body is sent. */
  chunkBytes?: number;
}

/** Sends one request on a connection of its own and reads the answer to its end. */
export async function rawRequest(base: string, request: RawRequest): Promise<RawResponse> {
  const { socket } = await open(base);
  const body = Buffer.from(request.body ?? '');
  const lines = [
    `${request.method ?? 'POST'} ${request.path} HTTP/1.1`,
    `Host: ${new URL(base).host}`,
    ...(request.headers ?? []).map(([name, value]) => `${name}: ${value}`),
    ...(body.length > 0 ? [`Content-Length: ${body.length}`] : []),
    'Connection: close',
  ];
  const chunks: Buffer[] = [];
  socket.on('data', (chunk: Buffer) => chunks.push(chunk));
  const closed = new Promise<void>((resolve) => socket.on('close', () => resolve()));
  socket.write(`${lines.join('\r\n')}\r\n\r\n`, 'latin1');
  const step = request.chunkBytes ?? body.length;
  for (let from = 0; from < body.length; from += step) {
    if (!socket.write(body.subarray(from, from + step))) await new Promise((resolve) => socket.once('drain', resolve));
  }
  await within(120_000, `an answer to ${request.path}`, closed);
  return parseResponse(Buffer.concat(chunks), request.method === 'HEAD');
}

async function open(base: string): Promise<{ socket: Socket }> {
  const url = new URL(base);
  const socket = connect({ host: url.hostname, port: Number(url.port), noDelay: true });
  socket.on('error', () => undefined);
  await within(10_000, 'a connection', new Promise((resolve) => socket.once('connect', resolve)));
  // In an object: a socket that is awaited would be taken for a promise's result twice.
  return { socket };
}

function parseResponse(bytes: Buffer, noBody: boolean): RawResponse {
  let rest = bytes;
  for (;;) {
    const end = rest.indexOf('\r\n\r\n');
    if (end === -1) throw new Error(`no HTTP response in ${bytes.length} bytes`);
    const [first = '', ...lines] = rest.toString('latin1', 0, end).split('\r\n');
    const status = Number(first.split(' ')[1]);
    rest = rest.subarray(end + 4);
    if (status === 100) continue;
    const headers = lines.flatMap((line) => {
      const colon = line.indexOf(':');
      return [line.slice(0, colon), line.slice(colon + 1).trim()];
    });
    const header = (name: string): string | undefined => {
      const at = headers.findIndex((entry, index) => index % 2 === 0 && entry.toLowerCase() === name);
      return at === -1 ? undefined : headers[at + 1];
    };
    const { body, complete } = noBody ? { body: Buffer.alloc(0), complete: true } : readBody(rest, header);
    return { status, headers, header, body, complete };
  }
}

function readBody(rest: Buffer, header: (name: string) => string | undefined): { body: Buffer; complete: boolean } {
  if (header('transfer-encoding') === 'chunked') return unchunk(rest);
  const length = header('content-length');
  return { body: rest, complete: length === undefined || rest.length === Number(length) };
}

function unchunk(bytes: Buffer): { body: Buffer; complete: boolean } {
  const parts: Buffer[] = [];
  for (let at = 0; ;) {
    const line = bytes.indexOf('\r\n', at);
    if (line === -1) return { body: Buffer.concat(parts), complete: false };
    const size = Number.parseInt(bytes.toString('latin1', at, line), 16);
    if (size === 0) return { body: Buffer.concat(parts), complete: true };
    if (Number.isNaN(size) || line + 2 + size > bytes.length) {
      return { body: Buffer.concat([...parts, bytes.subarray(line + 2)]), complete: false };
    }
    parts.push(bytes.subarray(line + 2, line + 2 + size));
    at = line + 2 + size + 2;
  }
}
