/** What was noted and read of a call → its rows. Pure. */
import { timeText, type AttemptRow, type BodyRow, type Outcome, type RequestRow } from '@weir/schema/records';
import type { EndNote, NotedAttempt, StartNote } from '../capture/notes.ts';
import type { ReplyFacts, Units, Usage } from '../providers/provider.ts';
import type { Utf8Text } from '../json/utf8-text.ts';
import { nanosOf, usdText } from '../prices/decimal.ts';
import { TOKEN_OPERATIONS, type Price } from '../prices/price.ts';
import { findHeader, type ReadCall } from './reading.ts';
import { redact } from './redact.ts';

export type UsageSource = RequestRow['usage_source'];

/** Usage and cost of the attempt that answered. */
export interface Measured {
  usage: Usage | null;
  units: Units;
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

/**
 * The row of `requests`. `read` is null for a call whose reply was lost in a crash. Every column is named: put together by
 * spreading, an object of so many properties becomes a dictionary in V8, and takes thirty times as long to make and to write.
 */
export function requestRow(start: StartNote, end: EndNote, read: ReadCall | null, measured: Measured): RequestRow {
  const from = start.row;
  const to = end.row;
  const reply = read?.reply ?? null;
  const { outcome, error_type, error_message } = verdict(to, reply);
  const { cost } = measured;
  const usage = measured.usage ?? noUsage;
  const held = heldOf(start, end, measured);
  const last = answeringAttempt(end);
  const provider = last?.provider ?? from.provider;
  const asked = start.model ?? read?.request.model ?? from.request_model;
  const counted = countedAs(end.attempts[0], read?.request.model ?? from.request_model);
  const others = end.attempts.filter((attempt) => attempt !== last);
  const unknownOthers = others.some(mayHaveBeenBilled);
  return {
    request_id: from.request_id,
    started_at: timeText(from.started_at),
    client_request_id: from.client_request_id,
    project: from.project,
    key_id: from.key_id,
    provider,
    operation: from.operation,
    method: from.method,
    path: from.path,
    query: from.query,
    host: last?.host ?? from.host,
    request_model: asked,
    response_model: reply?.model ?? '',
    streamed: (read?.request.streamed ?? false) || isStream(read),
    status: to.status,
    outcome,
    error_type,
    error_message,
    duration_ms: to.duration_ms,
    ttft_ms: read?.ttftMs ?? null,
    overhead_ms: to.overhead_ms,
    wait_ms: to.wait_ms,
    upstream_ms: to.upstream_ms,
    client_stall_ms: to.client_stall_ms,
    input_tokens: usage.input_tokens,
    output_tokens: usage.output_tokens,
    cache_read_tokens: usage.cache_read_tokens,
    cache_write_tokens: usage.cache_write_tokens,
    cache_write_1h_tokens: usage.cache_write_1h_tokens,
    reasoning_tokens: usage.reasoning_tokens,
    input_audio_tokens: usage.input_audio_tokens,
    output_audio_tokens: usage.output_audio_tokens,
    input_image_tokens: usage.input_image_tokens,
    units: { ...measured.units },
    usage_source: measured.source,
    cost_usd: cost?.cost_usd ?? null,
    input_cost_usd: cost?.input_cost_usd ?? null,
    output_cost_usd: cost?.output_cost_usd ?? null,
    cache_read_cost_usd: cost?.cache_read_cost_usd ?? null,
    cache_write_cost_usd: cost?.cache_write_cost_usd ?? null,
    other_cost_usd: cost?.other_cost_usd ?? null,
    retry_cost_usd: cost === null || unknownOthers ? null : '0',
    list_cost_usd: cost?.list_cost_usd ?? null,
    limit_tokens: held.tokens === null ? null : Math.min(held.tokens, 4_294_967_295),
    limit_usd: held.nanos === null ? null : usdText(BigInt(Math.min(Math.round(held.nanos), 1e18 - 1e9))),
    limit_provider: counted.provider === provider ? '' : counted.provider,
    limit_model: counted.model === asked ? '' : counted.model,
    saved_usd: null,
    price_id: cost?.price_id ?? '',
    service_tier: reply?.serviceTier ?? read?.request.serviceTier ?? '',
    finish_reasons: reply?.finishReasons ?? [],
    tool_calls: Math.min(65_535, reply?.toolCalls ?? 0),
    user_id: from.user_id || (read?.request.user ?? ''),
    session_id: from.session_id,
    session_name: from.session_name,
    session_path: from.session_path,
    properties: from.properties,
    prompt: from.prompt,
    prompt_version: from.prompt_version,
    route: from.route ?? '',
    route_version: from.route_version ?? '',
    split: from.split ?? '',
    split_version: from.split_version ?? '',
    variant: from.variant ?? '',
    split_unit: from.split_unit ?? '',
    experiment_id: '',
    run_id: '',
    attempts: Math.min(255, to.attempts),
    cache: '',
    client_retry: from.client_retry,
    trace_id: from.trace_id,
    span_id: '',
    parent_span_id: from.parent_span_id,
    request_hash: read?.request.hash ?? '0',
    config_hash: from.config_hash,
    request_bytes: to.request_bytes,
    response_bytes: to.status === null ? null : to.response_bytes,
    warnings: [
      ...new Set([
        ...(start.warnings ?? []),
        ...to.warnings,
        ...(read?.warnings ?? []),
        ...(reply?.warnings ?? []),
        ...(unknownOthers ? ['unknown_attempt_cost'] : []),
      ]),
    ],
  };
}

/** By what limits counted a call: who was asked first, for which model. @param asked by the body or the path. */
function countedAs(first: NotedAttempt | undefined, asked: string): { provider: string; model: string } {
  return { provider: first?.provider ?? '', model: first?.model ?? asked };
}

const byTokens: ReadonlySet<string> = new Set(TOKEN_OPERATIONS);

/**
 * What limits count for usage that is not known: what the call had taken for it. Null where it is known, or there was none.
 */
export function heldOf(
  { limited, row }: StartNote,
  end: EndNote,
  { usage, cost }: Measured,
): { tokens: number | null; nanos: number | null } {
  // As nearly always.
  if (end.attempts.length === 1 && usage !== null && cost !== null) return { tokens: null, nanos: null };
  const last = answeringAttempt(end);
  // How far a call had come that was in flight when Weir died, nobody knows.
  const billed = end.attempts.filter((one) => end.row.outcome === 'interrupted' || mayHaveBeenBilled(one));
  if (limited === undefined || last === undefined || billed.length === 0) return { tokens: null, nanos: null };
  const asked = billed.includes(last);
  const others = billed.length - (asked ? 1 : 0);
  // Pictures and speech are whole without any token.
  const whole = end.row.outcome === 'ok' && !byTokens.has(row.operation);
  const shares = limited.shares ?? 1;
  /** What is known of the answer, and what was taken for everything else. */
  const sum = (known: number | null, taken: number): number | null => {
    const unknown = others + (asked && known === null ? 1 : 0);
    return unknown === 0 ? null : Math.min(taken, (known ?? 0) + Math.ceil((taken * unknown) / shares));
  };
  const tokens = usage === null ? (whole ? 0 : null) : (usage.input_tokens ?? 0) + (usage.output_tokens ?? 0);
  return {
    tokens: sum(tokens, limited.tokens),
    nanos: sum(cost === null ? null : Number(nanosOf(cost.cost_usd)), limited.nanos),
  };
}

/** The attempt whose answer the client got, or that was the last to fail. */
export function answeringAttempt({ attempts, answered }: EndNote): NotedAttempt | undefined {
  return attempts[answered ?? attempts.length - 1];
}

/** One row of `attempts` for each call to a provider. */
export function attemptRows(start: StartNote, end: EndNote, read: ReadCall | null, measured: Measured): AttemptRow[] {
  const last = answeringAttempt(end);
  return end.attempts.map((attempt): AttemptRow => {
    const answered = attempt === last;
    const reply = answered ? (read?.reply ?? null) : null;
    const { outcome, error_type, error_message } = answered ? verdict(attempt, reply) : attempt;
    const cost = answered ? measured.cost : null;
    const usage = answered ? (measured.usage ?? noUsage) : noUsage;
    return {
      request_id: start.row.request_id,
      attempt_index: attempt.attempt_index,
      started_at: timeText(attempt.started_at),
      project: start.row.project,
      provider: attempt.provider,
      model: reply?.model ?? attempt.model ?? read?.request.model ?? start.row.request_model,
      host: attempt.host,
      status: attempt.status,
      outcome,
      error_type,
      error_message,
      reason: attempt.reason,
      trigger: attempt.trigger,
      variant: start.row.variant ?? '',
      wait_ms: attempt.wait_ms,
      connect_ms: attempt.connect_ms,
      headers_ms: attempt.headers_ms,
      duration_ms: attempt.duration_ms,
      response_bytes: attempt.response_bytes,
      input_tokens: usage.input_tokens,
      output_tokens: usage.output_tokens,
      cache_read_tokens: usage.cache_read_tokens,
      cache_write_tokens: usage.cache_write_tokens,
      cache_write_1h_tokens: usage.cache_write_1h_tokens,
      reasoning_tokens: usage.reasoning_tokens,
      input_audio_tokens: usage.input_audio_tokens,
      output_audio_tokens: usage.output_audio_tokens,
      input_image_tokens: usage.input_image_tokens,
      price_id: cost?.price_id ?? '',
      cost_usd: cost?.cost_usd ?? null,
      warnings: mayHaveBeenBilled(attempt) && cost === null ? ['unknown_attempt_cost'] : [],
    };
  });
}

/** A row of `bodies`, as the spool takes it. */
type SpooledBody = Omit<BodyRow, 'request' | 'response' | 'request_headers' | 'response_headers'> & {
  request: string | Utf8Text;
  response: string | Utf8Text;
  request_headers: ReadonlyMap<string, string>;
  response_headers: ReadonlyMap<string, string>;
};

/** The row of `bodies`; null when nothing is kept. It is valid as long as what the bodies borrowed. */
export function bodyRow(read: ReadCall): SpooledBody | null {
  const { start } = read;
  if (!start.keep) return null;
  const text = (body: ReadCall['requestBody']): string | Utf8Text => {
    const kept = body?.text() ?? '';
    return start.redact.length === 0 ? kept : redact(kept.toString(), start.redact);
  };
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

interface Verdict {
  outcome: Outcome;
  error_type: string;
  error_message: string;
}

/** A reply may say with status 200, or in the middle of a stream, that it failed: that is what the call came to. */
function verdict(own: Verdict, reply: ReplyFacts | null): Verdict {
  if (reply?.error == null) return own;
  const { outcome } = own;
  const error_type = reply.error.type ?? '';
  const error_message = reply.error.message ?? '';
  if (outcome !== 'ok') return own.error_type === '' ? { outcome, error_type, error_message } : own;
  const limited = rateLimitTypes.has(error_type.toLowerCase());
  return { outcome: limited ? 'rate_limited' : 'provider_error', error_type, error_message };
}

/** Whether the provider may have done billed work: it answered with success, or it had the request and fell silent. */
function mayHaveBeenBilled(attempt: NotedAttempt): boolean {
  if (attempt.connect_ms === null) return false;
  return attempt.status === null || attempt.status < 400;
}

function isStream(read: ReadCall | null): boolean {
  const type = findHeader(read?.head?.headers ?? [], 'content-type');
  return /event-?stream|ndjson|jsonl|stream\+json/i.test(type);
}

function headerMap(raw: readonly string[]): Map<string, string> {
  const map = new Map<string, string>();
  for (let index = 0; index + 1 < raw.length; index += 2) {
    const name = (raw[index] as string).toLowerCase();
    const value = raw[index + 1] as string;
    const before = map.get(name);
    map.set(name, before === undefined ? value : `${before}, ${value}`);
  }
  return map;
}
