/**
 * WebSocket and other upgrades (RFC 9110 §7.8): the handshake goes to the provider, then both sockets are joined and their
 * frames relayed as they are. One row, whose status is that of the handshake.
 */
import { request as httpRequest, type IncomingMessage, ServerResponse } from 'node:http';
import { request as httpsRequest } from 'node:https';
import type { Duplex } from 'node:stream';
import { now, type Call } from './call.ts';
import { WeirError } from './errors.ts';
import { guardedLookup } from './guard.ts';
import { log, describeFault } from './log.ts';
import { makeAttempt, makeCall, prepare, type PassthroughOptions } from './passthrough.ts';
import { checkOrigin } from './origin.ts';
import { decide, keptHeaders, outcomeOf } from './relay.ts';
import { splitPath } from './route.ts';
import { triggerOf } from './stages/send.ts';

/** Takes over the socket of an upgrade request. Never throws. */
export function handleUpgrade(
  incoming: IncomingMessage,
  socket: Duplex,
  head: Buffer,
  options: PassthroughOptions,
): void {
  socket.on('error', () => socket.destroy());
  let call: Call;
  try {
    const split = splitPath(incoming.url ?? '/');
    // No answer is written through it: the socket belongs to us from here on.
    call = makeCall(incoming, new ServerResponse(incoming), split, options.settings);
  } catch (error) {
    refuseRaw(socket, error);
    return;
  }
  let begun = false;
  const begin = (kept: string[]): void => {
    begun = true;
    options.capture.start(call, kept);
  };
  try {
    checkOrigin(incoming, options.settings);
    const prepared = prepare(call, splitPath(incoming.url ?? '/'), options);
    if (prepared.signing !== null) {
      throw new WeirError('unauthorized', "Weir does not sign upgrades: send the provider's own credential.");
    }
    call.attempts.push(makeAttempt(prepared.target));
    begin(prepared.kept);
    connect(call, prepared, socket, head, options);
  } catch (error) {
    if (!begun) begin([]);
    const code = error instanceof WeirError ? error.code : 'overloaded';
    if (!(error instanceof WeirError)) log.error(describeFault(error), 'an upgrade failed inside Weir');
    call.status = refuseRaw(socket, error);
    const message = error instanceof Error ? error.message : '';
    end(call, { outcome: 'blocked', error: { type: code, message } }, options);
  }
}

function connect(
  call: Call,
  { target, headers }: ReturnType<typeof prepare>,
  socket: Duplex,
  head: Buffer,
  options: PassthroughOptions,
): void {
  const { capture } = options;
  const url = new URL(target.origin);
  const attempt = call.attempts[0];
  const upgrade = call.incoming.headers.upgrade ?? 'websocket';
  const outgoing = (url.protocol === 'https:' ? httpsRequest : httpRequest)({
    host: url.hostname.replace(/^\[|\]$/g, ''),
    port: url.port === '' ? undefined : Number(url.port),
    method: call.method,
    path: target.path,
    headers: ['Host', url.host, ...headers, 'Connection', 'Upgrade', 'Upgrade', upgrade] as unknown as string[],
    maxHeaderSize: 128 * 1024,
    agent: false,
    ...(target.guarded ? { lookup: guardedLookup as never } : {}),
  });
  const settle = (outcome: Parameters<typeof end>[1]): void => {
    if (attempt !== undefined) {
      attempt.endedAt ??= now();
      attempt.outcome ??= outcome.outcome;
    }
    end(call, outcome, options);
  };
  const answered = (response: IncomingMessage): void => {
    call.status = response.statusCode ?? 502;
    if (attempt !== undefined) {
      attempt.status = call.status;
      attempt.connectMs = attempt.headersMs = now() - attempt.startedAt;
      attempt.outcome = outcomeOf(call.status);
    }
    capture.head(call, call.status, keptHeaders(response.rawHeaders));
    socket.write(
      `HTTP/1.1 ${call.status} ${response.statusMessage ?? ''}\r\n${headText(response.rawHeaders, call.id)}\r\n`,
      'latin1',
    );
  };
  outgoing.on('upgrade', (response, upstream: Duplex, upstreamHead: Buffer) => {
    answered(response);
    join(call, socket, head, upstream, upstreamHead);
    upstream.on('close', () => settle({ outcome: 'ok', error: noError }));
  });
  outgoing.on('response', (response) => {
    // The provider does not switch: its answer is the client's.
    answered(response);
    response.pipe(socket);
    response.on('close', () => settle({ outcome: outcomeOf(call.status ?? 502), error: noError }));
  });
  outgoing.on('error', (error) => {
    if (call.verdict !== null) return;
    const { outcome, trigger, message } = triggerOf(error);
    const failure = new WeirError('upstream_unreachable', `The provider could not be reached: ${trigger}.`);
    if (call.status === null) call.status = refuseRaw(socket, failure);
    if (attempt !== undefined) attempt.errorType = trigger;
    settle({ outcome, error: { type: trigger, message } });
  });
  socket.on('close', () => {
    outgoing.destroy();
    call.status ??= 499;
    settle({ outcome: attempt?.status === 101 ? 'ok' : 'cancelled', error: noError });
  });
  outgoing.end();
}

const noError = { type: '', message: '' };

function join(call: Call, client: Duplex, head: Buffer, upstream: Duplex, upstreamHead: Buffer): void {
  if (head.length > 0) upstream.write(head);
  if (upstreamHead.length > 0) client.write(upstreamHead);
  // Frames are counted, not read: what they mean is the providers' realtime protocols.
  client.on('data', (chunk: Buffer) => {
    call.requestBytes += chunk.length;
  });
  upstream.on('data', (chunk: Buffer) => {
    call.responseBytes += chunk.length;
    const attempt = call.attempts[0];
    if (attempt !== undefined) attempt.responseBytes += chunk.length;
  });
  upstream.on('error', () => client.destroy());
  client.pipe(upstream);
  upstream.pipe(client);
  client.on('close', () => upstream.destroy());
  upstream.on('close', () => client.destroy());
}

function end(call: Call, verdict: NonNullable<Call['verdict']>, { capture, onFinished }: PassthroughOptions): void {
  if (call.verdict !== null) return;
  decide(call, verdict, capture);
  capture.end(call);
  onFinished(call);
}

function headText(raw: readonly string[], id: string): string {
  let text = '';
  for (let index = 0; index + 1 < raw.length; index += 2) {
    if (!raw[index]?.toLowerCase().startsWith('weir-')) text += `${raw[index]}: ${raw[index + 1]}\r\n`;
  }
  return `${text}Weir-Id: ${id}\r\n`;
}

/** @returns the status that was written. */
function refuseRaw(socket: Duplex, error: unknown): number {
  const known = error instanceof WeirError ? error : new WeirError('overloaded', 'Weir could not handle this call.');
  const body = JSON.stringify({ error: { message: known.message, type: known.code, code: known.code } });
  socket.end(
    `HTTP/1.1 ${known.status} Weir\r\nWeir-Error: ${known.code}\r\nContent-Type: application/json\r\n` +
      `Content-Length: ${Buffer.byteLength(body)}\r\nConnection: close\r\n\r\n${body}`,
  );
  return known.status;
}
