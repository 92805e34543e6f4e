/** What a response says of the limits that its call was counted by (draft-ietf-httpapi-ratelimit-headers-10). */
import type { Rule } from './rule.ts';
import { counted, type Standing } from './ledger.ts';
import { decimal } from './policy-text.ts';

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
  for (let index = 0; index < rules.length; index++) {
    const rule = rules[index] as Rule;
    const { sum, resets } = standings[index] as Standing;
    const comma = index === 0 ? '' : ', ';
    const when = resets === Infinity ? '' : `;t=${secondsUntil(resets, at)}`;
    policies += comma + rule.text(at);
    limits += `${comma}"${rule.policy.name}";r=${leftText(rule, Math.max(0, rule.quota - sum))}${when}`;
  }
  return ['RateLimit-Policy', policies, 'RateLimit', limits];
}

/** Whole seconds, at least one: `Retry-After: 0` would say that there is no need to wait. */
export function secondsUntil(moment: number, at: number): number {
  return Math.max(1, Math.ceil((moment - at) / 1000));
}

/** A sum as people read it. */
export function sumText(rule: Rule, amount: number): string {
  return rule.policy.unit === 'usd' ? `${(amount / nanosPerDollar).toFixed(6).replace(/\.?0+$/, '')}` : String(amount);
}

/** What is left, from what is counted: dollars are rounded down to three places, so that it is not promised. */
function leftText({ policy: { unit }, left }: Rule, amount: number): string {
  if (unit !== 'usd') return decimal(amount);
  const thousandths = Math.floor(amount / nanosPerPlace);
  if (thousandths === left.amount) return left.text;
  left.amount = thousandths;
  // Whole thousandths, divided once: the shortest text that names the quotient has no more than three places.
  left.text = String(thousandths / 1000);
  return left.text;
}
