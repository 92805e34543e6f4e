/**
 * Queries of Portkey's conditional routing as matches of Weir's rules. A match is a conjunction, and a property has one pattern in
 * it: an alternative becomes a match of its own.
 */
import type { Match } from '@weir/schema/settings/route';
import type { PortkeyQuery } from './portkey-config.ts';

/** Matches any of which means the query; or why there are none. */
export type Read = { matches: Match[] } | { problem: string };

const operationOf: Readonly<Record<string, NonNullable<Match['operations']>[number]>> = {
  '/v1/chat/completions': 'chat',
  '/v1/responses': 'responses',
  '/v1/messages': 'messages',
  '/v1/completions': 'completion',
  '/v1/embeddings': 'embeddings',
  '/v1/images/generations': 'image',
  '/v1/moderations': 'moderation',
};

export function readQuery(query: PortkeyQuery): Read {
  const parts = Object.entries(query).map(([key, value]) => readPart(key, value));
  return parts.length === 0 ? { problem: 'the query is empty' } : parts.reduce(both);
}

/** A query that says only what a value is not: the query that says what it is. */
export function opposite(query: PortkeyQuery): PortkeyQuery | undefined {
  const [[key, value] = [], ...others] = Object.entries(query);
  if (key === undefined || others.length > 0 || !isObject(value)) return undefined;
  const [[operator, operand] = [], ...more] = Object.entries(value);
  if (operand === undefined || more.length > 0) return undefined;
  if (operator === '$ne') return { [key]: { $eq: operand } };
  return operator === '$nin' ? { [key]: { $in: operand } } : undefined;
}

function readPart(key: string, value: PortkeyQuery[string]): Read {
  if (key === '$and' || key === '$or') {
    if (!Array.isArray(value) || !value.every(isObject)) return { problem: `${key} is no list of queries` };
    const reads = value.map(readQuery);
    return key === '$and' ? reads.reduce(both, { matches: [{}] }) : reads.reduce(either, { matches: [] });
  }
  if (!isObject(value)) return patternsOf(key, [value]);
  return Object.entries(value)
    .map(([operator, operand]) => readOperator(key, operator, operand))
    .reduce(both, { matches: [{}] });
}

function readOperator(key: string, operator: string, operand: PortkeyQuery[string]): Read {
  if (operator === '$eq') return patternsOf(key, [operand]);
  if (operator === '$in') {
    return Array.isArray(operand) ? patternsOf(key, operand) : { problem: `$in of ${key} is no list` };
  }
  if (operator !== '$regex') return { problem: `a rule has nothing like ${operator} (${key})` };
  const patterns = typeof operand === 'string' ? patternsOfExpression(operand) : undefined;
  return patterns === undefined
    ? { problem: `the expression of ${key} is more than a pattern with * can say` }
    : matchesOf(key, patterns);
}

/** Values that are meant exactly. */
function patternsOf(key: string, values: readonly PortkeyQuery[string][]): Read {
  const texts = values.map((value) => (typeof value === 'object' ? undefined : String(value)));
  if (texts.some((text) => text === undefined || text === '' || text.length > 200)) {
    return { problem: `${key} is held against something that is no short text` };
  }
  if (texts.some((text) => text?.includes('*') === true)) {
    return { problem: `${key} is held against a text with *, which means any characters in a rule` };
  }
  return matchesOf(key, texts as string[]);
}

function matchesOf(key: string, patterns: string[]): Read {
  const [root = '', name = ''] = key.split('.');
  if (root === 'metadata' && name !== '') {
    return { matches: patterns.map((pattern) => ({ properties: { [name.toLowerCase()]: pattern } })) };
  }
  if (key === 'params.model') return { matches: [{ models: patterns }] };
  if (key === 'url.pathname') {
    const operations = patterns.map((path) => operationOf[path]).filter((one) => one !== undefined);
    if (operations.length === patterns.length) return { matches: [{ operations }] };
    return { problem: 'a rule knows operations, not every path' };
  }
  return { problem: `a rule looks at the model, the operation and properties, not at ${key}` };
}

/** `^a(b|c).*` → `ab*`, `ac*`; undefined where `*` cannot say it. */
function patternsOfExpression(expression: string): string[] | undefined {
  const inner = expression.replace(/^\^/, '').replace(/(?<!\\)\$$/, '');
  const alternatives = spread(inner);
  const texts = alternatives?.map((text) => text.replaceAll('.*', '\0').replace(/\\([.\-/+_])/g, '\x01$1'));
  if (texts === undefined || texts.some((text) => /[\\^$*+?()[\]{}|.]/.test(text.replace(/\x01./g, ''))))
    return undefined;
  const start = expression.startsWith('^') ? '' : '*';
  const end = /(?<!\\)\$$/.test(expression) ? '' : '*';
  return texts.map((text) => `${start}${text.replaceAll('\0', '*').replaceAll('\x01', '')}${end}`.replace(/\*+/g, '*'));
}

/** Writes one group of alternatives out. */
function spread(expression: string): string[] | undefined {
  const [, before, group, after] = /^([^()|]*)\((?:\?:)?([^()]*)\)([^()|]*)$/.exec(expression) ?? [];
  if (group !== undefined) return group.split('|').map((one) => `${before ?? ''}${one}${after ?? ''}`);
  return expression.includes('|') ? undefined : [expression];
}

function either(one: Read, other: Read): Read {
  if ('problem' in one) return one;
  return 'problem' in other ? other : { matches: [...one.matches, ...other.matches] };
}

function both(one: Read, other: Read): Read {
  if ('problem' in one) return one;
  if ('problem' in other) return other;
  const matches = one.matches.flatMap((a) => other.matches.map((b) => joined(a, b)));
  if (matches.includes(undefined)) return { problem: 'a rule has one pattern for each thing it looks at' };
  return { matches: matches as Match[] };
}

function joined(one: Match, other: Match): Match | undefined {
  if ((one.models && other.models) || (one.operations && other.operations)) return undefined;
  const properties = { ...one.properties, ...other.properties };
  const twice = Object.keys(one.properties ?? {}).some((name) => other.properties?.[name] !== undefined);
  if (twice) return undefined;
  return { ...one, ...other, ...(Object.keys(properties).length > 0 ? { properties } : {}) };
}

function isObject(value: PortkeyQuery[string] | undefined): value is { [key: string]: PortkeyQuery[string] } {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
