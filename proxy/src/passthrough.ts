/** A native call from its first byte to its last: who calls, where it goes, what came of it. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { peekModel, readBody } from './body.ts';
import { now, type Attempt, type Call, type Target, type Verdict } from './call.ts';
import type { Capture } from './capture/capture.ts';
import { forwardHeaders, forwardQuery, identify } from './credentials.ts';
import type { Settings } from './env.ts';
import { WeirError } from './errors.ts';
import { parseInstructions } from './headers.ts';
import { checkModel, checkTarget } from './keys/access.ts';
import type { KeyHolder } from './keys/holder.ts';
import type { Keys } from './keys/keys.ts';
import type { Limiter } from './limits/limiter.ts';
import { checkOrigin, corsHeaders } from './origin.ts';
import { errorShapeOf } from './providers/own-errors.ts';
import type { Signing } from './providers/provider.ts';
import { decide, ownHeaders, rawHeader, relay } from './relay.ts';
import { newRequestId } from './request-id.ts';
import { findProvider, routeNative, splitPath, type SplitPath } from './route.ts';
import type { Signer } from './signing/signer.ts';
import { withClocks } from './stages/clocks.ts';
import { send, triggerOf, type Receiver, type Sending, type SendRequest, type Upstream } from './stages/send.ts';
import { wantsUsage, withUsageAsked } from './stages/stream-usage.ts';
import type { HeldKeys } from './vault/vault.ts';

export interface PassthroughOptions {
  settings: Settings;
  keys: Keys;
  held: HeldKeys;
  capture: Capture;
  upstream: Upstream;
  signer: Signer;
  limiter: Limiter;
  isOwnAddress: (host: string, port: number) => boolean;
  onFinished: (call: Call) => void;
  /** Something went wrong that nobody foresaw. */
  onFault: (error: unknown) => void;
}

let sequence = 0;

/** @throws WeirError `unknown_provider`: such a call is answered, but not recorded. */
export async function passThrough(
  incoming: IncomingMessage,
  outgoing: ServerResponse,
  options: PassthroughOptions,
): Promise<void> {
  const split = splitPath(incoming.url ?? '/');
  const call = makeCall(incoming, outgoing, split, options.settings);
  const flight: Flight = { started: false, sending: null, ended: null };
  outgoing.on('error', () => undefined);
  outgoing.on('close', () => finish(call, flight, options));
  const begin = (kept: string[]): void => {
    if (!flight.started) options.capture.start(call, kept);
    flight.started = true;
  };
  let request: SendRequest;
  let used: string | null = null;
  try {
    checkOrigin(incoming, options.settings);
    const { target, headers, kept, signing, heldKey } = prepare(call, split, options);
    used = heldKey;
    // What is read before the call's start is marked waits for it.
    let early: Buffer[] | null = [];
    const { body: arriving, first } = await readBody(incoming, (chunk) => {
      if (early === null) options.capture.requestBytes(call, chunk);
      else early.push(chunk);
    });
    call.requestModel = peekModel(first) ?? call.requestModel;
    let body = await checkModel(call, arriving, options.settings.WEIR_REPLAY_LIMIT);
    if (options.limiter.inForce(call)) body = await options.limiter.admit(call, body, new URL(target.origin).host);
    // The client left meanwhile: its start was marked without what has been taken, and nobody will tell of it.
    if (flight.started) options.limiter.release(call);
    if (outgoing.destroyed) return;
    request = { method: call.method, target, headers, body };
    if (wantsUsage(call, options.settings.WEIR_STREAM_USAGE)) request = await withUsageAsked(call, request);
    if (signing !== null) {
      const signed = await options.signer.sign(signing, { ...request, place: split.place });
      request = { ...request, ...signed };
    }
    if (outgoing.destroyed) return;
    call.attempts.push(makeAttempt(target));
    begin(kept);
    if (first !== null) options.capture.requestBytes(call, first);
    for (const chunk of early) options.capture.requestBytes(call, chunk);
    early = null;
  } catch (error) {
    begin([]);
    return refuse(call, error, options);
  }
  const receiver: Receiver = {
    reply: (reply) => {
      if (used !== null) options.held.answered(used, reply.status, rawHeader(reply.headers, 'retry-after'));
      return relay(call, reply, options.capture);
    },
    failed: (error) => unreachable(call, error, options.capture),
  };
  const attempt = call.attempts[0] as Attempt;
  const { timeouts } = call.instructions;
  if (timeouts === null) flight.sending = send(options.upstream, request, attempt, receiver);
  else {
    const clocks = withClocks(call, timeouts, receiver, () => flight.ended?.());
    flight.sending = send(options.upstream, request, attempt, clocks.receiver);
    clocks.start(flight.sending);
  }
}

