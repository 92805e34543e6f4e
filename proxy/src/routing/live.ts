/** How the targets do that routes name: calls in flight, how fast they answer, and their circuit breakers. In memory, bounded. */
import { LruMap } from '../lru-map.ts';
import { Breaker, type BreakerState } from './breaker.ts';

/** Targets that are followed; the one that was asked longest ago is forgotten. */
const mostTargets = 1_000;
/** The weight of the newest answer in the average of the time to the head of an answer. */
const newest = 0.2;
/** An average that nobody has added to for so long says nothing. */
const staleMs = 300_000;

interface Standing {
  inFlight: number;
  headersMs: number | null;
  measuredAt: number;
  readonly breaker: Breaker;
}

/** What is shown of a target that is not well. */
export interface TargetState {
  target: string;
  state: BreakerState;
  /** ms since 1970. */
  until: number;
  calls: number;
  failures: number;
}

export class LiveTargets {
  readonly #targets = new LruMap<string, Standing>(mostTargets);

  /** @param target as it is written: `provider[:place]/model`. */
  began(target: string): void {
    this.#of(target).inFlight++;
  }

  /** An attempt is over, or its client has left. */
  left(target: string): void {
    const standing = this.#of(target);
    standing.inFlight = Math.max(0, standing.inFlight - 1);
  }

  /**
   * What came of an attempt. @param failed the target's fault: an answer of 500 and above, a clock, a connection. @param headersMs
   * to the head of its answer; null without one. @param at ms since 1970.
   */
  answered(target: string, failed: boolean, headersMs: number | null, at: number): void {
    const standing = this.#of(target);
    if (failed) standing.breaker.failed(at);
    else standing.breaker.succeeded(at);
    if (failed || headersMs === null) return;
    const before = this.latencyOf(target, at);
    standing.headersMs = before === null ? headersMs : before + newest * (headersMs - before);
    standing.measuredAt = at;
  }

  inFlight(target: string): number {
    return this.#targets.peek(target)?.inFlight ?? 0;
  }

  /** Average ms to the head of its answers; null where nothing is known. */
  latencyOf(target: string, at: number): number | null {
    const standing = this.#targets.peek(target);
    return standing === undefined || at - standing.measuredAt > staleMs ? null : standing.headersMs;
  }

  /** Whether it may be asked where there is another. Of a target that comes back from trouble the call is the probe. */
  admits(target: string, at: number): boolean {
    return this.#targets.peek(target)?.breaker.admits(at) ?? true;
  }

  /** Whether `admits` would say so, without being asked. */
  isOpen(target: string, at: number): boolean {
    return this.#targets.peek(target)?.breaker.state(at) === 'open';
  }

  /** Targets that are left alone. */
  troubled(at: number): TargetState[] {
    const found: TargetState[] = [];
    for (const [target, { breaker }] of this.#targets.entries()) {
      const state = breaker.state(at);
      if (state !== 'closed') found.push({ target, state, until: breaker.openUntil, ...breaker.counts(at) });
    }
    return found;
  }

  #of(target: string): Standing {
    let standing = this.#targets.get(target);
    if (standing === undefined) {
      standing = { inFlight: 0, headersMs: null, measuredAt: 0, breaker: new Breaker() };
      this.#targets.set(target, standing);
    }
    return standing;
  }
}
