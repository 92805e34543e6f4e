/**
 * WebSocket and other upgrades (RFC 9110 §7.8): the handshake goes to the provider, then both sockets are joined and their
 * frames relayed as they are, with a copy to the recorder. A row for each response that it reads; one where there is none.
 */
import { request as httpRequest, type IncomingMessage, ServerResponse } from 'node:http';
import { request as httpsRequest } from 'node:https';
import type { Duplex } from 'node:stream';
import { now, type Call } from './call.ts';
import type { Capture } from './capture/capture.ts';
import { WeirError } from './errors.ts';
import { guardedLookup } from './guard.ts';
import { checkUpgrade } from './keys/access.ts';
import { log, describeFault } from './log.ts';
import { checkOrigin, corsHeaders } from './origin.ts';
import { outcomeOf } from './outcome.ts';
import { makeCall, readCalled, type Called } from './begin.ts';
import { admit, type PassthroughOptions } from './passthrough.ts';
import { refusal } from './refusal.ts';
import { Leg } from './routing/legs.ts';
import { isRouted } from './routing/routing.ts';
import { makeAttempt } from './stages/pipeline.ts';
import { decide, keptHeaders, ownHeaders, passedHeaders } from './relay.ts';
import { openaiErrors } from './providers/openai/dialect.ts';
import { triggerOf } from './upstream/trigger.ts';

/** Takes over the socket of an upgrade request. Never throws. */
export function handleUpgrade(
  incoming: IncomingMessage,
  socket: Duplex,
  head: Buffer,
  options: PassthroughOptions,
): void {
  socket.on('error', () => socket.destroy());
  let called: Called;
  let call: Call;
  try {
    called = readCalled(incoming);
    // No answer is written through it: the socket belongs to us from here on.
    call = makeCall(incoming, new ServerResponse(incoming), called, options.settings);
  } catch (error) {
    refuseUnknown(socket, error);
    return;
  }
  // What a connection leaves belongs together, also where nobody named it.
  call.instructions.sessionId ||= call.id;
  let begun = false;
  const begin = (kept: string[]): void => {
    begun = true;
    options.capture.start(call, kept);
    options.capture.flushMarks();
  };
  const open = async (): Promise<void> => {
    checkOrigin(incoming, options.settings);
    const context = admit(call, called.split, options);
    if (isRouted(call)) {
      throw new WeirError(
        'bad_header',
        'weir-route, -split, -fallback and -retry are for requests, and not for upgrades.',
      );
    }
    const leg = new Leg(0, { target: null, variant: null, why: '' }, context);
    checkUpgrade(call);
    if (leg.signing !== null) {
      throw new WeirError('unauthorized', "Weir does not sign upgrades: send the provider's own credential.");
    }
    // A connection that has passed its limit ends as one whose provider has gone.
    if (options.limiter.inForce(call)) await options.limiter.admitUpgrade(call, () => socket.destroy());
    if (socket.destroyed) {
      call.status = 499;
      begin(leg.kept);
      end(call, { outcome: 'cancelled', error: noError }, options);
      return;
    }
    call.attempts.push(makeAttempt(leg, 0, { reason: 'first', trigger: '', waitMs: 0 }));
    begin(leg.kept);
    connect(call, leg, socket, head, options);
  };
  open().catch((error: unknown) => {
    if (!begun) begin([]);
    if (!(error instanceof WeirError)) log.error(describeFault(error), 'an upgrade failed inside Weir');
    const { code, message } = refuse(call, socket, error);
    end(call, { outcome: 'blocked', error: { type: code, message } }, options);
  });
}

