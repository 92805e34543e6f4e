/**
 * Notes as text. Put together by hand, without what is empty: most columns of most calls are, and an object of fifty members
 * for each note took longer to make and to write than the rest of a call's recording on this thread (docs/performance.md).
 */
import type { Outcome } from '@weir/schema/records';
import type { Attempt, Call } from '../call.ts';
import type { Reservation } from '../limits/ledger.ts';
import { microsText, msText } from './time-text.ts';
import { Memo } from '../memo.ts';

/** @param configHash of the settings in force. @returns JSON of a StartNote. */
export function startText(call: Call, configHash: string): string {
  const { instructions: said, provider, routing, reservation } = call;
  const first = call.attempts[0];
  const row =
    `"request_id":"${call.id}","started_at":${microsText(call.startedAt)}` +
    `,"provider":"${provider.name}","operation":"${call.operation}"` +
    common('method', call.method) +
    common('path', call.path) +
    member('query', maskQuery(call.query, provider.credentialQuery)) +
    common('host', first?.host ?? '') +
    common('request_model', call.requestModel) +
    common('project', call.project) +
    common('key_id', call.keyId) +
    member('client_request_id', said.clientRequestId) +
    member('user_id', said.user) +
    member('session_id', said.sessionId) +
    member('session_name', said.sessionName) +
    member('session_path', said.sessionPath) +
    members('properties', said.properties) +
    member('prompt', said.prompt) +
    member('prompt_version', said.promptVersion) +
    (said.clientRetry === 0 ? '' : `,"client_retry":${said.clientRetry}`) +
    member('trace_id', said.traceId) +
    member('parent_span_id', said.parentSpanId) +
    common('config_hash', configHash) +
    (routing === null ? '' : routedText(routing.row));
  return (
    `{"row":{${row}}` +
    (first === undefined ? '' : `,"attempt":${noteOfAttempt(call, first, call.started)}`) +
    (said.keepBodies ? ',"keep":true' : '') +
    list('redact', said.redact) +
    list('warnings', said.warnings) +
    (reservation === null ? '' : `,"limited":${reservationText(reservation)}`) +
    member('model', said.pricedAs) +
    '}'
  );
}

function reservationText({ taken, tokens, nanos, shares }: Reservation): string {
  const text = taken.length === 0 ? '[]' : JSON.stringify(taken);
  return `{"taken":${text},"tokens":${tokens},"nanos":${nanos}${number('shares', shares ?? null)}}`;
}

/** @param at the moment of the note, on the monotonic clock. @returns JSON of an AttemptNote. */
export function attemptText(call: Call, attempt: Attempt, at: number): string {
  return `{"request_id":"${call.id}","attempt":${noteOfAttempt(call, attempt, at)}}`;
}

/** @returns JSON of a HeadNote. */
export function headText(call: Call, attempt: Attempt, status: number, headers: readonly string[]): string {
  const { provider, path, operation } = attempt;
  const own = provider === call.provider.name && path === call.path;
  const asked = own ? '' : member('provider', provider) + member('path', path) + member('operation', operation);
  return `{"status":${status},"headers":${JSON.stringify(headers)}${asked}}`;
}

/**
 * The end of a call, as it stands at `at`. `upstream_ms` is the wall time with an attempt open, `wait_ms` the deliberate
 * waiting in between, `overhead_ms` the remainder: the three add up to `duration_ms`. @returns JSON of an EndNote.
 */
export function endText(call: Call, outcome: Outcome, error: { type: string; message: string }, at: number): string {
  const duration = Math.round((at - call.started) * 1000);
  let upstream = 0;
  for (const { startedAt, endedAt } of call.attempts) upstream += Math.round(((endedAt ?? at) - startedAt) * 1000);
  upstream = Math.min(upstream, duration);
  const wait = Math.min(Math.round(call.waitMs * 1000), duration - upstream);
  const row =
    `"outcome":"${outcome}"` +
    number('status', call.status) +
    member('error_type', error.type) +
    member('error_message', error.message) +
    `,"duration_ms":${msText(duration)},"overhead_ms":${msText(duration - upstream - wait)}` +
    (wait === 0 ? '' : `,"wait_ms":${msText(wait)}`) +
    `,"upstream_ms":${msText(upstream)}` +
    (call.attempts.length === 0 ? '' : `,"client_stall_ms":${msText(micros(call.stallMs))}`) +
    `,"request_bytes":${call.requestBytes},"response_bytes":${call.responseBytes}` +
    list('warnings', call.warnings);
  const attempts = call.attempts.map((attempt) => noteOfAttempt(call, attempt, at)).join(',');
  return (
    `{"request_id":"${call.id}","row":{${row}},"attempts":[${attempts}]` + number('answered', call.answeredBy) + '}'
  );
}

/** What a reader takes for itself is left out. @param at an attempt that is still open has lasted until then. @returns JSON of a NotedAttempt. */
function noteOfAttempt(call: Call, attempt: Attempt, at: number): string {
  const startedAt = call.startedAt + micros(attempt.startedAt - call.started);
  const duration = micros(Math.max(0, (attempt.endedAt ?? at) - attempt.startedAt));
  return (
    `{"attempt_index":${attempt.index},"started_at":${microsText(startedAt)},"provider":"${attempt.provider}"` +
    common('host', attempt.host) +
    common('model', attempt.model) +
    (attempt.reason === 'first' ? '' : `,"reason":"${attempt.reason}"`) +
    member('trigger', attempt.trigger) +
    (attempt.waitMs === 0 ? '' : `,"wait_ms":${msText(micros(attempt.waitMs))}`) +
    number('status', attempt.status) +
    (attempt.outcome === null ? '' : `,"outcome":"${attempt.outcome}"`) +
    member('error_type', attempt.errorType) +
    member('error_message', attempt.errorMessage) +
    (attempt.connectMs === null ? '' : `,"connect_ms":${msText(micros(attempt.connectMs))}`) +
    (attempt.headersMs === null ? '' : `,"headers_ms":${msText(micros(attempt.headersMs))}`) +
    `,"duration_ms":${msText(duration)}` +
    `,"response_bytes":${attempt.responseBytes}}`
  );
}

function routedText(row: Readonly<Record<string, string>>): string {
  let text = '';
  for (const name in row) text += member(name, row[name] ?? '');
  return text;
}

/** A member with its comma before it; nothing where it is empty. */
function member(name: string, value: string): string {
  return value === '' ? '' : `,"${name}":${JSON.stringify(value)}`;
}

const texts = new Memo<string>(1_024, 256);

/** The same, of what is the same for many calls: its text is made once. */
function common(name: string, value: string): string {
  if (value === '') return '';
  let text = texts.get(value);
  if (text === undefined) texts.set(value, (text = JSON.stringify(value)));
  return `,"${name}":${text}`;
}

function number(name: string, value: number | null): string {
  return value === null ? '' : `,"${name}":${value}`;
}

function list(name: string, values: readonly string[]): string {
  return values.length === 0 ? '' : `,"${name}":${JSON.stringify(values)}`;
}

function members(name: string, values: Readonly<Record<string, string>>): string {
  for (const _ in values) return `,"${name}":${JSON.stringify(values)}`;
  return '';
}

function micros(ms: number): number {
  return Math.round(ms * 1000);
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
