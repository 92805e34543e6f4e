/**
 * One zod row for each table. `insert` is what the proxy writes, `read` what a query returns when it selects every
 * column; a test compares both with DESCRIBE TABLE. Decimals and 64-bit integers travel as strings: a JavaScript number
 * would round them. Times are `YYYY-MM-DD hh:mm:ss.ffffff` in UTC.
 */
import { z } from 'zod';

const time = z.string().regex(/^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d(\.\d{1,6})?$/, 'a UTC time, YYYY-MM-DD hh:mm:ss.ffffff');
const uuid = z.uuid();
const uint64 = z.string().regex(/^\d{1,20}$/, 'an unsigned 64-bit integer as text');
const bytes = z.union([z.number().int().nonnegative(), uint64]);
const usd = z.string().regex(/^-?\d{1,9}(\.\d{1,9})?$/, 'a decimal with at most nine digits behind the point');
const count = z.number().int().nonnegative();
const ms = z.number();
const text = z.string();

export const outcomes = [
  'ok',
  'client_error',
  'provider_error',
  'rate_limited',
  'timeout',
  'network_error',
  'truncated',
  'cancelled',
  'blocked',
  'interrupted',
] as const;
/** How a request or an attempt ended (CONTRACT.md §7). */
export type Outcome = (typeof outcomes)[number];

/** Outcomes that do not count into the error rate, everywhere the same. */
export const notErrors = ['ok', 'cancelled'] as const satisfies readonly Outcome[];
/** Outcomes that count into the provider failure rate, everywhere the same. */
export const providerFailures = [
  'provider_error',
  'rate_limited',
  'timeout',
  'network_error',
  'truncated',
] as const satisfies readonly Outcome[];

/** What a call is (CONTRACT.md §7). */
export const operations = [
  'chat',
  'responses',
  'messages',
  'generate_content',
  'completion',
  'embeddings',
  'image',
  'audio',
  'rerank',
  'moderation',
  'batch',
  'file',
  'model_list',
  'token_count',
  'realtime',
  'mcp',
  'a2a',
  'other',
] as const;
export type Operation = (typeof operations)[number];

/** What a key may administer, from nothing (it only calls) to everything. */
export const roles = ['', 'viewer', 'editor', 'admin'] as const;
export type Role = (typeof roles)[number];

const tokens = {
  input_tokens: count.nullable(),
  output_tokens: count.nullable(),
  cache_read_tokens: count.nullable(),
  cache_write_tokens: count.nullable(),
  cache_write_1h_tokens: count.nullable(),
  reasoning_tokens: count.nullable(),
  input_audio_tokens: count.nullable(),
  output_audio_tokens: count.nullable(),
  input_image_tokens: count.nullable(),
};

export const requestRow = z.object({
  request_id: uuid,
  started_at: time,
  client_request_id: text,
  project: text,
  key_id: text,
  provider: text,
  operation: text,
  method: text,
  path: text,
  query: text,
  host: text,
  request_model: text,
  response_model: text,
  streamed: z.boolean(),
  status: count.nullable(),
  outcome: z.enum(outcomes),
  error_type: text,
  error_message: text,
  duration_ms: ms,
  ttft_ms: ms.nullable(),
  overhead_ms: ms,
  wait_ms: ms,
  upstream_ms: ms,
  client_stall_ms: ms.nullable(),
  ...tokens,
  units: z.record(text, z.number()),
  usage_source: z.enum(['provider', 'estimated', 'none']),
  cost_usd: usd.nullable(),
  input_cost_usd: usd.nullable(),
  output_cost_usd: usd.nullable(),
  cache_read_cost_usd: usd.nullable(),
  cache_write_cost_usd: usd.nullable(),
  other_cost_usd: usd.nullable(),
  retry_cost_usd: usd.nullable(),
  list_cost_usd: usd.nullable(),
  /** What limits count for this call where its tokens, or its cost, cannot be known. */
  limit_tokens: count.nullable(),
  limit_usd: usd.nullable(),
  /** Who was asked first, and for which model: where it is not `provider`, and not `request_model`. */
  limit_provider: text,
  limit_model: text,
  saved_usd: usd.nullable(),
  price_id: text,
  service_tier: text,
  finish_reasons: z.array(text),
  tool_calls: count,
  user_id: text,
  session_id: text,
  session_name: text,
  session_path: text,
  properties: z.record(text, text),
  prompt: text,
  prompt_version: text,
  route: text,
  route_version: text,
  split: text,
  split_version: text,
  variant: text,
  split_unit: text,
  experiment_id: text,
  run_id: text,
  attempts: count,
  cache: z.enum(['', 'miss', 'hit', 'semantic_hit']),
  client_retry: count,
  trace_id: text,
  span_id: text,
  parent_span_id: text,
  request_hash: uint64,
  config_hash: uint64,
  request_bytes: bytes.nullable(),
  response_bytes: bytes.nullable(),
  warnings: z.array(text),
});
export type RequestRow = z.infer<typeof requestRow>;

