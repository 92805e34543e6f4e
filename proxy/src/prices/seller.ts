/** Who sells a call, as far as prices are concerned. */
import type { Provider } from '../providers/provider.ts';
import { priceLists } from '../providers/published-prices.ts';
import { providers } from '../providers/registry.ts';

export type Seller = Pick<Provider, 'name' | 'priceList' | 'tierPercent'>;

/** A provider by Weir's name; one that sells from several places may be in the list without being in the registry. */
export function findSeller(name: string): Seller | null {
  const known = providers.get(name);
  if (known !== undefined) return known;
  const priceList = Object.hasOwn(priceLists, name) ? (priceLists[name] ?? null) : null;
  return priceList === null ? null : { name, priceList };
}
