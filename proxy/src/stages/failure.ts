/** What went wrong with an attempt, in the words that policies use. */
import type { FallbackCondition } from '@weir/schema/settings/route';
import type { Operation } from '../providers/provider.ts';
import type { Leg } from '../routing/legs.ts';
import { triggerOf } from '../upstream/trigger.ts';

export interface Failure {
  /** As rows have it: `429`, `timeout:headers`, `network:ECONNRESET`, `stream:overloaded_error`. */
  trigger: string;
  /** The status that it is, or stands for; null for a clock or a connection. */
  status: number | null;
  kind: 'status' | 'timeout' | 'network';
  /** How long the provider asks to be left alone, ms; null where it does not say. */
  retryAfterMs: number | null;
  /** Bytes of the request may have reached the provider. */
  sent: boolean;
  /** The question is too long for the model. */
  overflow: boolean;
  /** A key that Weir holds was refused: no fault of the caller's. */
  credentials: boolean;
}

/** What is done about it. */
export interface Next {
  leg: Leg;
  reason: 'retry' | 'fallback';
  /** Deliberate waiting before it, ms. */
  waitMs: number;
}

/** A stage of the pipeline. @param leg that failed. @returns null where the stage leaves it at that. */
export type Decide = (failure: Failure, leg: Leg) => Next | null;

export function failureOfStatus(
  status: number,
  headers: { header: (name: string) => string | undefined; at: number; held: boolean },
): Failure {
  return {
    trigger: String(status),
    status,
    kind: 'status',
    retryAfterMs: readRetryAfter(headers.header, headers.at),
    sent: true,
    overflow: false,
    credentials: headers.held && (status === 401 || status === 403),
  };
}

/** @param connected a connection was there: bytes may have been sent. */
export function failureOfError(error: unknown, connected: boolean): Failure {
  const { outcome, trigger } = triggerOf(error);
  return {
    trigger,
    status: null,
    kind: outcome === 'timeout' ? 'timeout' : 'network',
    retryAfterMs: null,
    sent: connected,
    overflow: false,
    credentials: false,
  };
}

/** Error types by which providers say inside a reply of status 200 that they refuse for now. */
const limitedTypes = /^(rate_limit_error|rate_limit_exceeded|resource_exhausted|too_many_requests|429)$/i;
/** And that the call is wrong: another attempt would fail too. */
const callersTypes = /invalid|not_found|permission|authentication|unsupported|^4(?!29)\d\d$/i;

/** An error that came inside a reply of status 200. @returns null where the call itself is wrong. */
export function failureInside(type: string): Failure | null {
  if (callersTypes.test(type)) return null;
  const status = limitedTypes.test(type) ? 429 : 500;
  const trigger = `stream:${type === '' ? 'error' : type.slice(0, 64)}`;
  return { trigger, status, kind: 'status', retryAfterMs: null, sent: true, overflow: false, credentials: false };
}

/** Whether a failure is among the conditions of a policy. */
export function isAmong(failure: Failure, conditions: readonly FallbackCondition[]): boolean {
  return conditions.some((one) => meets(failure, one));
}

function meets({ status, kind, overflow, credentials }: Failure, one: FallbackCondition): boolean {
  if (one === 'context-overflow') return overflow;
  // Asked before anything is sent.
  if (one === 'limit') return false;
  if (one === 'server-error') return credentials || (status !== null && status >= 500);
  return typeof one === 'number' ? status === one : kind === one;
}

/** Operations that change nothing at the provider: to send one again does no harm. */
const harmless: ReadonlySet<Operation> = new Set<Operation>([
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
  'token_count',
  'model_list',
]);

/** Whether a call may be sent again after this (CONTRACT.md §4, `Weir-Retry`). */
export function mayRepeat({ kind, sent }: Failure, call: { method: string; operation: Operation }): boolean {
  if (kind === 'status' || !sent) return true;
  return call.method === 'GET' || call.method === 'HEAD' || harmless.has(call.operation);
}

/**
 * `retry-after-ms` (OpenAI's), or `Retry-After` in seconds or as a date (RFC 9110 §10.2.3).
 * @param at ms since 1970. @returns ms from then; null where neither can be read.
 */
export function readRetryAfter(header: (name: string) => string | undefined, at: number): number | null {
  const exact = header('retry-after-ms')?.trim();
  if (exact !== undefined && /^\d+(\.\d+)?$/.test(exact)) return Number(exact);
  const text = header('retry-after')?.trim();
  if (text === undefined) return null;
  if (/^\d+(\.\d+)?$/.test(text)) return Number(text) * 1000;
  const date = Date.parse(text);
  return Number.isNaN(date) ? null : Math.max(0, date - at);
}
