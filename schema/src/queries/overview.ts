/**
 * The questions of the overview. Percentiles are always computed over the rows of the range, never over percentiles.
 * An alias never bears the name of a column: ClickHouse would take it for the column in WHERE and inside aggregates.
 */
import { z } from 'zod';
import { where } from '../filters.ts';
import { defineQuery } from '../query.ts';
import { sql } from '../sql.ts';
import { bucketCount, bucketOf, timeParam } from '../time.ts';
import { count, failed, model, money, number, range, speed, view } from './parts.ts';

/** Every figure, for each bucket and for the whole range (`is_total`) in one scan. */
export const series = defineQuery({
  name: 'overview.series',
  params: view,
  row: z.object({
    is_total: count,
    bucket: count,
    requests: count,
    errors: count,
    total_usd: money.nullable(),
    unpriced: count,
    estimated: count,
    tokens: count.nullable(),
    latency_ms: z.array(number),
    first_ms: z.array(number),
    speed: number,
    named: count,
    providers: count,
    cache_asked: count,
    cache_hits: count,
    semantic_hits: count,
    all_saved_usd: money.nullable(),
    hit_saved_usd: money.nullable(),
    semantic_saved_usd: money.nullable(),
    all_input: count.nullable(),
    all_cache_read: count.nullable(),
    last_at: z.string(),
  }),
  sql: (p) => sql`
    SELECT grouping(bucket) AS is_total, ${bucketOf(p.range)} AS bucket,
           count() AS requests, countIf(${failed}) AS errors,
           sum(cost_usd) AS total_usd, countIf(cost_usd IS NULL) AS unpriced, countIf(usage_source = 'estimated') AS estimated,
           sum(input_tokens + output_tokens) AS tokens,
           quantilesTDigest(0.5, 0.9, 0.95, 0.99)(duration_ms) AS latency_ms,
           quantilesTDigest(0.5, 0.95)(ttft_ms) AS first_ms,
           quantileTDigest(0.5)(${speed}) AS speed,
           countIf(user_id != '') AS named, uniq(provider) AS providers,
           countIf(cache != '') AS cache_asked, countIf(cache = 'hit') AS cache_hits, countIf(cache = 'semantic_hit') AS semantic_hits,
           sum(saved_usd) AS all_saved_usd, sumIf(saved_usd, cache = 'hit') AS hit_saved_usd,
           sumIf(saved_usd, cache = 'semantic_hit') AS semantic_saved_usd,
           sum(input_tokens) AS all_input, sum(cache_read_tokens) AS all_cache_read,
           max(started_at) AS last_at
    FROM requests
    WHERE ${where(p.range, p.filters)}
    GROUP BY GROUPING SETS ((bucket), ())
    ORDER BY is_total DESC, bucket`,
});

export const byProvider = defineQuery({
  name: 'overview.by_provider',
  params: view,
  row: z.object({ bucket: count, provider: z.string(), requests: count, errors: count }),
  sql: (p) => sql`
    SELECT ${bucketOf(p.range)} AS bucket, provider, count() AS requests, countIf(${failed}) AS errors
    FROM requests
    WHERE ${where(p.range, p.filters)}
    GROUP BY bucket, provider
    ORDER BY bucket, provider`,
});

/** Cells of the heat map: three and a third bins to a doubling, from 1 ms on. */
export const BINS_PER_DOUBLING = 3;
export const latencyCells = defineQuery({
  name: 'overview.latency_cells',
  params: view,
  row: z.object({ bucket: count, bin: count, requests: count }),
  sql: (p) => sql`
    SELECT ${bucketOf(p.range)} AS bucket,
           toUInt16(floor(log2(greatest(duration_ms, 1)) * ${BINS_PER_DOUBLING})) AS bin, count() AS requests
    FROM requests
    WHERE ${where(p.range, p.filters)}
    GROUP BY bucket, bin
    ORDER BY bucket, bin`,
});

export const costByModel = defineQuery({
  name: 'overview.cost_by_model',
  params: view,
  row: z.object({ bucket: count, provider: z.string(), model: z.string(), total_usd: money }),
  sql: (p) => sql`
    SELECT ${bucketOf(p.range)} AS bucket, provider, ${model} AS model, sum(cost_usd) AS total_usd
    FROM requests
    WHERE ${where(p.range, p.filters)}
      AND cost_usd IS NOT NULL
    GROUP BY bucket, provider, model
    ORDER BY bucket, total_usd DESC`,
});

