import { error, redirect } from '@sveltejs/kit';
import { latestChanges } from '@weir/schema/queries/keys';
import * as keys from '$lib/server/administration/keys.ts';
import { readProviderKeyForm, saveProviderKey, weightOf } from '$lib/server/provider-key-form.ts';
import { settle } from '$lib/server/settle.ts';
import type { Actions, PageServerLoad } from './$types';

export const load: PageServerLoad = async ({ locals: { db }, params: { id } }) => {
  const [all, changes] = await Promise.all([keys.listProviderKeys(), settle(latestChanges.ask(db, { id, limit: 12 }))]);
  const row = all.ok ? all.value.find((one) => one.provider_key_id === id) : undefined;
  if (all.ok && row === undefined) error(404, 'There is no such provider key.');
  return { now: Date.now(), row, changes, problem: all.ok ? undefined : all.problem };
};

export const actions = {
  change: async ({ request, params: { id } }) => {
    const { values } = readProviderKeyForm(await request.formData());
    const asked = keys.changeProviderKey(id, { name: values.name, weight: weightOf(values) });
    return saveProviderKey(asked, values, 'Saved: it holds from now on.');
  },
  replace: async ({ request, params: { id } }) => {
    const { secret } = readProviderKeyForm(await request.formData());
    return saveProviderKey(keys.replaceSecret(id, secret), undefined, 'The secret is replaced.');
  },
  enable: ({ params: { id } }) =>
    saveProviderKey(keys.changeProviderKey(id, { enabled: true }), undefined, 'It is used again.'),
  disable: ({ params: { id } }) =>
    saveProviderKey(keys.changeProviderKey(id, { enabled: false }), undefined, 'It is used no more.'),
  remove: async ({ params: { id } }) => {
    const removed = await keys.removeProviderKey(id);
    if (removed.ok) redirect(303, '/keys');
    return saveProviderKey(Promise.resolve(removed), undefined, '');
  },
} satisfies Actions;
