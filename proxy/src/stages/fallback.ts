/** `Weir-Fallback`: the next target, at once. One whose circuit is open is passed over while there is another. */
import type { FallbackPolicy } from '@weir/schema/settings/route';
import type { Operation } from '../providers/provider.ts';
import type { Leg } from '../routing/legs.ts';
import type { LiveTargets } from '../routing/live.ts';
import { isAmong, mayRepeat, type Decide } from './failure.ts';

/** @param legs in their order. */
export function fallback(
  policy: Pick<FallbackPolicy, 'on'>,
  legs: readonly Leg[],
  call: { method: string; operation: Operation },
  live: LiveTargets,
): Decide {
  /** Those that have had their turn. */
  const asked = new Set<number>();
  return (failure, leg) => {
    asked.add(leg.index);
    if (!isAmong(failure, policy.on) || !mayRepeat(failure, call)) return null;
    const left = legs.filter(({ index }) => !asked.has(index));
    const at = Date.now();
    const next = left.find(({ target }) => target === null || live.admits(target, at)) ?? left[0];
    return next === undefined ? null : { leg: next, reason: 'fallback', waitMs: 0 };
  };
}
