/** `GET /v1/models`: the targets that the unified API can be asked for, as OpenAI's and Anthropic's SDKs read a list. */
import type { Call } from './call.ts';
import { WeirError } from './errors.ts';
import { matchesPattern } from '@weir/schema/settings/pattern';
import type { PriceBook } from './prices/book.ts';
import { providers } from './providers/registry.ts';
import type { HeldKeys } from './vault/vault.ts';

/** When a model was made is not known: the same moment for all. */
const epoch = { created: 0, created_at: '1970-01-01T00:00:00Z' };

/**
 * Models of the price list, of providers that Weir holds a key for and the call's key allows. Of providers with places nobody
 * can say which models are there. @throws WeirError `unauthorized` without a Weir key.
 */
export function modelList(call: Call, held: HeldKeys, { list }: PriceBook): object {
  const { holder } = call;
  if (holder === null) throw new WeirError('unauthorized', 'The unified API needs a Weir key: send Weir-Key: wk_….');
  const named = (name: string): boolean => holder.providers.length === 0 || holder.providers.includes(name);
  const allowed = (model: string): boolean =>
    holder.models.length === 0 || holder.models.some((pattern) => matchesPattern(pattern, model));
  const data = [...providers.values()]
    .filter((provider) => provider.pathOf !== undefined && provider.place === undefined && named(provider.name))
    .filter((provider) => held.count({ provider, place: '', path: '/', named: null }) > 0)
    .flatMap((provider) => {
      const models = provider.priceList === null ? [] : (list.find(provider.priceList)?.models ?? []);
      return models
        .filter(({ id }) => allowed(id))
        .map(({ id, name }) => ({
          id: `${provider.name}/${id}`,
          object: 'model',
          type: 'model',
          display_name: name ?? id,
          owned_by: provider.name,
          ...epoch,
        }));
    });
  return { object: 'list', data, has_more: false, first_id: data[0]?.id ?? null, last_id: data.at(-1)?.id ?? null };
}
