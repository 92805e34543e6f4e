/** What a target costs, to compare it with others. */
import type { PriceBook } from '../prices/book.ts';
import { PRICE_PLACES } from '../prices/decimal.ts';
import { findTariff } from '../prices/tariff.ts';
import { parseTarget } from './target.ts';

/** Dollars of a million tokens in and a million out, at the ordinary price; null where none is known. */
export function priceOf(target: string, book: PriceBook, at: Date): number | null {
  const { provider, model } = parseTarget(target);
  const host = new URL(provider.host ?? 'https://unknown.invalid').host;
  const tariff = findTariff({ provider, models: [model], host, at, serviceTier: null }, book);
  const [input, output] = [tariff?.rates.get('input_mtok'), tariff?.rates.get('output_mtok')];
  if (input === undefined || output === undefined) return null;
  return Number(input.base + output.base) / 10 ** PRICE_PLACES;
}
