import { routeUsage } from '@weir/schema/queries/routes';
import { recentRange } from '@weir/schema/time';
import { listRoutes } from '$lib/server/administration/routes.ts';
import { settle } from '$lib/server/settle.ts';
import type { PageServerLoad } from './$types';

export const load: PageServerLoad = async ({ locals: { db, zone } }) => {
  const now = Date.now();
  const [routes, usage] = await Promise.all([
    listRoutes(),
    settle(routeUsage.ask(db, { range: recentRange('24h', now, zone) })),
  ]);
  return { now, routes, usage };
};
