import { redirect } from '@sveltejs/kit';
import { addProviderKey, listProviders } from '$lib/server/administration/keys.ts';
import { readProviderKeyForm, saveProviderKey, weightOf } from '$lib/server/provider-key-form.ts';
import type { Actions, PageServerLoad } from './$types';

export const load: PageServerLoad = async () => ({ providers: await listProviders() });

export const actions = {
  add: async ({ request }) => {
    const { values, secret } = readProviderKeyForm(await request.formData());
    const { provider, place, host, name } = values;
    const body = { provider, place: place.trim(), host: host.trim(), name, weight: weightOf(values), secret };
    const added = await addProviderKey(body);
    if (added.ok) redirect(303, `/keys/provider/${encodeURIComponent(added.value.provider_key_id)}`);
    return saveProviderKey(Promise.resolve(added), values, '');
  },
} satisfies Actions;
