/** What a response says of the limits that its call was counted by (draft-ietf-httpapi-ratelimit-headers-10). */
import type { LimitPolicy } from '@weir/schema/settings/limit';
import type { Rule } from './rule.ts';
import { counted, type Standing } from './ledger.ts';
import { beginOf, type Frame } from './window.ts';

const nanosPerDollar = 1e9;
/** A Decimal of RFC 9651 has three places. */
const nanosPerPlace = 1e6;

/** A quota or sum in the unit that the ledger counts: dollars in billionths. */
export function inUnits(rule: Rule, amount: number): number {
  return counted(rule.policy.unit, amount);
}

/** `RateLimit-Policy` and `RateLimit`, as names and values. @param standings by index of `rules`. @param at ms since 1970. */
export function limitFields(rules: readonly Rule[], standings: readonly Standing[], at: number): string[] {
  if (rules.length === 0) return [];
  let policies = '';
  let limits = '';
  rules.forEach((rule, index) => {
    const { policy, left } = textsOf(rule, at);
    const { sum, resets } = standings[index] as Standing;
    const comma = index === 0 ? '' : ', ';
    const when = resets === Infinity ? '' : `;t=${secondsUntil(resets, at)}`;
    policies += comma + policy;
    limits += comma + left + leftText(rule, Math.max(0, rule.quota - sum)) + when;
  });
  return ['RateLimit-Policy', policies, 'RateLimit', limits];
}

/** What is written of a limit alike for every call. */
interface Texts {
  policy: string;
  /** Up to what is left. */
  left: string;
  /** Days and months differ in length: another one is said anew. */
  frame: Frame;
}

const texts = new WeakMap<Rule, Texts>();

function textsOf(rule: Rule, at: number): Texts {
  const known = texts.get(rule);
  const frame = rule.frame(at);
  if (known?.frame === frame) return known;
  const { name, quota, window } = rule.policy;
  const policy = `${quoted(name)};q=${decimal(quota)}${unitOf(rule.policy)}${windowText(window, frame)}`;
  const made = { policy, left: `${quoted(name)};r=`, frame };
  texts.set(rule, made);
  return made;
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
function unitOf({ unit }: LimitPolicy): string {
  return unit === 'requests' ? '' : `;qu=${quoted(unit === 'concurrent' ? 'concurrent-requests' : unit)}`;
}

function windowText(window: LimitPolicy['window'], frame: Frame): string {
  if (window === null) return '';
  if ('seconds' in window) return `;w=${window.seconds}`;
  return `;w=${Math.round((frame.leaves(frame.slot) - beginOf(frame)) / 1000)}`;
}

/** What is left, from what is counted: dollars are rounded down to three places, so that it is not promised. */
function leftText({ policy: { unit } }: Rule, left: number): string {
  // Whole thousandths, divided once: the shortest text that names the quotient has no more than three places.
  return unit === 'usd' ? String((left - (left % nanosPerPlace)) / nanosPerPlace / 1000) : decimal(left);
}

/** A number with three places, rounded down. */
function decimal(amount: number): string {
  if (Number.isInteger(amount)) return String(amount);
  const down = Math.floor(amount * 1000 + 1e-9) / 1000;
  return Number.isInteger(down) ? String(down) : down.toFixed(3).replace(/0+$/, '');
}

/** Names are of letters, digits, blank, dot, dash and underscore (`limitPolicy`). */
function quoted(name: string): string {
  return `"${name}"`;
}
