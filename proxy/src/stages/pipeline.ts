/**
 * The attempts of a call, one after the other, until one is passed on: the one place that knows in which order the stages are
 * asked. Nothing is tried again once a byte has gone to the client.
 */
import type { RequestBody } from '../body.ts';
import { now, type Attempt, type Call } from '../call.ts';
import type { Capture } from '../capture/capture.ts';
import { WeirError } from '../errors.ts';
import { outcomeOf } from '../outcome.ts';
import { saysTooLong } from '../providers/overflow.ts';
import type { InsideError } from '../providers/early-error.ts';
import type { ReplyContext } from '../providers/provider.ts';
import { relayTranslated } from '../relay-translated.ts';
import { rawHeader, relay } from '../relay.ts';
import type { Leg } from '../routing/legs.ts';
import type { LiveTargets } from '../routing/live.ts';
import type { Receiver, Reply, Sending, SendRequest, Sink } from '../upstream/exchange.ts';
import { triggerOf } from '../upstream/trigger.ts';
import type { Upstream } from '../upstream/upstream.ts';
import type { HeldKeys } from '../vault/vault.ts';
import { hold, sendOn, type Answer } from './answer.ts';
import { withClocks } from './clocks.ts';
import { failureInside, failureOfError, failureOfStatus, type Decide, type Failure, type Next } from './failure.ts';
import { canPeek, peek } from './peek.ts';

/** No policy is meant to come so far. */
const mostAttempts = 100;
/** Statuses by which providers say that a question is too long. */
const tooLongStatuses: ReadonlySet<number> = new Set([400, 413, 422]);

/** What the attempts of all calls share. */
export interface PipelineParts {
  upstream: Upstream;
  capture: Capture;
  held: HeldKeys;
  live: LiveTargets;
}

/** What is to become of one call. */
export interface Course {
  call: Call;
  /** Asked in this order; none: the first answer is the call's. */
  stages: readonly Decide[];
  /** A question that is too long for a model goes to another. */
  onOverflow: boolean;
  /** Nothing more comes of an attempt that has clocks. */
  ended: () => void;
  /** No attempt got an answer. */
  unreachable: (error: unknown) => void;
  /** Weir itself answers. */
  refuse: (error: unknown) => void;
}

/** An answer that was not passed on. */
interface Held {
  leg: Leg;
  attempt: Attempt;
  answer: Answer;
}

export class Pipeline implements Sending {
  #sending: Sending | null = null;
  #wait: { timer: NodeJS.Timeout; since: number } | null = null;
  /** The client has left. */
  #gone = false;
  /** The latest answer that was not passed on. */
  #last: Held | null = null;
  #followed: string | null = null;
  #body: RequestBody;

  /** @param body the call's own; null or bytes where it may be sent again. */
  constructor(
    private readonly parts: PipelineParts,
    private readonly course: Course,
    body: RequestBody,
  ) {
    this.#body = body;
  }

