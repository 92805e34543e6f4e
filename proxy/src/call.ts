/** The one value that flows: what is known of a request while it passes, and of each call to a provider it caused. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Outcome } from '@weir/schema/records';
import type { Instructions } from './instructions.ts';
import type { KeyHolder } from './keys/holder.ts';
import type { Reservation } from './limits/ledger.ts';
import type { Operation, Provider } from './providers/provider.ts';
import type { Routing } from './routing/routing.ts';
import type { Timeouts } from './timeouts.ts';

/** A call to one provider, as the marks and the recorder know it. Times in ms on the monotonic clock of the process. */
export interface Attempt {
  index: number;
  provider: string;
  host: string;
  /** Of the target; '' where the call's own stayed. */
  model: string;
  /** As its provider reads it, without query. */
  path: string;
  /** As its provider has it: of a translated call another than the client's. */
  operation: Operation;
  reason: 'first' | 'retry' | 'fallback';
  trigger: string;
  waitMs: number;
  startedAt: number;
  connectMs: number | null;
  headersMs: number | null;
  endedAt: number | null;
  status: number | null;
  outcome: Outcome | null;
  errorType: string;
  errorMessage: string;
  responseBytes: number;
}

/** Where an attempt goes: a URL's parts, and the headers that carry a credential there. */
export interface Target {
  provider: Provider;
  /** Scheme, host and port. */
  origin: string;
  /** Path and query, as they are sent. */
  path: string;
  /** The origin was named by the caller: the address it resolves to is checked when connecting. */
  guarded: boolean;
}

export interface Verdict {
  outcome: Outcome;
  error: { type: string; message: string };
}

export interface Call {
  /** Number within this process; names the call's frames on the way to the recorder. */
  readonly sequence: number;
  /** UUIDv7: `request_id`. */
  readonly id: string;
  /** Microseconds since 1970. */
  readonly startedAt: number;
  /** The same moment on the monotonic clock, ms. */
  readonly started: number;
  readonly incoming: IncomingMessage;
  readonly outgoing: ServerResponse;
  readonly method: string;
  readonly provider: Provider;
  readonly operation: Operation;
  /** Path after the provider, without query; as the client sent it. */
  readonly path: string;
  /** With its `?`; '' when there is none. */
  readonly query: string;
  readonly instructions: Instructions;
  /** Whose Weir key it brought; null without one. */
  holder: KeyHolder | null;
  project: string;
  keyId: string;
  requestModel: string;
  /** What its policies made of it; null for a call that goes where its path says. */
  routing: Routing | null;
  /** Null: no clock of Weir's own runs. */
  timeouts: Timeouts | null;
  readonly attempts: Attempt[];
  /** Index of the attempt whose answer the client got; null: the last. */
  answeredBy: number | null;
  /** Total of deliberate waiting, ms. */
  waitMs: number;
  requestBytes: number;
  responseBytes: number;
  /** Sent to the client; null until its status line is written. */
  status: number | null;
  /** Total of the time in which the client was too slow to take what the provider sent. */
  stallMs: number;
  /** The stream was asked for its usage by Weir: the chunk that tells it is taken out again. */
  usageAsked: boolean;
  /** When the client left a call that is read on to its end, on the monotonic clock; null for every other. */
  leftAt: number | null;
  /** What the call came to, once that is decided; its last bytes may still be on their way to the client. */
  verdict: Verdict | null;
  /** Its end as it is marked on disk, JSON; null until then. */
  endMark: string | null;
  readonly warnings: string[];
  /** What it has taken of limits; null for a call that none counts. */
  reservation: Reservation | null;
  /** Names and values of the response headers that tell of them. */
  limitFields: string[];
}

/** Monotonic clock, ms. */
export function now(): number {
  return performance.now();
}