export const attemptRow = z.object({
  request_id: uuid,
  attempt_index: count,
  started_at: time,
  project: text,
  provider: text,
  model: text,
  host: text,
  status: count.nullable(),
  outcome: z.enum(outcomes),
  error_type: text,
  error_message: text,
  reason: z.enum(['first', 'retry', 'fallback']),
  trigger: text,
  variant: text,
  wait_ms: ms,
  connect_ms: ms.nullable(),
  headers_ms: ms.nullable(),
  duration_ms: ms,
  response_bytes: bytes.nullable(),
  ...tokens,
  price_id: text,
  cost_usd: usd.nullable(),
  warnings: z.array(text),
});
export type AttemptRow = z.infer<typeof attemptRow>;

export const bodyRow = z.object({
  request_id: uuid,
  started_at: time,
  project: text,
  request: text,
  response: text,
  request_headers: z.record(text, text),
  response_headers: z.record(text, text),
  request_truncated: z.boolean(),
  response_truncated: z.boolean(),
});
export type BodyRow = z.infer<typeof bodyRow>;

export const scoreRow = z.object({
  score_id: text,
  request_id: uuid,
  project: text,
  request_started_at: time,
  name: text,
  value: z.number(),
  label: text,
  comment: text,
  source: text,
  scored_at: time,
});
export type ScoreRow = z.infer<typeof scoreRow>;

export const keyRow = z.object({
  key_id: text,
  hash: z.string().regex(/^[0-9a-f]{64}$/, 'a SHA-256 in hexadecimal'),
  name: text,
  project: text,
  created_at: time,
  disabled: z.boolean(),
  updated_at: time,
  owner: text,
  providers: z.array(text),
  models: z.array(text),
  operations: z.array(text),
  routes: z.array(text),
  /** JSON: a list of `limitPolicy` (settings/limit.ts). */
  limits: text,
  expires_at: time.nullable(),
  properties: z.record(text, text),
  log_bodies: z.enum(['', 'full', 'none']),
  role: z.enum(roles),
  /** `key_id` of the key that made it; its own for one that a data directory began with. */
  created_by: text,
  /** Of the text before the last rotation, valid until `previous_until`; '' where there was none. */
  previous_hash: text,
  previous_until: time.nullable(),
});
export type KeyRow = z.infer<typeof keyRow>;

/** A provider key that Weir holds. Nonces, keys and ciphertext are base64; '' once it is deleted. */
export const providerKeyRow = z.object({
  provider_key_id: text,
  provider: text,
  place: text,
  host: text,
  name: text,
  weight: count,
  enabled: z.boolean(),
  deleted: z.boolean(),
  wrap_nonce: text,
  wrapped_key: text,
  nonce: text,
  ciphertext: text,
  last4: text,
  fingerprint: text,
  created_at: time,
  created_by: text,
  updated_at: time,
});
/** A limit that people saved, for all calls that it matches. */
export const limitRow = z.object({
  limit_id: text,
  /** JSON: `limitPolicy` of settings/limit.ts. */
  policy: text,
  enabled: z.boolean(),
  deleted: z.boolean(),
  created_at: time,
  created_by: text,
  updated_at: time,
});
export type LimitRow = z.infer<typeof limitRow>;

