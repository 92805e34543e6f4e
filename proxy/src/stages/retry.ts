/** `Weir-Retry`: the same target once more, after a wait. */
import type { RetryPolicy } from '@weir/schema/settings/route';
import type { Operation } from '../providers/provider.ts';
import { isAmong, mayRepeat, type Decide, type Failure } from './failure.ts';

/** @param random from 0 to less than 1. */
export function retry(
  policy: RetryPolicy,
  call: { method: string; operation: Operation },
  random: () => number,
): Decide {
  /** By target: each has its own tries. */
  const tried = new Map<number, number>();
  return (failure, leg) => {
    const tries = (tried.get(leg.index) ?? 0) + 1;
    // A key that was refused is refused again.
    if (tries > policy.retries || failure.credentials) return null;
    if (!isAmong(failure, policy.on) || !mayRepeat(failure, call)) return null;
    const again = leg.again();
    if (again === null) return null;
    tried.set(leg.index, tries);
    return { leg: again, reason: 'retry', waitMs: waitOf(policy, failure, tries, random) };
  };
}

/** As long as the provider asks, up to `max`; else by chance between `min` and `min` · 2ⁿ, up to `max`. */
export function waitOf(
  { min, max }: RetryPolicy,
  failure: Pick<Failure, 'retryAfterMs'>,
  tries: number,
  random: () => number,
): number {
  if (failure.retryAfterMs !== null) return Math.min(max, failure.retryAfterMs);
  const most = Math.min(max, min * 2 ** tries);
  return min + random() * (most - min);
}
