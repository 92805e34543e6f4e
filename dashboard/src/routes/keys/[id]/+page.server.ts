import { error, fail, type ActionFailure } from '@sveltejs/kit';
import { keyUsage, latestChanges } from '@weir/schema/queries/keys';
import { recentRange } from '@weir/schema/time';
import type { KeyAnswer } from '$lib/keys/answer.ts';
import type { Answered } from '$lib/server/administration/ask.ts';
import * as keys from '$lib/server/administration/keys.ts';
import { act, saveKey, withLimit } from '$lib/server/key-actions.ts';
import { fromKey } from '$lib/server/key-form.ts';
import { settle } from '$lib/server/settle.ts';
import type { Actions, PageServerLoad } from './$types';

export const load: PageServerLoad = async ({ locals: { db, zone }, params: { id } }) => {
  const now = Date.now();
  const [key, providers, usage, changes] = await Promise.all([
    keys.readKey(id),
    keys.listProviders(),
    settle(keyUsage.ask(db, { range: recentRange('30d', now, zone), key_id: id })),
    settle(latestChanges.ask(db, { id, limit: 12 })),
  ]);
  if (!key.ok && key.status === 404) error(404, 'There is no such key.');
  const first = key.ok && keys.isFirstKey(key.value);
  return { now, key, providers, usage, changes, first, values: key.ok ? fromKey(key.value, zone) : undefined };
};

/** The first key stands in the data directory, and the dashboard itself may use it: from here it is not changed. */
async function unlessFirst<T>(id: string, change: () => Promise<Answered<T>>): Promise<Answered<T>> {
  const key = await keys.readKey(id);
  if (!key.ok) return key;
  if (!keys.isFirstKey(key.value)) return change();
  const sentence = 'This is the first key, which stands in the data directory: it is not changed from here.';
  return { ok: false, status: 409, problem: { code: 'first_key', sentence, detail: '' }, fields: {} };
}

type Result = Promise<KeyAnswer | ActionFailure<KeyAnswer>>;

export const actions = {
  limit: async ({ request, locals: { zone } }): Promise<KeyAnswer> => withLimit(await request.formData(), zone),
  change: async ({ request, params: { id }, locals: { zone } }): Result => {
    const send = (body: object) => unlessFirst(id, () => keys.changeKey(id, body));
    return saveKey(await request.formData(), zone, send, () => ({ done: 'Saved: it holds from now on.' }));
  },
  rotate: async ({ request, params: { id } }): Result => {
    const overlap = Number((await request.formData()).get('overlap') ?? Number.NaN);
    if (!Number.isInteger(overlap)) return fail(400, { sentence: 'Say how long the old text stays valid.' });
    const rotated = unlessFirst(id, () => keys.rotateKey(id, overlap));
    return act(rotated, ({ key_id, name, key }) => ({ made: { key_id, name, key } }));
  },
  disable: ({ params: { id } }): Result =>
    act(
      unlessFirst(id, () => keys.disableKey(id)),
      () => ({ done: 'Disabled.' }),
    ),
  enable: ({ params: { id } }): Result =>
    act(
      unlessFirst(id, () => keys.changeKey(id, { disabled: false })),
      () => ({ done: 'It may call again.' }),
    ),
} satisfies Actions;
