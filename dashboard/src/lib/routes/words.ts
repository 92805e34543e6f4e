/** Rules, policies and states of routes in words. Pure. */
import { routeInWords } from '@weir/schema/settings/route-words';
import type { Match, PolicySet, RouteSettings } from '@weir/schema/settings/route';
import type { DryRunAnswer } from '@weir/schema/settings/route-desk';
import { bytes, duration, group, list, plain } from '../format.ts';

/** `users *@acme.com, from 22:00 to 06:00 (UTC)`; nothing: every call. */
export function matchInWords(when: Match): string {
  const { models, operations, users, projects, keys, properties, min_bytes, max_bytes, hours } = when;
  const named = Object.entries({ models, operations, users, projects, keys }).flatMap(([what, names]) =>
    names === undefined ? [] : [`${names.length === 1 ? what.replace(/s$/, '') : what} ${orList(names)}`],
  );
  const words = [
    ...named,
    ...Object.entries(properties ?? {}).map(([name, pattern]) => `${name} ${pattern}`),
    ...(min_bytes === undefined ? [] : [`a body of at least ${plain(bytes(min_bytes))}`]),
    ...(max_bytes === undefined ? [] : [`a body under ${plain(bytes(max_bytes))}`]),
    ...(hours === undefined ? [] : [hoursInWords(hours)]),
  ];
  return words.length === 0 ? 'every call' : words.join(', ');
}

function hoursInWords({ from, to, zone, days }: NonNullable<Match['hours']>): string {
  return `from ${from} to ${to}${days === undefined ? '' : ` on ${list(days)}`} (${zone})`;
}

const orList = (names: readonly string[]): string => list(names).replace(/ and ([^ ]+)$/, ' or $1');

/** What a rule does where it matches. */
export const ruleInWords = ({ when, ...policies }: RouteSettings['rules'][number]): string =>
  `${matchInWords(when)} → ${routeInWords(policies as PolicySet)}`;

/** `429, 5xx, a timeout or a broken connection`. */
export function conditionsInWords(on: readonly (string | number)[]): string {
  return orList(on.map((one) => conditionWords[String(one)] ?? String(one)));
}
const conditionWords: Readonly<Record<string, string>> = {
  'server-error': '5xx',
  timeout: 'timeout',
  network: 'network',
  'context-overflow': 'too long',
  limit: 'a limit is reached',
};

/** `2 retries on 429, 5xx or timeout, after 0.5 to 8 s`. */
export function retryInWords(retry: DryRunAnswer['retry']): string {
  if (retry === null || retry.retries === 0) return 'none';
  const { retries, on, min, max } = retry;
  return `${group(retries)} on ${conditionsInWords(on)}, each after ${plain(duration(min))} to ${plain(duration(max))}`;
}

export function timeoutInWords(timeout: DryRunAnswer['timeout']): string {
  const set = Object.entries(timeout ?? {}).filter(([, ms]) => ms > 0);
  return set.length === 0 ? 'none' : set.map(([clock, ms]) => `${clock} ${plain(duration(ms))}`).join(', ');
}
