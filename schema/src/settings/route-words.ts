/** A route in one line, as lists show it; and its settings without what says nothing. Pure. */
import {
  defaultConditions,
  type BalancePolicy,
  type PolicySet,
  type RouteSettings,
  type SplitPolicy,
  type Variant,
} from './route.ts';

/** `split 80/20 between openai/gpt-5 and openai/gpt-5-mini, by user; falls back to azure:my-resource/gpt-5; 2 retries`. */
export function routeInWords(settings: PolicySet & { rules?: readonly unknown[] }): string {
  const { fallback, retry, timeout, rules = [] } = settings;
  const parts = [wayInWords(settings)];
  if (fallback !== null) parts.push(`falls back to ${join(fallback.to, 'then')}`);
  if (retry !== null) parts.push(retry.retries === 0 ? 'no retry' : `${several(retry.retries, 'retry', 'retries')}`);
  if (timeout !== null && Object.values(timeout).some((ms) => ms > 0)) parts.push('timeouts');
  if (rules.length > 0) parts.push(several(rules.length, 'rule', 'rules'));
  return parts.filter((part) => part !== '').join('; ');
}

function wayInWords({ target, split, balance }: PolicySet): string {
  if (target !== null) return `to ${target}`;
  if (split !== null) return splitInWords(split);
  return balance === null ? 'as the path says' : balanceInWords(balance);
}

function splitInWords({ by, to }: SplitPolicy): string {
  const arms = to.filter(({ weight }) => weight > 0);
  const names = join(arms.map(armInWords), 'and');
  const unit = by === 'request' ? '' : `, by ${by.replace(/^property:/, 'property ')}`;
  return arms.length === 1 ? `to ${names}` : `split ${shares(to).join('/')} between ${names}${unit}`;
}

/** A name that only says the model again is left out. */
const armInWords = ({ name, target }: Variant): string =>
  name === undefined || target.endsWith(`/${name}`) || target === name ? target : `${target} (${name})`;

const balanceWords: Readonly<Record<BalancePolicy['by'], string>> = {
  weighted: 'by weight',
  'least-busy': 'the least busy',
  'lowest-latency': 'the fastest',
  cheapest: 'the cheapest',
  hash: 'the same for each',
};

function balanceInWords({ by, to, unit }: BalancePolicy): string {
  const how = by === 'hash' ? `${balanceWords.hash} ${unit.replace(/^property:/, 'property ')}` : balanceWords[by];
  return `${how} of ${join(
    to.filter(({ weight }) => weight > 0).map(({ target }) => target),
    'and',
  )}`;
}

/** What each weight above 0 is of all, in percent: whole numbers where they add up to 100. */
export function shares(to: readonly { weight: number }[]): string[] {
  const open = to.filter(({ weight }) => weight > 0);
  const sum = open.reduce((all, { weight }) => all + weight, 0);
  return open.map(({ weight }) => percentOf(weight, sum));
}

/** `33.3`, `80`, `<0.1`. */
export function percentOf(weight: number, sum: number): string {
  if (sum === 0 || weight === 0) return '0';
  const value = (weight / sum) * 100;
  return value < 0.1 ? '<0.1' : String(Number(value.toFixed(1)));
}

/** The same settings without what is at its default: what a person writes, and can send back. */
export function compactRoute(settings: RouteSettings): Record<string, unknown> {
  const { rules, ...rest } = settings;
  return {
    ...withoutDefaults(rest),
    ...(rules.length === 0 ? {} : { rules: rules.map((rule) => withoutDefaults(rule)) }),
  };
}

/** Of a policy what is taken when nothing is said. */
const defaults: Readonly<Record<string, Readonly<Record<string, unknown>>>> = {
  split: { name: '', by: 'request' },
  balance: { unit: 'user' },
  fallback: { on: defaultConditions },
  retry: { on: defaultConditions, min: 500, max: 8_000 },
  timeout: { headers: 0, idle: 0, total: 0, drain: 0 },
};

function withoutDefaults(fields: object): Record<string, unknown> {
  const said = Object.entries(fields).filter(
    ([, value]) => value !== null && value !== '' && !(Array.isArray(value) && value.length === 0),
  );
  return Object.fromEntries(said.map(([name, value]) => [name, shorter(value, defaults[name])]));
}

function shorter(policy: unknown, usual: Readonly<Record<string, unknown>> = {}): unknown {
  if (typeof policy !== 'object' || policy === null || Array.isArray(policy)) return policy;
  const said = Object.entries(policy).filter(([name, value]) => JSON.stringify(value) !== JSON.stringify(usual[name]));
  return Object.fromEntries(said);
}

/** JSON as people write it: what fits on a line stands on one. */
export function prettyJson(value: unknown, indent = ''): string {
  const flat = oneLine(value);
  if (typeof value !== 'object' || value === null || indent.length + flat.length <= 84) return flat;
  const inner = `${indent}  `;
  const lines = Array.isArray(value)
    ? value.map((one) => inner + prettyJson(one, inner))
    : Object.entries(value).map(([name, one]) => `${inner}${JSON.stringify(name)}: ${prettyJson(one, inner)}`);
  const [open, close] = Array.isArray(value) ? ['[', ']'] : ['{', '}'];
  return `${open}\n${lines.join(',\n')}\n${indent}${close}`;
}

function oneLine(value: unknown): string {
  if (typeof value !== 'object' || value === null) return JSON.stringify(value);
  if (Array.isArray(value)) return `[${value.map(oneLine).join(', ')}]`;
  const members = Object.entries(value).map(([name, one]) => `${JSON.stringify(name)}: ${oneLine(one)}`);
  return members.length === 0 ? '{}' : `{ ${members.join(', ')} }`;
}

function join(names: readonly string[], word: string): string {
  return names.length < 2 ? (names[0] ?? '') : `${names.slice(0, -1).join(', ')} ${word} ${names.at(-1) ?? ''}`;
}

function several(count: number, one: string, many: string): string {
  return `${count} ${count === 1 ? one : many}`;
}