interface Flight {
  /** The start of the call is marked. */
  started: boolean;
  sending: Sending | null;
  /** Called when nothing more comes of an attempt that has clocks. */
  ended: (() => void) | null;
}

export function makeCall(
  incoming: IncomingMessage,
  outgoing: ServerResponse,
  split: SplitPath,
  settings: Settings,
): Call {
  const provider = findProvider(split.provider);
  const method = incoming.method ?? 'GET';
  const instructions = parseInstructions(incoming.rawHeaders);
  if (settings.WEIR_LOG_BODIES === 'none') instructions.keepBodies = false;
  return {
    sequence: ++sequence >>> 0,
    id: newRequestId(),
    startedAt: wallClock(),
    started: now(),
    incoming,
    outgoing,
    method,
    provider,
    operation: provider.dialect.operation(method, split.path),
    path: split.path,
    query: split.query,
    instructions,
    holder: null,
    project: 'default',
    keyId: '',
    requestModel: provider.dialect.modelInPath(split.path) ?? '',
    attempts: [],
    requestBytes: 0,
    responseBytes: 0,
    status: null,
    stallMs: 0,
    usageAsked: false,
    leftAt: null,
    verdict: null,
    endMark: null,
    warnings: [],
    reservation: null,
    limitFields: [],
  };
}

/**
 * Microseconds since 1970. The wall clock has milliseconds; the monotonic one lends its fraction so that calls of one
 * millisecond differ, but not more: it stands still while a laptop sleeps.
 */
function wallClock(): number {
  return Date.now() * 1000 + Math.floor((now() % 1) * 1000);
}

/** Everything that can be refused before a byte of the body is read. */
export function prepare(
  call: Call,
  split: SplitPath,
  { settings, keys, held, signer, isOwnAddress }: PassthroughOptions,
): { target: Target; headers: string[]; kept: string[]; signing: Signing | null; heldKey: string | null } {
  const { incoming, provider, instructions } = call;
  if (instructions.refusal !== null) throw instructions.refusal;
  const credentialOptions = { keys, requireKey: settings.requireKey };
  const credentials = identify(provider, incoming.rawHeaders, split.query, instructions, credentialOptions);
  if (credentials.holder !== null) takeHolder(call, credentials.holder);
  checkTarget(call);
  const query = forwardQuery(provider, split.query);
  const target = routeNative(provider, { ...split, query }, instructions, {
    upstreams: settings.upstreams,
    allowTargets: settings.WEIR_ALLOW_TARGETS,
    isOwnAddress,
  });
  const { forwarded, kept, signing, heldKey } = forwardHeaders(incoming.rawHeaders, {
    destination: { provider, place: split.place, path: split.path, named: target.guarded ? target.origin : null },
    connection: incoming.headers.connection,
    credentials,
    held,
    signer,
  });
  return { target, headers: forwarded, kept, signing, heldKey };
}

/** Whose call it is, and what the key says of it: its properties stand under the call's own. */
function takeHolder(call: Call, holder: KeyHolder): void {
  const { instructions } = call;
  call.holder = holder;
  call.project = holder.project;
  call.keyId = holder.keyId;
  if (holder.log_bodies === 'none') instructions.keepBodies = false;
  instructions.properties = { ...holder.properties, ...instructions.properties };
}

export function makeAttempt(target: Target): Attempt {
  return {
    index: 0,
    provider: target.provider.name,
    host: new URL(target.origin).host,
    reason: 'first',
    trigger: '',
    waitMs: 0,
    startedAt: now(),
    connectMs: null,
    headersMs: null,
    endedAt: null,
    status: null,
    outcome: null,
    errorType: '',
    errorMessage: '',
    responseBytes: 0,
  };
}

/** Weir itself says no. */
function refuse(call: Call, error: unknown, { capture, onFault }: PassthroughOptions): void {
  if (call.outgoing.destroyed || call.outgoing.headersSent) return;
  if (!(error instanceof WeirError)) onFault(error);
  const refusal = error instanceof WeirError ? error : new WeirError('overloaded', 'Weir could not handle this call.');
  answer(call, refusal, { outcome: 'blocked', error: { type: refusal.code, message: refusal.message } }, capture);
}

