/**
 * The price list: which entry a model's name means, and its prices at one moment. Data and rules of matching are those of
 * github.com/pydantic/genai-prices; its arithmetic (floating point) is not used.
 */
import type { MatchLogic, ModelInfo, ModelPrice, Provider } from '@pydantic/genai-prices';
import { findProvider } from '@pydantic/genai-prices';
import { priceClasses } from './classes.ts';
import { PRICE_PLACES, rounded, scaled } from './decimal.ts';
import type { Rate } from './rule.ts';

/** The built-in list, bundled with its package; a test holds this against the version installed. */
export const LIST = 'genai-prices@0.1.8';

/** A list with its version: the one built in, or a newer one. */
export interface PriceList {
  readonly version: string;
  readonly find: (provider: string) => Provider | undefined;
}

/** The list that comes with Weir. */
export const builtInList: PriceList = {
  version: LIST,
  find: (provider) => findProvider({ providerId: provider }),
};

/** A list that was read from a file. */
export function makeList(version: string, providers: readonly Provider[]): PriceList {
  const byId = new Map(providers.map((provider) => [provider.id, provider]));
  return { version, find: (provider) => byId.get(provider) };
}

/** One entry of a list as it stands at one moment. */
export interface Entry {
  /** List, version and entry. */
  readonly id: string;
  /** The entry's own name. */
  readonly model: string;
  readonly rates: ReadonlyMap<string, Rate>;
}

/** Names come from callers, so what is remembered has to be bounded. */
const MODELS = 4096;
const memory = new WeakMap<PriceList, Map<string, Found | null>>();
const read = new WeakMap<ModelPrice, ReadonlyMap<string, Rate>>();

interface Found {
  readonly id: string;
  readonly model: ModelInfo;
}

/** The entry for a model of one of the list's providers at one time; `null` when the list has none. */
export function findEntry(list: PriceList, provider: string, model: string, at: Date): Entry | null {
  let known = memory.get(list);
  if (known === undefined) memory.set(list, (known = new Map()));
  const key = `${provider}\n${model}`;
  let found = known.get(key);
  if (found === undefined) {
    if (known.size >= MODELS) known.clear();
    found = lookUp(list, provider, model);
    known.set(key, found);
  }
  if (found === null) return null;
  return { id: found.id, model: found.model.id, rates: readRates(pricesAt(found.model, at)) };
}

function lookUp(list: PriceList, provider: string, model: string): Found | null {
  const name = model.toLowerCase().trim();
  for (const spelled of new Set([name, dashedDates(name)])) {
    const found = lookIn(list, provider, spelled, 0);
    if (found !== null) return { ...found, id: `${list.version}/${found.id}/${found.model.id}` };
  }
  return null;
}

/** A provider that serves the models of others (`fallback_model_providers`) has their prices where it names none. */
function lookIn(list: PriceList, provider: string, model: string, depth: number): Found | null {
  const entry = list.find(provider);
  if (entry === undefined || depth > 2) return null;
  const own = entry.models.find((candidate) => fits(candidate.match, model));
  if (own !== undefined) return { id: provider, model: own };
  for (const other of entry.fallback_model_providers ?? []) {
    const found = lookIn(list, other, model, depth + 1);
    if (found !== null) return found;
  }
  return null;
}

function fits(logic: MatchLogic, model: string): boolean {
  if ('or' in logic) return logic.or.some((one) => fits(one, model));
  if ('and' in logic) return logic.and.every((one) => fits(one, model));
  if ('equals' in logic) return model === logic.equals.toLowerCase();
  if ('starts_with' in logic) return model.startsWith(logic.starts_with.toLowerCase());
  if ('ends_with' in logic) return model.endsWith(logic.ends_with.toLowerCase());
  if ('contains' in logic) return model.includes(logic.contains.toLowerCase());
  return regexFits(logic.regex, model);
}

const expressions = new Map<string, RegExp | null>();
/** Expressions are a list's, names are a caller's: long names are not worth an expression. */
const LONGEST_NAME = 512;

function regexFits(source: string, model: string): boolean {
  if (model.length > LONGEST_NAME) return false;
  let expression = expressions.get(source);
  if (expression === undefined) {
    try {
      expression = new RegExp(source);
    } catch {
      expression = null;
    }
    if (expressions.size < MODELS) expressions.set(source, expression);
  }
  return expression?.test(model) ?? false;
}

/** `-20250929` as `-2025-09-29`: lists spell the day of a snapshot both ways. */
function dashedDates(model: string): string {
  return model.replace(/-(20\d\d)(0[1-9]|1[0-2])(0[1-9]|[12]\d|3[01])(?=-|:|$)/g, '-$1-$2-$3');
}

/** Of prices that change with the day or the hour the last that holds; the first holds when none does. */
function pricesAt({ prices }: ModelInfo, at: Date): ModelPrice {
  if (!Array.isArray(prices)) return prices;
  for (const { constraint, prices: candidate } of [...prices].reverse()) {
    if (constraint === undefined) return candidate;
    if (constraint.type === 'start_date') {
      if (at.getTime() >= Date.parse(constraint.start_date)) return candidate;
    } else if (inHours(secondOf(constraint.start_time), secondOf(constraint.end_time), at)) return candidate;
  }
  return prices[0]?.prices ?? {};
}

function inHours(start: number, end: number, at: Date): boolean {
  const second = (at.getTime() % 86_400_000) / 1000;
  return end < start ? second >= start || second < end : second >= start && second < end;
}

/** `16:30:00Z`, `08:00:00+08:00` → the second of the day in UTC. */
function secondOf(time: string): number {
  const [, hour = '0', minute = '0', second = '0', sign = '+', offHour = '0', offMinute = '0'] =
    /^(\d\d):(\d\d):(\d\d)(?:\.\d+)?(?:Z|([+-])(\d\d):(\d\d))$/.exec(time) ?? [];
  const offset = (Number(offHour) * 60 + Number(offMinute)) * 60 * (sign === '-' ? -1 : 1);
  return (Number(hour) * 3600 + Number(minute) * 60 + Number(second) - offset + 86_400) % 86_400;
}

function readRates(prices: ModelPrice): ReadonlyMap<string, Rate> {
  const known = read.get(prices);
  if (known !== undefined) return known;
  const rates = new Map<string, Rate>();
  for (const [name, price] of Object.entries(prices)) {
    if (price === undefined || !priceClasses.has(name)) continue;
    if (typeof price === 'number') rates.set(name, { base: units(price), tiers: [] });
    else {
      const tiers = price.tiers.map((tier) => ({ start: tier.start, price: units(tier.price) }));
      rates.set(name, { base: units(price.base), tiers: tiers.sort((a, b) => a.start - b.start) });
    }
  }
  read.set(prices, rates);
  return rates;
}

/** The decimal that a person wrote into the list, not the double's own value. */
function units(price: number): bigint {
  return scaled(price, PRICE_PLACES) ?? rounded(price.toFixed(20), PRICE_PLACES) ?? 0n;
}

/** The price that holds for a request of this many input tokens; it holds for all of the request. */
export function rateFor(rate: Rate, inputTokens: number): bigint {
  let price = rate.base;
  for (const tier of rate.tiers) if (inputTokens > tier.start) price = tier.price;
  return price;
}
