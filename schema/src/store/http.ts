import { randomUUID } from 'node:crypto';
import { createServer } from 'node:http';
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import { authenticate } from './auth.ts';
import type { Caller } from './auth.ts';
import { collectAll, decodeBody, openBody } from './body.ts';
import { isEngines } from './encoding.ts';
import { StoreError } from './errors.ts';
import { plainFormat } from './formats.ts';
import type { Gate } from './gate.ts';
import { refuseForeign } from './origin.ts';
import { parseFields, readBoundary } from './multipart.ts';
import { addFields, parseRequest } from './request.ts';
import type { StoreRequest } from './request.ts';
import { makeResponder, sendError } from './respond.ts';
import type { Responder } from './respond.ts';
import type { Runner, RunOptions } from './run.ts';
import type { Sessions, SessionWish } from './sessions.ts';
import { parseStatement } from './statement.ts';
import type { Statement } from './statement.ts';
import { withStatement } from './upload.ts';
import type { UploadTools } from './upload.ts';
import type { Log } from './log.ts';

export interface StoreHttp extends UploadTools {
  readonly gate: Gate;
  readonly sessions: Sessions;
  readonly secret: string;
  readonly engineVersion: string;
  /** Bytes that one SELECT may take by default. */
  readonly maxQueryMemory: number;
  readonly log: Log;
}

/** What every response says of itself. */
interface Identity {
  queryId: string;
  timezone: string;
  engineVersion: string;
  /** In ClickHouse's own blocks; an answer to who is not known never is. */
  blocks: boolean;
}

/** ClickHouse's HTTP interface over the engine. */
export function createStoreServer(store: StoreHttp): Server {
  const server = createServer({ maxHeaderSize: 2 * 1024 * 1024, keepAliveTimeout: 120_000 }, (message, response) => {
    void serve(store, message, response);
  });
  // An insert of a slow client, and a query of many minutes, are no reason to cut a connection.
  server.requestTimeout = 0;
  return server;
}

async function serve(store: StoreHttp, message: IncomingMessage, response: ServerResponse): Promise<void> {
  const started = performance.now();
  const { engineVersion } = store;
  const identity: Identity = { queryId: randomUUID(), timezone: 'UTC', engineVersion, blocks: false };
  let failure: StoreError | undefined;
  try {
    refuseForeign(message);
    const request = parseRequest(message);
    identity.queryId = request.queryId ?? identity.queryId;
    identity.timezone = request.settings.get('session_timezone') || identity.timezone;
    if (request.path === '/ping' || (request.path === '/' && request.get && !message.url?.includes('?'))) {
      sendText(response, 'Ok.\n');
    } else if (request.path === '/replicas_status') sendText(response, 'Ok.\n');
    else if (request.path !== '/') sendText(response, `There is no handle ${request.path}\n`, 404);
    else failure = await answer(store, message, response, request, identity);
  } catch (error) {
    failure = asStoreError(error);
    sendError(response, failure, identity);
  }
  // What is left of the body would stand before the next request of the connection.
  message.resume();
  store.log.write(failure ? 'info' : 'debug', 'request', {
    query_id: identity.queryId,
    status: response.statusCode,
    code: failure?.code,
    ms: Math.round(performance.now() - started),
  });
}

