/** One request: its row, its attempts, what was said, and what stands around it. */
import { z } from 'zod';
import { where } from '../filters.ts';
import { attemptRow, bodyRow, requestRow, scoreRow } from '../records.ts';
import { defineQuery } from '../query.ts';
import { empty, param, type Sql, sql } from '../sql.ts';
import { timeParam } from '../time.ts';
import { count, model, view } from './parts.ts';

const HOUR = 3_600_000;
const id = z.uuid();

/** A UUIDv7 carries its time: it bounds the search to a few parts of the table. */
function near(request_id: string, column: Sql): Sql {
  const at = request_id[14] === '7' ? Number.parseInt(request_id.replaceAll('-', '').slice(0, 12), 16) : Number.NaN;
  if (Number.isNaN(at)) return empty;
  return sql`${column} >= ${timeParam(at - HOUR)} AND ${column} < ${timeParam(at + HOUR)} AND `;
}
const ofRequest = (request_id: string): Sql =>
  sql`${near(request_id, sql`started_at`)}request_id = ${param(request_id, 'UUID')}`;

export const one = defineQuery({
  name: 'request.one',
  params: z.object({ request_id: id }),
  row: requestRow.loose(),
  sql: (p) => sql`
    SELECT * FROM requests
    WHERE ${ofRequest(p.request_id)}
    LIMIT 1`,
});

export const attempts = defineQuery({
  name: 'request.attempts',
  params: z.object({ request_id: id }),
  row: attemptRow.loose(),
  sql: (p) => sql`
    SELECT * FROM attempts
    WHERE ${ofRequest(p.request_id)}
    ORDER BY attempt_index`,
});

export const body = defineQuery({
  name: 'request.body',
  params: z.object({ request_id: id }),
  row: bodyRow.extend({ request_bytes: count, response_bytes: count }),
  sql: (p) => sql`
    SELECT *, length(request) AS request_bytes, length(response) AS response_bytes FROM bodies
    WHERE ${ofRequest(p.request_id)}
    LIMIT 1`,
});

export const scores = defineQuery({
  name: 'request.scores',
  params: z.object({ request_id: id }),
  row: scoreRow,
  sql: (p) => sql`
    SELECT * FROM scores FINAL
    WHERE ${near(p.request_id, sql`request_started_at`)}request_id = ${param(p.request_id, 'UUID')}
    ORDER BY name, scored_at
    LIMIT 100`,
});

/** The session's requests around one of them, in order. */
export const session = defineQuery({
  name: 'request.session',
  params: z.object({ session_id: z.string(), started_at: z.number() }),
  row: requestRow
    .pick({
      request_id: true,
      started_at: true,
      provider: true,
      session_path: true,
      operation: true,
      duration_ms: true,
      cost_usd: true,
      usage_source: true,
      outcome: true,
    })
    .extend({ model: z.string(), of: count, total_usd: z.string().nullable() }),
  sql: (p) => sql`
    SELECT request_id, started_at, provider, ${model} AS model, session_path, operation, duration_ms, cost_usd, usage_source, outcome,
           count() OVER () AS of, sum(cost_usd) OVER () AS total_usd
    FROM requests
    WHERE session_id = ${p.session_id}
      AND started_at >= ${timeParam(p.started_at - 24 * HOUR)} AND started_at < ${timeParam(p.started_at + 24 * HOUR)}
    ORDER BY started_at, request_id
    LIMIT 500`,
});

/** Where a request stands in the list that it was opened from, and who stands beside it. */
export const neighbours = defineQuery({
  name: 'request.neighbours',
  params: view.extend({ request_id: id, started_at: z.string() }),
  row: z.object({ newer: z.string(), older: z.string(), position: count, of: count }),
  sql: (p) => {
    const here = sql`(${timeParam(p.started_at)}, ${param(p.request_id, 'UUID')})`;
    return sql`
    SELECT toString(argMinIf(request_id, (started_at, request_id), (started_at, request_id) > ${here})) AS newer,
           toString(argMaxIf(request_id, (started_at, request_id), (started_at, request_id) < ${here})) AS older,
           countIf((started_at, request_id) >= ${here}) AS position, count() AS of
    FROM requests
    WHERE ${where(p.range, p.filters)}`;
  },
});
