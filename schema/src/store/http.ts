import { randomUUID } from 'node:crypto';
import { createServer } from 'node:http';
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import { authenticate } from './auth.ts';
import type { Caller } from './auth.ts';
import { readBody } from './body.ts';
import { StoreError } from './errors.ts';
import { plainFormat } from './formats.ts';
import type { Gate } from './gate.ts';
import { refuseForeign } from './origin.ts';
import { parseRequest } from './request.ts';
import type { StoreRequest } from './request.ts';
import { makeResponder, sendError } from './respond.ts';
import type { Responder } from './respond.ts';
import type { Runner, RunOptions } from './run.ts';
import { parseStatement } from './statement.ts';
import type { Statement } from './statement.ts';
import type { Log } from './log.ts';

export interface StoreHttp {
  readonly runner: Runner;
  readonly gate: Gate;
  readonly secret: string;
  readonly engineVersion: string;
  readonly maxBodyBytes: number;
  readonly log: Log;
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
  const identity = { queryId: randomUUID() as string, engineVersion: store.engineVersion };
  let failure: StoreError | undefined;
  try {
    refuseForeign(message);
    const request = parseRequest(message);
    identity.queryId = request.queryId ?? identity.queryId;
    if (request.path === '/ping' || (request.path === '/' && request.get && !message.url?.includes('?'))) {
      sendText(response, 'Ok.\n');
    } else if (request.path === '/replicas_status') sendText(response, 'Ok.\n');
    else if (request.path !== '/') sendText(response, `There is no handle ${request.path}\n`, 404);
    else failure = await answer(store, message, response, request, identity.queryId);
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
  request: StoreRequest,
  queryId: string,
): Promise<StoreError | undefined> {
  const caller = authenticate(request, store.secret);
  const abort = new AbortController();
  response.on('close', () => {
    if (!response.writableFinished) abort.abort();
  });
  const limit = caller === 'owner' ? store.maxBodyBytes : maxAnonymousBytes;
  const body = message.method === 'POST' ? await readBody(message, limit) : Buffer.alloc(0);
  const parsed = parseFor(caller, [Buffer.from(request.query), body]);
  const gated = caller === 'anyone' ? await store.gate.admit(parsed, request, abort.signal) : undefined;
  const statement = gated?.statement ?? parsed;
  const named = statement.kind === 'insert' ? undefined : statement.format;
  const format = named ?? request.defaultFormat ?? plainFormat;
  const connect = gated?.connect ?? ownersConnection(request, statement);
  const lane = caller === 'owner' ? 'owner' : 'anyone';
  const options: RunOptions = { format, signal: abort.signal, connect, lane };
  const responder = makeResponder({ ...request, response, format, queryId, engineVersion: store.engineVersion });
  try {
    await run(store.runner, statement, options, responder);
    return undefined;
  } catch (error) {
    const failure = asStoreError(error);
    responder.fail(failure);
    return failure;
  }
}

async function run(runner: Runner, statement: Statement, options: RunOptions, responder: Responder): Promise<void> {
  if (statement.kind === 'insert') {
    const summary = await runner.insert(statement.prefix, statement.data, options);
    return responder.send(Buffer.alloc(0), summary);
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
  responder.send(bytes, summary);
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

/** Defaults of a statement of the owner; the request's own settings win. */
function ownersConnection(request: StoreRequest, statement: Statement): RunOptions['connect'] {
  const settings = new Map(statement.kind === 'select' ? [['max_execution_time', '30']] : []);
  for (const [name, value] of request.settings) settings.set(name, value);
  for (const [name, value] of request.parameters) settings.set(`param_${name}`, value);
  return {
    database: request.database ?? 'weir',
    settings,
    roles: request.role,
    // As on a server: what only reads says so, and is held to it.
    ...(request.get && !request.settings.has('readonly') ? { readonly: 2 as const } : {}),
  };
}

function sendText(response: ServerResponse, text: string, status = 200): void {
  response.writeHead(status, { 'Content-Type': 'text/html; charset=UTF-8', 'Content-Length': Buffer.byteLength(text) });
  response.end(text);
}

function asStoreError(error: unknown): StoreError {
  if (error instanceof StoreError) return error;
  return new StoreError(1001, 'STD_EXCEPTION', error instanceof Error ? error.message : String(error));
}