/** A route that people saved. Of `requests`, `route` is its name and `route_version` its version. */
export const routeRow = z.object({
  name: text,
  /** 1, 2, 3 … */
  version: count,
  /** JSON: `routeSettings` of settings/route.ts. */
  settings: text,
  enabled: z.boolean(),
  deleted: z.boolean(),
  created_at: time,
  /** By name; by id in `route_versions` and `audit`. */
  created_by: text,
  updated_at: time,
  updated_by: text,
});
export type RouteRow = z.infer<typeof routeRow>;

/** What a saved route was in one of its versions. */
export const routeVersionRow = z.object({
  name: text,
  version: count,
  settings: text,
  at: time,
  actor: text,
  actor_name: text,
});
export type RouteVersionRow = z.infer<typeof routeVersionRow>;

export type ProviderKeyRow = z.infer<typeof providerKeyRow>;

/** One change of what people edit. `before`, `after`: JSON without secrets, '' where there is none. */
export const auditRow = z.object({
  audit_id: uuid,
  at: time,
  actor: text,
  actor_name: text,
  action: text,
  kind: text,
  id: text,
  project: text,
  before: text,
  after: text,
});
export type AuditRow = z.infer<typeof auditRow>;

/** Prices that people set: `own` (rules) and `list` (a newer list), each a JSON document. */
export const priceRow = z.object({ name: z.enum(['own', 'list']), version: text, document: text, updated_at: time });
export type PriceRow = z.infer<typeof priceRow>;

/** One day of a change to rows that are otherwise written once. */
export const revisionRow = z.object({
  revision_id: uuid,
  day: z.string().regex(/^\d{4}-\d\d-\d\d$/, 'a day, YYYY-MM-DD'),
  kind: z.enum(['reprice', 'erase']),
  /** `begun` without an end: the revision was broken off on this day; run it again. */
  state: z.enum(['begun', 'done']),
  who: text,
  range_from: time,
  range_to: time,
  filter: text,
  prices: text,
  requests: bytes,
  changed: bytes,
  unpriced_before: bytes,
  unpriced_after: bytes,
  cost_before_usd: usd.nullable(),
  cost_after_usd: usd.nullable(),
  started_at: time,
  updated_at: time,
});
export type RevisionRow = z.infer<typeof revisionRow>;

/** Every table and the row it holds. */
export const tables = {
  requests: requestRow,
  attempts: attemptRow,
  bodies: bodyRow,
  scores: scoreRow,
  keys: keyRow,
  prices: priceRow,
  revisions: revisionRow,
  provider_keys: providerKeyRow,
  limits: limitRow,
  routes: routeRow,
  route_versions: routeVersionRow,
  audit: auditRow,
} as const;
export type Table = keyof typeof tables;

/** Column names of a table, in the order of its row. */
export function columns(table: Table): string[] {
  return Object.keys(tables[table].shape);
}

/** The second that was written last: a busy recorder writes the same one thousands of times. */
let latest = { second: 0, text: '1970-01-01 00:00:00' };

/** A point in time as the tables hold it, from microseconds since 1970 (UTC). */
export function timeText(microseconds: number): string {
  const whole = Math.round(microseconds);
  const second = Math.floor(whole / 1_000_000);
  if (latest.second !== second) {
    const iso = new Date(second * 1000).toISOString();
    latest = { second, text: `${iso.slice(0, 10)} ${iso.slice(11, 19)}` };
  }
  return `${latest.text}.${String(whole - second * 1_000_000).padStart(6, '0')}`;
}

/** The same point in time as people and programs write it: RFC 3339 in UTC, to the millisecond. */
export function isoOf(time: string): string {
  return new Date(`${time.replace(' ', 'T')}Z`).toISOString();
}

/** A point in time that was written in RFC 3339, as the tables hold it. */
export function timeOf(iso: string): string {
  return timeText(Date.parse(iso) * 1000);
}
