/** A limit as `RateLimit-Policy` has it (draft-ietf-httpapi-ratelimit-headers-10). */
import type { LimitPolicy } from '@weir/schema/settings/limit';
import { beginOf, type Frame } from './window.ts';

/** @param frame days and months differ in length. */
export function policyText({ name, quota, unit, window }: LimitPolicy, frame: Frame): string {
  return `${quoted(name)};q=${decimal(quota)}${unitOf(unit)}${windowText(window, frame)}`;
}

/** Of the draft's own units only `requests` is the default; the others are ours, as in `Weir-Limit`. */
function unitOf(unit: LimitPolicy['unit']): string {
  return unit === 'requests' ? '' : `;qu=${quoted(unit === 'concurrent' ? 'concurrent-requests' : unit)}`;
}

function windowText(window: LimitPolicy['window'], frame: Frame): string {
  if (window === null) return '';
  if ('seconds' in window) return `;w=${window.seconds}`;
  return `;w=${Math.round((frame.leaves(frame.slot) - beginOf(frame)) / 1000)}`;
}

/** A number with three places, rounded down. */
export function decimal(amount: number): string {
  if (Number.isInteger(amount)) return String(amount);
  const down = Math.floor(amount * 1000 + 1e-9) / 1000;
  return Number.isInteger(down) ? String(down) : down.toFixed(3).replace(/0+$/, '');
}

/** Names are of letters, digits, blank, dot, dash and underscore (`limitPolicy`). */
function quoted(name: string): string {
  return `"${name}"`;
}
