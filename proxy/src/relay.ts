/**
 * A provider's answer on its way to the client: the head with Weir's own headers, the body as it comes, with backpressure;
 * a copy of every chunk to the recorder. The end of a call is marked before its last byte is handed over.
 */
import type { Capture } from './capture/capture.ts';
import { now, type Attempt, type Call, type Verdict } from './call.ts';
import { headerTraits } from './header-traits.ts';
import { connectionNames, endsHere } from './headers.ts';
import { corsHeaders } from './origin.ts';
import { outcomeOf } from './outcome.ts';
import { errorShapeOf } from './providers/own-errors.ts';
import { UsageChunkFilter } from './stages/stream-usage.ts';
import type { Reply, Sink } from './upstream/exchange.ts';
import { ClockError, triggerOf } from './upstream/trigger.ts';

const noError = { type: '', message: '' };

/** Passes the head of `reply`, the answer of `attempt`, on. @returns what takes its body; how it ends is told to `capture` and the call's `close` handler. */
export function relay(call: Call, attempt: Attempt, reply: Reply, capture: Capture): Sink {
  const { outgoing } = call;
  // Weir's own headers say who answered.
  if (attempt !== call.attempts.at(-1)) call.answeredBy = attempt.index;
  const head = responseHead(call, reply);
  outgoing.sendDate = false;
  const verdict: Verdict = { outcome: outcomeOf(reply.status), error: noError };
  attempt.outcome = verdict.outcome;
  // A client that left while it waited for the head has got no status.
  if (!outgoing.destroyed) {
    call.status = reply.status;
    outgoing.writeHead(reply.status, reply.statusText, head.sent);
  }
  const strip = call.usageAsked && head.inBand === 'sse' ? new UsageChunkFilter() : null;
  let written = 0;
  const stalled = pace(call, reply);

  // The client first, the recorder after.
  let told = false;
  const tell = (): void => {
    if (!told) capture.head(call, attempt, reply.status, head.kept);
    told = true;
  };
  if (outgoing.destroyed) tell();
  // With the first bytes of the body if they are here already, at once if not.
  // A promise's microtask: `queueMicrotask` makes a resource for it, with hooks before and after.
  void Promise.resolve().then(() => {
    tell();
    if (written === 0 && !outgoing.writableEnded && !outgoing.destroyed) outgoing.flushHeaders();
  });
  return {
    data(chunk) {
      if (outgoing.destroyed) {
        tell();
        if (readsOn(call)) capture.responseBytes(call, chunk);
        return true;
      }
      const passed = strip === null ? chunk : strip.feed(chunk);
      written += passed.length;
      call.responseBytes = written;
      // Only the mark of the end must come before the last byte.
      if (written === head.length) {
        attempt.endedAt ??= now();
        settle(call, verdict, capture);
        capture.whenMarked(() => {
          outgoing.end(chunk);
          tell();
          capture.responseBytes(call, chunk);
        });
        return true;
      }
      const ready = outgoing.write(passed);
      tell();
      capture.responseBytes(call, chunk);
      if (!ready) stalled();
      return ready;
    },
    end(trailers) {
      tell();
      if (call.verdict !== null) return;
      const rest = strip?.end();
      settle(call, verdict, capture);
      capture.whenMarked(() => {
        if (rest !== undefined) outgoing.write(rest);
        if (trailers.length > 0) outgoing.addTrailers(pairs(trailers));
        outgoing.end();
      });
    },
    error(error) {
      tell();
      if (call.verdict === null) cutShort(call, attempt, error, { inBand: head.inBand, capture });
    },
  };
}

/** Whether a reply is read on when its client has left. */
export function readsOn({ timeouts }: Call): boolean {
  return (timeouts?.drain ?? 0) > 0;
}

