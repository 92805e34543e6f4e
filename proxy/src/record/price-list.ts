import type { ModelPrice } from '@pydantic/genai-prices';
import { calcPrice } from '@pydantic/genai-prices';

/** The built-in list, bundled with its package; a test holds this against the version installed. */
export const LIST = 'genai-prices@0.1.8';

/** USD per million tokens, in units of 10⁻¹² USD: exact for every price of twelve decimals or fewer. */
const PER_USD = 12;

/** A price, and what it becomes for a request whose input is longer than `start` tokens. */
export interface Rate {
  readonly base: bigint;
  readonly tiers: readonly { readonly start: number; readonly price: bigint }[];
}

/** One entry of the list as it stands at one moment. */
export interface Rates {
  /** List, version and entry. */
  readonly id: string;
  readonly of: ReadonlyMap<string, Rate>;
}

interface Known {
  /** How long prices of this model stay the same: they may change with the day, or within one. */
  readonly span: number;
  readonly at: Map<number, Rates | null>;
}

const DAY = 86_400_000;
const MINUTE = 60_000;
/** Models and moments kept; names come from callers, so their number has to be bounded. */
const MODELS = 4096;
const MOMENTS = 256;

const cache = new Map<string, Known>();

/** The prices of a model of one of the list's providers at one time; `null` when the list has none. */
export function findRates(list: string, model: string, at: Date): Rates | null {
  const key = `${list}\n${model}`;
  let known = cache.get(key);
  if (known === undefined) {
    if (cache.size >= MODELS) cache.clear();
    known = { span: spanOf(list, model), at: new Map() };
    cache.set(key, known);
  }
  const moment = Math.floor(at.getTime() / known.span);
  const found = known.at.get(moment);
  if (found !== undefined) return found;
  if (known.at.size >= MOMENTS) known.at.clear();
  const rates = lookUp(list, model, at);
  known.at.set(moment, rates);
  return rates;
}

/** The list's own matching of names, dates and hours; its prices are taken, its arithmetic (floating point) is not. */
function match(list: string, model: string, at: Date): ReturnType<typeof calcPrice> {
  try {
    return calcPrice({}, model, { providerId: list, timestamp: at });
  } catch {
    return null;
  }
}

function spanOf(list: string, model: string): number {
  const prices = match(list, model, new Date(0))?.model.prices;
  const byHour = Array.isArray(prices) && prices.some((price) => price.constraint?.type === 'time_of_date');
  return byHour ? MINUTE : DAY;
}

function lookUp(list: string, model: string, at: Date): Rates | null {
  const found = match(list, model, at);
  if (found === null) return null;
  return { id: `${LIST}/${found.provider.id}/${found.model.id}`, of: readRates(found.model_price) };
}

function readRates(prices: ModelPrice): Map<string, Rate> {
  const rates = new Map<string, Rate>();
  for (const [name, price] of Object.entries(prices)) {
    if (price === undefined) continue;
    if (typeof price === 'number') rates.set(name, { base: scaled(price), tiers: [] });
    else {
      const tiers = price.tiers.map((tier) => ({ start: tier.start, price: scaled(tier.price) }));
      rates.set(name, { base: scaled(price.base), tiers: tiers.sort((a, b) => a.start - b.start) });
    }
  }
  return rates;
}

/** The decimal that a person wrote into the list: the shortest text that names the double, not the double's own value. */
function scaled(price: number): bigint {
  const [whole = '0', fraction = ''] = price.toFixed(PER_USD).split('.');
  const shortest = String(price);
  const written = shortest.includes('e') ? fraction : (shortest.split('.')[1] ?? '');
  return BigInt(whole) * 10n ** BigInt(PER_USD) + BigInt(written.slice(0, PER_USD).padEnd(PER_USD, '0'));
}

/** The price that holds for a request of this many input tokens; it holds for all of the request. */
export function rateFor(rate: Rate, inputTokens: number): bigint {
  let price = rate.base;
  for (const tier of rate.tiers) if (inputTokens > tier.start) price = tier.price;
  return price;
}
