/** The questions of the page of keys: what each was used for, and who changed it. */
import { z } from 'zod';
import { defineQuery } from '../query.ts';
import { auditRow } from '../records.ts';
import { sql } from '../sql.ts';
import { within } from '../time.ts';
import { count, money, range } from './parts.ts';

/** Requests, cost and the last call of every key, or of one. A call that Weir refused was asked for, and cost nothing. */
export const keyUsage = defineQuery({
  name: 'keys.usage',
  params: z.object({ range, key_id: z.string().optional() }),
  row: z.object({
    key_id: z.string(),
    requests: count,
    blocked: count,
    total_usd: money.nullable(),
    unpriced: count,
    last_at: z.string(),
  }),
  sql: ({ range: asked, key_id }) => sql`
    SELECT key_id, count() AS requests, countIf(outcome = 'blocked') AS blocked, sum(cost_usd) AS total_usd,
           countIf(cost_usd IS NULL AND usage_source != 'none') AS unpriced, max(started_at) AS last_at
    FROM requests
    WHERE ${within(asked)} AND ${key_id === undefined ? sql`key_id != ''` : sql`key_id = ${key_id}`}
    GROUP BY key_id`,
});

/** The latest changes of what people edit, or of one key. */
export const latestChanges = defineQuery({
  name: 'keys.changes',
  params: z.object({ id: z.string().optional(), limit: z.number().int().min(1).max(100) }),
  row: auditRow,
  sql: ({ id, limit }) => sql`
    SELECT * FROM audit
    WHERE ${id === undefined ? sql`1` : sql`id = ${id}`}
    ORDER BY at DESC, audit_id DESC LIMIT ${limit}`,
});
