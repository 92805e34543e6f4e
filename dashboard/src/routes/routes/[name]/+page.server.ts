import { error, redirect, type ActionFailure } from '@sveltejs/kit';
import { routeUsage } from '@weir/schema/queries/routes';
import { recentRange } from '@weir/schema/time';
import type { RouteAnswer } from '$lib/routes/answer.ts';
import { sampleFromUrl } from '$lib/routes/sample.ts';
import * as routes from '$lib/server/administration/routes.ts';
import { actOnRoute, saveRoute, tryRoute } from '$lib/server/route-actions.ts';
import { toRequest } from '$lib/server/route-form.ts';
import { settle } from '$lib/server/settle.ts';
import type { Actions, PageServerLoad } from './$types';

export const load: PageServerLoad = async ({ locals: { db, zone }, params: { name }, url: { searchParams } }) => {
  const now = Date.now();
  const [route, versions, usage] = await Promise.all([
    routes.readRoute(name),
    routes.listVersions(name),
    settle(routeUsage.ask(db, { range: recentRange('24h', now, zone), name })),
  ]);
  if (!route.ok && route.status === 404) error(404, 'There is no such route.');
  const settings = route.ok ? route.value.settings : null;
  const sample = sampleFromUrl(searchParams);
  const { request, errors } = toRequest(sample, zone);
  const asked = settings !== null && Object.keys(errors).length === 0;
  const tried = asked ? await routes.dryRun({ settings, request }) : undefined;
  const view = searchParams.get('view') === 'json' ? ('json' as const) : ('form' as const);
  return { now, route, versions, usage, sample, view, plan: tried?.ok ? tried.value : undefined };
};

type Result = Promise<RouteAnswer | ActionFailure<RouteAnswer>>;

export const actions = {
  try: async ({ request, locals: { zone } }): Result => tryRoute(await request.formData(), zone),
  save: async ({ request, params: { name } }): Result =>
    saveRoute(
      await request.formData(),
      (settings, version) => routes.changeRoute(name, { settings, ...(version === undefined ? {} : { version }) }),
      ({ version }) => ({ done: `Saved: it is version ${version}.` }),
    ),
  restore: async ({ request, params: { name } }): Result => {
    const version = Number((await request.formData()).get('version') ?? Number.NaN);
    return actOnRoute(routes.restoreRoute(name, version), (route) => ({
      done: `Version ${version} is back, as version ${route.version}.`,
    }));
  },
  disable: ({ params: { name } }): Result =>
    actOnRoute(routes.changeRoute(name, { enabled: false }), () => ({
      done: 'Disabled: calls that name it are refused.',
    })),
  enable: ({ params: { name } }): Result =>
    actOnRoute(routes.changeRoute(name, { enabled: true }), () => ({ done: 'It is in force again.' })),
  remove: async ({ params: { name } }): Result => actOnRoute(routes.removeRoute(name), () => redirect(303, '/routes')),
} satisfies Actions;
