/** Saved routes, as the proxy's REST has them. */
import { dryRunAnswer, routeVersionView, routeView, type RouteView } from '@weir/schema/settings/route-desk';
import { z } from 'zod';
import { ask, type Answered } from './ask.ts';

const at = encodeURIComponent;

export async function listRoutes(): Promise<Answered<RouteView[]>> {
  const answered = await ask(z.object({ routes: z.array(routeView) }), 'GET', '/routes');
  return answered.ok ? { ok: true, value: answered.value.routes } : answered;
}
export const readRoute = (name: string) => ask(routeView, 'GET', `/routes/${at(name)}`);
export const listVersions = (name: string) =>
  ask(z.object({ versions: z.array(routeVersionView) }), 'GET', `/routes/${at(name)}/versions`);
export const createRoute = (settings: object) => ask(routeView, 'POST', '/routes', settings);
export const changeRoute = (name: string, change: object) => ask(routeView, 'PATCH', `/routes/${at(name)}`, change);
export const restoreRoute = (name: string, version: number) =>
  ask(routeView, 'POST', `/routes/${at(name)}/restore`, { version });
export const removeRoute = (name: string) => ask(routeView, 'DELETE', `/routes/${at(name)}`);
export const dryRun = (asked: object) => ask(dryRunAnswer, 'POST', '/routes/dry-run', asked);