/** No attempt got an answer. */
function unreachable(call: Call, error: unknown, capture: Capture): void {
  const { outcome, trigger, message } = triggerOf(error);
  const attempt = call.attempts.at(-1);
  if (attempt !== undefined && call.leftAt === null) {
    attempt.endedAt ??= now();
    attempt.outcome = outcome;
    attempt.errorType = trigger;
    attempt.errorMessage = message;
  }
  if (call.outgoing.destroyed || call.outgoing.headersSent) return;
  const attempts = call.attempts
    .map(({ provider, host, errorType }) => `${provider} (${host}): ${errorType}`)
    .join('; ');
  const code = outcome === 'timeout' ? 'upstream_timeout' : 'upstream_unreachable';
  const failure = new WeirError(code, `No provider answered. Attempts: ${attempts}.`);
  answer(call, failure, { outcome, error: { type: trigger, message } }, capture);
}

function answer(call: Call, error: WeirError, verdict: Verdict, capture: Capture): void {
  const { headers, body } = refusal(call, error);
  call.status = error.status;
  decide(call, verdict, capture);
  call.outgoing.writeHead(error.status, headers);
  call.outgoing.end(call.method === 'HEAD' ? undefined : body);
}

/** Weir's own error in the shape of the API that was called, with the headers that belong to it. */
export function refusal(call: Call, error: WeirError): { headers: string[]; body: string } {
  const body = JSON.stringify(errorShapeOf(call.provider, call.path).errorBody(error));
  const headers = [
    ...ownHeaders(call),
    ...(error.code === 'forbidden_origin' ? [] : corsHeaders(call.incoming)),
    'Weir-Error',
    error.code,
    'Content-Type',
    'application/json',
    'Content-Length',
    String(Buffer.byteLength(body)),
    ...(error.code === 'overloaded' ? ['Retry-After', '1'] : []),
    ...error.headers,
  ];
  return { headers, body };
}

/** The client has everything, or has left. */
function finish(call: Call, flight: Flight, options: PassthroughOptions): void {
  const { capture } = options;
  if (!flight.started) {
    flight.started = true;
    capture.start(call, []);
  }
  const outcome = call.verdict?.outcome;
  const delivered = call.outgoing.writableFinished || outcome === 'truncated' || outcome === 'timeout';
  if (!delivered && readOn(call, flight, options)) return;
  if (!delivered) leave(call, flight, capture);
  if (call.verdict === null) decide(call, cancelled, capture);
  conclude(call, options);
}

/** The one place where a call ends. */
function conclude(call: Call, { capture, limiter, onFinished }: PassthroughOptions): void {
  capture.end(call);
  limiter.ended(call);
  onFinished(call);
}

/**
 * The client left, and had asked (`drain`) that the reply be read on for a while, to learn its usage. The call's outcome is
 * marked now; its end is told when the provider has ended, or the time is over. @returns whether it is read on.
 */
function readOn(call: Call, flight: Flight, options: PassthroughOptions): boolean {
  const drainMs = call.instructions.timeouts?.drain ?? 0;
  const attempt = call.attempts.at(-1);
  const { sending } = flight;
  if (drainMs === 0 || sending === null || attempt === undefined || attempt.endedAt !== null) return false;
  call.leftAt = now();
  call.status ??= 499;
  decide(call, cancelled, options.capture);
  const timer = setTimeout(() => {
    attempt.outcome = 'cancelled';
    sending.abort(new Error('the client left'));
  }, drainMs);
  flight.ended = () => {
    clearTimeout(timer);
    // Once more, with what has become of the attempt.
    call.verdict = null;
    decide(call, cancelled, options.capture);
    conclude(call, options);
  };
  return true;
}

const cancelled: Verdict = { outcome: 'cancelled', error: { type: '', message: '' } };

/** The client left: the provider's connection ends at once, as it would without Weir. */
function leave(call: Call, flight: Flight, capture: Capture): void {
  const attempt = call.attempts.at(-1);
  if (attempt !== undefined && attempt.endedAt === null) {
    attempt.endedAt = now();
    attempt.outcome = 'cancelled';
  }
  flight.sending?.abort(new Error('the client left'));
  call.status ??= 499;
  call.verdict = null;
  decide(call, cancelled, capture);
}