export const models = defineQuery({
  name: 'overview.models',
  params: view,
  row: z.object({
    provider: z.string(),
    model: z.string(),
    requests: count,
    total_usd: money.nullable(),
    unpriced: count,
    estimated: count,
    latency_ms: z.array(number),
    first_ms: number,
    errors: count,
    of: count,
  }),
  sql: (p) => sql`
    SELECT provider, ${model} AS model, count() AS requests, sum(cost_usd) AS total_usd, countIf(cost_usd IS NULL) AS unpriced,
           countIf(usage_source = 'estimated') AS estimated,
           quantilesTDigest(0.5, 0.95, 0.99)(duration_ms) AS latency_ms, quantileTDigest(0.5)(ttft_ms) AS first_ms,
           countIf(${failed}) AS errors, count() OVER () AS of
    FROM requests
    WHERE ${where(p.range, p.filters)}
    GROUP BY provider, model
    ORDER BY total_usd DESC NULLS LAST, requests DESC
    LIMIT 8`,
});

/** Models that told their usage and have no price; `of`: how many there are. */
export const unpriced = defineQuery({
  name: 'overview.unpriced',
  params: view,
  row: z.object({ provider: z.string(), model: z.string(), requests: count, of: count }),
  sql: (p) => sql`
    SELECT provider, ${model} AS model, count() AS requests, count() OVER () AS of
    FROM requests
    WHERE ${where(p.range, p.filters)}
      AND cost_usd IS NULL AND (method = 'POST' OR status = 101) AND (input_tokens > 0 OR output_tokens > 0)
    GROUP BY provider, model
    ORDER BY requests DESC, provider, model
    LIMIT 3`,
});

const compared = view.extend({ before: range });

export const errors = defineQuery({
  name: 'overview.errors',
  params: compared,
  row: z.object({
    who: z.string(),
    outcome: z.string(),
    status: z.number().nullable(),
    error_type: z.string(),
    requests: count,
    requests_before: count,
    buckets: z.array(count),
    of: count,
  }),
  sql: (p) => sql`
    SELECT if(outcome = 'blocked', '', provider) AS who, outcome, status, error_type,
           countIf(started_at >= ${timeParam(p.range.from)}) AS requests,
           countIf(started_at < ${timeParam(p.before.to)}) AS requests_before,
           countResample(0, ${bucketCount(p.range)}, 1)(${bucketOf(p.range)}) AS buckets, count() OVER () AS of
    FROM requests
    WHERE ${where({ from: p.before.from, to: p.range.to }, p.filters)}
      AND ${failed}
    GROUP BY who, outcome, status, error_type
    HAVING requests > 0
    ORDER BY requests DESC
    LIMIT 7`,
});

const DAY = 86_400_000;

/** Users by cost in the range; `days` is what each cost on each of the last seven days. */
export const users = defineQuery({
  name: 'overview.users',
  params: view,
  row: z.object({
    user_id: z.string(),
    total_usd: money.nullable(),
    requests: count,
    median_usd: number,
    p95_ms: number,
    last_at: z.string(),
    days: z.array(number),
  }),
  sql: (p) => {
    const week = { ...p.range, from: p.range.to - 7 * DAY, step: DAY };
    const inRange = sql`started_at >= ${timeParam(p.range.from)}`;
    return sql`
    SELECT user_id, sumIf(cost_usd, ${inRange}) AS total_usd, countIf(${inRange}) AS requests,
           quantileTDigestIf(0.5)(toFloat64(cost_usd), ${inRange}) AS median_usd, quantileTDigestIf(0.95)(duration_ms, ${inRange}) AS p95_ms,
           max(started_at) AS last_at, sumResample(0, 7, 1)(toFloat64(ifNull(cost_usd, 0)), ${bucketOf(week)}) AS days
    FROM requests
    WHERE ${where({ from: Math.min(p.range.from, week.from), to: p.range.to }, p.filters)}
      AND user_id != ''
    GROUP BY user_id
    HAVING requests > 0
    ORDER BY total_usd DESC NULLS LAST, requests DESC
    LIMIT 6`;
  },
});

/** How much of the cost the most expensive tenth of the users makes. */
export const concentration = defineQuery({
  name: 'overview.concentration',
  params: view,
  row: z.object({ users: count, total_usd: money, top_usd: money }),
  sql: (p) => sql`
    SELECT count() AS users, sum(cost) AS total_usd,
           arraySum(arraySlice(arrayReverseSort(groupArray(cost)), 1, toUInt32(ceil(count() / 10)))) AS top_usd
    FROM (
      SELECT user_id, sum(ifNull(cost_usd, 0)) AS cost
      FROM requests
      WHERE ${where(p.range, p.filters)}
        AND user_id != ''
      GROUP BY user_id)`,
});
