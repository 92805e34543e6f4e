/** Another of the keys that Weir holds for a provider, at once: where one was refused, or its quota is used up. */
import type { Decide } from './failure.ts';

export const nextKey: Decide = (failure, leg) => {
  if (leg.heldKey === null || !(failure.credentials || failure.status === 429)) return null;
  const next = leg.withNextKey();
  return next === null ? null : { leg: next, reason: 'retry', waitMs: 0 };
};
