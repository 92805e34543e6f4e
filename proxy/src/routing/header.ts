/** `Weir-Route`, `Weir-Split`, `Weir-Fallback`, `Weir-Retry` (CONTRACT.md §4): RFC 9651, checked by the schemas of saved routes. */
import {
  fallbackPolicy,
  retryPolicy,
  splitPolicy,
  type FallbackPolicy,
  type RetryPolicy,
  type SplitPolicy,
} from '@weir/schema/settings/route';
import { parseDictionary, parseItem, Token, type BareItem, type InnerList } from 'structured-headers';
import type { z } from 'zod';
import { WeirError } from '../errors.ts';
import { LruMap } from '../lru-map.ts';
import { parseField } from '../structured.ts';
import { parseTarget } from './target.ts';

/** Programs send the same few headers with every call. */
const mostRemembered = 1_000;
const longestRemembered = 4_096;

/** @throws WeirError `bad_header`, here as below. */
export const readRetry = remembering((value: string): RetryPolicy => {
  return check('weir-retry', retryPolicy, members('weir-retry', value, expected.retry), expected.retry);
});

export const readFallback = remembering((value: string): FallbackPolicy => {
  const policy = check(
    'weir-fallback',
    fallbackPolicy,
    members('weir-fallback', value, expected.fallback),
    expected.fallback,
  );
  for (const target of policy.to) named('weir-fallback', target);
  return policy;
});

export const readSplit = remembering((value: string): SplitPolicy => {
  const given = members('weir-split', value, expected.split);
  const by = given['by'];
  if (typeof by === 'string' && !['user', 'session', 'request'].includes(by))
    given['by'] = `property:${by.toLowerCase()}`;
  const policy = check('weir-split', splitPolicy, given, expected.split);
  for (const { target } of policy.to) named('weir-split', target);
  return policy;
});

/** The name of a saved route. */
export function readRoute(value: string): string {
  const [item] = parseField('weir-route', value, 'a name such as checkout', parseItem);
  if (typeof item !== 'string' && !(item instanceof Token)) {
    throw new WeirError('bad_header', 'weir-route: expected a name such as checkout.');
  }
  return item.toString();
}

const expected = {
  retry: 'retries=2, on=(429 server-error network), min=500, max=8000',
  fallback: 'to=(azure:myres/gpt-5 openai/gpt-4o), on=(429 server-error timeout network)',
  split: 'name=checkout, by=user, to=(openai/gpt-5;w=80 openai/gpt-5-mini;w=20)',
};

/** A dictionary as plain values: `to` of targets with weights as the schemas have it. */
function members(header: string, value: string, example: string): Record<string, unknown> {
  const found: Record<string, unknown> = {};
  const bare = (item: unknown, parameters: Map<string, BareItem>): unknown => {
    for (const parameter of parameters.keys()) {
      throw new WeirError('bad_header', `${header}: ${parameter} is no part of it; expected ${example}.`);
    }
    return plain(item as BareItem);
  };
  for (const [name, [member, parameters]] of parseField(header, value, example, parseDictionary)) {
    const list = Array.isArray(member) ? (member as InnerList[0]) : null;
    const own = bare(member, parameters);
    if (list === null) found[name] = own;
    else if (header === 'weir-split')
      found[name] = list.map(([item, more]) => weighted(header, plain(item), more, example));
    else found[name] = list.map(([item, more]) => bare(item, more));
  }
  return found;
}

function weighted(header: string, target: unknown, parameters: Map<string, BareItem>, example: string): object {
  for (const name of parameters.keys()) {
    if (name !== 'w' && name !== 'n') {
      throw new WeirError('bad_header', `${header}: ${name} is no part of a target; expected ${example}.`);
    }
  }
  const [weight, name] = [parameters.get('w'), parameters.get('n')];
  return {
    target,
    ...(weight === undefined ? {} : { weight: plain(weight) }),
    ...(name === undefined ? {} : { name: plain(name) }),
  };
}

function plain(item: BareItem): unknown {
  return item instanceof Token ? item.toString() : item;
}

function check<T extends z.ZodType>(header: string, schema: T, given: unknown, example: string): z.output<T> {
  const parsed = schema.safeParse(given);
  if (parsed.success) return parsed.data;
  const issue = parsed.error.issues[0];
  const where = issue?.path.map((part) => (typeof part === 'number' ? `${part + 1}.` : String(part))).join(' ') ?? '';
  throw new WeirError(
    'bad_header',
    `${header}: ${where === '' ? '' : `${where}: `}${issue?.message ?? 'unreadable'}; expected ${example}.`,
  );
}

/** A target whose provider nobody knows is refused as part of its header. */
function named(header: string, target: string): void {
  try {
    parseTarget(target);
  } catch (error) {
    if (error instanceof WeirError) throw new WeirError('bad_header', `${header}: ${error.message}`);
    throw error;
  }
}

/** The same text gives the same policy, which is not changed by anybody. */
function remembering<T extends object>(read: (value: string) => T): (value: string) => T {
  const known = new LruMap<string, T>(mostRemembered);
  return (value) => {
    let policy = known.get(value);
    if (policy === undefined) {
      policy = read(value);
      if (value.length <= longestRemembered) known.set(value, policy);
    }
    return policy;
  };
}
