/** What was noted and read of a call → its rows. Pure. */
import { timeText, type AttemptRow, type BodyRow, type Outcome, type RequestRow } from '@weir/schema/records';
import type { EndNote, NotedAttempt, StartNote } from '../capture/notes.ts';
import type { ReplyFacts, Usage } from '../providers/provider.ts';
import type { Price } from './price.ts';
import type { ReadCall } from './reading.ts';
import { redact } from './redact.ts';

export type UsageSource = RequestRow['usage_source'];

/** Usage and cost of the attempt that answered. */
export interface Measured {
  usage: Usage | null;
  source: UsageSource;
  cost: Price | null;
}

const noUsage: Usage = {
  input_tokens: null,
  output_tokens: null,
  cache_read_tokens: null,
  cache_write_tokens: null,
  cache_write_1h_tokens: null,
  reasoning_tokens: null,
  input_audio_tokens: null,
  output_audio_tokens: null,
  input_image_tokens: null,
};

const noCost = {
  cost_usd: null,
  input_cost_usd: null,
  output_cost_usd: null,
  cache_read_cost_usd: null,
  cache_write_cost_usd: null,
  other_cost_usd: null,
};

/** The row of `requests`. `read` is null for a call whose reply was lost in a crash. */
export function requestRow(start: StartNote, end: EndNote, read: ReadCall | null, measured: Measured): RequestRow {
  const { started_at, ...row } = start.row;
  const reply = read?.reply ?? null;
  const { outcome, error_type, error_message } = verdict(end, reply);
  return {
    ...row,
    started_at: timeText(started_at),
    ...end.row,
    outcome,
    error_type,
    error_message,
    response_bytes: end.row.status === null ? null : end.row.response_bytes,
    request_model: read?.request.model ?? row.request_model,
    response_model: reply?.model ?? '',
    streamed: (read?.request.streamed ?? false) || isStream(read),
    user_id: row.user_id || (read?.request.user ?? ''),
    ttft_ms: read?.ttftMs ?? null,
    ...(measured.usage ?? noUsage),
    usage_source: measured.source,
    ...noCost,
    ...costColumns(measured.cost),
    retry_cost_usd: measured.cost === null ? null : '0',
    saved_usd: null,
    price_id: measured.cost?.price_id ?? '',
    service_tier: reply?.serviceTier ?? read?.request.serviceTier ?? '',
    finish_reasons: reply?.finishReasons ?? [],
    tool_calls: Math.min(65_535, reply?.toolCalls ?? 0),
    route: '',
    route_version: '',
    split: '',
    split_version: '',
    variant: '',
    split_unit: '',
    experiment_id: '',
    run_id: '',
    attempts: Math.min(255, end.row.attempts),
    cache: '',
    span_id: '',
    request_hash: read?.request.hash ?? '0',
    warnings: [...new Set([...end.row.warnings, ...(read?.warnings ?? []), ...(reply?.warnings ?? [])])],
  };
}

/** One row of `attempts` for each call to a provider; the last one is the one that answered. */
export function attemptRows(start: StartNote, end: EndNote, read: ReadCall | null, measured: Measured): AttemptRow[] {
  return end.attempts.map((attempt, index) => {
    const answered = index === end.attempts.length - 1;
    const reply = answered ? (read?.reply ?? null) : null;
    const ended = answered ? verdict({ ...end, row: { ...end.row, ...errorOf(attempt) } }, reply) : errorOf(attempt);
    const unknownCost = mayHaveBeenBilled(attempt) && (!answered || measured.cost === null);
    return {
      ...attempt,
      started_at: timeText(attempt.started_at),
      ...ended,
      request_id: start.row.request_id,
      project: start.row.project,
      model: reply?.model ?? read?.request.model ?? start.row.request_model,
      variant: '',
      ...(answered ? (measured.usage ?? noUsage) : noUsage),
      price_id: answered ? (measured.cost?.price_id ?? '') : '',
      cost_usd: answered ? (measured.cost?.cost_usd ?? null) : null,
      warnings: unknownCost ? ['unknown_attempt_cost'] : [],
    };
  });
}

/** The row of `bodies`; null when nothing is kept. */
export function bodyRow(read: ReadCall): BodyRow | null {
  const { start } = read;
  if (!start.keep) return null;
  const text = (body: ReadCall['requestBody']): string => redact(body?.text() ?? '', start.redact);
  return {
    request_id: start.row.request_id,
    started_at: timeText(start.row.started_at),
    project: start.row.project,
    request: text(read.requestBody),
    response: text(read.responseBody),
    request_headers: headerMap(read.requestHeaders),
    response_headers: headerMap(read.head?.headers ?? []),
    request_truncated: read.requestBody?.truncated ?? false,
    response_truncated: read.responseBody?.truncated ?? false,
  };
}

/** Error types by which providers say in a reply of status 200 that they refuse for now. */
const rateLimitTypes = new Set(['rate_limit_error', 'rate_limit_exceeded', 'resource_exhausted', 'too_many_requests']);

/** A reply may say with status 200, or in the middle of a stream, that it failed: that is what the call came to. */
function verdict(
  end: EndNote,
  reply: ReplyFacts | null,
): { outcome: Outcome; error_type: string; error_message: string } {
  const own = { outcome: end.row.outcome, error_type: end.row.error_type, error_message: end.row.error_message };
  if (reply?.error == null) return own;
  const error = { error_type: reply.error.type ?? '', error_message: reply.error.message ?? '' };
  if (own.outcome !== 'ok') return own.error_type === '' ? { ...own, ...error } : own;
  const limited = rateLimitTypes.has(error.error_type.toLowerCase());
  return { outcome: limited ? 'rate_limited' : 'provider_error', ...error };
}

function errorOf(attempt: NotedAttempt): Pick<AttemptRow, 'outcome' | 'error_type' | 'error_message'> {
  return { outcome: attempt.outcome, error_type: attempt.error_type, error_message: attempt.error_message };
}

/** Whether the provider may have done billed work: it answered with success, or it had the request and fell silent. */
function mayHaveBeenBilled(attempt: NotedAttempt): boolean {
  if (attempt.connect_ms === null) return false;
  return attempt.status === null || attempt.status < 400;
}

function isStream(read: ReadCall | null): boolean {
  const type = read?.head?.headers.find(
    (_, index, all) => index % 2 === 1 && /^content-type$/i.test(all[index - 1] ?? ''),
  );
  return type !== undefined && /event-stream|x-ndjson/i.test(type);
}

function costColumns(cost: Price | null): Partial<Omit<Price, 'price_id'>> {
  if (cost === null) return {};
  const { price_id: _, ...columns } = cost;
  return columns;
}

function headerMap(raw: readonly string[]): Record<string, string> {
  const map = new Map<string, string>();
  for (let index = 0; index + 1 < raw.length; index += 2) {
    const name = (raw[index] as string).toLowerCase();
    const value = raw[index + 1] as string;
    const before = map.get(name);
    map.set(name, before === undefined ? value : `${before}, ${value}`);
  }
  return Object.fromEntries(map);
}
