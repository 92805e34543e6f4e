import { keyUsage, latestChanges } from '@weir/schema/queries/keys';
import { recentRange } from '@weir/schema/time';
import { isActive } from '$lib/keys/state.ts';
import { listKeys, listProviderKeys } from '$lib/server/administration/keys.ts';
import { settle } from '$lib/server/settle.ts';
import type { PageServerLoad } from './$types';

export const load: PageServerLoad = async ({ locals: { db, zone }, url }) => {
  const now = Date.now();
  const after = (url.searchParams.get('after') ?? '').slice(0, 128);
  const [keys, providerKeys, usage, changes] = await Promise.all([
    listKeys(after),
    listProviderKeys(),
    settle(keyUsage.ask(db, { range: recentRange('30d', now, zone) })),
    settle(latestChanges.ask(db, { limit: 12 })),
  ]);
  if (keys.ok) {
    keys.value.keys.sort(
      (one, other) =>
        Number(isActive(other, now)) - Number(isActive(one, now)) ||
        one.name.localeCompare(other.name, 'en') ||
        (one.key_id < other.key_id ? -1 : 1),
    );
  }
  return { now, after, keys, providerKeys, usage, changes };
};
