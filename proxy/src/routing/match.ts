/** Whether a rule of a route, or a split, is for a call. */
import { weekdays, type Match } from '@weir/schema/settings/route';
import { matchesPattern } from '@weir/schema/settings/pattern';
import type { RouteFacts } from './facts.ts';

/** All that is named must match. */
export function matchesCall(when: Match, facts: RouteFacts): boolean {
  const like = (patterns: readonly string[] | undefined, text: string): boolean =>
    patterns === undefined || patterns.some((pattern) => matchesPattern(pattern, text));
  return (
    like(when.models, facts.model) &&
    like(when.users, facts.user) &&
    (when.operations === undefined || when.operations.includes(facts.operation)) &&
    (when.projects === undefined || when.projects.includes(facts.project)) &&
    (when.keys === undefined || when.keys.includes(facts.keyId)) &&
    (when.min_bytes === undefined || facts.bytes >= when.min_bytes) &&
    (when.max_bytes === undefined || facts.bytes < when.max_bytes) &&
    Object.entries(when.properties ?? {}).every(([name, pattern]) => {
      const value = Object.hasOwn(facts.properties, name) ? facts.properties[name] : undefined;
      return value !== undefined && matchesPattern(pattern, value);
    }) &&
    (when.hours === undefined || isWithin(when.hours, facts.at))
  );
}

const formats = new Map<string, Intl.DateTimeFormat>();

/** A time that runs past midnight belongs to the day on which it began. */
function isWithin({ from, to, zone, days }: NonNullable<Match['hours']>, at: number): boolean {
  let format = formats.get(zone);
  if (format === undefined) {
    const parts = { weekday: 'short', hour: '2-digit', minute: '2-digit', hourCycle: 'h23' } as const;
    formats.set(zone, (format = new Intl.DateTimeFormat('en-GB', { timeZone: zone, ...parts })));
  }
  const part = Object.fromEntries(format.formatToParts(at).map(({ type, value }) => [type, value]));
  const time = `${part['hour']}:${part['minute']}`;
  const today = weekdays.indexOf((part['weekday'] ?? '').toLowerCase() as (typeof weekdays)[number]);
  const began = from > to && time < to ? (today + 6) % 7 : today;
  const inTime = from <= to ? time >= from && time < to : time >= from || time < to;
  return inTime && (days === undefined || days.includes(weekdays[began] as (typeof weekdays)[number]));
}
