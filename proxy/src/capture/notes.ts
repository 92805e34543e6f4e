/**
 * What is written down of a call as it goes: the same JSON is a mark on disk (by which a call survives `kill -9`) and a
 * frame to the recorder. Fields carry the names of the table columns; times are microseconds since 1970. `write-notes.ts` makes
 * the text, `read-notes.ts` reads it.
 */
import type { AttemptRow, RequestRow } from '@weir/schema/records';
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