/** Runs the request's statement. Errors before the first byte are thrown; one in mid-stream is told in the stream. */
async function answer(
  store: StoreHttp,
  message: IncomingMessage,
  response: ServerResponse,
  given: StoreRequest,
  identity: Identity,
): Promise<StoreError | undefined> {
  const caller = authenticate(given, store.secret);
  identity.blocks = given.blocks;
  const abort = new AbortController();
  response.on('close', () => {
    if (!response.writableFinished) abort.abort();
  });
  const asked: Asked = { store, caller, response, identity, signal: abort.signal };
  const query = Buffer.from(given.query);
  if (message.method !== 'POST') return perform(asked, given, parseFor(caller, [query]));
  const boundary = readBoundary(message.headers['content-type']);
  if (boundary !== undefined) {
    const most = caller === 'owner' ? maxFormBytes : maxAnonymousBytes;
    const fields = parseFields(await collectAll(decodeBody(message), most), boundary);
    const parts = [query, Buffer.from(fields.get('query') ?? '')];
    return perform(asked, addFields(given, fields), parseFor(caller, parts));
  }
  const largest = caller === 'owner' ? maxBlockBytes : maxAnonymousBytes;
  const body = await openBody(message, given.bodyBlocks && { most: largest, ...given.bodyBlocks });
  if (caller === 'anyone') {
    if (body.compression)
      throw new StoreError(48, 'NOT_IMPLEMENTED', `A body in ${body.compression} needs the store's password`);
    const bytes = await collectAll(body.chunks, maxAnonymousBytes);
    return perform(asked, given, parseFor(caller, [query, bytes]));
  }
  const token = given.settings.has('insert_deduplication_token');
  const decode = { signal: abort.signal, connect: { settings: new Map<string, string>() } };
  return withStatement(body, query, { tools: store, token, decode }, (statement) => perform(asked, given, statement));
}

/** Who asks, and where the answer goes. */
interface Asked {
  readonly store: StoreHttp;
  readonly caller: Caller;
  readonly response: ServerResponse;
  readonly identity: Identity;
  readonly signal: AbortSignal;
}

/** What the gate lets through; the engine itself may refuse while the gate asks it to read the statement. */
async function admit({ store, signal }: Asked, request: StoreRequest, parsed: Statement): ReturnType<Gate['admit']> {
  try {
    return await store.gate.admit(parsed, request, signal);
  } catch (error) {
    throw forCaller('anyone', asStoreError(error));
  }
}

async function perform(asked: Asked, request: StoreRequest, parsed: Statement): Promise<StoreError | undefined> {
  const { store, caller, response, identity, signal } = asked;
  const gated = caller === 'anyone' ? await admit(asked, request, parsed) : undefined;
  const statement = gated?.statement ?? parsed;
  const named = 'format' in statement ? statement.format : undefined;
  const format = named ?? request.defaultFormat ?? plainFormat;
  const responder = makeResponder({ ...request, ...identity, response, format });
  const everyMs = request.progressMs;
  const options: RunOptions = {
    format,
    signal,
    connect: gated?.connect ?? ownersConnection(request, statement, store.maxQueryMemory),
    lane: caller === 'owner' ? 'owner' : 'anyone',
    compression: request.encoding && isEngines(request.encoding) ? request.encoding : undefined,
    whole: request.waitForEnd,
    watch: everyMs === undefined ? undefined : { everyMs, tell: responder.progress },
  };
  try {
    if (request.session) await runInSession(store, request, request.session, statement, options, responder);
    else await run(store.runner, statement, options, responder);
    return undefined;
  } catch (error) {
    const failure = forCaller(caller, asStoreError(error));
    responder.fail(failure);
    return failure;
  }
}

/** A session is the owner's alone, and one statement has it at a time. */
function runInSession(
  store: StoreHttp,
  request: StoreRequest,
  wish: SessionWish,
  statement: Statement,
  options: RunOptions,
  responder: Responder,
): Promise<void> {
  if (options.lane !== 'owner') {
    throw new StoreError(
      497,
      'ACCESS_DENIED',
      "Without the store's password a session (session_id) is not allowed.",
      403,
    );
  }
  if (request.role.length) throw new StoreError(48, 'NOT_IMPLEMENTED', 'A role is not supported in a session');
  const verb = statement.kind === 'command' ? statement.verb : statement.kind;
  const readonly = Number(request.settings.get('readonly') ?? (request.get ? 2 : 0)) !== 0;
  // A connection that was read-only once stays so: in a session the statement is looked at instead.
  if (readonly && statement.kind !== 'select' && !reading.has(verb)) {
    throw new StoreError(164, 'READONLY', `Cannot execute query in readonly mode: ${verb} in a session`);
  }
  const settings = new Map([...options.connect.settings].filter(([name]) => name !== 'readonly'));
  const connect = { ...options.connect, settings, database: request.database, readonly: undefined };
  const text = statement.kind === 'insert' ? statement.prefix : statement.sql;
  return store.sessions.use(wish, { verb, text, answered: responder.answered }, (session) =>
    run(store.runner, statement, { ...options, connect, session }, responder),
  );
}

