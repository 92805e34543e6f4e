/** What is recorded of calls that cost something, as far as their price needs it; a page at a time. */
import type { Db } from '@weir/schema/db';
import { requestRow } from '@weir/schema/records';
import { z } from 'zod';

/** Stored values come as the store writes them: small integers as numbers, decimals as text, NULL as null. */
const row = requestRow.pick({
  request_id: true,
  started_at: true,
  provider: true,
  operation: true,
  host: true,
  request_model: true,
  response_model: true,
  service_tier: true,
  usage_source: true,
  attempts: true,
  input_tokens: true,
  output_tokens: true,
  cache_read_tokens: true,
  cache_write_tokens: true,
  cache_write_1h_tokens: true,
  reasoning_tokens: true,
  input_audio_tokens: true,
  output_audio_tokens: true,
  input_image_tokens: true,
  units: true,
  price_id: true,
  cost_usd: true,
  input_cost_usd: true,
  output_cost_usd: true,
  cache_read_cost_usd: true,
  cache_write_cost_usd: true,
  other_cost_usd: true,
  retry_cost_usd: true,
  list_cost_usd: true,
});
export type RecordedCall = z.infer<typeof row>;
const page = z.array(row);

/** Times as the tables hold them: `from` inclusive, `to` exclusive. */
export interface Range {
  readonly from: string;
  readonly to: string;
  /** Only calls that asked for, or were answered by, this model. */
  readonly model: string | undefined;
}

const pageRows = 20_000;

/**
 * Calls whose cost is a question of price: with usage, or a cost by a price that is known; not those that a cache answered,
 * nor those that fetched a reply that was billed before.
 */
const billed = `(method = 'POST' OR status = 101 OR cost_usd IS NOT NULL) AND cache NOT IN ('hit', 'semantic_hit') AND (price_id != '' OR cost_usd IS NULL)
  AND (input_tokens IS NOT NULL OR output_tokens IS NOT NULL OR notEmpty(units) OR price_id != '')`;

/** The days of a range that have such calls. */
export async function billedDays(db: Db, range: Range): Promise<string[]> {
  const result = await db.query({
    query: `SELECT toString(toDate(started_at)) AS day FROM requests WHERE ${where(range)} GROUP BY day ORDER BY day`,
    query_params: parameters(range),
    format: 'JSONEachRow',
  });
  return z
    .array(z.object({ day: z.string() }))
    .parse(await result.json())
    .map(({ day }) => day);
}

/** The calls in the order of their time. Never more than a page of them is here. */
export async function* billedCalls(db: Db, range: Range): AsyncGenerator<RecordedCall> {
  let after = { at: '1970-01-01 00:00:00', id: '00000000-0000-0000-0000-000000000000' };
  for (;;) {
    const result = await db.query({
      query: `SELECT ${Object.keys(row.shape).join(', ')} FROM requests WHERE ${where(range)}
        AND (started_at, request_id) > ({at:DateTime64(6, 'UTC')}, {id:UUID})
        ORDER BY started_at, request_id LIMIT ${pageRows}`,
      query_params: { ...parameters(range), at: after.at, id: after.id },
      format: 'JSONEachRow',
    });
    const calls = page.parse(await result.json());
    yield* calls;
    const last = calls.at(-1);
    if (last === undefined || calls.length < pageRows) return;
    after = { at: last.started_at, id: last.request_id };
  }
}

function where({ model }: Range): string {
  const ofModel = model === undefined ? '' : ' AND (request_model = {model:String} OR response_model = {model:String})';
  return `started_at >= {from:DateTime64(6, 'UTC')} AND started_at < {to:DateTime64(6, 'UTC')} AND ${billed}${ofModel}`;
}

function parameters({ from, to, model }: Range): Record<string, string> {
  return { from, to, ...(model === undefined ? {} : { model }) };
}

/** The part of a range that lies on one day. */
export function onDay(range: Range, day: string): Range {
  const next = new Date(Date.parse(day) + 86_400_000).toISOString().slice(0, 10);
  const later = (one: string, other: string): string => (one > other ? one : other);
  const earlier = (one: string, other: string): string => (one < other ? one : other);
  return {
    ...range,
    from: later(range.from, `${day} 00:00:00.000000`),
    to: earlier(range.to, `${next} 00:00:00.000000`),
  };
}
