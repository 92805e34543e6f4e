/** `Weir-Limit` (CONTRACT.md §4): a List of RFC 9651 in the style of draft-ietf-httpapi-ratelimit-headers. */
import { limitPolicy, type LimitPolicy } from '@weir/schema/settings/limit';
import { parseList, type BareItem, type InnerList } from 'structured-headers';
import { WeirError } from '../errors.ts';
import { parseField } from '../structured.ts';

const header = 'weir-limit';
const expected = '"rpm";q=60;w=60, "day";q=5;qu=usd;w=86400;pk=user';
const known = ['q', 'qu', 'w', 'pk'];
/** What one call may ask to be counted by. */
const most = 16;

/** @throws WeirError `bad_header` that says which limit, and what was expected of it. */
export function readLimits(value: string): LimitPolicy[] {
  const members = parseField(header, value, expected, parseList);
  if (members.length > most) throw wrong(`has ${members.length} limits; at most ${most} can be counted.`);
  const limits = members.map(readLimit);
  if (new Set(limits.map(({ name }) => name)).size < limits.length) throw wrong('names two limits alike.');
  return limits;
}

function readLimit([item, parameters]: ReturnType<typeof parseList>[number]): LimitPolicy {
  const name = isItem(item) ? String(item) : '';
  const unknown = [...parameters.keys()].find((parameter) => !known.includes(parameter));
  if (unknown !== undefined) throw wrong(`${name}: ${unknown} is no part of a limit; expected ${known.join(', ')}.`);
  const text = (parameter: string, otherwise: string): string => {
    const given = parameters.get(parameter);
    return given === undefined ? otherwise : String(given);
  };
  const partition = text('pk', '');
  const parsed = limitPolicy.safeParse({
    name,
    unit: text('qu', 'requests'),
    quota: parameters.get('q'),
    window: { seconds: parameters.get('w') },
    by: partition === '' ? [] : [/^(key|user|session)$/.test(partition) ? partition : `property:${partition}`],
  });
  if (parsed.success) return parsed.data;
  const issue = parsed.error.issues[0];
  const field = { quota: 'q', unit: 'qu', window: 'w', by: 'pk', name: 'its name' }[String(issue?.path[0])];
  throw wrong(
    `${name || 'a limit'}: ${field ?? 'it'} is wrong (${issue?.message ?? 'unreadable'}); expected ${expected}.`,
  );
}

function isItem(item: BareItem | InnerList | unknown[]): boolean {
  return !Array.isArray(item);
}

function wrong(what: string): WeirError {
  return new WeirError('bad_header', `${header}: ${what}`);
}