function connect(
  call: Call,
  { url: target, headers, heldKey }: Leg,
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
    if (heldKey !== null) options.held.answered(heldKey, call.status, response.headers['retry-after']);
    if (attempt !== undefined) {
      attempt.status = call.status;
      attempt.connectMs = attempt.headersMs = now() - attempt.startedAt;
      attempt.outcome = outcomeOf(call.status);
    }
    if (attempt !== undefined) capture.head(call, attempt, call.status, keptHeaders(response.rawHeaders));
    const switched = call.status === 101 ? ['Connection', 'Upgrade', 'Upgrade', upgrade] : ['Connection', 'close'];
    const passed = [...passedHeaders(response.rawHeaders)].flat();
    const sent = [...passed, ...switched, ...ownHeaders(call), ...corsHeaders(call.incoming)];
    writeHead(socket, `${call.status} ${response.statusMessage ?? ''}`, sent);
  };
  outgoing.on('upgrade', (response, upstream: Duplex, upstreamHead: Buffer) => {
    answered(response);
    join(call, { client: socket, head, upstream, upstreamHead }, capture);
    upstream.on('close', () => settle({ outcome: 'ok', error: noError }));
  });
  outgoing.on('response', (response) => {
    // The provider does not switch: its answer is the client's.
    answered(response);
    response.pipe(socket);
    response.on('data', (chunk: Buffer) => received(call, chunk, capture));
    for (const over of ['end', 'close'])
      response.on(over, () => settle({ outcome: outcomeOf(call.status ?? 502), error: noError }));
  });
  outgoing.on('error', (error) => {
    if (call.verdict !== null) return;
    const { outcome, trigger, message } = triggerOf(error);
    const failure = new WeirError('upstream_unreachable', `The provider could not be reached: ${trigger}.`);
    if (call.status === null) refuse(call, socket, failure);
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

interface Ends {
  client: Duplex;
  /** What came with the handshake, of either side. */
  head: Buffer;
  upstream: Duplex;
  upstreamHead: Buffer;
}

function join(call: Call, { client, head, upstream, upstreamHead }: Ends, capture: Capture): void {
  const sent = (chunk: Buffer): void => capture.requestBytes(call, chunk);
  const got = (chunk: Buffer): void => received(call, chunk, capture);
  if (head.length > 0) {
    upstream.write(head);
    sent(head);
  }
  if (upstreamHead.length > 0) {
    client.write(upstreamHead);
    got(upstreamHead);
  }
  // The frames first, the recorder after.
  client.pipe(upstream);
  upstream.pipe(client);
  client.on('data', sent);
  upstream.on('data', got);
  upstream.on('error', () => client.destroy());
  client.on('close', () => upstream.destroy());
  upstream.on('close', () => client.destroy());
}

function received(call: Call, chunk: Buffer, capture: Capture): void {
  call.responseBytes += chunk.length;
  const attempt = call.attempts[0];
  if (attempt !== undefined) attempt.responseBytes += chunk.length;
  capture.responseBytes(call, chunk);
}

function end(
  call: Call,
  verdict: NonNullable<Call['verdict']>,
  { capture, limiter, onFinished }: PassthroughOptions,
): void {
  if (call.verdict !== null) return;
  decide(call, verdict, capture);
  capture.end(call);
  limiter.ended(call);
  onFinished(call);
}

function writeHead(socket: Duplex, status: string, headers: readonly string[]): void {
  let text = `HTTP/1.1 ${status}\r\n`;
  for (let index = 0; index + 1 < headers.length; index += 2) text += `${headers[index]}: ${headers[index + 1]}\r\n`;
  socket.write(`${text}\r\n`, 'latin1');
}

/** Weir itself says no, in the shape of the API that was called. */
function refuse(call: Call, socket: Duplex, error: unknown): WeirError {
  const known = weirError(error);
  call.status = known.status;
  const { headers, body } = refusal(call, known);
  writeHead(socket, `${known.status} Weir`, [...headers, 'Connection', 'close']);
  socket.end(body);
  return known;
}

/** A provider that nobody knows: such a call is answered, but not recorded. */
function refuseUnknown(socket: Duplex, error: unknown): void {
  const known = weirError(error);
  const body = JSON.stringify(openaiErrors.errorBody(known));
  const length = String(Buffer.byteLength(body));
  const headers = ['Weir-Error', known.code, 'Content-Type', 'application/json', 'Content-Length', length];
  writeHead(socket, `${known.status} Weir`, [...headers, 'Connection', 'close']);
  socket.end(body);
}

function weirError(error: unknown): WeirError {
  return error instanceof WeirError ? error : new WeirError('overloaded', 'Weir could not handle this call.');
}
