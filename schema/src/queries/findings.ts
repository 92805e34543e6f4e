/** What stands out in the range, asked of the attempts: a provider's failures are seen even where a fallback hid them. */
import { z } from 'zod';
import { where } from '../filters.ts';
import { defineQuery } from '../query.ts';
import { empty, param, sql } from '../sql.ts';
import { bucketCount, bucketOf, within } from '../time.ts';
import { count, failed, range, view } from './parts.ts';

export const failures = defineQuery({
  name: 'findings.failures',
  params: view,
  row: z.object({
    provider: z.string(),
    outcome: z.string(),
    status: z.number().nullable(),
    attempts: count,
    error_type: z.string(),
    buckets: z.array(count),
  }),
  sql: (p) => sql`
    SELECT provider, outcome, status, count() AS attempts, anyHeavy(error_type) AS error_type,
           countResample(0, ${bucketCount(p.range)}, 1)(${bucketOf(p.range)}) AS buckets
    FROM attempts
    WHERE ${within(p.range)}
      AND ${failed} AND outcome != 'client_error'${
        p.filters.length === 0
          ? empty
          : sql`
      AND request_id IN (SELECT request_id FROM requests WHERE ${where(p.range, p.filters)})`
      }
    GROUP BY provider, outcome, status
    ORDER BY attempts DESC
    LIMIT 12`,
});

/** What became of the requests whose attempts failed in a window: who answered in place, how many reached the client. */
export const aftermath = defineQuery({
  name: 'findings.aftermath',
  params: view.extend({ window: range, provider: z.string(), outcome: z.string(), status: z.number().nullable() }),
  row: z.object({ answered_by: z.string(), requests: count, answered: count, failed: count }),
  sql: (p) => sql`
    SELECT if(outcome = 'ok', provider, '') AS answered_by, count() AS requests,
           countIf(outcome = 'ok') AS answered, countIf(${failed}) AS failed
    FROM requests
    WHERE ${where({ from: p.window.from - 600_000, to: p.window.to }, p.filters)}
      AND request_id IN (
        SELECT request_id FROM attempts
        WHERE ${within(p.window)} AND provider = ${p.provider} AND outcome = ${p.outcome}
          AND ifNull(status, 0) = ${param(p.status ?? 0, 'Int64')})
    GROUP BY answered_by
    ORDER BY requests DESC
    LIMIT 10`,
});
