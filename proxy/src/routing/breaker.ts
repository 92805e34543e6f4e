/**
 * A circuit breaker for one target: when most of its calls fail it is left alone for a while, then asked once; if that call
 * succeeds it is asked again by all. It only ever decides between targets: a call that has no other is sent all the same.
 */

/** Failures are counted in slots over the last while. */
const slotMs = 2_000;
const slots = 15;
/** It opens when so many calls of the while failed, and they are so large a part of all. */
const leastFailures = 5;
const failedShare = 0.5;
/** How long it stays open: twice as long each time that the probe fails. */
const shortestMs = 5_000;
const longestMs = 120_000;
/** A probe that nobody heard of again holds nothing up. */
const probeMs = 60_000;

export type BreakerState = 'closed' | 'open' | 'half-open';

export class Breaker {
  readonly #calls = new Uint32Array(slots);
  readonly #failures = new Uint32Array(slots);
  #slot = 0;
  #openUntil = 0;
  #openMs = shortestMs;
  #probeUntil = 0;

  /** @param at ms since 1970, as everywhere here. */
  state(at: number): BreakerState {
    if (this.#openUntil === 0) return 'closed';
    return at < this.#openUntil ? 'open' : 'half-open';
  }

  /** ms since 1970; 0 while it is closed. */
  get openUntil(): number {
    return this.#openUntil;
  }

  /** Failures of the last half minute, and calls. */
  counts(at: number): { calls: number; failures: number } {
    this.#turn(at);
    const sum = (counts: Uint32Array): number => counts.reduce((all, one) => all + one, 0);
    return { calls: sum(this.#calls), failures: sum(this.#failures) };
  }

  /** Whether a call may be sent where there is another target. One of half-open is the probe. */
  admits(at: number): boolean {
    const state = this.state(at);
    if (state !== 'half-open') return state === 'closed';
    if (at < this.#probeUntil) return false;
    this.#probeUntil = at + probeMs;
    return true;
  }

  succeeded(at: number): void {
    this.#count(at, 0);
    if (this.state(at) !== 'half-open') return;
    this.#openUntil = 0;
    this.#openMs = shortestMs;
    this.#clear();
  }

  failed(at: number): void {
    this.#count(at, 1);
    const state = this.state(at);
    if (state === 'open') return;
    const { calls, failures } = this.counts(at);
    if (state === 'half-open') this.#openMs = Math.min(longestMs, this.#openMs * 2);
    else if (failures < leastFailures || failures < calls * failedShare) return;
    this.#openUntil = at + this.#openMs;
    this.#probeUntil = 0;
  }

  #count(at: number, failures: 0 | 1): void {
    this.#turn(at);
    const index = this.#slot % slots;
    this.#calls[index] = (this.#calls[index] ?? 0) + 1;
    this.#failures[index] = (this.#failures[index] ?? 0) + failures;
  }

  /** Lets go of what is older than the while. */
  #turn(at: number): void {
    const slot = Math.floor(at / slotMs);
    for (let next = Math.max(this.#slot + 1, slot - slots + 1); next <= slot; next++) {
      this.#calls[next % slots] = 0;
      this.#failures[next % slots] = 0;
    }
    this.#slot = Math.max(this.#slot, slot);
  }

  #clear(): void {
    this.#calls.fill(0);
    this.#failures.fill(0);
  }
}
