import { createKey, listProviders } from '$lib/server/administration/keys.ts';
import { saveKey, withLimit } from '$lib/server/key-actions.ts';
import type { KeyValues } from '$lib/keys/values.ts';
import type { Actions, PageServerLoad } from './$types';

const values: KeyValues = {
  name: '',
  project: 'default',
  owner: '',
  role: '',
  providers: [],
  models: '',
  operations: [],
  routes: '',
  properties: '',
  expires: '',
  log_bodies: '',
  limits: [],
};

export const load: PageServerLoad = async () => {
  const providers = await listProviders();
  return { values, providers };
};

export const actions = {
  limit: async ({ request, locals: { zone } }) => withLimit(await request.formData(), zone),
  create: async ({ request, locals: { zone } }) =>
    saveKey(await request.formData(), zone, createKey, ({ key_id, name, key }) => ({ made: { key_id, name, key } })),
} satisfies Actions;
