/** Limits in words, and the windows that a form offers. Pure. */
import type { LimitPolicy, LimitWindow } from '@weir/schema/settings/limit';
import { group, list, THIN } from '../format.ts';
import { roundMoney } from '../money.ts';

/** Windows of a number of seconds that have a name of their own; others are given in seconds. */
export const spans: readonly (readonly [number, string])[] = [
  [60, 'a minute'],
  [3600, 'an hour'],
  [86_400, 'in 24 hours'],
  [604_800, 'in 7 days'],
  [2_592_000, 'in 30 days'],
];
export const calendars = ['day', 'week', 'month'] as const;

function windowInWords(window: LimitWindow): string {
  if ('calendar' in window) return `a ${window.calendar} (${window.zone})`;
  const named = spans.find(([seconds]) => seconds === window.seconds);
  if (named) return named[1];
  const { seconds } = window;
  for (const [size, unit] of [
    [86_400, 'd'],
    [3600, 'h'],
    [60, 'min'],
  ] as const) {
    if (seconds % size === 0) return `in ${group(seconds / size)}${THIN}${unit}`;
  }
  return `in ${group(seconds)}${THIN}s`;
}

function quotaInWords({ unit, quota }: LimitPolicy): string {
  if (unit === 'usd') {
    const text = quota.toFixed(9).replace(/\.?0+$/, '');
    const places = text.split('.')[1]?.length ?? 0;
    return roundMoney(text, places === 0 ? 0 : Math.max(2, places));
  }
  const noun = unit === 'concurrent' ? 'calls at once' : unit;
  return `${group(quota)} ${quota === 1 ? (unit === 'concurrent' ? 'call at once' : unit.slice(0, -1)) : noun}`;
}

const partitionWord = (by: string): string => by.replace(/^property:/, 'property ');

function matchInWords({ match }: LimitPolicy): string {
  const { properties, ...lists } = match;
  const words = [
    ...Object.values(lists).flatMap((names) => (names && names.length > 0 ? [list(names)] : [])),
    ...Object.entries(properties ?? {}).map(([name, value]) => `${name} ${value}`),
  ];
  return words.length === 0 ? '' : `, of ${words.join('; ')} only`;
}

/** `60 requests a minute for each user`, `$5 a day (Europe/Lisbon), warns only`. */
export function limitInWords(limit: LimitPolicy): string {
  const window = limit.window === null ? '' : ` ${windowInWords(limit.window)}`;
  // For a key of its own, "for each key" says nothing.
  const parts = limit.by.filter((by) => by !== 'key').map(partitionWord);
  const by = parts.length === 0 ? '' : ` for each ${list(parts)}`;
  return `${quotaInWords(limit)}${window}${by}${matchInWords(limit)}${limit.action === 'warn' ? ', warns only' : ''}`;
}
