import { loadList } from '$lib/server/list.ts';
import { parseView } from '$lib/server/view.ts';
import type { PageServerLoad } from './$types';

export const load: PageServerLoad = async ({ url, locals, depends }) => {
  depends('weir:view');
  const view = parseView(url, locals.zone);
  return { view, now: Date.now(), ...(await loadList(locals.db, view, url)) };
};
