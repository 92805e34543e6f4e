/** What a response says of the limits that its call was counted by (draft-ietf-httpapi-ratelimit-headers-10). */
import type { Rule } from './rule.ts';
import type { Standing } from './ledger.ts';
import { beginOf, frameAt } from './window.ts';

export interface Counted {
  rule: Rule;
  standing: Standing;
}

const nanosPerDollar = 1e9;

/** A quota or sum in the unit that the ledger counts: dollars in billionths. */
export function inUnits(rule: Rule, amount: number): number {
  return rule.policy.unit === 'usd' ? Math.round(amount * nanosPerDollar) : amount;
}

/** `RateLimit-Policy` and `RateLimit`, as names and values. @param at ms since 1970. */
export function limitFields(counted: readonly Counted[], at: number): string[] {
  if (counted.length === 0) return [];
  const policies = counted.map(({ rule }) => policyText(rule, at));
  const limits = counted.map(({ rule, standing }) => {
    const left = Math.max(0, inUnits(rule, rule.policy.quota) - standing.sum);
    const rest = rule.policy.unit === 'usd' ? left / nanosPerDollar : left;
    const resets = Number.isFinite(standing.resets) ? `;t=${secondsUntil(standing.resets, at)}` : '';
    return `${quoted(rule.policy.name)};r=${decimal(rest)}${resets}`;
  });
  return ['RateLimit-Policy', policies.join(', '), 'RateLimit', limits.join(', ')];
}

const texts = new WeakMap<Rule, string>();

/** A limit as it is written. Days and months differ in length: those are said anew each time. */
function policyText(rule: Rule, at: number): string {
  const { name, quota, window } = rule.policy;
  const known = texts.get(rule);
  if (known !== undefined) return known;
  const text = `${quoted(name)};q=${decimal(quota)}${unitOf(rule)}${windowOf(rule, at)}`;
  if (window === null || 'seconds' in window) texts.set(rule, text);
  return text;
}

/** Whole seconds, at least one: `Retry-After: 0` would say that there is no need to wait. */
export function secondsUntil(moment: number, at: number): number {
  return Math.max(1, Math.ceil((moment - at) / 1000));
}

/** A sum as people read it. */
export function sumText(rule: Rule, amount: number): string {
  return rule.policy.unit === 'usd' ? `${(amount / nanosPerDollar).toFixed(6).replace(/\.?0+$/, '')}` : String(amount);
}

/** Of the draft's own units only `requests` is the default; the others are ours, as in `Weir-Limit`. */
function unitOf({ policy: { unit } }: Rule): string {
  return unit === 'requests' ? '' : `;qu=${quoted(unit === 'concurrent' ? 'concurrent-requests' : unit)}`;
}

function windowOf({ policy: { window } }: Rule, at: number): string {
  if (window === null) return '';
  if ('seconds' in window) return `;w=${window.seconds}`;
  const frame = frameAt(window, at);
  return `;w=${Math.round((frame.leaves(frame.slot) - beginOf(frame)) / 1000)}`;
}

/** A Decimal of RFC 9651 has three places: what is left is rounded down, so that it is not promised. */
function decimal(amount: number): string {
  const down = Math.floor(amount * 1000 + 1e-9) / 1000;
  return Number.isInteger(down) ? String(down) : down.toFixed(3).replace(/0+$/, '');
}

/** Names are of letters, digits, blank, dot, dash and underscore (`limitPolicy`). */
function quoted(name: string): string {
  return `"${name}"`;
}
