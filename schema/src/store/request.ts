import type { IncomingMessage } from 'node:http';
import { chooseEncoding } from './encoding.ts';
import type { Encoding } from './encoding.ts';
import { StoreError } from './errors.ts';
import { isFormatName } from './formats.ts';
import type { SessionWish } from './sessions.ts';

/** A request of ClickHouse's HTTP interface, as far as URL and headers tell it. */
export interface StoreRequest {
  readonly get: boolean;
  readonly path: string;
  readonly query: string;
  readonly database: string | undefined;
  readonly defaultFormat: string | undefined;
  readonly queryId: string | undefined;
  readonly role: readonly string[];
  readonly user: string | undefined;
  readonly password: string | undefined;
  /** Values of `{name:Type}`, as ClickHouse escapes them. */
  readonly parameters: ReadonlyMap<string, string>;
  /** Settings of this one statement. */
  readonly settings: ReadonlyMap<string, string>;
  /** What compresses a result of rows. */
  readonly encoding: Encoding | undefined;
  /** Whether results and errors go out in ClickHouse's own blocks (`compress`); no other encoding is chosen then. */
  readonly blocks: boolean;
  /** Whether the body comes in such blocks (`decompress`), and whether their checksums are looked at. */
  readonly bodyBlocks: { readonly checked: boolean } | undefined;
  readonly level: number;
  /** Hold the response until the statement has ended, so that an error always has its own status. */
  readonly waitForEnd: boolean;
  readonly bufferBytes: number;
  /** Milliseconds between X-ClickHouse-Progress headers, when they are wanted. */
  readonly progressMs: number | undefined;
  readonly session: SessionWish | undefined;
}

// Names of the interface itself, which are no settings of the engine.
const ownNames = new Set(
  `query database default_format query_id role user password quota_key stacktrace buffer_size wait_end_of_query compress
  decompress session_id session_timeout session_check close_session client_protocol_version enable_http_compression
  http_zlib_compression_level http_response_buffer_size http_headers_progress_interval_ms send_progress_in_http_headers
  http_native_compression_disable_checksumming_on_decompress http_write_exception_in_output_format
  http_wait_end_of_query http_response_headers http_make_head_request`.split(/\s+/),
);

/** Reads URL and headers; refuses what would otherwise be half understood. */
export function parseRequest(message: IncomingMessage): StoreRequest {
  const url = parseUrl(message.url ?? '/');
  const of = (name: string) => url.searchParams.get(name) ?? undefined;
  const parameters = new Map<string, string>();
  const settings = new Map<string, string>();
  for (const [name, value] of url.searchParams) {
    if (name.startsWith('param_')) parameters.set(parseName(name.slice(6), 'parameter'), value);
    else if (!ownNames.has(name)) settings.set(parseName(name, 'setting'), value);
  }
  const basic = readBasic(message.headers.authorization);
  const blocks = isOn(of('compress'));
  const encodes = !blocks && isOn(of('enable_http_compression'));
  const unchecked = isOn(of('http_native_compression_disable_checksumming_on_decompress'));
  return {
    get: message.method === 'GET' || message.method === 'HEAD',
    path: url.pathname,
    query: of('query') ?? '',
    database: of('database') || header(message, 'x-clickhouse-database') || undefined,
    defaultFormat: parseFormat(of('default_format') ?? header(message, 'x-clickhouse-format')),
    queryId: of('query_id') || undefined,
    role: url.searchParams.getAll('role'),
    user: header(message, 'x-clickhouse-user') ?? basic?.user ?? of('user'),
    password: header(message, 'x-clickhouse-key') ?? basic?.password ?? of('password'),
    parameters,
    settings,
    encoding: encodes ? chooseEncoding(header(message, 'accept-encoding')) : undefined,
    blocks,
    bodyBlocks: isOn(of('decompress')) ? { checked: !unchecked } : undefined,
    level: readNumber(of('http_zlib_compression_level'), { least: 1, most: 9, usual: 3 }),
    waitForEnd: isOn(of('wait_end_of_query')) || isOn(of('http_wait_end_of_query')),
    bufferBytes: readNumber(of('buffer_size') ?? of('http_response_buffer_size'), {
      least: 0,
      most: 2 ** 40,
      usual: 0,
    }),
    progressMs: isOn(of('send_progress_in_http_headers'))
      ? readNumber(of('http_headers_progress_interval_ms'), { least: 10, most: 60_000, usual: 100 })
      : undefined,
    session: readSession(of),
  };
}

/** As parseSessionTimeout in src/Server/HTTPHandler.cpp: 60 seconds when nothing is said, an hour at most. */
function readSession(of: (name: string) => string | undefined): SessionWish | undefined {
  const id = of('session_id');
  if (!id) return undefined;
  const timeout = of('session_timeout') ?? '60';
  if (!/^\d{1,6}$/.test(timeout))
    throw new StoreError(374, 'INVALID_SESSION_TIMEOUT', `Invalid session timeout: '${timeout.slice(0, 64)}'`);
  if (Number(timeout) > 3600) {
    const message = `Session timeout '${timeout}' is larger than max_session_timeout: 3600`;
    throw new StoreError(374, 'INVALID_SESSION_TIMEOUT', message);
  }
  return { id, timeoutMs: Number(timeout) * 1000, check: isOn(of('session_check')), close: isOn(of('close_session')) };
}

/** The request with what the fields of its multipart body add. */
export function addFields(request: StoreRequest, fields: ReadonlyMap<string, string>): StoreRequest {
  const parameters = new Map(request.parameters);
  for (const [name, value] of fields)
    if (name !== 'query') parameters.set(parseName(name.slice('param_'.length), 'parameter'), value);
  return { ...request, parameters };
}

function parseUrl(target: string): URL {
  try {
    return new URL(target, 'http://store');
  } catch {
    throw new StoreError(36, 'BAD_ARGUMENTS', 'The request target is no URL');
  }
}

function parseName(name: string, what: string): string {
  if (/^[A-Za-z_][A-Za-z0-9_.]{0,127}$/.test(name)) return name;
  throw new StoreError(115, 'UNKNOWN_SETTING', `'${name.slice(0, 64)}' is not a name of a ${what}`);
}

function parseFormat(name: string | undefined): string | undefined {
  if (name === undefined || name === '') return undefined;
  if (isFormatName(name)) return name;
  throw new StoreError(73, 'UNKNOWN_FORMAT', `Unknown format ${name.slice(0, 64)}`);
}

function header(message: IncomingMessage, name: string): string | undefined {
  const value = message.headers[name];
  return Array.isArray(value) ? value.join(', ') : value;
}

function readBasic(value: string | undefined): { user: string; password: string } | undefined {
  if (value === undefined) return undefined;
  const match = /^Basic\s+([A-Za-z0-9+/=_-]+)\s*$/i.exec(value);
  // A scheme that is not understood must not pass for no credentials at all.
  if (!match) return { user: '', password: '' };
  const text = Buffer.from(match[1] ?? '', 'base64').toString('utf8');
  const colon = text.indexOf(':');
  return colon < 0 ? { user: text, password: '' } : { user: text.slice(0, colon), password: text.slice(colon + 1) };
}

function isOn(value: string | undefined): boolean {
  return value === '1' || value === 'true';
}

/** A number of the interface's own, within what makes sense. */
function readNumber(value: string | undefined, range: { least: number; most: number; usual: number }): number {
  if (value === undefined || !/^\d{1,15}$/.test(value)) return range.usual;
  return Math.min(range.most, Math.max(range.least, Number(value)));
}
