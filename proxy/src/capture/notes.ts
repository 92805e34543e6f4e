/**
 * What is written down of a call as it goes: the same JSON is a mark on disk (by which a call survives `kill -9`) and a
 * frame to the recorder. Fields carry the names of the table columns; times are microseconds since 1970.
 */
import type { AttemptRow, Outcome, RequestRow } from '@weir/schema/records';
import type { Attempt, Call } from '../call.ts';
import type { Reservation } from '../limits/ledger.ts';
import type { Operation } from '../providers/provider.ts';

/** Columns of `requests` that are known when a call begins. */
export type StartedRequest = Pick<
  RequestRow,
  | 'request_id'
  | 'client_request_id'
  | 'project'
  | 'key_id'
  | 'provider'
  | 'operation'
  | 'method'
  | 'path'
  | 'query'
  | 'host'
  | 'request_model'
  | 'user_id'
  | 'session_id'
  | 'session_name'
  | 'session_path'
  | 'properties'
  | 'prompt'
  | 'prompt_version'
  | 'client_retry'
  | 'trace_id'
  | 'parent_span_id'
  | 'config_hash'
> & { started_at: number } & Partial<RoutedColumns>;

/** Columns that a call has which a route or a split was for. */
export type RoutedColumns = Pick<
  RequestRow,
  'route' | 'route_version' | 'split' | 'split_version' | 'variant' | 'split_unit'
>;

/** Columns of `requests` that are known when it ends. */
export type EndedRequest = Pick<
  RequestRow,
  | 'status'
  | 'outcome'
  | 'error_type'
  | 'error_message'
  | 'duration_ms'
  | 'overhead_ms'
  | 'wait_ms'
  | 'upstream_ms'
  | 'client_stall_ms'
  | 'attempts'
  | 'request_bytes'
  | 'response_bytes'
  | 'warnings'
>;

export type NotedAttempt = Pick<
  AttemptRow,
  | 'attempt_index'
  | 'provider'
  | 'host'
  | 'reason'
  | 'trigger'
  | 'wait_ms'
  | 'status'
  | 'outcome'
  | 'error_type'
  | 'error_message'
  | 'connect_ms'
  | 'headers_ms'
  | 'duration_ms'
  | 'response_bytes'
> & {
  started_at: number;
  /** The target's. Left out where the call's own stayed. */
  model?: string;
};

export interface StartNote {
  row: StartedRequest;
  attempt: NotedAttempt | null;
  /** Whether bodies are kept, and what is blacked out in them. */
  keep: boolean;
  redact: readonly string[];
  /** What was odd about the request's head: for all its rows. Left out where there is nothing, as in earlier versions. */
  warnings?: readonly string[];
  /** What it has taken of limits. Left out where it has taken nothing. */
  limited?: Reservation;
  /** The model as the caller knows it, whatever its body says. Left out where it says nothing. */
  model?: string;
}
export interface AttemptNote {
  request_id: string;
  attempt: NotedAttempt;
}
export interface HeadNote {
  status: number;
  /** Raw names and values, secrets removed. */
  headers: string[];
  /** Who answered, and the path that was asked there. Left out where the call's own path says it. */
  provider?: string;
  path?: string;
  operation?: Operation;
}
export interface EndNote {
  request_id: string;
  row: EndedRequest;
  attempts: NotedAttempt[];
  /** Index of the attempt whose answer the client got. Left out where that is the last. */
  answered?: number;
}

/** What a mark on disk is: its first character. */
export const markKinds = { start: 'S', attempt: 'A', end: 'E' } as const;