  /** Starts the first attempt, with which the call's start was marked. */
  start(leg: Leg, request: SendRequest): void {
    if (this.#gone) return;
    const attempt = this.course.call.attempts[0] as Attempt;
    attempt.startedAt = now();
    try {
      this.#send(leg, request, attempt);
    } catch (error) {
      this.course.refuse(error);
    }
  }

  /** The client left: nothing more is asked, and a wait ends at once. */
  left(): void {
    this.#gone = true;
    this.#endWait();
  }

  /** The same, and what is in flight ends too. */
  abort(reason: Error): void {
    this.left();
    this.#sending?.abort(reason);
  }

  /** Nothing more comes of the latest attempt. */
  over(): void {
    if (this.#followed !== null) this.parts.live.left(this.#followed);
    this.#followed = null;
  }

  #send(leg: Leg, request: SendRequest, attempt: Attempt): void {
    const { upstream, live } = this.parts;
    const { call, ended } = this.course;
    this.over();
    this.#followed = leg.target;
    if (leg.target !== null) live.began(leg.target);
    const receiver: Receiver = {
      reply: (reply) => this.#reply(leg, attempt, reply),
      failed: (error) => this.#failed(leg, attempt, error),
    };
    const { timeouts } = call;
    if (timeouts === null) {
      this.#sending = upstream.send(request, attempt, receiver);
      return;
    }
    const clocks = withClocks(call, timeouts, receiver, ended);
    this.#sending = upstream.send(request, attempt, clocks.receiver);
    clocks.start(this.#sending);
  }

  #reply(leg: Leg, attempt: Attempt, reply: Reply): Sink {
    const { call, stages, onOverflow } = this.course;
    const header = (name: string): string | undefined => rawHeader(reply.headers, name);
    if (leg.heldKey !== null) this.parts.held.answered(leg.heldKey, reply.status, header('retry-after'));
    const peeks = stages.length > 0 && canPeek(reply, { method: call.method, operation: leg.operation });
    if (peeks) return this.#peek(leg, attempt, reply);
    this.#learn(leg, attempt, reply.status >= 500);
    if (reply.status < 400) return this.#passOn(leg, attempt, reply);
    if (stages.length === 0 && leg.heldKey === null) return this.#passOn(leg, attempt, reply);
    const failure = failureOfStatus(reply.status, { header, at: Date.now(), held: leg.heldKey !== null });
    const next = this.#next(failure, leg);
    const mayBeTooLong = next === null && onOverflow && tooLongStatuses.has(reply.status);
    if (next === null && !mayBeTooLong && !failure.credentials) return this.#passOn(leg, attempt, reply);
    const abort = (): void => this.#sending?.abort(new Error('not needed'));
    return hold(reply, abort, (answer) => this.#judge({ leg, attempt, answer, failure, next }));
  }

  /** An answer that may be followed by another attempt has been read. */
  #judge(held: Held & { failure: Failure; next: Next | null }): Sink | null {
    const { leg, attempt, answer, failure } = held;
    if (this.#gone) return null;
    const body = Buffer.concat(answer.chunks);
    // For a client that has left nothing is asked any more.
    let next = this.course.call.leftAt === null ? held.next : null;
    if (next === null && saysTooLong(body)) next = this.#next({ ...failure, overflow: true }, leg);
    if (next === null && !failure.credentials) return this.#sendOn({ leg, answer, attempt });
    attempt.endedAt ??= now();
    attempt.outcome = outcomeOf(answer.reply.status);
    const error = this.#errorOf(leg, answer.reply, body);
    attempt.errorType = error?.type ?? '';
    attempt.errorMessage = leg.withoutSecret(error?.message ?? '');
    if (next !== null) {
      // What a provider says of Weir's own key is not for the caller.
      if (answer.whole && !failure.credentials) this.#last = { leg, answer, attempt };
      this.#go(next, failure);
    } else if (this.#last !== null) return this.#sendOn(this.#last);
    else {
      this.course.refuse(
        new WeirError(
          'upstream_credentials',
          `${leg.provider.name} refused (${answer.reply.status}) every key that Weir holds for it: this is not the caller's key.`,
        ),
      );
    }
    return null;
  }

  #peek(leg: Leg, attempt: Attempt, reply: Reply): Sink {
    let learnt = false;
    const learn = (failed: boolean): void => {
      if (!learnt) this.#learn(leg, attempt, failed);
      learnt = true;
    };
    const goOn = (failure: Failure | null, error: InsideError): boolean => {
      const next = failure === null ? null : this.#next(failure, leg);
      if (failure === null || next === null) return false;
      attempt.outcome =
        failure.kind === 'status'
          ? failure.status === 429
            ? 'rate_limited'
            : 'provider_error'
          : triggerOutcome(failure);
      attempt.errorType = error.type;
      attempt.errorMessage = leg.withoutSecret(error.message);
      attempt.endedAt ??= now();
      this.#sending?.abort(new Error('not needed'));
      // The reply's own end comes first.
      queueMicrotask(() => this.#go(next, failure));
      return true;
    };
    return peek(reply, leg.provider, this.#context(leg, reply), {
      failed: (error) => {
        const failure = failureInside(error.type);
        learn(failure !== null && failure.status !== 429);
        return goOn(failure, error);
      },
      broke: (error) => {
        if (this.#gone) return true;
        learn(true);
        const { trigger, message } = triggerOf(error);
        return goOn(failureOfError(error, true), { type: trigger, message });
      },
      commit: () => {
        learn(false);
        return this.#passOn(leg, attempt, reply);
      },
    });
  }

  #failed(leg: Leg, attempt: Attempt, error: Error): void {
    const { call, unreachable } = this.course;
    if (this.#gone) return;
    this.#learn(leg, attempt, true);
    const failure = failureOfError(error, attempt.connectMs !== null);
    const { outcome, trigger, message } = triggerOf(error);
    attempt.endedAt ??= now();
    attempt.outcome = outcome;
    attempt.errorType = trigger;
    attempt.errorMessage = message;
    const next = this.#next(failure, leg);
    if (next !== null) this.#go(next, failure);
    else if (this.#last !== null && call.leftAt === null) this.#sendOn(this.#last);
    else unreachable(error);
  }

  /** The first stage that knows something to do. Nothing is begun that the total clock would not let begin. */
  #next(failure: Failure, leg: Leg, only?: Next['reason']): Next | null {
    const { call, stages } = this.course;
    const { outgoing, timeouts, attempts } = call;
    if (this.#gone || call.leftAt !== null || outgoing.destroyed || outgoing.headersSent) return null;
    if (failure.trigger === 'timeout:total' || attempts.length >= mostAttempts) return null;
    const left = timeouts === null || timeouts.total === 0 ? Infinity : timeouts.total - (now() - call.started);
    for (const stage of stages) {
      const next = stage(failure, leg);
      if (next !== null && next.waitMs < left && (only ?? next.reason) === next.reason) return next;
    }
    return null;
  }

  #go({ leg, reason, waitMs }: Next, failure: Failure): void {
    if (this.#gone) return;
    this.over();
    const since = now();
    const begin = (): void => void this.#begin(leg, reason, failure);
    if (waitMs <= 0) return begin();
    this.#wait = { since, timer: setTimeout(begin, waitMs) };
  }

  /** @returns how long it was waited, ms. */
  #endWait(): number {
    if (this.#wait === null) return 0;
    const waited = now() - this.#wait.since;
    clearTimeout(this.#wait.timer);
    this.#wait = null;
    this.course.call.waitMs += waited;
    return waited;
  }

  async #begin(leg: Leg, reason: Next['reason'], failure: Failure): Promise<void> {
    const { capture } = this.parts;
    const { call } = this.course;
    const waitMs = this.#endWait();
    let request: SendRequest;
    try {
      request = await leg.request(this.#body);
    } catch (error) {
      return this.#unable(leg, failure, error);
    }
    if (this.#gone) return;
    const attempt = makeAttempt(leg, call.attempts.length, { reason, trigger: failure.trigger, waitMs });
    call.attempts.push(attempt);
    capture.attempt(call, attempt);
    capture.flushMarks();
    this.#send(leg, request, attempt);
  }

  /** Weir could not sign the call, or it cannot be said to this target. What came of the attempts before still counts. */
  #unable(leg: Leg, failure: Failure, error: unknown): void {
    if (this.#gone) return;
    this.course.call.warnings.push(`not_sent:${leg.target ?? leg.provider.name}`);
    const next = this.#next(failure, leg, 'fallback');
    if (next !== null) this.#go(next, failure);
    else if (this.#last !== null) this.#sendOn(this.#last);
    else this.course.refuse(error);
  }

  #passOn(leg: Leg, attempt: Attempt, reply: Reply): Sink {
    const { capture } = this.parts;
    const { call } = this.course;
    // Nothing is sent again: a long answer need not hold what was asked.
    this.#body = null;
    this.#last = null;
    const translator = leg.translator(reply.status, rawHeader(reply.headers, 'content-type') ?? '');
    if (translator === null) return relay(call, attempt, reply, capture);
    return relayTranslated(call, attempt, { reply, translator, capture });
  }

  #sendOn({ leg, answer, attempt }: Held): Sink | null {
    return sendOn(answer, this.#passOn(leg, attempt, answer.reply));
  }

  #learn({ target }: Leg, { headersMs }: Attempt, failed: boolean): void {
    if (target !== null) this.parts.live.answered(target, failed, headersMs, Date.now());
  }

  #context({ path, operation }: Leg, { status, headers }: Reply): ReplyContext {
    return {
      operation,
      path,
      status,
      contentType: (rawHeader(headers, 'content-type') ?? '').toLowerCase(),
      header: (name) => rawHeader(headers, name.toLowerCase()) ?? null,
    };
  }

  #errorOf(leg: Leg, reply: Reply, body: Buffer): { type: string | null; message: string | null } | null {
    if ((rawHeader(reply.headers, 'content-encoding') ?? 'identity') !== 'identity') return null;
    const reader = leg.provider.dialect.replyReader(this.#context(leg, reply));
    reader.feed(body);
    return reader.end().error;
  }
}

function triggerOutcome({ kind }: Failure): 'timeout' | 'network_error' {
  return kind === 'timeout' ? 'timeout' : 'network_error';
}

/** An attempt that begins now. */
export function makeAttempt(
  leg: Leg,
  index: number,
  { reason, trigger, waitMs }: Pick<Attempt, 'reason' | 'trigger' | 'waitMs'>,
): Attempt {
  return {
    index,
    provider: leg.provider.name,
    host: leg.host,
    model: leg.model,
    path: leg.path,
    operation: leg.operation,
    reason,
    trigger,
    waitMs,
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
