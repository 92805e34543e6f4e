/** All prices in force together: the list, a person's own, and the published ones that the list cannot say. */
import { createHash } from 'node:crypto';
import { publishedPrices } from '../providers/published-prices.ts';
import { builtInList, type PriceList } from './list.ts';
import { parseRules, type Rule } from './rule.ts';

/** Provider → its rules, in the order in which they were written. */
export type Rules = ReadonlyMap<string, readonly Rule[]>;

export interface PriceBook {
  readonly list: PriceList;
  readonly own: Rules;
  /** Of the person's own prices, for `price_id`; '' when there are none. */
  readonly ownVersion: string;
  readonly published: Rules;
}

const published = byProvider(parseRules(publishedPrices));

/** @param own a list of rules as docs/prices.md describes them. @throws PriceFileError */
export function makeBook(list: PriceList, own: readonly unknown[]): PriceBook {
  return { list, own: byProvider(parseRules(own)), ownVersion: versionOf(own), published };
}

/** What holds where nobody said anything. */
export const builtInBook: PriceBook = makeBook(builtInList, []);

/** Eight digits that change when the prices change. */
export function versionOf(document: unknown): string {
  if (Array.isArray(document) && document.length === 0) return '';
  return createHash('sha256').update(JSON.stringify(document)).digest('hex').slice(0, 8);
}

function byProvider(rules: readonly Rule[]): Rules {
  const map = new Map<string, Rule[]>();
  for (const rule of rules) {
    const known = map.get(rule.provider);
    if (known === undefined) map.set(rule.provider, [rule]);
    else known.push(rule);
  }
  return map;
}