export function startNote(call: Call, configHash: string): StartNote {
  const { instructions } = call;
  const first = call.attempts[0];
  return {
    row: {
      request_id: call.id,
      started_at: call.startedAt,
      client_request_id: instructions.clientRequestId,
      project: call.project,
      key_id: call.keyId,
      provider: call.provider.name,
      operation: call.operation,
      method: call.method,
      path: call.path,
      query: maskQuery(call.query, call.provider.credentialQuery),
      host: first?.host ?? '',
      request_model: call.requestModel,
      user_id: instructions.user,
      session_id: instructions.sessionId,
      session_name: instructions.sessionName,
      session_path: instructions.sessionPath,
      properties: instructions.properties,
      prompt: instructions.prompt,
      prompt_version: instructions.promptVersion,
      client_retry: instructions.clientRetry,
      trace_id: instructions.traceId,
      parent_span_id: instructions.parentSpanId,
      config_hash: configHash,
      ...call.routing?.row,
    },
    attempt: first === undefined ? null : noteAttempt(call, first, call.started),
    keep: instructions.keepBodies,
    redact: instructions.redact,
    ...(instructions.warnings.length === 0 ? {} : { warnings: instructions.warnings }),
    ...(call.reservation === null ? {} : { limited: call.reservation }),
    ...(instructions.pricedAs === '' ? {} : { model: instructions.pricedAs }),
  };
}

/** The head of an answer. */
export function headNote(call: Call, attempt: Attempt, status: number, headers: string[]): HeadNote {
  const { provider, path, operation } = attempt;
  if (provider === call.provider.name && path === call.path) return { status, headers };
  return { status, headers, provider, path, operation };
}

/** @param at the moment of the note, on the monotonic clock: an attempt that is still open has lasted until then. */
export function noteAttempt(call: Call, attempt: Attempt, at: number): NotedAttempt {
  return {
    attempt_index: attempt.index,
    started_at: call.startedAt + Math.round((attempt.startedAt - call.started) * 1000),
    provider: attempt.provider,
    host: attempt.host,
    ...(attempt.model === '' ? {} : { model: attempt.model }),
    reason: attempt.reason,
    trigger: attempt.trigger,
    wait_ms: round(attempt.waitMs),
    status: attempt.status,
    outcome: attempt.outcome ?? 'interrupted',
    error_type: attempt.errorType,
    error_message: attempt.errorMessage,
    connect_ms: attempt.connectMs === null ? null : round(attempt.connectMs),
    headers_ms: attempt.headersMs === null ? null : round(attempt.headersMs),
    duration_ms: round(Math.max(0, (attempt.endedAt ?? at) - attempt.startedAt)),
    response_bytes: attempt.responseBytes,
  };
}

/**
 * The end of a call, as it stands at `at`. `upstream_ms` is the wall time with an attempt open, `wait_ms` the deliberate
 * waiting in between, `overhead_ms` the remainder: the three add up to `duration_ms`.
 */
export function endNote(call: Call, outcome: Outcome, error: { type: string; message: string }, at: number): EndNote {
  const duration = Math.round((at - call.started) * 1000);
  let upstream = 0;
  for (const { startedAt, endedAt } of call.attempts) upstream += Math.round(((endedAt ?? at) - startedAt) * 1000);
  upstream = Math.min(upstream, duration);
  const wait = Math.min(Math.round(call.waitMs * 1000), duration - upstream);
  return {
    request_id: call.id,
    row: {
      status: call.status,
      outcome,
      error_type: error.type,
      error_message: error.message,
      duration_ms: duration / 1000,
      overhead_ms: (duration - upstream - wait) / 1000,
      wait_ms: wait / 1000,
      upstream_ms: upstream / 1000,
      client_stall_ms: call.attempts.length === 0 ? null : round(call.stallMs),
      attempts: call.attempts.length,
      request_bytes: call.requestBytes,
      response_bytes: call.responseBytes,
      warnings: call.warnings,
    },
    attempts: call.attempts.map((attempt) => noteAttempt(call, attempt, at)),
    ...(call.answeredBy === null ? {} : { answered: call.answeredBy }),
  };
}

/** Milliseconds with microsecond digits. */
function round(ms: number): number {
  return Math.round(ms * 1000) / 1000;
}

const secretParameter =
  /^(key|api[-_]?key|access[-_]?token|token|sig|signature|x-amz-(signature|credential|security-token))$/i;

/** The query with the values of secret parameters replaced; its other bytes as they came. */
export function maskQuery(query: string, credentialNames: readonly string[]): string {
  if (query === '') return '';
  return query.replace(/([?&])([^=&]*)=([^&]*)/g, (whole, mark: string, name: string) => {
    const [read = ''] = new URLSearchParams(`${name}=`).keys();
    return secretParameter.test(read) || credentialNames.includes(read.toLowerCase()) ? `${mark}${name}=***` : whole;
  });
}
