import { publicProxyUrl } from '$lib/server/env.ts';
import { proxyHealth } from '$lib/server/health.ts';
import type { LayoutServerLoad } from './$types';

export const load: LayoutServerLoad = async ({ locals, depends }) => {
  depends('weir:shell');
  return { zone: locals.zone, proxy: publicProxyUrl, health: await proxyHealth() };
};
