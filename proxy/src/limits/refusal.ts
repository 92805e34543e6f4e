/** What a call is told that a limit has no room for. */
import { WeirError } from '../errors.ts';
import { limitFields, secondsUntil, sumText } from './fields.ts';
import type { Ask, Standing } from './ledger.ts';
import type { Caller, Rule } from './rule.ts';
import type { WorstCase } from './worst-case.ts';

/** A sum in dollars cannot be held to where a model's price is not known. */
export function refuseUnpriced(rules: readonly Rule[], { model }: Caller, { unpriced }: WorstCase): void {
  if (!unpriced) return;
  const budget = rules.find(({ policy }) => policy.unit === 'usd' && policy.action === 'refuse');
  if (budget === undefined) return;
  throw new WeirError(
    'limit_exceeded',
    `The limit ${budget.policy.name} is in dollars, and no price of ${JSON.stringify(model.slice(0, 128))} is known: set one (docs/prices.md).`,
  );
}

/** Says which limit, how it stands, and when there is room. */
export function refusalOf(
  rules: readonly Rule[],
  refused: number,
  standings: readonly Standing[],
  at: number,
  ask: Ask | undefined,
): WeirError {
  const rule = rules[refused] as Rule;
  const standing = standings[refused] as Standing;
  const { name, quota, unit, window } = rule.policy;
  const asked =
    ask?.amount == null || unit === 'requests' || unit === 'concurrent'
      ? ''
      : `; this call may come to ${sumText(rule, ask.amount)}`;
  const never = ask?.amount != null && ask.amount > ask.quota;
  const room = Number.isFinite(standing.room) ? standing.room : at + 1000;
  const when = never
    ? ', more than the limit ever allows'
    : window === null
      ? ''
      : `. There is room from ${new Date(room).toISOString()} on`;
  const error = new WeirError(
    'limit_exceeded',
    `The limit ${name} is reached: ${sumText(rule, standing.sum)} of ${quota} ${unit === 'concurrent' ? 'calls at once' : unit} are taken${asked}${when}.`,
  );
  error.headers = [
    ...limitFields(rules, standings, at),
    ...(never ? [] : ['Retry-After', String(secondsUntil(room, at))]),
  ];
  return error;
}
