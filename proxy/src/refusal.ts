/** Answers that are Weir's own: it says no, or no attempt got an answer, or it knows itself. */
import type { Call, Verdict } from './call.ts';
import type { Capture } from './capture/capture.ts';
import { WeirError } from './errors.ts';
import { corsHeaders } from './origin.ts';
import { errorShapeOf } from './providers/own-errors.ts';
import { decide, ownHeaders } from './relay.ts';
import { triggerOf } from './upstream/trigger.ts';

export interface RefusalOptions {
  capture: Capture;
  /** Something went wrong that nobody foresaw. */
  onFault: (error: unknown) => void;
}

/** Weir itself says no. */
export function refuse(call: Call, error: unknown, { capture, onFault }: RefusalOptions): void {
  if (call.outgoing.destroyed || call.outgoing.headersSent) return;
  if (!(error instanceof WeirError)) onFault(error);
  const refusal = error instanceof WeirError ? error : new WeirError('overloaded', 'Weir could not handle this call.');
  // What the provider refused is the provider's refusal.
  const outcome = refusal.code === 'upstream_credentials' && call.attempts.length > 0 ? 'provider_error' : 'blocked';
  answer(call, refusal, { outcome, error: { type: refusal.code, message: refusal.message } }, capture);
}

/** No attempt got an answer. */
export function unreachable(call: Call, error: unknown, capture: Capture): void {
  const { outcome, trigger, message } = triggerOf(error);
  if (call.outgoing.destroyed || call.outgoing.headersSent) return;
  const attempts = call.attempts
    .map(({ provider, host, status, errorType }) => `${provider} (${host}): ${errorType || (status ?? 'no answer')}`)
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

/** Weir itself has the answer. */
export function answerWith(call: Call, value: object, capture: Capture): void {
  if (call.outgoing.destroyed) return;
  const body = Buffer.from(JSON.stringify(value));
  const headers = ['Content-Type', 'application/json', 'Content-Length', String(body.length)];
  call.status = 200;
  call.responseBytes = body.length;
  decide(call, { outcome: 'ok', error: { type: '', message: '' } }, capture);
  call.outgoing.writeHead(200, [...headers, ...ownHeaders(call), ...corsHeaders(call.incoming)]);
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
