import type { Outcome } from '@weir/schema/records';

/** What a provider's status says of a call (CONTRACT.md §7, `outcome`). */
export function outcomeOf(status: number): Outcome {
  if (status < 400) return 'ok';
  if (status === 429) return 'rate_limited';
  return status < 500 ? 'client_error' : 'provider_error';
}
