/** The list: pages are cut by key, never by number, so that rows that arrive meanwhile shift nothing. */
import { z } from 'zod';
import { where } from '../filters.ts';
import { requestRow } from '../records.ts';
import { defineQuery } from '../query.ts';
import { empty, join, param, type ParamType, type Sql, sql } from '../sql.ts';
import { timeParam } from '../time.ts';
import { model, view } from './parts.ts';

export const PAGE = 100;

const listColumns = requestRow.pick({
  request_id: true,
  started_at: true,
  provider: true,
  operation: true,
  path: true,
  status: true,
  outcome: true,
  error_type: true,
  error_message: true,
  duration_ms: true,
  ttft_ms: true,
  input_tokens: true,
  output_tokens: true,
  cache_read_tokens: true,
  reasoning_tokens: true,
  usage_source: true,
  cost_usd: true,
  user_id: true,
  session_id: true,
  key_id: true,
  route: true,
  split: true,
  variant: true,
  attempts: true,
  cache: true,
  finish_reasons: true,
  tool_calls: true,
  streamed: true,
  properties: true,
});
export const listRow = listColumns.extend({ model: z.string(), request_model: z.string(), key: z.string() });
export type ListRow = z.infer<typeof listRow>;

/** What can be sorted by. NULL sorts below every value. */
const keys: Record<'time' | 'duration' | 'first_token' | 'cost' | 'input' | 'output', { sql: Sql; type: ParamType }> = {
  time: { sql: sql`started_at`, type: "DateTime64(6, 'UTC')" },
  duration: { sql: sql`duration_ms`, type: 'Float64' },
  first_token: { sql: sql`ifNull(ttft_ms, -1)`, type: 'Float64' },
  cost: { sql: sql`toDecimal64(ifNull(cost_usd, -1), 9)`, type: 'Decimal(18, 9)' },
  input: { sql: sql`toInt64(ifNull(input_tokens, -1))`, type: 'Int64' },
  output: { sql: sql`toInt64(ifNull(output_tokens, -1))`, type: 'Int64' },
};
export const sortKeys = Object.keys(keys) as (keyof typeof keys)[];
export const sort = z.object({
  key: z.enum(sortKeys as [keyof typeof keys, ...(keyof typeof keys)[]]),
  down: z.boolean(),
});
export type Sort = z.infer<typeof sort>;

/** A place between two rows: the values that the list is ordered by. */
export const place = z.object({ key: z.string().max(40), started_at: z.string().max(30), request_id: z.uuid() });
export type Place = z.infer<typeof place>;

const columns = sql`request_id, started_at, provider, operation, path, status, outcome, error_type, error_message, duration_ms, ttft_ms,
           input_tokens, output_tokens, cache_read_tokens, reasoning_tokens, usage_source, cost_usd, user_id, session_id, key_id, route, split, variant,
           attempts, cache, finish_reasons, tool_calls, streamed, properties, request_model`;

function beyond(at: Place, by: Sort, forward: boolean): Sql {
  const key = keys[by.key];
  const sign = by.down === forward ? sql`<` : sql`>`;
  const value = param(key.type === 'Float64' || key.type === 'Int64' ? Number(at.key) : at.key, key.type);
  // Said once more of the first column of the sort key: from a tuple the server does not learn where to begin to read.
  const edge = by.down === forward ? sql`<=` : sql`>=`;
  const from =
    by.key === 'time'
      ? sql`
      AND started_at ${edge} ${timeParam(at.started_at)}`
      : empty;
  return sql`${from}
      AND (${key.sql}, started_at, request_id) ${sign} (${value}, ${timeParam(at.started_at)}, ${param(at.request_id, 'UUID')})`;
}

const direction = (down: boolean): Sql => (down ? sql`DESC` : sql`ASC`);

function order(by: Sort, down: boolean): Sql {
  const to = direction(down);
  return by.key === 'time'
    ? sql`started_at ${to}, request_id ${to}`
    : sql`${keys[by.key].sql} ${to}, started_at ${to}, request_id ${to}`;
}

/** One page after (or, turned round, before) a place; one row more than a page tells that there is another. */
export const list = defineQuery({
  name: 'requests.list',
  params: view.extend({
    sort,
    at: place.optional(),
    backward: z.boolean().default(false),
    size: z.number().default(PAGE),
  }),
  row: listRow,
  sql: (p) => sql`
    SELECT ${columns}, ${model} AS model, toString(${keys[p.sort.key].sql}) AS key
    FROM requests
    WHERE ${where(p.range, p.filters)}${p.at ? beyond(p.at, p.sort, !p.backward) : empty}
    ORDER BY ${order(p.sort, p.sort.down !== p.backward)}
    LIMIT ${p.size + 1}`,
});

/** The rows of an export: what the list filters, every column but the bodies. Streamed, so it is text and not rows. */
export function exportSql(params: z.input<typeof view>, as: ExportFormat): Sql {
  const p = view.parse(params);
  return sql`
    SELECT ${as === 'csv' ? guarded : all}
    FROM requests
    WHERE ${where(p.range, p.filters)}
    ORDER BY started_at DESC, request_id DESC
    LIMIT 1000000
    FORMAT ${formats[as]}`;
}

export const exportFormats = ['csv', 'jsonl', 'parquet'] as const;
export type ExportFormat = (typeof exportFormats)[number];
const formats: Record<ExportFormat, Sql> = { csv: sql`CSVWithNames`, jsonl: sql`JSONEachRow`, parquet: sql`Parquet` };
const all = sql`*`;
/** A spreadsheet runs a cell that begins with = + - @ or a control character: such text gets an apostrophe in front. */
const guard = (column: Sql): Sql =>
  sql`if(match(${column}, '^[=+\\-@\\t\\r]'), concat('\\'', ${column}), ${column}) AS ${column}`;
const guarded = sql`* REPLACE (${join(
  [
    sql`client_request_id`,
    sql`key_id`,
    sql`path`,
    sql`query`,
    sql`request_model`,
    sql`limit_model`,
    sql`response_model`,
    sql`error_type`,
    sql`error_message`,
    sql`service_tier`,
    sql`user_id`,
    sql`session_id`,
    sql`session_name`,
    sql`session_path`,
    sql`prompt`,
    sql`prompt_version`,
    sql`route`,
    sql`split`,
    sql`variant`,
    sql`split_unit`,
    sql`experiment_id`,
    sql`run_id`,
    sql`trace_id`,
    sql`span_id`,
    sql`parent_span_id`,
    sql`price_id`,
    sql`host`,
  ].map(guard),
  sql`, `,
)})`;
