/** The end of a call: the client has everything, or it has left. */
import { now, type Call, type Verdict } from './call.ts';
import type { Capture } from './capture/capture.ts';
import type { Limiter } from './limits/limiter.ts';
import { decide } from './relay.ts';
import type { Pipeline } from './stages/pipeline.ts';

/** How far a call has come. */
export interface Flight {
  /** The start of the call is marked. */
  started: boolean;
  pipeline: Pipeline | null;
  /** Called when nothing more comes of an attempt that has clocks. */
  ended: (() => void) | null;
}

export interface EndingOptions {
  capture: Capture;
  limiter: Limiter;
  onFinished: (call: Call) => void;
}

/** The client has everything, or has left. */
export function finish(call: Call, flight: Flight, options: EndingOptions): void {
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
  conclude(call, flight, options);
}

/** The one place where a call ends. */
function conclude(call: Call, flight: Flight, { capture, limiter, onFinished }: EndingOptions): void {
  flight.pipeline?.over();
  capture.end(call);
  limiter.ended(call);
  onFinished(call);
}

/**
 * The client left, and had asked (`drain`) that the reply be read on for a while, to learn its usage. The call's outcome is
 * marked now; its end is told when the provider has ended, or the time is over. @returns whether it is read on.
 */
function readOn(call: Call, flight: Flight, options: EndingOptions): boolean {
  const drainMs = call.timeouts?.drain ?? 0;
  const attempt = call.attempts.at(-1);
  const { pipeline } = flight;
  if (drainMs === 0 || pipeline === null || attempt === undefined || attempt.endedAt !== null) return false;
  call.leftAt = now();
  call.status ??= 499;
  decide(call, cancelled, options.capture);
  const timer = setTimeout(() => {
    attempt.outcome = 'cancelled';
    pipeline.abort(new Error('the client left'));
  }, drainMs);
  flight.ended = () => {
    clearTimeout(timer);
    // Once more, with what has become of the attempt.
    call.verdict = null;
    decide(call, cancelled, options.capture);
    conclude(call, flight, options);
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
  flight.pipeline?.left();
  call.status ??= 499;
  call.verdict = null;
  // Before the attempt is given up: what is heard of its end is our own doing.
  decide(call, cancelled, capture);
  flight.pipeline?.abort(new Error('the client left'));
}
