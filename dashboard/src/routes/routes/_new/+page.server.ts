import { redirect } from '@sveltejs/kit';
import { routeSettings } from '@weir/schema/settings/route';
import { exampleRoute } from '$lib/routes/example.ts';
import { sampleFromUrl } from '$lib/routes/sample.ts';
import { createRoute, dryRun } from '$lib/server/administration/routes.ts';
import { saveRoute, tryRoute } from '$lib/server/route-actions.ts';
import type { Actions, PageServerLoad } from './$types';

export const load: PageServerLoad = async ({ url: { searchParams } }) => {
  const first = searchParams.get('from') === 'example' ? routeSettings.parse(exampleRoute) : null;
  const tried = first === null ? undefined : await dryRun({ settings: first });
  return {
    first,
    plan: tried?.ok ? tried.value : undefined,
    sample: sampleFromUrl(searchParams),
    view: searchParams.get('view') === 'json' ? ('json' as const) : ('form' as const),
  };
};

export const actions = {
  try: async ({ request, locals: { zone } }) => tryRoute(await request.formData(), zone),
  create: async ({ request }) =>
    saveRoute(await request.formData(), createRoute, ({ name }) =>
      redirect(303, `/routes/${encodeURIComponent(name)}`),
    ),
} satisfies Actions;
