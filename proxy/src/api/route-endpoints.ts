/** Saved routes, under `/weir/routes`; `{id}` is a route's name. */
import { routeSettings } from '@weir/schema/settings/route';
import {
  dryRunAnswer,
  dryRunAsked,
  restoreAsked,
  routeChange,
  routeVersionView,
  routeView,
} from '@weir/schema/settings/route-desk';
import { z } from 'zod';
import * as routes from '../admin/routes.ts';
import { notFound } from '../admin/desk.ts';
import { desk } from './acting.ts';
import { endpoint, type Endpoint } from './endpoint.ts';

export const routeEndpoints: readonly Endpoint[] = [
  endpoint({
    method: 'GET',
    path: '/routes',
    needs: 'viewer',
    summary: 'Saved routes',
    reply: z.object({ routes: z.array(routeView) }),
    replies: 'Routes by name.',
    run: ({ api }) => ({
      json: {
        routes: api.edited.rows.routes
          .filter(({ deleted }) => !deleted)
          .sort((one, other) => (one.name < other.name ? -1 : 1))
          .map((row) => routes.viewRoute(row)),
      },
    }),
  }),
  endpoint({
    method: 'POST',
    path: '/routes',
    needs: 'editor',
    summary: 'Saves a route; calls name it in Weir-Route',
    body: routeSettings,
    reply: routeView,
    replies: 'The route.',
    run: async (asked) => ({ status: 201, json: await routes.addRoute(desk(asked), asked.body) }),
  }),
  endpoint({
    method: 'POST',
    path: '/routes/dry-run',
    needs: 'viewer',
    summary: 'What would be done with a request, by a saved route or one that is not saved; nothing is called',
    body: dryRunAsked,
    reply: dryRunAnswer,
    replies: 'Targets in the order in which they would be asked, each with its reason.',
    run: ({ api, body }) => ({ json: api.dryRun(body) }),
  }),
  endpoint({
    method: 'GET',
    path: '/routes/{id}',
    needs: 'viewer',
    summary: 'One saved route',
    reply: routeView,
    replies: 'The route.',
    run: ({ api, id }) => {
      const row = api.edited.rows.routes.find(({ name, deleted }) => name === id && !deleted);
      if (row === undefined) throw notFound(id);
      return { json: routes.viewRoute(row) };
    },
  }),
  endpoint({
    method: 'PATCH',
    path: '/routes/{id}',
    needs: 'editor',
    summary: 'Replaces what a saved route says, or switches it off and on',
    body: routeChange,
    reply: routeView,
    replies: 'The route as it is now.',
    run: async (asked) => ({ json: await routes.changeRoute(desk(asked), asked.id, asked.body) }),
  }),
  endpoint({
    method: 'DELETE',
    path: '/routes/{id}',
    needs: 'editor',
    summary: 'Removes a saved route; its versions are kept',
    reply: routeView,
    replies: 'The route as it was.',
    run: async (asked) => ({ json: await routes.removeRoute(desk(asked), asked.id) }),
  }),
  endpoint({
    method: 'GET',
    path: '/routes/{id}/versions',
    needs: 'viewer',
    summary: 'Every version of a saved route',
    reply: z.object({ versions: z.array(routeVersionView) }),
    replies: 'Versions, the newest first.',
    run: async ({ api, id }) => ({ json: { versions: await routes.listVersions(api, id) } }),
  }),
  endpoint({
    method: 'POST',
    path: '/routes/{id}/restore',
    needs: 'editor',
    summary: 'Makes an earlier version of a saved route its newest',
    body: restoreAsked,
    reply: routeView,
    replies: 'The route as it is now.',
    run: async (asked) => ({ json: await routes.restoreRoute(desk(asked), asked.id, asked.body.version) }),
  }),
];
