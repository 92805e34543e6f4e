import { loadRequest, readTab } from '$lib/server/request.ts';
import { parseView } from '$lib/server/view.ts';
import type { PageServerLoad } from './$types';

export const load: PageServerLoad = async ({ params, url, locals }) => {
  const view = parseView(url, locals.zone);
  return { view, now: Date.now(), ...(await loadRequest(locals.db, { id: params.id, view, tab: readTab(url) })) };
};
