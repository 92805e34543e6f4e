import { loadOverview } from '$lib/server/overview.ts';
import { parseView } from '$lib/server/view.ts';
import type { PageServerLoad } from './$types';

export const load: PageServerLoad = async ({ url, locals, depends }) => {
  depends('weir:view');
  const view = parseView(url, locals.zone);
  return { view, now: Date.now(), ...(await loadOverview(locals.db, view)) };
};
