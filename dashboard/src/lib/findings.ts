/** What stands out, computed from counts and said in a sentence. Nothing is said that the counts do not say. */
import type { Range } from '@weir/schema/time';
import { group, list, plural } from './format.ts';

interface Failures {
  provider: string;
  outcome: string;
  status: number | null;
  attempts: number;
  error_type: string;
  buckets: number[];
}

export interface Storm {
  provider: string;
  outcome: string;
  status: number | null;
  error_type: string;
  attempts: number;
  from: number;
  to: number;
}

const median = (values: readonly number[]): number =>
  [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0;

/** The stretch of buckets that holds far more than the usual bucket; one quiet bucket does not end it. */
function worstStretch(buckets: readonly number[]): { from: number; to: number; sum: number } {
  const floor = Math.max(4, median(buckets) * 5);
  let best = { from: 0, to: 0, sum: 0 };
  for (let start = 0; start < buckets.length; start += 1) {
    if ((buckets[start] ?? 0) <= floor) continue;
    let end = start;
    let sum = 0;
    for (
      let index = start;
      index < buckets.length && ((buckets[index] ?? 0) > floor || (buckets[index + 1] ?? 0) > floor);
      index += 1
    ) {
      sum += buckets[index] ?? 0;
      if ((buckets[index] ?? 0) > floor) end = index + 1;
    }
    if (sum > best.sum) best = { from: start, to: end, sum };
    start = Math.max(start, end - 1);
  }
  return best;
}

/** A provider's failures that crowd into a part of the range: at least twenty, and most of that kind. */
export function findStorm(rows: readonly Failures[], range: Range): Storm | undefined {
  let best: (Storm & { weight: number }) | undefined;
  for (const row of rows) {
    const stretch = worstStretch(row.buckets);
    if (stretch.sum < 20 || stretch.sum < row.attempts * 0.4 || stretch.to - stretch.from > row.buckets.length * 0.7)
      continue;
    if (best && best.weight >= stretch.sum) continue;
    best = {
      provider: row.provider,
      outcome: row.outcome,
      status: row.status,
      error_type: row.error_type,
      attempts: stretch.sum,
      weight: stretch.sum,
      from: range.from + stretch.from * range.step,
      to: Math.min(range.to, range.from + stretch.to * range.step),
    };
  }
  return best;
}

const did: Record<string, (calls: string) => string> = {
  rate_limited: (calls) => `refused ${calls}`,
  provider_error: (calls) => `failed ${calls}`,
  timeout: (calls) => `left ${calls} without an answer in time`,
  network_error: (calls) => `could not be reached for ${calls}`,
  truncated: (calls) => `broke off ${calls}`,
  blocked: (calls) => `would have got ${calls} that Weir refused`,
  interrupted: (calls) => `lost ${calls} when Weir itself stopped`,
};

export const stormVerb = (storm: Storm): string =>
  (did[storm.outcome] ?? ((calls: string) => `failed ${calls}`))(plural(storm.attempts, 'call'));

export function stormCause(storm: Storm): string {
  const words = storm.error_type.replaceAll('_', ' ');
  return [storm.status === null ? '' : String(storm.status), words].filter(Boolean).join(', ');
}

export interface Aftermath {
  answered_by: string;
  requests: number;
  answered: number;
  failed: number;
}

/** Who answered in place, and how many errors reached the clients. */
export function aftermathText(storm: Storm, rows: readonly Aftermath[]): string {
  const rescuers = rows.filter((row) => row.answered > 0 && row.answered_by !== storm.provider);
  const retried = rows.find((row) => row.answered_by === storm.provider)?.answered ?? 0;
  const rescued = rescuers.reduce((sum, row) => sum + row.answered, 0);
  const failed = rows.reduce((sum, row) => sum + row.failed, 0);
  const said: string[] = [];
  if (rescued > 0)
    said.push(`Fallback to ${list(rescuers.slice(0, 3).map((row) => row.answered_by))} answered ${group(rescued)}`);
  if (retried > 0) said.push(`a retry answered ${group(retried)}`);
  said.push(
    failed > 0
      ? `${group(failed)} reached ${failed === 1 ? 'its client as an error' : 'clients as errors'}`
      : 'none reached a client as an error',
  );
  const text = said.join('; ');
  return `${text.charAt(0).toUpperCase()}${text.slice(1)}.`;
}
