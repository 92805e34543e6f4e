/** Who sells a call, as far as prices are concerned. */
import type { Provider } from '../providers/provider.ts';
import { providers } from '../providers/registry.ts';

export type Seller = Pick<Provider, 'name' | 'priceList' | 'tierPercent'>;

/** A provider by Weir's name. */
export function findSeller(name: string): Seller | null {
  return providers.get(name) ?? null;
}
