/** Notes as they are read: what was left out because it is empty is there again. Their shape needs no proof: the text is our own. */
import type { EndedRequest, EndNote, AttemptNote, NotedAttempt, StartedRequest, StartNote } from './notes.ts';

/** As far as it was written. */
type Sparse<T> = Partial<{ [K in keyof T]: T[K] }>;

/** Throws on text that is no JSON, as the others do. Every column is named: see `record/rows.ts`. */
export function readStart(text: string): StartNote {
  const note = JSON.parse(text) as Omit<StartNote, 'row' | 'attempt' | 'keep' | 'redact'> & {
    row: Sparse<StartedRequest> & Pick<StartedRequest, 'request_id' | 'started_at' | 'provider' | 'operation'>;
    attempt?: Sparse<NotedAttempt> | null;
    keep?: boolean;
    redact?: string[];
  };
  const { row } = note;
  const start: StartNote = {
    row: {
      request_id: row.request_id,
      started_at: row.started_at,
      client_request_id: row.client_request_id ?? '',
      project: row.project ?? '',
      key_id: row.key_id ?? '',
      provider: row.provider,
      operation: row.operation,
      method: row.method ?? '',
      path: row.path ?? '',
      query: row.query ?? '',
      host: row.host ?? '',
      request_model: row.request_model ?? '',
      user_id: row.user_id ?? '',
      session_id: row.session_id ?? '',
      session_name: row.session_name ?? '',
      session_path: row.session_path ?? '',
      properties: row.properties ?? {},
      prompt: row.prompt ?? '',
      prompt_version: row.prompt_version ?? '',
      client_retry: row.client_retry ?? 0,
      trace_id: row.trace_id ?? '',
      parent_span_id: row.parent_span_id ?? '',
      config_hash: row.config_hash ?? '',
      route: row.route ?? '',
      route_version: row.route_version ?? '',
      split: row.split ?? '',
      split_version: row.split_version ?? '',
      variant: row.variant ?? '',
      split_unit: row.split_unit ?? '',
    },
    attempt: note.attempt == null ? null : wholeAttempt(note.attempt),
    keep: note.keep ?? false,
    redact: note.redact ?? [],
  };
  if (note.warnings !== undefined) start.warnings = note.warnings;
  if (note.limited !== undefined) start.limited = note.limited;
  if (note.model !== undefined) start.model = note.model;
  return start;
}

export function readAttempt(text: string): AttemptNote {
  const { request_id, attempt } = JSON.parse(text) as { request_id: string; attempt: Sparse<NotedAttempt> };
  return { request_id, attempt: wholeAttempt(attempt) };
}

export function readEnd(text: string): EndNote {
  const note = JSON.parse(text) as Omit<EndNote, 'row' | 'attempts'> & {
    row: Sparse<EndedRequest> & Pick<EndedRequest, 'outcome'>;
    attempts: Sparse<NotedAttempt>[];
  };
  const { row } = note;
  const attempts = note.attempts.map(wholeAttempt);
  const end: EndNote = {
    request_id: note.request_id,
    row: {
      status: row.status ?? null,
      outcome: row.outcome,
      error_type: row.error_type ?? '',
      error_message: row.error_message ?? '',
      duration_ms: row.duration_ms ?? 0,
      overhead_ms: row.overhead_ms ?? 0,
      wait_ms: row.wait_ms ?? 0,
      upstream_ms: row.upstream_ms ?? 0,
      client_stall_ms: row.client_stall_ms ?? null,
      attempts: attempts.length,
      request_bytes: row.request_bytes ?? 0,
      response_bytes: row.response_bytes ?? 0,
      warnings: row.warnings ?? [],
    },
    attempts,
  };
  if (note.answered !== undefined) end.answered = note.answered;
  return end;
}

function wholeAttempt(from: Sparse<NotedAttempt>): NotedAttempt {
  const attempt: NotedAttempt = {
    attempt_index: from.attempt_index ?? 0,
    started_at: from.started_at ?? 0,
    provider: from.provider ?? '',
    host: from.host ?? '',
    reason: from.reason ?? 'first',
    trigger: from.trigger ?? '',
    wait_ms: from.wait_ms ?? 0,
    status: from.status ?? null,
    outcome: from.outcome ?? 'interrupted',
    error_type: from.error_type ?? '',
    error_message: from.error_message ?? '',
    connect_ms: from.connect_ms ?? null,
    headers_ms: from.headers_ms ?? null,
    duration_ms: from.duration_ms ?? 0,
    response_bytes: from.response_bytes ?? 0,
  };
  if (from.model !== undefined) attempt.model = from.model;
  return attempt;
}