/** Goes on with a reply when the client can take more. @returns to be told that it cannot. */
export function pace(call: Call, reply: Reply): () => void {
  const { outgoing } = call;
  let stalledAt: number | null = null;
  let listening = false;
  return () => {
    stalledAt ??= now();
    if (listening) return;
    listening = true;
    outgoing.on('drain', () => {
      if (stalledAt === null) return;
      call.stallMs += now() - stalledAt;
      stalledAt = null;
      reply.resume();
    });
    // Nobody will take what waits: it must not hold up the rest.
    if (readsOn(call)) outgoing.on('close', () => stalledAt !== null && reply.resume());
  };
}

/** Decides what a call came to, once, and marks it: that is on disk when this returns. */
export function decide(call: Call, verdict: Verdict, capture: Capture): void {
  if (call.verdict !== null) return;
  settle(call, verdict, capture);
  capture.flushMarks();
}

/** The same, for a caller that waits for the marks of this turn (`whenMarked`). */
function settle(call: Call, verdict: Verdict, capture: Capture): void {
  call.verdict = verdict;
  capture.ending(call, verdict.outcome, verdict.error);
}

/** The provider went away in mid-stream: the client must not take what it has for the whole. */
export function cutShort(
  call: Call,
  attempt: Attempt,
  error: Error,
  { inBand, capture }: { inBand: InBand | null; capture: Capture },
): void {
  const { trigger, message: why } = triggerOf(error);
  const timedOut = error instanceof ClockError;
  const outcome = timedOut ? 'timeout' : 'truncated';
  attempt.outcome = outcome;
  attempt.errorType = trigger;
  const said = timedOut ? why : 'the provider ended in mid-reply';
  decide(call, { outcome, error: { type: trigger, message: said } }, capture);
  const { outgoing } = call;
  const abort = (): void => void outgoing.destroy();
  // What was written in this turn leaves with its end: without one it would never have been sent.
  if (inBand === null || outgoing.destroyed) return void setImmediate(abort);
  const message = timedOut
    ? `The reply of ${attempt.provider} was given up: ${why}.`
    : `The provider ${attempt.provider} ended its reply before it was complete.`;
  const failure = timedOut
    ? { status: 504, code: 'upstream_timeout', message }
    : { status: 502, code: 'upstream_unreachable', message };
  const shape = errorShapeOf(call.provider, call.path);
  if (inBand === 'messages') {
    // Between two messages it is one more; within one, the checksum tells the client that it was cut.
    const message = shape.errorMessage?.(failure);
    return message === undefined ? abort() : void outgoing.write(message, abort);
  }
  // A line of JSON that was begun is ended first: what follows must stand on a line of its own.
  const event = inBand === 'sse' ? shape.errorEvent(failure) : `\n${JSON.stringify(shape.errorBody(failure))}\n`;
  outgoing.write(event, abort);
}

interface ResponseHead {
  sent: string[];
  kept: string[];
  /** The body's length when it is announced, else -1. */
  length: number;
  /** How an error can be told inside the body; null where it cannot: compressed, or of a known length, or no stream. */
  inBand: InBand | null;
}

export type InBand = 'sse' | 'ndjson' | 'messages';

function inBandOf(contentType: string): InBand | null {
  if (/^text\/event-stream\b/i.test(contentType)) return 'sse';
  if (/^application\/vnd\.amazon\.eventstream\b/i.test(contentType)) return 'messages';
  return /^application\/(x-ndjson|jsonl|x-jsonlines|stream\+json)\b/i.test(contentType) ? 'ndjson' : null;
}

/** Raw response headers as they are kept: the values of secrets replaced. */
export function keptHeaders(raw: readonly string[]): string[] {
  return raw.map((part, index) =>
    index % 2 === 1 && headerTraits(raw[index - 1] ?? '').secretInAnswer ? '[removed]' : part,
  );
}