async function run(runner: Runner, statement: Statement, options: RunOptions, responder: Responder): Promise<void> {
  const nothing = Buffer.alloc(0);
  if (statement.kind === 'insert') {
    return responder.send(nothing, await runner.insert(statement.prefix, statement.data, options), false);
  }
  if (statement.kind === 'infile')
    return responder.send(nothing, await runner.insertFile(statement.sql, options), false);
  if (statement.kind === 'command' && statement.verb === 'INSERT') {
    return responder.send(nothing, await runner.insertSelect(statement.sql, options), false);
  }
  if (statement.kind === 'select') {
    try {
      return await runner.select(statement, options, responder);
    } catch (error) {
      // The engine's parser may stumble over the clause that leads the result into a pipe: it is asked again without it,
      // for the error that the caller's own text deserves. Nothing has run: a syntax error comes before all.
      if (!(error instanceof StoreError && error.code === 62)) throw error;
    }
  }
  const { bytes, summary } = await runner.command(statement.sql, options);
  responder.send(bytes, summary, bytes.length > 0 || statement.kind === 'select' || showing.has(statement.verb));
}

const reading = new Set('SHOW DESCRIBE DESC EXPLAIN EXISTS SET USE'.split(' '));
// What has a result, even one of no rows.
const showing = new Set('SHOW DESCRIBE DESC EXPLAIN EXISTS CHECK KILL WATCH'.split(' '));

/** On a server, readonly (164) is 500; a stranger is refused with one status, whatever part of the store refuses. */
function forCaller(caller: Caller, error: StoreError): StoreError {
  if (caller === 'owner' || error.code !== 164) return error;
  return new StoreError(error.code, error.type, error.message, 403);
}

/** What is not supported for anyone is not allowed for a stranger: one status for all refusals. */
function parseFor(caller: Caller, parts: readonly Buffer[]): Statement {
  try {
    return parseStatement(parts);
  } catch (error) {
    if (caller === 'owner' || !(error instanceof StoreError) || error.code !== 48) throw error;
    throw new StoreError(497, 'ACCESS_DENIED', error.message, 403);
  }
}

const maxAnonymousBytes = 256 * 1024;
// Clients that make blocks make them of 64 KB to 10 MB.
const maxBlockBytes = 64 * 1024 * 1024;
// A statement and its parameters.
const maxFormBytes = 64 * 1024 * 1024;

/** Defaults of a statement of the owner; the request's own settings win. */
function ownersConnection(request: StoreRequest, statement: Statement, maxQueryMemory: number): RunOptions['connect'] {
  const settings = new Map(request.settings);
  for (const [name, value] of request.parameters) settings.set(`param_${name}`, value);
  return {
    database: request.database ?? 'weir',
    settings,
    defaults: new Map(statement.kind === 'select' ? ownersLimits(maxQueryMemory) : []),
    roles: request.role,
    // As on a server: what only reads says so, and is held to it.
    ...(request.get && !request.settings.has('readonly') ? { readonly: 2 as const } : {}),
  };
}

/** A careless SELECT ends by itself, and leaves memory for what is written meanwhile. */
function ownersLimits(maxQueryMemory: number): Array<[string, string]> {
  return [
    ['max_execution_time', '300'],
    ['max_memory_usage', String(maxQueryMemory)],
  ];
}

function sendText(response: ServerResponse, text: string, status = 200): void {
  response.writeHead(status, { 'Content-Type': 'text/html; charset=UTF-8', 'Content-Length': Buffer.byteLength(text) });
  response.end(text);
}

function asStoreError(error: unknown): StoreError {
  if (error instanceof StoreError) return error;
  return new StoreError(1001, 'STD_EXCEPTION', error instanceof Error ? error.message : String(error));
}
