/** The questions of the page of routes: what each was used for, and what it was in each of its versions. */
import { z } from 'zod';
import { defineQuery } from '../query.ts';
import { routeVersionRow } from '../records.ts';
import { sql } from '../sql.ts';
import { within } from '../time.ts';
import { count, failed, money, range } from './parts.ts';

/** Requests, errors and cost of every route, or of one. */
export const routeUsage = defineQuery({
  name: 'routes.usage',
  params: z.object({ range, name: z.string().optional() }),
  row: z.object({
    route: z.string(),
    requests: count,
    errors: count,
    total_usd: money.nullable(),
    last_at: z.string(),
  }),
  sql: ({ range: asked, name }) => sql`
    SELECT route, count() AS requests, countIf(${failed}) AS errors, sum(cost_usd) AS total_usd,
           max(started_at) AS last_at
    FROM requests
    WHERE ${within(asked)} AND ${name === undefined ? sql`route != ''` : sql`route = ${name}`}
    GROUP BY route`,
});

/** Every version of a route, the newest first. */
export const routeVersions = defineQuery({
  name: 'routes.versions',
  params: z.object({ name: z.string() }),
  row: routeVersionRow,
  sql: ({ name }) => sql`
    SELECT * FROM route_versions WHERE name = ${name}
    ORDER BY version DESC, at DESC LIMIT 1 BY version LIMIT 1000`,
});