function responseHead(call: Call, reply: Reply): ResponseHead {
  const sent: string[] = [];
  const kept: string[] = [];
  let length = -1;
  let stream: InBand | null = null;
  let encoded = false;
  const raw = reply.headers;
  const connection = connectionNames(rawHeader(raw, 'connection'));
  for (let index = 0; index + 1 < raw.length; index += 2) {
    const name = raw[index] as string;
    const traits = headerTraits(name);
    if (traits.weirs || endsHere(traits, connection)) continue;
    const { lower } = traits;
    const value = raw[index + 1] as string;
    if (lower === 'content-length') length = call.method === 'HEAD' ? -1 : Number(value);
    else if (lower === 'content-type') stream = inBandOf(value.trim());
    else if (lower === 'content-encoding') encoded = value.toLowerCase() !== 'identity';
    sent.push(name, value);
    kept.push(name, traits.secretInAnswer ? '[removed]' : value);
  }
  addOwnHeaders(call, sent);
  sent.push(...corsHeaders(call.incoming));
  return { sent, kept, length, inBand: encoded || length !== -1 ? null : stream };
}

/** The provider's headers that go on to the client: not those of its connection, of CORS, or of Weir's own names. */
export function* passedHeaders(raw: readonly string[]): Generator<[name: string, value: string]> {
  const connection = connectionNames(rawHeader(raw, 'connection'));
  for (let index = 0; index + 1 < raw.length; index += 2) {
    const name = raw[index] as string;
    const traits = headerTraits(name);
    if (traits.weirs || endsHere(traits, connection)) continue;
    yield [name, raw[index + 1] as string];
  }
}

/** Weir's response headers (CONTRACT.md §5): what is known when headers leave. */
export function ownHeaders(call: Call): string[] {
  const headers: string[] = [];
  addOwnHeaders(call, headers);
  return headers;
}

/** @param headers raw: name, value, name, value …; Weir's are added. */
function addOwnHeaders(call: Call, headers: string[]): void {
  const { attempts, routing, limitFields } = call;
  const at = now();
  const attempt = attempts[call.answeredBy ?? attempts.length - 1];
  let upstream = 0;
  for (const { startedAt, endedAt } of attempts) upstream += (endedAt ?? at) - startedAt;
  const weir = Math.max(0, at - call.started - upstream - call.waitMs);
  headers.push('Weir-Id', call.id);
  const provider = attempt?.provider ?? call.provider.name;
  // Of the unified API nobody has been asked yet.
  if (provider !== '') headers.push('Weir-Provider', provider);
  const model = attempt?.model || call.requestModel;
  if (model !== '' && isPlain(model)) headers.push('Weir-Model', model);
  headers.push('Weir-Attempts', String(attempts.length));
  const answered = attempt?.headersMs == null ? '' : `, upstream-headers;dur=${hundredths(attempt.headersMs)}`;
  headers.push('Server-Timing', `weir;dur=${hundredths(weir)}, wait;dur=${Math.round(call.waitMs)}${answered}`);
  if (limitFields.length > 0) headers.push(...limitFields);
  const variant = routing?.row.variant ?? '';
  if (variant !== '' && isPlain(variant)) headers.push('Weir-Variant', variant);
}

/** Whether a header can say it. */
function isPlain(text: string): boolean {
  return /^[\x20-\x7e]*$/.test(text);
}

/** As `toFixed(2)`, which takes a microsecond. */
function hundredths(ms: number): string {
  const all = Math.round(ms * 100);
  const rest = all % 100;
  return `${Math.floor(all / 100)}.${rest < 10 ? '0' : ''}${rest}`;
}

/** The value of the first header of a name, which is in lower case. */
export function rawHeader(raw: readonly string[], name: string): string | undefined {
  for (let index = 0; index + 1 < raw.length; index += 2) {
    if (headerTraits(raw[index] as string).lower === name) return raw[index + 1];
  }
  return undefined;
}

function pairs(flat: readonly string[]): [string, string][] {
  const list: [string, string][] = [];
  for (let index = 0; index + 1 < flat.length; index += 2)
    list.push([flat[index] as string, flat[index + 1] as string]);
  return list;
}
